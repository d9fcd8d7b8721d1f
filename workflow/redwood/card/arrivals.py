"""When the rows of a table were made: by day, by hour, and in which span of days most lie."""

from itertools import pairwise
from typing import Any, Final

import numpy as np

from redwood.card.wording import day, moment

# Rows at least this many days apart from all others are outside the main window.
LONE_DAYS: Final = 30
# Up to how many days hours are shown one by one, and from how many on by hour of the week.
_FEW_DAYS, _A_WEEK = 4, 7
_HOUR_US: Final = 3_600_000_000


def arrivals(column: str, times: np.ndarray) -> dict[str, Any] | None:
    """Counts along time, UTC, of the main window; `None` where no row has a time.

    `hour_of_week` is the mean number of rows an hour, 7 × 24 from Monday on, `None` where the
    window lacks that hour.

    Args:
        column: name of the column that tells the time.
        times: int64 [rows], µs since 1970, in any order.
    """
    if not len(times):
        return None
    hours, counts = np.unique(times // _HOUR_US, return_counts=True)
    begin, end = _main_window(hours // 24, counts)
    first_day, last_day = int(hours[begin] // 24), int(hours[end - 1] // 24)
    hourly = np.zeros(24 * (last_day - first_day + 1), dtype=np.int64)
    hourly[hours[begin:end] - 24 * first_day] = counts[begin:end]
    daily = hourly.reshape(-1, 24).sum(axis=1)
    days = [day(first_day + offset) for offset in range(len(daily))]
    return {
        "column": column,
        "first": moment(times.min().item()),
        "last": moment(times.max().item()),
        "first_day": days[0],
        "last_day": days[-1],
        "days": len(days),
        "outside": int(counts.sum() - daily.sum()),
        "daily": dict(zip(days, daily.tolist(), strict=True)),
        "empty_days": [name for name, number in zip(days, daily, strict=True) if not number],
        "hourly": hourly.tolist() if len(days) < _FEW_DAYS else None,
        "hour_of_week": _hour_of_week(hourly, first_day) if len(days) >= _A_WEEK else None,
    }


def _main_window(days: np.ndarray, counts: np.ndarray) -> tuple[int, int]:
    """Start and end of the run of days, without a gap of `LONE_DAYS`, that has the most rows."""
    breaks = np.flatnonzero(np.diff(days) > LONE_DAYS) + 1
    edges = [0, *breaks.tolist(), len(days)]
    return max(pairwise(edges), key=lambda run: counts[run[0] : run[1]].sum())


def _hour_of_week(hourly: np.ndarray, first_day: int) -> list[list[float | None]]:
    made = np.flatnonzero(hourly)
    hours = np.arange(made[0], made[-1] + 1)
    # 1970-01-01 was a Thursday.
    slot = (hours + 24 * (first_day + 3)) % (7 * 24)
    rows = np.bincount(slot, weights=hourly[hours], minlength=7 * 24)
    times = np.bincount(slot, minlength=7 * 24)
    means = [r / t if t else None for r, t in zip(rows.tolist(), times.tolist(), strict=True)]
    return [means[24 * weekday : 24 * (weekday + 1)] for weekday in range(7)]
