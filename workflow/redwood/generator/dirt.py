"""Dirt: what is wrong with the cells and lines of genuine dumps, at small stated rates.

No rates are published; these are chosen. Cells spoilt and lines broken are few, so that most of the
jobs asked for can be read; what every file of a format has at least once is broken lines.
"""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.generator.rows import Rows

# Shares of rows in which all times have another form than in the rest of the file.
_TIMES_OTHERWISE: Final = {"american": 0.002, "other_iso": 0.002, "s": 0.001, "ms": 0.001}
_TEXT_IN_NUMBER, _NEGATIVE_BYTES = 0.0003, 0.0002
_SPOILT_NUMBERS = ("inputfilebytes", "ninputdatafiles", "cpuconsumptiontime", "corecount")
_TEXT = "unknown"
_BROKEN_LINES = 0.00005


def some(random: np.random.Generator, number: int, share: float) -> np.ndarray:
    """Random positions, about `share` of `number`, ascending."""
    return np.flatnonzero(random.random(number) < share)


def spoil_numbers(rows: Rows, random: np.random.Generator) -> None:
    """Negative sizes, in place."""
    sizes = rows.columns["inputfilebytes"]
    wrong = random.random(len(rows)) < _NEGATIVE_BYTES
    rows.columns["inputfilebytes"] = pc.if_else(pa.array(wrong), pa.scalar(-1, sizes.type), sizes)


def spoil_cells(
    cells: dict[str, pa.StringArray],
    times: dict[str, np.ndarray],
    separator: str,
    quote: str,
    random: np.random.Generator,
) -> None:
    """Other forms of times, and text where numbers should stand, in place.

    Args:
        cells: column → what is written of it, [n].
        times: column → s since 1970, -1 for none, [n].
        separator: between date and time in the rest of the file.
        quote: what is put around text.
        random: source of randomness.
    """
    number = len(next(iter(cells.values())))
    for form, share in _TIMES_OTHERWISE.items():
        chosen = some(random, number, share)
        for name, seconds in times.items():
            there = chosen[seconds[chosen] >= 0]
            texts = [_time(value, form, separator, quote) for value in seconds[there].tolist()]
            cells[name] = _replaced(cells[name], there, texts)
    for name in _SPOILT_NUMBERS:
        chosen = some(random, number, _TEXT_IN_NUMBER / len(_SPOILT_NUMBERS))
        cells[name] = _replaced(cells[name], chosen, [f"{quote}{_TEXT}{quote}"] * len(chosen))


def _time(seconds: int, form: str, separator: str, quote: str) -> str:
    if form in ("s", "ms"):
        return str(seconds * (1000 if form == "ms" else 1))
    time = datetime.fromtimestamp(seconds, UTC)
    if form == "american":  # to the minute
        return f"{quote}{time.month}/{time.day}/{time.year} {time.hour}:{time.minute:02d}{quote}"
    other = " " if separator == "T" else "T"
    return f"{quote}{time:%Y-%m-%d}{other}{time:%H:%M:%S}{quote}"


def break_lines(lines: pa.StringArray, random: np.random.Generator, least: int) -> pa.StringArray:
    """Lines of CSV of which some have a field too few or too many; at least `least`."""
    chosen = some(random, len(lines), _BROKEN_LINES)
    if len(chosen) < least:
        chosen = np.sort(random.choice(len(lines), min(least, len(lines)), replace=False))
    broken = []
    for place in chosen.tolist():
        line = lines[place].as_py().rstrip("\n")
        broken.append(f"{line},0\n" if random.random() < 0.5 else f"{line.rpartition(',')[0]}\n")
    return _replaced(lines, chosen, broken)


def repeat_header(
    lines: pa.StringArray, header: str, random: np.random.Generator
) -> pa.StringArray:
    """The lines with the header once more after one of them."""
    place = int(random.integers(len(lines)))
    return _replaced(lines, np.array([place]), [lines[place].as_py() + header])


def truncated(lines: pa.StringArray) -> pa.StringArray:
    """The lines, the last one cut off in its middle."""
    last = lines[len(lines) - 1].as_py()
    return _replaced(lines, np.array([len(lines) - 1]), [last[: len(last) // 2]])


def _replaced(cells: pa.StringArray, places: np.ndarray, texts: list[str]) -> pa.StringArray:
    if not len(places):
        return cells
    mask = np.zeros(len(cells), dtype=bool)
    mask[places] = True
    return pc.replace_with_mask(cells, pa.array(mask), pa.array(texts, pa.string()))
