"""The workload: a job table, recorded or synthetic, as the jobs that are submitted to the grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.seeds import generator
from redwood.simulation.contract import Job
from redwood.tables import TableDescription, read_table, to_numbers

REQUIRED = ("creationtime", "computingsite", "workload")
RECORDED_STATES = ("finished", "failed", "cancelled", "closed")
_DATASET_GROUP = ("project", "prodstep", "datatype")
_JOBS_PER_DATASET = 20


@dataclass(frozen=True)
class Workload:
    """The jobs of one simulation.

    Attributes:
        jobs: in the order of their submission.
        recorded_state: the final state of each row of the table, one of `RECORDED_STATES`.
        datasets: number of datasets the inputs belong to.
    """

    jobs: Sequence[Job]
    recorded_state: np.ndarray
    datasets: int


def read_jobs(path: str | Path, description: TableDescription) -> pd.DataFrame:
    """Read the features of a job table and check them.

    Only features are read, for they are what samples of surrogates have too: recorded and synthetic
    jobs are told apart by their values alone.

    Raises:
        InputError: a required column is no feature, the table is empty, or a value is impossible.
    """
    features = description.only_features()
    for name in REQUIRED:
        if name not in features:
            known = ", ".join(column.name for column in features.columns)
            raise InputError(
                f"table {description.name!r}: a simulation needs the feature {name!r}; "
                f"the features are {known}"
            )
    frame = read_table(path, features)
    if frame.empty:
        raise InputError(f"{path}: the job table has no rows")
    for name, least, most in (
        ("workload", 0, np.finfo(float).max),
        ("size", 0, 2**53),
        ("cores", 1, 2**31),
    ):
        if name in features:
            _check_range(path, frame[name], least, most)
    if "jobstatus" in features:
        unknown = ~frame["jobstatus"].isin(RECORDED_STATES)
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            raise InputError(
                f"{path}: row {row}: jobstatus is {frame['jobstatus'][row]!r}, "
                f"expected one of {', '.join(RECORDED_STATES)}"
            )
    return frame


def _check_range(path: str | Path, values: pd.Series, least: float, most: float) -> None:
    wrong = ~((values >= least) & (values <= most)).to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: row {row}: {values.name} is {values[row]}, "
            f"expected a finite number of at least {least}"
        )


def arrival_rate(frame: pd.DataFrame, description: TableDescription) -> float:
    """Rows of a job table per second of its own time, from its first to its last creation time.

    A table whose rows were all created in the same second counts as one second long.
    """
    seconds = to_numbers(frame["creationtime"], description["creationtime"])
    return len(frame) / max(1.0, float(np.ptp(seconds)))


def build_workload(
    frame: pd.DataFrame, description: TableDescription, load_factor: float, seed: int
) -> Workload:
    """Turn a checked job table (`read_jobs`) into the jobs to be submitted.

    A job is submitted (creationtime - first creationtime) / load_factor seconds into the
    simulation; ties keep the order of the table. A table without `cores` holds one-core jobs, one
    without `size` jobs without input, one without `jobstatus` jobs that finish.
    """
    rows = len(frame)
    created = to_numbers(frame["creationtime"], description["creationtime"])
    submit = (created - created.min()) / load_factor
    input_bytes = frame["size"].to_numpy(np.float64) if "size" in frame else np.zeros(rows)
    cores = frame["cores"].to_numpy(np.int64) if "cores" in frame else np.ones(rows, np.int64)
    dataset = assign_datasets(frame, input_bytes, seed)
    if "jobstatus" in frame:
        recorded_state = frame["jobstatus"].to_numpy(object)
    else:
        recorded_state = np.full(rows, "finished", dtype=object)
    columns = zip(
        range(rows),
        submit.tolist(),
        frame["computingsite"].tolist(),
        frame["workload"].tolist(),
        cores.tolist(),
        np.rint(input_bytes).astype(np.int64).tolist(),
        dataset.tolist(),
        strict=True,
    )
    jobs = [Job(*values) for values in columns]
    jobs.sort(key=lambda job: job.submit)
    return Workload(jobs, recorded_state, int(dataset.max()) + 1)


def assign_datasets(frame: pd.DataFrame, input_bytes: np.ndarray, seed: int) -> np.ndarray:
    """Say to which dataset each job's input belongs, as an index per row; -1 where it has none.

    Records name project, step and data type but not the dataset itself. Jobs that agree in these
    share a pool of datasets, one for every twenty jobs (rounded up), and each draws its own from
    it with the popularity of rank r proportional to 1/r (Zipf's law, which the popularity of
    datasets among analysis jobs follows roughly). The bytes that a job reads are its own `size`.
    """
    keys = [name for name in _DATASET_GROUP if name in frame]
    if keys:
        group = frame.groupby(keys, sort=True, observed=True).ngroup().to_numpy()
    else:
        group = np.zeros(len(frame), np.int64)
    group = np.where(np.rint(input_bytes) > 0, group, -1)
    random = generator(seed, "simulation", "datasets")
    dataset = np.full(len(frame), -1, np.int64)
    first = 0
    for index in np.unique(group[group >= 0]):
        members = np.flatnonzero(group == index)
        pool = -(-len(members) // _JOBS_PER_DATASET)
        popularity = 1 / np.arange(1, pool + 1)
        dataset[members] = first + random.choice(
            pool, size=len(members), p=popularity / popularity.sum()
        )
        first += pool
    return dataset
