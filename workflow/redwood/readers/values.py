"""Text → numbers and times, with what could not be read told apart from what was not there.

All functions work on whole columns at once. What most cells look like is read the fast way; the
rest is looked at again with all the forms that a dump may have.
"""

import re
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# No machine has as many seconds, bytes or jobs; what is larger is a sentinel or damaged. Doubles
# below it tell whole numbers apart.
LARGEST: Final = 1e15
# What programs write where they have no value: nines, powers of ten, and the ends of integers and
# of floating-point numbers, of which the latter are written with few digits.
_SENTINELS = np.array(
    [
        # The one nearest to 0 on each side first.
        *(-999, 2**31 - 1, -9999, -99999, 1e20, -1e20, 1e30, -1e30, -(2**31)),
        *(2**32 - 1, 2**63, -(2**63), 2**64),
        *(float(sign * np.finfo(kind).max) for sign in (1, -1) for kind in ("float32", "float64")),
    ]
)
_FEW_DIGITS = 2e-3

_ABSENT = pa.array(["", "null", "none", "nan", "nat", "na", "n/a", "\\n", "-"])
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?$"
_EPOCH = r"^-?\d+(\.\d+)?$"
_PLAIN_TIME = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d$"
_ISO = r"^\d{4}-\d{1,2}-\d{1,2}([T ].*)?$"
_ZONED = r"^\d{4}-\d{1,2}-\d{1,2}[T ].*([Zz]|[-+]\d{2}:?\d{2})$"
_SLASHED = r"^\d{1,2}/\d{1,2}/\d{4}( .*)?$"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p")
_MONTH_FIRST = tuple(f"%m/%d/%Y{clock}" for clock in _CLOCKS)
_DAY_FIRST = tuple(f"%d/%m/%Y{clock}" for clock in _CLOCKS)
# A date with dots has the day first wherever it is in use.
_DOTTED = r"^\d{1,2}\.\d{1,2}\.\d{4}( .*)?$"
_DOTTED_FORMATS = tuple(f"%d.%m.%Y{clock}" for clock in _CLOCKS)
# 3/4/2025 is two dates; 27/1/2025 and 1/27/2025 are one each.
_AMBIGUOUS = r"^(0?[1-9]|1[0-2])/(0?[1-9]|1[0-2])/"
_SURELY_MONTH_FIRST = r"^\d{1,2}/(1[3-9]|[23]\d)/"
# As Oracle writes it if nobody tells it how: 27-JAN-25, 27-JAN-25 02.51.00.000000 AM
_ORACLE = r"^\d{1,2}-[A-Za-z]{3}-(\d{2}|\d{4})( .*)?$"
_ORACLE_FORMATS = (
    *("%d-%b-%y", "%d-%b-%y %I.%M.%S.%f %p", "%d-%b-%y %I.%M.%S %p", "%d-%b-%y %H:%M:%S"),
    *("%d-%b-%Y", "%d-%b-%Y %H:%M:%S"),
)
# As Kibana exports it: Jan 27, 2025 @ 02:51:00.000
_KIBANA = r"^[A-Z][a-z]{2} \d{1,2}, \d{4} @ .*$"
_KIBANA_FORMATS = ("%b %d, %Y @ %H:%M:%S.%f", "%b %d, %Y @ %H:%M:%S")

# Beyond it an integer of 64 bits has no room for every double.
_LARGEST_WHOLE = 2.0**62

_NO_TIME = np.datetime64("NaT", "us")
# Earlier times stand for none in most logs: 1970-01-01, give or take a time zone.
FIRST_TIME: Final = np.datetime64("1971-01-01", "us")
_LAST_TIME = np.datetime64("2100-01-01", "us")
# 1e11 s is the year 5138, 1e11 ms is 1973: larger numbers are milliseconds.
_FIRST_MILLISECOND = 1e11
# The last second of a clock of 32 bits, and what databases have for never.
_LAST_SECOND = np.datetime64("2038-01-19T03:14:07", "us")
_NEVER, _NEVER_TEXT = np.datetime64("9999-12-31", "us"), "^9999-12-31"
# Seconds since 1970 that are sentinels.
_EARLY = np.array([-999, -9999, -99999]).astype("datetime64[s]").astype("datetime64[us]")

# Every letter in it has a digit before it, so that no word is shown.
_SHOWABLE = re.compile(r"(?=.{1,40}$)[-+.,:/ ]*\d[-+0-9.,:/ ]*(?:(?<=\d)[eETZ][-+0-9.,:/ ]*)*")


class Numbers(NamedTuple):
    """`numbers` float64, NaN where absent or unreadable; `unreadable` bool."""

    numbers: np.ndarray
    unreadable: np.ndarray


class Times(NamedTuple):
    """`times` datetime64[us] UTC, NaT where absent or unreadable; the others bool.

    `sentinel` are those of `unreadable` that stand for nothing; `ambiguous` may be another day, if
    not one cell (`month_first`) shows which of two numbers is the month.
    """

    times: np.ndarray
    unreadable: np.ndarray
    sentinel: np.ndarray
    ambiguous: np.ndarray
    month_first: bool


def text(cells: pa.Array) -> pa.Array:
    """The cells without surrounding blanks, null where they stand for nothing (`NULL`, ``)."""
    stripped = pc.utf8_trim_whitespace(cells)
    absent = pc.is_in(pc.utf8_lower(stripped), _ABSENT)
    return pc.if_else(absent, pa.scalar(None, pa.string()), stripped)


def is_absent(value: str) -> bool:
    """Whether a stripped text stands for nothing."""
    return value.lower() in _ABSENT_WORDS


_ABSENT_WORDS = frozenset(_ABSENT.to_pylist())


def to_numbers(cells: pa.Array) -> Numbers:
    """Read the numbers of a column, [n]. Text that is no finite number is unreadable."""
    numbers = np.full(len(cells), np.nan)
    unreadable = np.zeros(len(cells), dtype=bool)
    digits = _mask(pc.ascii_is_decimal(cells))
    numbers[digits] = _as_floats(cells.filter(pa.array(digits)))
    rest = np.flatnonzero(~digits & _mask(pc.greater(pc.binary_length(cells), 0)))
    if len(rest):
        column = text(cells.take(pa.array(rest)))
        readable = pc.match_substring_regex(column, _NUMBER)
        signless = pc.utf8_ltrim(pc.if_else(readable, column, None), characters="+")
        numbers[rest] = _as_floats(signless)
        unreadable[rest] = pc.is_valid(column).to_numpy(zero_copy_only=False)
    finite = np.isfinite(numbers)
    unreadable[digits] = True
    unreadable &= ~finite
    return Numbers(np.where(finite, numbers, np.nan), unreadable)


def are_sentinels(numbers: np.ndarray) -> np.ndarray:
    """Which numbers are written where there is no value (-999, 1e20, 2147483647, …), bool [n]."""
    found = np.zeros(len(numbers), dtype=bool)
    odd = (numbers <= _SENTINELS[0]) | (numbers >= _SENTINELS[1])
    if odd.any():
        some = numbers[odd]
        large = np.abs(some) > LARGEST
        of_few_digits = np.zeros(len(some), dtype=bool)
        near = np.abs(some[large, None] / _SENTINELS - 1) < _FEW_DIGITS
        of_few_digits[large] = near.any(axis=1)
        found[odd] = np.isin(some, _SENTINELS) | of_few_digits
    return found


def to_times(
    cells: pa.Array,
    utc_offset_hours: float = 0.0,
    *,
    day_first: bool | None = None,
    first_time: np.datetime64 = FIRST_TIME,
) -> Times:
    """Read the times of a column, [n], in any mixture of the forms that dumps have.

    `2025-01-27 02:51:00`, the same with `T`, with `Z` or an offset, `1/27/2025 2:51`,
    `27.1.2025 2:51`, `27-JAN-25 02.51.00.000000 AM`, `Jan 27, 2025 @ 02:51:00.000`, seconds or
    milliseconds since 1970. A time after 2099 is unreadable, and so is 2038-01-19 03:14:07.

    Args:
        cells: text.
        utc_offset_hours: how far the clock of times without a zone is ahead of UTC.
        day_first: whether 3/4/2025 is in April; if nobody says so it is in March, and ambiguous.
        first_time: an earlier one stands for none and is thus absent.
    """
    times = np.full(len(cells), _NO_TIME)
    absent, sentinel, ambiguous = np.zeros((3, len(cells)), dtype=bool)
    month_first = False
    offset = np.timedelta64(round(utc_offset_hours * 3.6e9), "us")
    plain = _matching(cells, _PLAIN_TIME)
    times[plain] = _read_plain(cells.filter(pa.array(plain))) - offset
    rest = np.flatnonzero(~plain)
    if len(rest):
        column = text(cells.take(pa.array(rest)))
        absent[rest] = pc.is_null(column).to_numpy(zero_copy_only=False)
        slashed = _matching(column, _SLASHED)
        times[rest] = _read_any(column, offset, slashed, _DAY_FIRST if day_first else _MONTH_FIRST)
        if day_first is None and slashed.any():
            dates = column.filter(pa.array(slashed))
            month_first = bool(_matching(dates, _SURELY_MONTH_FIRST).any())
            ambiguous[rest[slashed]] = _matching(dates, _AMBIGUOUS)
    early = times < first_time
    readable = ~early & (times < _LAST_TIME) & (times != _LAST_SECOND)
    odd = np.flatnonzero(~absent & ~readable & ~early & ~plain)
    unread = text(cells.take(pa.array(odd)))
    sentinel[odd] = are_sentinels(to_numbers(unread).numbers) | _matching(unread, _NEVER_TEXT)
    sentinel |= (times == _LAST_SECOND) | (times >= _NEVER)
    if early.any():
        sentinel[early] = np.isin(times[early], _EARLY)
    absent |= early & ~sentinel
    found, unreadable = np.where(readable, times, _NO_TIME), ~absent & ~readable
    return Times(found, unreadable, sentinel, ambiguous & readable, month_first)


def written(numbers: pa.Array) -> pa.Array:
    """Numbers as text, whole ones without a point; NaN, which is pandas' null, as null."""
    numbers = numbers.cast(pa.float64())
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), _LARGEST_WHOLE))
    known = pc.if_else(pc.is_nan(numbers), None, numbers)
    number = pc.if_else(pc.fill_null(whole, False), known, None)
    return pc.coalesce(number.cast(pa.int64()).cast(pa.string()), known.cast(pa.string()))


def _mask(array: pa.Array) -> np.ndarray:
    return pc.fill_null(array, False).to_numpy(zero_copy_only=False)


def _as_floats(column: pa.Array) -> np.ndarray:
    return pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)


def _matching(column: pa.Array, pattern: str) -> np.ndarray:
    return _mask(pc.match_substring_regex(column, pattern))


def _read_plain(column: pa.Array) -> np.ndarray:
    try:
        return pc.cast(column, pa.timestamp("us")).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # a 31st of February, somewhere
        return _read_iso(column)


def _read_any(
    column: pa.Array, offset: np.timedelta64, slashed: np.ndarray, forms: tuple[str, ...]
) -> np.ndarray:
    """Times of stripped text in any form, [n], NaT where there is none; `forms` of slashed ones."""
    times = np.full(len(column), _NO_TIME)
    zoned = _matching(column, _ZONED)
    for chosen, read, shift in (
        (_matching(column, _EPOCH), _read_epoch, np.timedelta64(0, "us")),
        (zoned, _read_iso, np.timedelta64(0, "us")),
        (_matching(column, _ISO) & ~zoned, _read_iso, offset),
        (slashed, partial(_read_formats, formats=forms), offset),
        (_matching(column, _DOTTED), partial(_read_formats, formats=_DOTTED_FORMATS), offset),
        (_matching(column, _ORACLE), partial(_read_formats, formats=_ORACLE_FORMATS), offset),
        (_matching(column, _KIBANA), partial(_read_formats, formats=_KIBANA_FORMATS), offset),
    ):
        if chosen.any():
            times[chosen] = read(column.filter(pa.array(chosen))) - shift
    return times


def _read_epoch(column: pa.Array) -> np.ndarray:
    seconds = pc.cast(column, pa.float64()).to_numpy()
    seconds = np.where(np.abs(seconds) >= _FIRST_MILLISECOND, seconds / 1000, seconds)
    return np.rint(np.clip(seconds, -1e11, 1e11) * 1e6).astype(np.int64).view("datetime64[us]")


def _read_iso(column: pa.Array) -> np.ndarray:
    times = pd.to_datetime(column.to_pandas(), format="ISO8601", errors="coerce", utc=True)
    return times.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")


def _read_formats(column: pa.Array, formats: tuple[str, ...]) -> np.ndarray:
    cells = column.to_pandas()
    times = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[ns]")
    for form in formats:
        times = times.fillna(pd.to_datetime(cells, format=form, errors="coerce"))
    return times.to_numpy(dtype="datetime64[us]")


def shown(value: str | None) -> str:
    """How a rejected cell may be shown: numbers and times as they are, other text by its length.

    Text where a number should stand may come from a neighbouring column, and so be a person's name.
    """
    if value is None or _SHOWABLE.fullmatch(value):
        return value or ""
    return f"<text of {len(value)} characters>"
