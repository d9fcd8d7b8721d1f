"""Rows per second of the exact distance to the closest row, against brute force by SciPy.

The reference encodes every row (numbers min-max scaled, categories one-hot over √2) and computes
all its distances with `scipy.spatial.distance.cdist` in float64. As all rows would take a quarter
of an hour, it does so for some of the query rows only, against the same reference rows; the time
of encoding is not counted. Both must agree on every distance.

    python benchmarks/dcr_exact.py [--quick]
"""

import argparse
import json
import os
import platform as machine
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.evaluation.neighbours import distance_to_closest
from redwood.tables import Column, TableDescription, to_numbers, to_scale

DESCRIPTION = TableDescription(
    "jobs",
    (
        Column("creationtime", "timestamp", unit="UTC"),
        Column("computingsite", "categorical"),
        Column("project", "categorical"),
        Column("prodstep", "categorical"),
        Column("datatype", "categorical"),
        Column("nfiles", "integer", scale="log"),
        Column("size", "integer", unit="bytes", scale="log"),
        Column("jobstatus", "categorical"),
        Column("workload", "numeric", unit="HS23·s", scale="log"),
    ),
)
JOBS_PER_TASK = 50


def jobs(rows: int, tasks: int, seed: int) -> pd.DataFrame:
    """Jobs of tasks that are the same for every seed: a task's are alike in time, kind and size."""
    of_task, of_job = np.random.default_rng(0), np.random.default_rng(seed)
    task = of_job.integers(tasks, size=rows)
    begin = of_task.integers(150 * 86_400, size=tasks)[task] + 1_704_067_200
    size = of_task.normal(22, 1.5, tasks)[task] + of_job.normal(0, 0.5, rows)
    work = of_task.normal(10, 1.5, tasks)[task] + 0.5 * (size - 22) + of_job.normal(0, 0.3, rows)
    data = {
        "creationtime": pd.to_datetime(
            begin + of_job.integers(7200, size=rows), unit="s", utc=True
        ),
        "nfiles": 1 + of_job.poisson(of_task.integers(1, 30, tasks)[task]),
        "size": np.exp(size).astype(np.int64),
        "workload": np.exp(work),
        "computingsite": np.minimum(of_job.zipf(1.5, rows), 83),
        "jobstatus": of_job.choice(4, rows, p=[0.85, 0.1, 0.03, 0.02]),
    }
    for name, kinds in (("project", 12), ("prodstep", 6), ("datatype", 30)):
        data[name] = np.minimum(of_task.zipf(1.7, tasks), kinds)[task]
    frame = pd.DataFrame(data)
    for column in DESCRIPTION.categorical_features:
        frame[column.name] = frame[column.name].astype(str).astype(object)
    return frame


def encoded(frame: pd.DataFrame, reference: pd.DataFrame) -> np.ndarray:
    """(rows, dimensions): the textbook encoding."""
    parts = []
    for column in DESCRIPTION.numeric_features:
        values, known = (
            to_scale(to_numbers(table[column.name], column), column) for table in (frame, reference)
        )
        parts.append((values - known.min()) / np.ptp(known))
    for column in DESCRIPTION.categorical_features:
        values = frame[column.name].to_numpy()
        # A category that the reference lacks differs from all: it has a dimension of its own.
        categories = np.unique(np.concatenate([reference[column.name], values]).astype(str))
        parts.extend((values == category) / np.sqrt(2) for category in categories)
    return np.column_stack(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20,000 rows instead of 100,000")
    rows, compared = (20_000, 500) if parser.parse_args().quick else (100_000, 2_000)
    queries, reference = (jobs(rows, rows // JOBS_PER_TASK, seed) for seed in (1, 2))
    begin = time.perf_counter()
    found = distance_to_closest(queries, reference, DESCRIPTION)
    seconds = time.perf_counter() - begin

    # Encoded together, so that both have a dimension for each category.
    both = encoded(pd.concat([queries[:compared], reference]), reference)
    begin = time.perf_counter()
    nearest = np.concatenate(
        [
            cdist(block, both[compared:], "sqeuclidean").min(axis=1)
            for block in np.array_split(both[:compared], max(1, compared // 100))
        ]
    )
    reference_seconds = time.perf_counter() - begin
    worst = float(np.abs(found[:compared] - np.sqrt(nearest)).max())
    if worst > 1e-9:
        sys.exit(f"the two disagree: a distance differs by {worst:g}")
    line = {
        "name": "dcr_exact",
        "value": round(rows / seconds),
        "unit": "query rows/s",
        "reference": {
            "name": f"scipy cdist in float64, {both.shape[1]} dimensions, {compared} query rows",
            "value": round(compared / reference_seconds, 1),
        },
        "ratio": round(rows / seconds / (compared / reference_seconds)),
        "ratio_is": "how many times as many query rows per second as the reference",
        "query_rows": rows,
        "reference_rows": rows,
        "largest_difference_of_a_distance": worst,
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
