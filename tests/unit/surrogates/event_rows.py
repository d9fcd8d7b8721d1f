"""Streams of events for the tests of Sequoia."""

import numpy as np
import pandas as pd

from redwood.tables import Column, TableDescription

EVENTS = TableDescription(
    "events",
    (
        Column("time", "timestamp", "s"),
        Column("user", "categorical"),
        Column("site", "categorical"),
        Column("limit", "integer", "s"),
        Column("work", "numeric", "HS23·s", "log"),
    ),
)


def make_events(rows: int, seed: int) -> pd.DataFrame:
    """Two weeks of bursts: ten seconds between a user's jobs, alike in site and in work."""
    rng = np.random.default_rng(seed)
    burst = np.repeat(np.arange(rows), rng.geometric(0.12, rows))[:rows]
    begin = np.sort(rng.integers(0, 14 * 86400, rows))[burst * rows // (burst[-1] + 1)]
    first = np.searchsorted(burst, burst)
    times = begin + 10 * (np.arange(rows) - first) + rng.integers(0, 4, rows)
    user = rng.integers(0, 6, rows)[burst]
    site = np.where(rng.random(rows) < 0.8, user % 3, rng.integers(0, 3, rows))
    frame = pd.DataFrame(
        {
            "time": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(times, unit="s"),
            "user": np.array(list("abcdef"), dtype=object)[user],
            "site": np.array(["BNL", "CERN", "DESY"], dtype=object)[site],
            "limit": np.array([3600, 86400])[user % 2],
            "work": np.exp(5 + rng.normal(size=rows)[burst] + 0.1 * rng.normal(size=rows)),
        }
    ).sample(frac=1, random_state=seed)
    frame["time"] = frame["time"].astype("datetime64[us, UTC]")
    return frame.reset_index(drop=True)
