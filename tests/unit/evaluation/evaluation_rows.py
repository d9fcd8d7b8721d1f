"""A small real-shaped table for the tests of the measures."""

from pathlib import Path

import numpy as np
import pandas as pd

from redwood.tables import Column, TableDescription, write_table

DESCRIPTION = TableDescription(
    "toy",
    (
        Column("when", "timestamp", unit="UTC"),
        Column("site", "categorical"),
        Column("state", "categorical"),
        Column("size", "integer", unit="bytes", scale="log"),
        Column("work", "numeric", unit="HS23·s", scale="log"),
    ),
)


def toy_rows(rows: int, seed: int) -> pd.DataFrame:
    """Rows in which size depends on the site and work on size and state."""
    random = np.random.default_rng(seed)
    site = random.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])
    state = np.where(random.random(rows) < 0.1 + 0.1 * site, "failed", "finished")
    size = np.exp(20 + site + random.normal(0, 0.5, rows))
    work = size / 1e6 * np.exp(random.normal(0, 0.3, rows)) * np.where(state == "failed", 0.2, 1)
    seconds = np.sort(random.integers(0, 30 * 86400, rows)) + 1_704_067_200
    return pd.DataFrame(
        {
            "when": pd.to_datetime(seconds, unit="s", utc=True),
            "site": np.array(["BNL", "CERN", "AGLT2", "RAL"], dtype=object)[site],
            "state": state.astype(object),
            "size": size.astype(np.int64),
            "work": work,
        }
    )


def write_tables(folder: Path, description: TableDescription = DESCRIPTION, **frames) -> list[Path]:
    """Write what an evaluation reads, rows by their names; the paths, the description's first."""
    description.save(folder / "table.json")
    for name, frame in frames.items():
        write_table(frame, folder / f"{name}.parquet", description)
    return [folder / "table.json", *(folder / f"{name}.parquet" for name in frames)]
