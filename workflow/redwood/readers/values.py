"""Text → numbers and times, with what could not be read told apart from what was not there.

All functions work on whole columns at once. What most cells look like is read the fast way; the
rest is looked at again with all the forms that a dump may have.
"""

import re
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# No machine has as many seconds, bytes or jobs; what is larger is a sentinel or damaged. Doubles
# below it tell whole numbers apart.
LARGEST: Final = 1e15

_ABSENT = pa.array(["", "null", "none", "nan", "nat", "na", "n/a", "\\n", "-"])
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?$"
_EPOCH = r"^-?\d+(\.\d+)?$"
_PLAIN_TIME = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d$"
_ISO = r"^\d{4}-\d{1,2}-\d{1,2}([T ].*)?$"
_ZONED = r"^\d{4}-\d{1,2}-\d{1,2}[T ].*([Zz]|[-+]\d{2}:?\d{2})$"
_AMERICAN = r"^\d{1,2}/\d{1,2}/\d{4}( .*)?$"
_AMERICAN_FORMATS = ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y")
# As Oracle writes it if nobody tells it how: 27-JAN-25, 27-JAN-25 02.51.00.000000 AM
_ORACLE = r"^\d{1,2}-[A-Za-z]{3}-(\d{2}|\d{4})( .*)?$"
_ORACLE_FORMATS = (
    *("%d-%b-%y", "%d-%b-%y %I.%M.%S.%f %p", "%d-%b-%y %I.%M.%S %p", "%d-%b-%y %H:%M:%S"),
    *("%d-%b-%Y", "%d-%b-%Y %H:%M:%S"),
)
# As Kibana exports it: Jan 27, 2025 @ 02:51:00.000
_KIBANA = r"^[A-Z][a-z]{2} \d{1,2}, \d{4} @ .*$"
_KIBANA_FORMATS = ("%b %d, %Y @ %H:%M:%S.%f", "%b %d, %Y @ %H:%M:%S")

_NO_TIME = np.datetime64("NaT", "us")
# PanDA's default for a time that never came is 1970-01-01, give or take a time zone.
_FIRST_TIME = np.datetime64("1971-01-01", "us")
_LAST_TIME = np.datetime64("2100-01-01", "us")
# 1e11 s is the year 5138, 1e11 ms is 1973: larger numbers are milliseconds.
_FIRST_MILLISECOND = 1e11

# Every letter in it has a digit before it, so that no word is shown.
_SHOWABLE = re.compile(r"(?=.{1,40}$)[-+.,:/ ]*\d[-+0-9.,:/ ]*(?:(?<=\d)[eETZ][-+0-9.,:/ ]*)*")


class Numbers(NamedTuple):
    """`numbers` float64, NaN where absent or unreadable; `unreadable` bool."""

    numbers: np.ndarray
    unreadable: np.ndarray


class Times(NamedTuple):
    """`times` datetime64[us] UTC, NaT where absent or unreadable; `unreadable` bool."""

    times: np.ndarray
    unreadable: np.ndarray


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


def to_times(cells: pa.Array, utc_offset_hours: float = 0.0) -> Times:
    """Read the times of a column, [n], in any mixture of the forms that PanDA dumps have.

    `2025-01-27 02:51:00`, the same with `T`, with `Z` or an offset, `1/27/2025 2:51` (month first),
    `27-JAN-25 02.51.00.000000 AM`, `Jan 27, 2025 @ 02:51:00.000`, seconds or milliseconds since
    1970. A time before 1971 is PanDA's default and thus absent; one after 2099 is unreadable.

    Args:
        cells: text.
        utc_offset_hours: how far the clock of times without a zone is ahead of UTC.
    """
    times = np.full(len(cells), _NO_TIME)
    absent = np.zeros(len(cells), dtype=bool)
    offset = np.timedelta64(round(utc_offset_hours * 3.6e9), "us")
    plain = _matching(cells, _PLAIN_TIME)
    times[plain] = _read_plain(cells.filter(pa.array(plain))) - offset
    rest = np.flatnonzero(~plain)
    if len(rest):
        column = text(cells.take(pa.array(rest)))
        times[rest] = _read_any(column, offset)
        absent[rest] = pc.is_null(column).to_numpy(zero_copy_only=False)
    absent |= times < _FIRST_TIME
    readable = (times >= _FIRST_TIME) & (times < _LAST_TIME)
    return Times(np.where(readable, times, _NO_TIME), ~absent & ~readable)


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


def _read_any(column: pa.Array, offset: np.timedelta64) -> np.ndarray:
    """Times of stripped text in any form, [n], NaT where there is none."""
    times = np.full(len(column), _NO_TIME)
    zoned = _matching(column, _ZONED)
    for chosen, read, shift in (
        (_matching(column, _EPOCH), _read_epoch, np.timedelta64(0, "us")),
        (zoned, _read_iso, np.timedelta64(0, "us")),
        (_matching(column, _ISO) & ~zoned, _read_iso, offset),
        (_matching(column, _AMERICAN), _read_american, offset),
        (_matching(column, _ORACLE), _read_oracle, offset),
        (_matching(column, _KIBANA), _read_kibana, offset),
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


def _read_american(column: pa.Array) -> np.ndarray:
    return _read_formats(column, _AMERICAN_FORMATS)


def _read_oracle(column: pa.Array) -> np.ndarray:
    return _read_formats(column, _ORACLE_FORMATS)


def _read_kibana(column: pa.Array) -> np.ndarray:
    return _read_formats(column, _KIBANA_FORMATS)


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
