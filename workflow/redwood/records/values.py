"""Text → numbers and times, with what could not be read told apart from what was not there.

All functions work on whole columns at once.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_ABSENT = pa.array(["", "null", "none", "nan", "na", "n/a", "\\n", "-"])
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?$"
_EPOCH = r"^-?\d+(\.\d+)?$"
_ISO = r"^\d{4}-\d{1,2}-\d{1,2}([T ].*)?$"
_ZONED = r"^\d{4}-\d{1,2}-\d{1,2}[T ].*([Zz]|[-+]\d{2}:?\d{2})$"
_AMERICAN = r"^\d{1,2}/\d{1,2}/\d{4}( .*)?$"
_AMERICAN_FORMATS = ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y")

# PanDA's default for a time that never came is 1970-01-01, give or take a time zone.
_FIRST_TIME = np.datetime64("1971-01-01", "us")
_LAST_TIME = np.datetime64("2100-01-01", "us")
# 1e11 s is the year 5138, 1e11 ms is 1973: larger numbers are milliseconds.
_FIRST_MILLISECOND = 1e11

_SHOWABLE = re.compile(r"[-+0-9.,:/ eETZ]{1,40}")


class Numbers(NamedTuple):
    """`numbers` float64, NaN where absent or unreadable; `unreadable` bool."""

    numbers: np.ndarray
    unreadable: np.ndarray


class Times(NamedTuple):
    """`times` datetime64[us] UTC, NaT where absent or unreadable; `unreadable` bool."""

    times: np.ndarray
    unreadable: np.ndarray


def text(cells: Iterable[str | None]) -> pa.Array:
    """The cells without surrounding blanks, null where they stand for nothing (`NULL`, ``)."""
    stripped = pc.utf8_trim_whitespace(pa.array(cells, pa.string(), from_pandas=True))
    absent = pc.is_in(pc.utf8_lower(stripped), _ABSENT)
    return pc.if_else(absent, pa.scalar(None, pa.string()), stripped)


def to_numbers(column: pa.Array) -> Numbers:
    """Read numbers from what `text` gives. Text that is no finite number is unreadable."""
    readable = pc.match_substring_regex(column, _NUMBER)
    digits = pc.utf8_ltrim(pc.if_else(readable, column, None), characters="+")
    values = pc.cast(digits, pa.float64()).to_numpy(zero_copy_only=False)
    values = np.where(np.isfinite(values), values, np.nan)
    present = pc.is_valid(column).to_numpy(zero_copy_only=False)
    return Numbers(values, np.isnan(values) & present)


def to_times(column: pa.Array, utc_offset_hours: float = 0.0) -> Times:
    """Read times in any mixture of the formats that PanDA dumps have from what `text` gives.

    `2025-01-27 02:51:00`, the same with `T`, with `Z` or an offset, `1/27/2025 2:51` (month first),
    seconds or milliseconds since 1970. A time before 1971 is PanDA's default and thus absent; one
    after 2099 is unreadable.

    Args:
        column: stripped text.
        utc_offset_hours: how far the clock of times without a zone is ahead of UTC.
    """
    array = np.full(len(column), np.datetime64("NaT", "us"))
    offset = np.timedelta64(round(utc_offset_hours * 3.6e9), "us")
    zoned = _matching(column, _ZONED)
    for chosen, read, shift in (
        (_matching(column, _EPOCH), _read_epoch, np.timedelta64(0, "us")),
        (zoned, _read_iso, np.timedelta64(0, "us")),
        (_matching(column, _ISO) & ~zoned, _read_iso, offset),
        (_matching(column, _AMERICAN), _read_american, offset),
    ):
        if chosen.any():
            array[chosen] = read(column.filter(pa.array(chosen))) - shift
    absent = ~pc.is_valid(column).to_numpy(zero_copy_only=False) | (array < _FIRST_TIME)
    readable = (array >= _FIRST_TIME) & (array < _LAST_TIME)
    return Times(np.where(readable, array, np.datetime64("NaT", "us")), ~absent & ~readable)


def _matching(column: pa.Array, pattern: str) -> np.ndarray:
    matches = pc.fill_null(pc.match_substring_regex(column, pattern), False)
    return matches.to_numpy(zero_copy_only=False)


def _read_epoch(column: pa.Array) -> np.ndarray:
    seconds = pc.cast(column, pa.float64()).to_numpy()
    seconds = np.where(np.abs(seconds) >= _FIRST_MILLISECOND, seconds / 1000, seconds)
    return np.rint(np.clip(seconds, -1e11, 1e11) * 1e6).astype(np.int64).view("datetime64[us]")


def _read_iso(column: pa.Array) -> np.ndarray:
    times = pd.to_datetime(column.to_pandas(), format="ISO8601", errors="coerce", utc=True)
    return times.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")


def _read_american(column: pa.Array) -> np.ndarray:
    cells = column.to_pandas()
    times = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[ns]")
    for form in _AMERICAN_FORMATS:
        times = times.fillna(pd.to_datetime(cells, format=form, errors="coerce"))
    return times.to_numpy(dtype="datetime64[us]")


def shown(value: str | None) -> str:
    """How a rejected cell may be shown: numbers and times as they are, other text by its length.

    Text where a number should stand may be a neighbouring cell that slipped: anybody's name.
    """
    if value is None or _SHOWABLE.fullmatch(value):
        return value or ""
    return f"<text of {len(value)} characters>"
