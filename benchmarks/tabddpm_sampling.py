"""Seconds per row that TabDDPM's sampling takes, against the published scheme at equal fidelity.

The published scheme trains with T = 1000 steps, predicts the noise of numbers and draws a row by
all 1000 steps from the posterior. Here the same network learns from the same rows for as many
epochs, once with REDWOOD's defaults and once so, and both models draw as many rows; what else
REDWOOD does (x̂_0 within the training values, averaged weights, the quantile transform) is the same
in both. The fidelity is that of fresh rows of the same law: WD, the Wasserstein distance of each
numeric column over its standard deviation, and JSD, the Jensen-Shannon distance of each categorical
one, means over the columns. The program fails if the faster is the worse one in either, beyond what
fresh rows differ by.

    python benchmarks/tabddpm_sampling.py [--quick]
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
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.surrogates.contract import Surrogate, new_surrogate
from redwood.tables import Column, TableDescription, to_numbers, to_scale

DESCRIPTION = TableDescription(
    "jobs",
    (
        Column("creationtime", "timestamp", unit="UTC"),
        Column("computingsite", "categorical"),
        Column("datatype", "categorical"),
        Column("nfiles", "integer", scale="log"),
        Column("size", "integer", unit="bytes", scale="log"),
        Column("jobstatus", "categorical"),
        Column("workload", "numeric", unit="HS23·s", scale="log"),
    ),
)
PUBLISHED = {
    "steps": 1000,
    "sampling_steps": 1000,
    "prediction": "noise",
    "sampler": "posterior",
}
KINDS = 200


def jobs(rows: int, seed: int) -> pd.DataFrame:
    """Jobs of a few kinds, the same for every seed, each of its own time, site and size."""
    of_kind, of_job = np.random.default_rng(0), np.random.default_rng(seed)
    kind = np.minimum(of_job.zipf(1.3, rows), KINDS) - 1
    begin = of_kind.integers(150 * 86_400, size=KINDS)[kind] + 1_704_067_200
    size = of_kind.normal(22, 1.5, KINDS)[kind] + of_job.normal(0, 0.5, rows)
    work = of_kind.normal(10, 1.5, KINDS)[kind] + 0.5 * (size - 22) + of_job.normal(0, 0.3, rows)
    frame = pd.DataFrame(
        {
            "creationtime": pd.to_datetime(
                begin + of_job.integers(10 * 86_400, size=rows), unit="s", utc=True
            ),
            "computingsite": (of_kind.integers(20, size=KINDS)[kind] + of_job.zipf(2, rows)) % 50,
            "datatype": of_kind.integers(30, size=KINDS)[kind],
            "nfiles": 1 + of_job.poisson(of_kind.integers(1, 30, KINDS)[kind]),
            "size": np.exp(size).astype(np.int64),
            "jobstatus": of_job.choice(4, rows, p=[0.85, 0.1, 0.03, 0.02]),
            "workload": np.exp(work),
        }
    )
    for column in DESCRIPTION.categorical_features:
        frame[column.name] = frame[column.name].astype(str).astype(object)
    return frame


def distances(found: pd.DataFrame, fresh: pd.DataFrame) -> dict[str, float]:
    """WD and JSD of rows from fresh ones."""
    wd, jsd = [], []
    for column in DESCRIPTION.columns:
        if column.is_categorical:
            shares = (frame[column.name].value_counts(normalize=True) for frame in (found, fresh))
            jsd.append(jensenshannon(*pd.concat(shares, axis=1).fillna(0).to_numpy().T, base=2))
        else:
            values, known = (
                to_scale(to_numbers(frame[column.name], column), column) for frame in (found, fresh)
            )
            wd.append(wasserstein_distance(values, known) / known.std())
    return {"wd": round(float(np.mean(wd)), 4), "jsd": round(float(np.mean(jsd)), 4)}


def trained(train: pd.DataFrame, validation: pd.DataFrame, **options: object) -> Surrogate:
    surrogate = new_surrogate("tabddpm", DESCRIPTION, {"device": "cpu", **options}, seed=1)
    surrogate.fit(train, validation)
    return surrogate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and epochs")
    quick = parser.parse_args().quick
    rows, epochs, drawn = (5_000, 10, 1_000) if quick else (20_000, 40, 4_000)
    train, validation, fresh, other = (jobs(n, seed) for seed, n in enumerate((rows, *[drawn] * 3)))
    floor = distances(other, fresh)
    seconds, fidelity, steps = {}, {}, {}
    for name, options in (("ours", {}), ("published", PUBLISHED)):
        surrogate = trained(train, validation, epochs=epochs, **options)
        steps[name] = surrogate.options.sampling_steps
        begin = time.perf_counter()
        sample = surrogate.sample(drawn, seed=1)
        seconds[name] = (time.perf_counter() - begin) / drawn
        fidelity[name] = distances(sample, fresh)
    for measure, least in floor.items():
        ours, published = (fidelity[name][measure] for name in ("ours", "published"))
        if ours > published + least:
            sys.exit(f"not of equal fidelity: {measure} is {ours}, the published {published}")
    line = {
        "name": "tabddpm_sampling",
        "value": round(1000 * seconds["ours"], 4),
        "unit": "ms/row",
        "reference": {
            "name": f"{steps['published']} steps of the posterior, same network, same epochs",
            "value": round(1000 * seconds["published"], 4),
        },
        "ratio": round(seconds["ours"] / seconds["published"], 4),
        "ratio_is": "our cost of a row over the published scheme's",
        "sampling_steps": steps["ours"],
        "distances_of_ours": fidelity["ours"],
        "distances_of_the_reference": fidelity["published"],
        "distances_of_fresh_rows": floor,
        "training_rows": rows,
        "epochs": epochs,
        "sampled_rows": drawn,
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
