"""Time and memory of evaluating: closest rows against faiss, and all measures at the paper's size.

Rows are jobs of the paper's nine columns, made by `redwood generator make` and `clean`.

1. The ratio: the closest of 100,000 training rows for each of 100,000 others, by
   `redwood.nearest` on one core and by `faiss.IndexFlatL2` on all cores, which is
   given the encoded rows (numbers min-max scaled, categories one-hot over √2, float32) for nothing.
   The neighbour that faiss names is never closer in float64, but for rounding.
2. Seconds of each measure of the default configuration, and peak memory, of `redwood evaluate` for
   448,000 synthetic against 1.34 million training and 448,000 holdout rows; files and start-up
   included. The synthetic rows are other generated jobs. A quarter of the rows shows how it grows.

faiss is not among the project's packages: pip install faiss-cpu

    python benchmarks/evaluation.py [--quick]
"""

import argparse
import json
import os
import platform as machine
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from generated_rows import make_rows
from processes import redwood

from redwood.configuration import Evaluation
from redwood.nearest import closest_distances
from redwood.tables import TableDescription, to_numbers, to_scale, write_table

try:
    import faiss
except ImportError:
    sys.exit("the reference is missing: pip install faiss-cpu")


def encoded(
    frame: pd.DataFrame, reference: pd.DataFrame, description: TableDescription
) -> np.ndarray:
    """(rows, dimensions) float64: the textbook encoding, ranges of the reference."""
    parts = []
    for column in description.numeric_features:
        values, known = (
            to_scale(to_numbers(table[column.name], column), column) for table in (frame, reference)
        )
        parts.append((values - known.min()) / (np.ptp(known) or 1.0))
    for column in description.categorical_features:
        values = frame[column.name].to_numpy()
        categories = np.unique(np.concatenate([reference[column.name], values]).astype(str))
        parts.extend((values == category) / np.sqrt(2) for category in categories)
    return np.column_stack(parts)


def against_the_reference(
    queries: pd.DataFrame, reference: pd.DataFrame, description: TableDescription
) -> dict[str, Any]:
    """Seconds of both, and how much closer the neighbours of either are, at most."""
    begin = time.perf_counter()
    distances = closest_distances(queries, reference, description, 1)
    seconds = time.perf_counter() - begin

    both = encoded(pd.concat([queries, reference]), reference, description)
    vectors = both.astype(np.float32)
    begin = time.perf_counter()
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors[len(queries) :])
    named = index.search(vectors[: len(queries)], 1)[1][:, 0]
    reference_seconds = time.perf_counter() - begin
    theirs = np.linalg.norm(both[: len(queries)] - both[len(queries) + named], axis=1)
    return {
        "seconds": seconds,
        "reference_seconds": reference_seconds,
        "dimensions": both.shape[1],
        "faiss_closer_by": float(max(0.0, (distances[:, 0] - theirs).max())),
        "faiss_farther_in_rows": int((theirs > distances[:, 0] + 1e-12).sum()),
        "faiss_farther_by": float((theirs - distances[:, 0]).max()),
    }


def all_measures(
    frame: pd.DataFrame, description: TableDescription, synthetic_rows: int, folder: Path
) -> dict[str, Any]:
    """Seconds and peak memory of all default measures: three times as many training rows."""
    folder.mkdir()
    order = np.random.default_rng(2).permutation(len(frame))
    ends = np.cumsum([3 * synthetic_rows, synthetic_rows, synthetic_rows])
    names = ("train", "holdout", "synthetic")
    for name, rows in zip(names, np.split(order, ends)[:3], strict=True):
        write_table(frame.iloc[np.sort(rows)], folder / f"{name}.parquet", description)
    description.save(folder / "table.json")
    options = json.dumps({"measures": list(Evaluation().measures)})
    files = (f"--{name}={folder / name}.parquet" for name in names)
    given = (f"--table={folder / 'table.json'}", "--seed=1", f"--options={options}")
    log = folder / "log"
    seconds, peak = redwood("evaluate", *given, *files, f"--output={folder / 'measured'}", log=log)
    found = re.findall(r"^([^\n:]+): .*\(([\d.]+) s\)$", log.read_text(), re.MULTILINE)
    return {
        "synthetic_rows": synthetic_rows,
        "training_rows": 3 * synthetic_rows,
        "minutes": round(seconds / 60, 2),
        "peak_gb": round(peak, 2),
        "seconds_by_measure": {name: float(taken) for name, taken in found},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    compared, synthetic = (10_000, 20_000) if parser.parse_args().quick else (100_000, 448_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame, description = make_rows(5 * synthetic, folder)
        chosen = np.random.default_rng(1).permutation(len(frame))[: 2 * compared]
        queries, reference = (
            frame.iloc[np.sort(rows)].reset_index(drop=True) for rows in np.split(chosen, 2)
        )
        closest = against_the_reference(queries, reference, description)
        if closest["faiss_closer_by"] > 1e-6:
            sys.exit(f"faiss found a row that is closer by {closest['faiss_closer_by']:g}")
        quarter = all_measures(frame, description, synthetic // 4, folder / "quarter")
        whole = all_measures(frame, description, synthetic, folder / "whole")
    line = {
        "name": "evaluation",
        "value": round(compared / closest["seconds"]),
        "unit": "rows/s whose closest row is found, one core",
        "reference": {
            "name": f"faiss {faiss.__version__} IndexFlatL2, all cores, "
            f"{closest['dimensions']} dimensions",
            "value": round(compared / closest["reference_seconds"]),
        },
        "ratio": round(closest["reference_seconds"] / closest["seconds"], 1),
        "ratio_is": "how many times as many rows per second as the reference",
        "rows_of_either": compared,
        **{key: value for key, value in closest.items() if key.startswith("faiss")},
        "all_measures": whole,
        "all_measures_of_a_quarter": quarter,
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
