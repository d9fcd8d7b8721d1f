"""Rows that benchmarks of surrogates learn from, made by the project's own generator."""

import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.tables import TableDescription, read_table

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
# User jobs that are asked for, for each row that is needed: a few do not survive cleaning.
JOBS_PER_ROW = 1.05
SAMPLED_S = 0.05


def run(*arguments: str | Path, log: Path | None = None) -> tuple[float, float]:
    """Seconds and peak GB of a command of redwood and of the processes it starts.

    What it says goes to standard error, or into the file `log`.
    """
    environment = os.environ | {"PYTHONPATH": str(WORKFLOW)}
    command = [sys.executable, "-m", "redwood", *map(str, arguments)]
    begin = time.perf_counter()
    with log.open("w") if log else nullcontext(sys.stderr) as said:
        process = psutil.Popen(command, env=environment, stdout=said, stderr=said)
        peak = 0
        while process.poll() is None:
            try:
                family = [process, *process.children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in family))
            except psutil.NoSuchProcess:
                pass
            time.sleep(SAMPLED_S)
    if process.returncode:
        sys.exit(f"redwood {' '.join(map(str, arguments))}: exit status {process.returncode}")
    return time.perf_counter() - begin, peak / 1e9


def make_rows(rows: int, folder: Path) -> tuple[pd.DataFrame, TableDescription]:
    """`rows` jobs in the order of their creation, and their description."""
    window = ("--start", "2024-01-01", "--days", "150", "--sites", "83", "--seed", "1")
    jobs = ("--jobs", str(round(rows * JOBS_PER_ROW)))
    run("records", "generate", *window, *jobs, "--output", folder / "raw")
    run("records", "clean", folder / "raw", "--output", folder / "clean")
    description = TableDescription.load(folder / "clean" / "table.json").only_features()
    frame = read_table(folder / "clean" / "jobs", description)
    if len(frame) < rows:
        sys.exit(f"{len(frame)} jobs survive cleaning, expected at least {rows}")
    chosen = np.sort(np.random.default_rng(1).choice(len(frame), rows, replace=False))
    return frame.iloc[chosen].reset_index(drop=True), description
