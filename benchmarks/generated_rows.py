"""Rows that benchmarks of surrogates learn from, made by the project's own generator."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from processes import redwood

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.tables import TableDescription, read_table

# User jobs that are asked for, for each row that is needed: a few do not survive cleaning.
JOBS_PER_ROW = 1.05


def make_rows(rows: int, folder: Path) -> tuple[pd.DataFrame, TableDescription]:
    """`rows` jobs in the order of their creation, and their description."""
    window = ("--start", "2024-01-01", "--days", "150", "--sites", "83", "--seed", "1")
    jobs = ("--jobs", str(round(rows * JOBS_PER_ROW)))
    redwood("records", "generate", *window, *jobs, "--output", folder / "raw")
    redwood("records", "clean", folder / "raw", "--output", folder / "clean")
    description = TableDescription.load(folder / "clean" / "table.json").only_features()
    frame = read_table(folder / "clean" / "jobs", description)
    if len(frame) < rows:
        sys.exit(f"{len(frame)} jobs survive cleaning, expected at least {rows}")
    chosen = np.sort(np.random.default_rng(1).choice(len(frame), rows, replace=False))
    return frame.iloc[chosen].reset_index(drop=True), description
