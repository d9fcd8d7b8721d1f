"""How the data card words numbers, shares, quantities and times."""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

NONE: Final = "–"

_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_SPANS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number(value: float) -> str:
    """A number to read: whole ones in full with thousands separated, others to four digits."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", "−")
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if abs(value) < 1e6 else 0
    if digits > 6 or abs(value) >= 1e15:
        return f"{value:.3g}".replace("-", "−")
    return f"{value:,.{digits}f}".replace("-", "−")


def share(part: float, whole: float) -> str:
    """`part` of `whole` in percent; neither 0 nor 100 % unless it is exactly that."""
    if not whole:
        return NONE
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<\u00a00.1\u00a0%"
    if 99.9 < percent < 100:
        return ">\u00a099.9\u00a0%"
    return f"{percent:.{0 if percent in (0, 100) else 1}f}\u00a0%"


def counted(value: int, noun: str, plural: str | None = None) -> str:
    """`1 job`, `1,200 jobs`."""
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}"


def listed(words: list[str], most: int = 5) -> str:
    """`a, b and c`; `a, b and 7 more` beyond `most`."""
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else NONE


def in_human_units(value: float, unit: str | None) -> str | None:
    """A quantity in the unit that people think in, `None` where the given one is that already."""
    size = abs(value)
    if unit == "bytes" and size >= 1000:
        power = min(int(math.log10(size) / 3), len(_PREFIXES) - 1)
        return f"{value / 1000**power:.3g} {_PREFIXES[power]}B"
    if unit == "s":
        for seconds, name in _SPANS:
            if size >= seconds:
                return f"{value / seconds:.3g} {name}"
    if unit and unit.endswith("·s") and size >= 3600:
        return f"{value / 3600:,.{0 if size >= 360_000 else 1}f} {unit[:-1]}h"
    return None


def moment(microseconds: float) -> str:
    """A time in µs since 1970 as `2024-01-31 23:59:59`, UTC."""
    try:
        time = _EPOCH + timedelta(microseconds=round(microseconds))
    except OverflowError:
        return f"{number(microseconds / 1e6)} s since 1970"
    return time.strftime("%Y-%m-%d %H:%M:%S")


def day(days: int) -> str:
    """A day, counted from 1970-01-01, as `2024-01-31`."""
    return moment(86_400e6 * days)[:10]
