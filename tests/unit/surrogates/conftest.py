"""Tables for the tests of the surrogates."""

import numpy as np
import pandas as pd
import pytest

from redwood.tables import Column, TableDescription, write_table

JOBS = TableDescription(
    "jobs",
    (
        Column("creationtime", "timestamp", "s"),
        Column("computingsite", "categorical"),
        Column("jobstatus", "categorical"),
        Column("project", "categorical"),
        Column("nfiles", "integer", scale="log"),
        Column("size", "integer", "bytes", "log"),
        Column("priority", "integer"),
        Column("workload", "numeric", "HS23·s", "log"),
        Column("load", "numeric"),
        Column("walltime", "numeric", "s", "log", role="auxiliary"),
    ),
)


def make_jobs(rows: int, seed: int) -> pd.DataFrame:
    """A job table with one constant numeric and one constant categorical column."""
    rng = np.random.default_rng(seed)
    sites = np.array(["BNL", "CERN", "DESY", "TRIUMF"], dtype=object)
    statuses = np.array(["cancelled", "failed", "finished"], dtype=object)
    begin = pd.Timestamp("2024-01-01", tz="UTC")
    times = begin + pd.to_timedelta(rng.integers(0, 30 * 86_400, rows), unit="s")
    files = rng.geometric(0.2, rows)
    return pd.DataFrame(
        {
            "creationtime": pd.Series(times).astype("datetime64[us, UTC]"),
            "computingsite": sites[rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])],
            "jobstatus": statuses[rng.choice(3, rows, p=[0.1, 0.2, 0.7])],
            "project": np.full(rows, "mc23", dtype=object),
            "nfiles": files,
            "size": np.exp(rng.normal(20, 3, rows)).astype(np.int64) * files,
            "priority": np.full(rows, 1000),
            "workload": rng.lognormal(8, 2, rows),
            "load": np.round(rng.uniform(-1, 1, rows), 2),
        }
    )


@pytest.fixture(scope="session")
def jobs() -> TableDescription:
    """The description of the job table, with an auxiliary column that its features lack."""
    return JOBS


@pytest.fixture(scope="session")
def train() -> pd.DataFrame:
    return make_jobs(300, seed=1)


@pytest.fixture(scope="session")
def validation() -> pd.DataFrame:
    return make_jobs(100, seed=2)


@pytest.fixture
def tables(tmp_path, train, validation):
    """A folder with table.json, train.parquet and validation.parquet."""
    JOBS.save(tmp_path / "table.json")
    write_table(train, tmp_path / "train.parquet", JOBS.only_features())
    write_table(validation, tmp_path / "validation.parquet", JOBS.only_features())
    return tmp_path
