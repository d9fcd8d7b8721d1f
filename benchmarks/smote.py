"""Time and memory of SMOTE: against imbalanced-learn's SMOTENC, and for the paper's number of rows.

Rows are jobs of the paper's nine columns, made by `redwood generator make` and `clean`.

1. The ratio: as many new rows as there are training rows, by ours in one process (encoding,
   neighbours, new rows, decoding) and by imbalanced-learn (SMOTENC, which is given the encoded rows
   for nothing), with the same label and the same number of new rows for each of its values. The
   distances of some rows to the neighbours that imbalanced-learn found must be those to ours.
2. Seconds and peak memory of `redwood surrogates train smote` and `sample` for 1.34 million
   training rows and a third as many new ones; files and start-up included. Memory is sampled.

    python benchmarks/smote.py [--quick]
"""

import argparse
import json
import os
import platform as machine
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import imblearn
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTENC

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from generated_rows import make_rows
from processes import redwood

from redwood.nearest import MixedRows
from redwood.surrogates.contract import new_surrogate
from redwood.surrogates.encoding import CategoryEncoding, TableEncoding
from redwood.surrogates.models.smote.surrogate import cost_of_a_mismatch
from redwood.tables import TableDescription, write_table

NEIGHBOURS = 5
COMPARED_ROWS = 2000


class RecordedSMOTENC(SMOTENC):
    """SMOTENC that remembers, for each class, its encoded rows and their neighbours."""

    def _make_samples(self, X, y_dtype, y_type, nn_data, nn_num, *rest, **more):
        self.__dict__.setdefault("found", {})[y_type] = (X, nn_num)
        return super()._make_samples(X, y_dtype, y_type, nn_data, nn_num, *rest, **more)


def against_the_reference(frame: pd.DataFrame, description: TableDescription) -> dict[str, Any]:
    """Seconds of both for as many new rows as there are rows, and how far apart they are."""
    begin = time.perf_counter()
    surrogate = new_surrogate("smote", description, {"neighbours": NEIGHBOURS}, seed=1)
    label = surrogate.fit(frame, frame)["label"]
    sample = surrogate.sample(len(frame), seed=2)
    seconds = time.perf_counter() - begin

    encoding = TableEncoding.fit(frame, description)
    nominal = [e.column != label for e in encoding.varying_categorical]
    numbers, codes = encoding.numbers(frame), encoding.codes(frame)[:, nominal]
    labels = CategoryEncoding.fit(frame[label], description[label])
    classes = labels.encode(frame[label])
    sizes, new = np.bincount(classes), np.bincount(labels.encode(sample[label]))
    sampler = RecordedSMOTENC(
        list(range(numbers.shape[1], numbers.shape[1] + codes.shape[1])),
        sampling_strategy={i: int(sizes[i] + new[i]) for i in np.flatnonzero(new)},
        k_neighbors=NEIGHBOURS,
        random_state=1,
    )
    begin = time.perf_counter()
    sampler.fit_resample(np.column_stack([numbers, codes]), classes)
    reference_seconds = time.perf_counter() - begin
    return {
        "label": label,
        "seconds": seconds,
        "reference_seconds": reference_seconds,
        "difference": max(
            difference(numbers[classes == i], codes[classes == i], *found)
            for i, found in sampler.found.items()
        ),
    }


def difference(
    numbers: np.ndarray, codes: np.ndarray, encoded: Any, neighbours: np.ndarray
) -> float:
    """The largest difference of a distance to the i-th neighbour, over some rows of a class."""
    queries = np.arange(0, len(numbers), -(-len(numbers) // COMPARED_ROWS))
    _, squared = MixedRows(numbers, codes, cost_of_a_mismatch(numbers)).nearest(queries, NEIGHBOURS)
    theirs = [
        np.sqrt(np.asarray((encoded[queries] - encoded[column]).power(2).sum(axis=1)).ravel())
        for column in neighbours[queries].T
    ]
    return float(np.abs(np.sort(np.column_stack(theirs), axis=1) - np.sqrt(squared)).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    quick = parser.parse_args().quick
    rows, compared_rows = (134_000, 10_000) if quick else (1_340_000, 100_000)
    new_rows = round(rows * 448 / 1340)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame, description = make_rows(rows, folder)
        table, train, model = folder / "table.json", folder / "train.parquet", folder / "model"
        description.save(table)
        write_table(frame, train, description)
        files = ("--table", table, "--train", train, "--validation", train)
        training = redwood("surrogates", "train", "smote", *files, "--seed", "1", "--output", model)
        drawn = ("--rows", str(new_rows), "--seed", "1", "--output", folder / "sample.parquet")
        sampling = redwood("surrogates", "sample", model, *drawn)
        some = np.sort(np.random.default_rng(2).choice(rows, compared_rows, replace=False))
        both = against_the_reference(frame.iloc[some].reset_index(drop=True), description)
    if both["difference"] > 1e-6:
        sys.exit(f"the two disagree: a distance differs by {both['difference']:g}")
    line = {
        "name": "smote",
        "value": round(compared_rows / both["seconds"]),
        "unit": "new rows/s",
        "reference": {
            "name": f"imbalanced-learn {imblearn.__version__} SMOTENC, given the encoded rows",
            "value": round(compared_rows / both["reference_seconds"], 1),
        },
        "ratio": round(both["reference_seconds"] / both["seconds"], 1),
        "ratio_is": "how many times as many new rows per second as the reference",
        "training_rows": compared_rows,
        "new_rows": compared_rows,
        "seconds": round(both["seconds"], 2),
        "reference_seconds": round(both["reference_seconds"], 1),
        "label": both["label"],
        "largest_difference_of_a_distance": both["difference"],
        "at_the_size_of_the_paper": {
            "training_rows": rows,
            "new_rows": new_rows,
            "train_seconds": round(training[0], 1),
            "sample_seconds": round(sampling[0], 1),
            "peak_gb": round(max(training[1], sampling[1]), 2),
        },
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
