import json

import numpy as np
import pandas as pd
import pytest
from outcome_files import measure, write_outcomes

from redwood.tables import Column, TableDescription, write_table

DESCRIPTION = TableDescription(
    "toy",
    (
        Column("creationtime", "timestamp", unit="UTC"),
        Column("computingsite", "categorical"),
        Column("user", "categorical"),
        Column("nfiles", "integer", scale="log"),
        Column("workload", "numeric", unit="HS23·s", scale="log"),
    ),
)


@pytest.fixture
def evaluations(tmp_path):
    """Two evaluation folders, as `redwood evaluate` writes them."""
    folders = []
    for name, shift in (("smote", 0.0123), ("tvae", 0.456)):
        folder = tmp_path / "evaluation" / name
        folder.mkdir(parents=True)
        measures = {
            "wd": measure(shift, shift / 2, 0.9 * shift, 1.1 * shift, title="WD"),
            "jsd": measure(None, None, title="JSD", note="the table has no categorical feature"),
        }
        privacy = {"passes": None, "words": "not judged: no attack was tried"}
        content = {"role": "model", "rows": 100, "measures": measures, "privacy": privacy}
        (folder / "measures.json").write_text(json.dumps(content))
        pairs = [(a, b) for a in "xyz" for b in "xyz" if a != b]
        frame = pd.DataFrame(pairs, columns=["a", "b"]).assign(kind="pearson", real=0.5)
        frame = frame.assign(synthetic=0.5 - shift, floor=0.49)
        frame.to_parquet(folder / "association.parquet")
        distances = np.linspace(0, shift, 50)
        frame = pd.DataFrame(
            {"origin": ["synthetic"] * 25 + ["holdout"] * 25, "distance": distances}
        )
        frame.to_parquet(folder / "dcr.parquet")
        folders.append(folder)
    return folders


@pytest.fixture
def change():
    """Puts other values into the measures of an evaluation, new ones made from its WD."""

    def change(folder, changes=None, **more):
        content = json.loads((folder / "measures.json").read_text()) | more
        for name, values in (changes or {}).items():
            known = content["measures"].get(name, content["measures"]["wd"])
            content["measures"][name] = known | values
        (folder / "measures.json").write_text(json.dumps(content))

    return change


@pytest.fixture
def tables(tmp_path):
    """A table's description and two parquet files with rows of it."""
    DESCRIPTION.save(tmp_path / "table.json")
    for seed, name in enumerate(("recorded", "sample")):
        random = np.random.default_rng(seed)
        seconds = 1_704_067_200 + random.integers(0, 20 * 86400, 300)
        frame = pd.DataFrame(
            {
                "creationtime": pd.to_datetime(seconds, unit="s", utc=True),
                "computingsite": random.choice(["BNL", "CERN"], 300).astype(object),
                "user": random.choice(["3faa8b5d2468", "61cf9e7cd2cd"], 300).astype(object),
                "nfiles": random.integers(1, 9, 300),
                "workload": np.where(random.random(300) < 0.1, 0, random.lognormal(9, 1, 300)),
            }
        )
        write_table(frame, tmp_path / f"{name}.parquet", DESCRIPTION)
    return tmp_path


@pytest.fixture
def runs(tmp_path):
    """Scenario folders of two workloads and two policies, as `redwood simulate` writes them."""
    folders = []
    for workload in ("smote", "recorded"):
        for policy in ("least_loaded", "recorded"):
            scenario = tmp_path / "runs" / workload / policy
            scenario.mkdir(parents=True)
            labels = {"workload": workload, "policy": policy}
            (scenario / "summary.json").write_text(json.dumps({**labels, "seeds": [1, 2]}))
            for seed in (2, 1):
                _write_seed(scenario / f"seed-{seed}", seed)
            folders.append(scenario)
    return folders


def _write_seed(folder, seed):
    folder.mkdir()
    times = np.repeat(np.arange(24) * 3600.0, 2)
    frame = pd.DataFrame(
        {"site": ["BNL-ATLAS", "nowhere"] * 24, "time": times, "cores": [2, 4] * 24}
    )
    frame = frame.assign(
        busy_cores=1.0 * seed, background_cores=0.0, queued_jobs=2.0, bytes_in=10**12,
        available=np.where((frame["site"] == "nowhere") & (times == 7200), 0.5, 1.0),
    )  # fmt: skip
    frame.to_parquet(folder / "sites.parquet")
    flows = pd.DataFrame(
        {
            "source": ["BNL-ATLAS", "nowhere", "BNL-ATLAS"],
            "destination": ["nowhere", "BNL-ATLAS", "AGLT2"],
            "kind": ["input", "output", "placement"],
            "transfers": 1,
            "failed": 0,
            "bytes": [10**12 * seed, 10**9, 5 * 10**12],
        }
    )
    flows.to_parquet(folder / "flows.parquet")


@pytest.fixture
def outcomes(tmp_path):
    """Write what `redwood simulation outcomes` does, and return its path."""

    def write(seeds=(1, 2, 3, 4, 5), rows=(), **turnarounds):
        """Mean turnarounds in minutes: workload=(policy a, b, …), seeds a little apart."""
        turnarounds = turnarounds or {"recorded": (10, 20, 40), "smote": (11, 22, 30)}
        for workload, minutes in turnarounds.items():
            for policy, value in zip("abcdefgh", minutes, strict=False):
                for seed in seeds:
                    shift = 0.1 * (seed - np.mean(seeds))
                    rows = [
                        *rows,
                        (workload, policy, seed, "turnaround_mean", "s", 60 * (value + shift)),
                        (workload, policy, seed, "wan_bytes", "bytes", 0.0),
                    ]
        return write_outcomes(tmp_path / "outcomes.csv", rows)

    return write


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved, kept open."""
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(pyplot, "close", shown.append)
    yield shown
    monkeypatch.undo()
    pyplot.close("all")
