"""The accounts of a simulation: one row a job, one row a site and interval, and a summary."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.simulation.engine import JobRecords
from redwood.simulation.outcomes import OUTCOMES
from redwood.simulation.platform import Platform
from redwood.simulation.scenario import Scenario
from redwood.simulation.workload import Workload
from redwood.tables import Column, TableDescription

FINAL_STATES = ("finished", "failed", "cancelled", "closed", "unbrokered")
_MOST_SITE_ROWS = 20_000_000

JOBS = TableDescription(
    "simulated jobs",
    (
        Column("job", "integer", meaning="row of the job table"),
        Column("state", "categorical", meaning=f"final state: {', '.join(FINAL_STATES)}"),
        Column("site", "categorical", role="auxiliary", meaning="where it ran; none if nowhere"),
        Column("cores", "integer", meaning="cores that it occupied while it ran"),
        Column("submit", "numeric", "s", meaning="submitted, after the first job"),
        Column("stagein_s", "numeric", "s", role="auxiliary", meaning="to stage in its input"),
        Column("queue_s", "numeric", "s", role="auxiliary", meaning="from input complete to start"),
        Column("start", "numeric", "s", role="auxiliary", meaning="started"),
        Column("end", "numeric", "s", meaning="reached its final state"),
        Column("source", "categorical", role="auxiliary", meaning="site its input was moved from"),
        Column("bytes_moved", "integer", "bytes", meaning="input moved over the network"),
    ),
)

SITES = TableDescription(
    "simulated sites",
    (
        Column("site", "categorical"),
        Column("time", "numeric", "s", meaning="start of the interval, after the first job"),
        Column("cores", "integer", meaning="cores of the site"),
        Column("busy_cores", "numeric", meaning="mean over the interval"),
        Column("queued_jobs", "numeric", meaning="jobs waiting for cores, mean over the interval"),
        Column("bytes_in", "integer", "bytes", meaning="of transfers that ended in the interval"),
        Column("bytes_out", "integer", "bytes", meaning="of transfers that ended in the interval"),
        Column("finished", "integer", meaning="jobs that finished in the interval"),
        Column("failed", "integer", meaning="jobs that failed in the interval"),
    ),
)


@dataclass(frozen=True)
class Run:
    """A simulation that has been run."""

    scenario: Scenario
    platform: Platform
    workload: Workload
    records: JobRecords


def job_table(run: Run) -> pd.DataFrame:
    """One row a job, in the order of the job table, as `JOBS` describes it."""
    records, jobs = run.records, sorted(run.workload.jobs, key=lambda job: job.row)
    # Index -1, nowhere, is the name appended last.
    names = np.array([*(site.name for site in run.platform.sites), None], dtype=object)
    moved = records.source >= 0
    sizes = np.array([job.input_bytes for job in jobs])
    return pd.DataFrame(
        {
            "job": np.arange(len(jobs)),
            "state": records.state,
            "site": names[records.site],
            "cores": [job.cores for job in jobs],
            "submit": records.submit,
            "stagein_s": records.arrive - records.submit,
            "queue_s": records.start - records.arrive,
            "start": records.start,
            "end": records.end,
            "source": names[records.source],
            "bytes_moved": np.where(moved, sizes, 0),
        }
    )


def site_table(run: Run, jobs: pd.DataFrame) -> pd.DataFrame:
    """One row a site and interval, sites in the platform's order, as `SITES` describes it.

    Raises:
        InputError: the interval is so short that the table would have more than 2e7 rows.
    """
    interval = run.scenario.interval_s
    sites = run.platform.sites
    steps = max(1, math.ceil(jobs["end"].max() / interval))
    if steps * len(sites) > _MOST_SITE_ROWS:
        raise InputError(
            f"interval_s is {interval:g}: the time series of {len(sites)} sites over "
            f"{jobs['end'].max():.0f} s would have {steps * len(sites)} rows, "
            f"expected at most {_MOST_SITE_ROWS}"
        )
    edges = np.arange(steps + 1) * interval
    records = run.records
    cores = jobs["cores"].to_numpy()
    ran = np.isfinite(records.start)
    arrive = records.arrive
    moved = records.source >= 0
    size = jobs["bytes_moved"].to_numpy()
    series = []
    for index, site in enumerate(sites):
        here = ran & (records.site == index)
        start, end, state = records.start[here], records.end[here], records.state[here]
        come, go = moved & (records.site == index), moved & (records.source == index)
        series.append(
            pd.DataFrame(
                {
                    "site": site.name,
                    "time": edges[:-1],
                    "cores": site.cores,
                    "busy_cores": time_average(start, end, cores[here], edges),
                    "queued_jobs": time_average(arrive[here], start, np.ones(here.sum()), edges),
                    "bytes_in": _sum(arrive[come], size[come], edges),
                    "bytes_out": _sum(arrive[go], size[go], edges),
                    "finished": _count(end[state == "finished"], edges),
                    "failed": _count(end[state == "failed"], edges),
                }
            )
        )
    return pd.concat(series, ignore_index=True)


def time_average(
    begin: np.ndarray, end: np.ndarray, weight: np.ndarray, edges: np.ndarray
) -> np.ndarray:
    """The mean, over each interval between `edges`, of the summed weights of what is under way.

    Args:
        begin, end: (n,) dates between which each is under way, s.
        weight: (n,).
        edges: (m + 1,), ascending, s.

    Returns:
        (m,) means.
    """
    area = _area_since(begin, weight, edges) - _area_since(end, weight, edges)
    return np.maximum(np.diff(area) / np.diff(edges), 0.0)


def _area_since(dates: np.ndarray, weight: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """At each edge the sum over the earlier dates of weight × (edge - date)."""
    order = np.argsort(dates, kind="stable")
    weights = np.concatenate([[0.0], np.cumsum(weight[order])])
    moments = np.concatenate([[0.0], np.cumsum(weight[order] * dates[order])])
    before = np.searchsorted(dates[order], edges)
    return weights[before] * edges - moments[before]


def _interval(dates: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The interval that each date lies in; the last includes its end."""
    return np.clip(np.searchsorted(edges, dates, side="right") - 1, 0, len(edges) - 2)


def _count(dates: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.bincount(_interval(dates, edges), minlength=len(edges) - 1)


def _sum(dates: np.ndarray, amounts: np.ndarray, edges: np.ndarray) -> np.ndarray:
    total = np.zeros(len(edges) - 1, dtype=np.int64)
    np.add.at(total, _interval(dates, edges), amounts)
    return total


def summarise(run: Run, jobs: pd.DataFrame) -> dict[str, Any]:
    """What went in, what became of it, and the outcomes; one that is undefined is `None`."""
    work = np.empty(len(jobs))
    work[[job.row for job in run.workload.jobs]] = [job.work for job in run.workload.jobs]
    ran = jobs["start"].notna().to_numpy()
    finished = (jobs["state"] == "finished").to_numpy()
    queue_time = jobs["queue_s"].to_numpy()[ran]
    makespan = float(jobs["end"].max() - jobs["submit"].min())
    busy = float(((jobs["end"] - jobs["start"]) * jobs["cores"])[ran].sum())
    cores = sum(site.cores for site in run.platform.sites)
    values = {
        "makespan": makespan,
        "queue_time_mean": _mean(queue_time),
        "queue_time_median": float(np.median(queue_time)) if ran.any() else None,
        "queue_time_p95": float(np.quantile(queue_time, 0.95)) if ran.any() else None,
        "stagein_mean": _mean(jobs["stagein_s"].to_numpy()[ran]),
        "turnaround_mean": _mean((jobs["end"] - jobs["submit"]).to_numpy()[ran]),
        "throughput": _ratio(float(finished.sum()), makespan / 3600),
        "utilisation": _ratio(busy, cores * makespan),
        "goodput": _ratio(float(work[finished].sum()), float(work[ran].sum())),
        "wan_bytes": int(jobs["bytes_moved"].sum()),
    }
    return {
        "workload": run.scenario.workload,
        "policy": run.scenario.policy,
        "seed": run.scenario.seed,
        "sites": len(run.platform.sites),
        "cores": cores,
        "datasets": run.workload.datasets,
        "jobs": {
            "submitted": len(jobs),
            **{state: int((jobs["state"] == state).sum()) for state in FINAL_STATES},
        },
        "outcomes": {
            name: {"value": values[name], "unit": unit, "definition": definition}
            for name, (unit, definition) in OUTCOMES.items()
        },
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
