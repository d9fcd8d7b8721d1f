"""The workload: a job table, recorded or synthetic, as the jobs that are submitted to the grid."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from redwood.simulation.contract import Job
from redwood.simulation.datasets import assign_datasets
from redwood.simulation.job_table import RECORDED_STATES
from redwood.tables import TableDescription, to_numbers

KIND = ("project", "prodstep", "datatype")
# The state of a job that its record says ended before it ran, as an index.
CLOSED = RECORDED_STATES.index("closed")
# Whose a job is, for fair shares: the first of these that the job table has.
_OWNER = ("user", "workinggroup", "project")
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Workload:
    """The jobs of one simulation, in the order of their submission; arrays of (n,).

    Attributes:
        row: row of the job table.
        submit: s after the first submission.
        site: index into `site_names` of the recorded site.
        site_names: names of all recorded sites.
        work: HS23·s.
        cores: cores.
        input_bytes, output_bytes: bytes.
        files: number of input files.
        dataset: the input's dataset, -1 where there is none.
        kind: index into `kinds`.
        kinds: `project/prodstep/datatype` of all kinds.
        owner: whose a job is, as a number.
        state: recorded final state, as an index into `RECORDED_STATES`.
        dataset_bytes: (d,) bytes of each dataset: what the largest of its jobs reads.
        dataset_names: names of the datasets, where the job table has them.
    """

    row: np.ndarray
    submit: np.ndarray
    site: np.ndarray
    site_names: tuple[str, ...]
    work: np.ndarray
    cores: np.ndarray
    input_bytes: np.ndarray
    output_bytes: np.ndarray
    files: np.ndarray
    dataset: np.ndarray
    kind: np.ndarray
    kinds: tuple[str, ...]
    owner: np.ndarray
    state: np.ndarray
    dataset_bytes: np.ndarray
    dataset_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.row)

    def jobs(
        self, chosen: np.ndarray | None = None, submit: np.ndarray | None = None
    ) -> Iterator[Job]:
        """The jobs one by one; few of them exist at any time.

        Args:
            chosen: (k,) places of some of them; all if `None`.
            submit: (k,) when they are submitted, where that is not as recorded.
        """
        names = np.array(self.site_names, dtype=object)
        for begin in range(0, len(self if chosen is None else chosen), _AT_ONCE):
            part: Any = slice(begin, begin + _AT_ONCE)
            dates = self.submit[part] if submit is None else submit[part]
            part = part if chosen is None else chosen[part]
            columns = [self.row[part], dates, names[self.site[part]]]
            columns += [self.work[part], self.cores[part]]
            columns += [self.input_bytes[part], self.output_bytes[part], self.files[part]]
            columns += [self.dataset[part], self.kind[part], self.owner[part]]
            rows = zip(*(column.tolist() for column in columns), strict=True)
            # As `Job._make` does, which is Python.
            yield from map(partial(tuple.__new__, Job), rows)


def arrival_rate(frame: pd.DataFrame, description: TableDescription) -> float:
    """Rows of a job table per second of its own time, from its first to its last creation time.

    A table whose rows were all created in the same second counts as one second long.
    """
    seconds = to_numbers(frame["creationtime"], description["creationtime"])
    return len(frame) / max(1.0, float(np.ptp(seconds)))


def build_workload(
    frame: pd.DataFrame,
    description: TableDescription,
    seed: int,
    load_factor: float = 1.0,
    output_share: float = 0.0,
    jobs_per_dataset: float = 20.0,
) -> Workload:
    """Turn a checked job table (`read_jobs`) into the jobs to be submitted.

    A job is submitted (creationtime - first creationtime) / load_factor seconds into the
    simulation; ties keep the order of the table. A table without `cores` holds one-core jobs, one
    without `size` jobs without input, one without `jobstatus` jobs that finish.

    Args:
        frame: the job table, in any order.
        description: its description.
        seed: of the datasets that jobs are given where the table has no feature `dataset`.
        load_factor: arrivals are this many times as fast as in the table.
        output_share: bytes that a job writes, per byte that it reads.
        jobs_per_dataset: see `datasets.assign_datasets`.
    """
    created = to_numbers(frame["creationtime"], description["creationtime"])
    order = np.argsort(created, kind="stable")
    frame = frame.iloc[order]
    created = created[order]
    input_bytes = _column(frame, "size", 0).round().astype(np.int64)
    sites, site_names = pd.factorize(frame["computingsite"].astype(str), sort=True)
    kinds, kind_names = kinds_of(frame)
    owner = next((name for name in _OWNER if name in frame), None)
    dataset, names = assign_datasets(frame, kinds, input_bytes, seed, jobs_per_dataset)
    # A dataset that only jobs without input name has bytes, too: none.
    dataset_bytes = np.zeros(max(int(dataset.max(initial=-1)) + 1, len(names or ())))
    has_input = dataset >= 0
    np.maximum.at(dataset_bytes, dataset[has_input], input_bytes[has_input])
    state = np.zeros(len(frame), np.int8)
    if "jobstatus" in frame:
        state = pd.Categorical(frame["jobstatus"], categories=RECORDED_STATES).codes
    return Workload(
        row=order,
        submit=(created - created[0]) / load_factor,
        site=sites.astype(np.int32),
        site_names=tuple(site_names),
        work=_column(frame, "workload", 0),
        cores=_column(frame, "cores", 1).astype(np.int32),
        input_bytes=input_bytes,
        output_bytes=np.rint(input_bytes * output_share).astype(np.int64),
        files=np.maximum(_column(frame, "nfiles", 1), 1).astype(np.int32),
        dataset=dataset.astype(np.int32),
        kind=kinds.astype(np.int32),
        kinds=kind_names,
        owner=_grouped(frame, [owner] if owner else [])[0].astype(np.int32),
        state=state,
        dataset_bytes=dataset_bytes,
        dataset_names=names,
    )


def kinds_of(frame: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """(n,) the kind of each row of a job table, as an index into the kinds, and these."""
    return _grouped(frame, [name for name in KIND if name in frame])


def _column(frame: pd.DataFrame, name: str, default: float) -> np.ndarray:
    """(n,) float64 values of a column, all `default` where the table lacks it."""
    if name in frame:
        return frame[name].to_numpy(np.float64)
    return np.full(len(frame), float(default))


def _grouped(frame: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """(n,) the number of each row's combination of values, and the combinations, joined by `/`."""
    if not columns:
        return np.zeros(len(frame), np.int64), ("",)
    text = frame[columns[0]].astype(str)
    for name in columns[1:]:
        text = text + "/" + frame[name].astype(str)
    codes, names = pd.factorize(text, sort=True)
    return codes, tuple(names)
