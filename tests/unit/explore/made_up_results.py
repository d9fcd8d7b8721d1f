"""Small results of a dataset, as the workflow lays them, and a scenario without any."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.simulation.environment import Environment
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario
from redwood.tables import Column, TableDescription, write_table

SITES = ("ANALY_BNL_VP", "CERN", "FZK-LCG2", "nowhere known")
ROWS = 400
DESCRIPTION = TableDescription(
    "jobs",
    (
        Column("creationtime", "timestamp"),
        Column("computingsite", "categorical"),
        Column("size", "integer", "bytes", "log"),
        Column("workload", "numeric", "HS23·s", "log"),
    ),
)


def jobs(rows=ROWS, seed=1, work=30_000.0):
    """One job a minute with an input of a gigabyte or so."""
    rng = np.random.default_rng(seed)
    seconds = pd.to_timedelta(np.arange(rows) * 60, "s")
    return pd.DataFrame(
        {
            "creationtime": pd.to_datetime("2024-01-01", utc=True) + seconds,
            "computingsite": rng.choice(SITES, rows),
            "size": rng.integers(10**8, 2 * 10**9, rows),
            "workload": rng.exponential(work, rows) + 100,
        }
    )


def make_results(folder: Path) -> Path:
    """Jobs, a surrogate's sample, a grid, and simulations under two policies."""
    environment = Environment(
        sites=[
            {"name": name, "cores": 12 * (index + 1), "failure_rate": 0.05}
            for index, name in enumerate(SITES)
        ]
    )
    environment.save(folder / "simulation" / "platform.json")
    (folder / "records").mkdir()
    DESCRIPTION.save(folder / "records" / "table.json")
    write_table(jobs(), folder / "records" / "test.parquet", DESCRIPTION)
    sample = folder / "surrogates" / "sequoia" / "sample.parquet"
    sample.parent.mkdir(parents=True)
    write_table(jobs(seed=2), sample, DESCRIPTION)
    for policy in ("least_loaded", "round_robin"):
        run_scenario(
            Scenario.load(scenario_of(folder, policy)),
            folder / "simulation" / "runs" / "recorded" / policy,
        )
    return folder


def scenario_of(folder: Path, policy="least_loaded", repetitions=2) -> dict:
    return {
        "environment": str(folder / "simulation" / "platform.json"),
        "workload": {
            "name": "recorded",
            "jobs": str(folder / "records" / "test.parquet"),
            "table": str(folder / "records" / "table.json"),
        },
        "policies": policy,
        "repetitions": repetitions,
        "interval_s": 600.0,
        "load_factor": 2.0,
    }


def make_long_scenario(folder: Path) -> Path:
    """A scenario whose run takes long enough to be cancelled."""
    long = jobs(150_000, work=300.0)
    write_table(long, folder / "long.parquet", DESCRIPTION)
    DESCRIPTION.save(folder / "table.json")
    sites = [{"name": name, "cores": 40} for name in SITES]
    content = {
        "environment": {"sites": sites},
        "workload": {"jobs": "long.parquet", "table": "table.json"},
        "load_factor": 20.0,
    }
    path = folder / "scenario.json"
    path.write_text(json.dumps(content))
    return path


def copy_of(results: Path, folder: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(results, folder / "results"))


@contextmanager
def serving(results: Path, *options: str, files: Path) -> Iterator[str]:
    """The URL of a server that ends with the block; its temporary files are in `files`."""
    command = [sys.executable, "-m", "redwood", "explore", str(results), *options]
    environment = os.environ | {"TMPDIR": str(files)}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        assert server.wait(30) == 0
        assert not list(files.glob("redwood-explore-*"))
