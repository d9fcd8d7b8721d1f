"""Fitting run times to recorded wall times, and checking them on jobs that were not fitted.

A job runs for

    overhead + work / (core power × efficiency × cores^scaling)   seconds.

Core powers are facts. PanDA's default of 10 HS23 is not one, but only the product of power and
efficiency shows in wall times, so the efficiency of such a site takes up the difference. Overhead
and scaling are the whole grid's, efficiencies the sites' own. They minimise the mean
|ln(simulated / recorded)| of the finished training jobs: for given overhead and scaling a site's
efficiency is the one at which half of its jobs are too slow, drawn towards the grid's by
`_PSEUDO_JOBS` jobs of the grid's median; the two are found by a search over ever finer grids.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.seeds import generator
from redwood.tables import TableDescription, read_table

AUXILIARY = ("walltime", "cores", "task")
# Chosen, not published: where ln run times scatter by σ, the median of 20 jobs has a standard error
# of 1.25 σ / √20 = 0.28 σ, that of 50 jobs 0.18 σ, and that of 50,000 jobs 0.006 σ: more jobs would
# only take more time.
_PSEUDO_JOBS = 20.0
_LEAST_JOBS = 50
_MOST_JOBS = 50_000
# Each round halves the range of both numbers: the sixth searches 1/32 of the first.
_ROUNDS, _POINTS = 6, 5


@dataclass(frozen=True)
class RunTimes:
    """How long jobs run.

    Attributes:
        overhead_s: before and after the work, s.
        scaling: exponent of the cores.
        efficiency: by site.
        jobs: number of jobs it was fitted to; 0: not fitted.
    """

    overhead_s: float = 0.0
    scaling: float = 1.0
    efficiency: Mapping[str, float] | None = None
    jobs: int = 0

    def predict(self, jobs: pd.DataFrame, power: Callable[[str], float]) -> np.ndarray:
        """(n,) s that jobs run at their recorded sites."""
        speed = jobs["computingsite"].map(
            lambda name: power(name) * (self.efficiency or {}).get(name, 1.0)
        )
        cores = cores_of(jobs) ** self.scaling
        return self.overhead_s + (jobs["workload"] / speed.astype(float)).to_numpy() / cores


def read_with_auxiliary(path: str | Path, description: TableDescription) -> pd.DataFrame:
    """Read the features of a job table and, where it has them, wall times, cores and tasks."""
    columns = tuple(
        column
        for column in description.columns
        if column.role == "feature" or column.name in AUXILIARY
    )
    return read_table(path, TableDescription(description.name, columns))


def cores_of(jobs: pd.DataFrame) -> np.ndarray:
    """(n,) cores of the jobs, one where they are not known; an auxiliary column may say 0."""
    if "cores" not in jobs:
        return np.ones(len(jobs))
    return np.maximum(jobs["cores"].fillna(1).to_numpy(np.float64), 1.0)


def fit_run_times(jobs: pd.DataFrame, power: Callable[[str], float], seed: int = 1) -> RunTimes:
    """Fit overhead, scaling and efficiencies to finished jobs with a recorded wall time.

    Jobs whose wall time is not longer than the overhead, or that did no work, tell nothing of
    efficiencies. At most 50,000 jobs are looked at.

    Args:
        jobs: training jobs with computingsite, workload and, for anything to be fitted, walltime.
        power: HS23 per core by site.
        seed: of the jobs that are looked at.

    Returns:
        The fit; without at least 50 such jobs that of no overhead and full efficiency.
    """
    usable = _usable(jobs)
    if len(usable) < _LEAST_JOBS:
        return RunTimes()
    if len(usable) > _MOST_JOBS:
        chosen = generator(seed, "simulation", "calibration").permutation(len(usable))[:_MOST_JOBS]
        usable = usable.iloc[np.sort(chosen)]
    site, names = pd.factorize(usable["computingsite"], sort=True)
    ideal = (usable["workload"] / usable["computingsite"].map(power).astype(float)).to_numpy()
    cores, wall = cores_of(usable), usable["walltime"].to_numpy(np.float64)

    def fit(overhead: float, scaling: float) -> tuple[float, np.ndarray]:
        run = np.maximum(wall - overhead, 0.05 * wall)
        logs = np.log(ideal / cores**scaling / run)
        efficiency = np.exp(_shrunk_medians(logs, site, len(names)))
        simulated = overhead + ideal / cores**scaling / efficiency[site]
        return float(np.abs(np.log(simulated / wall)).mean()), efficiency

    most = float(np.quantile(wall, 0.25))
    scales = (0.2, 1.0) if len(np.unique(cores)) > 1 else (1.0, 1.0)
    overhead, scaling = _search(lambda o, s: fit(o, s)[0], (0.0, most), scales)
    if fit(0.0, scaling)[0] <= fit(overhead, scaling)[0]:
        overhead = 0.0
    efficiency = fit(overhead, scaling)[1]
    return RunTimes(
        round(overhead, 3),
        round(scaling, 4),
        {name: round(float(value), 4) for name, value in zip(names, efficiency, strict=True)},
        len(usable),
    )


def _usable(jobs: pd.DataFrame) -> pd.DataFrame:
    if "walltime" not in jobs:
        return jobs.iloc[:0]
    ran = (jobs["walltime"] > 0) & (jobs["workload"] > 0)
    if "jobstatus" in jobs:
        ran &= jobs["jobstatus"] == "finished"
    return jobs[ran.fillna(False).to_numpy(bool)]


def _shrunk_medians(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """(groups,) medians, each drawn towards the whole median as by `_PSEUDO_JOBS` jobs of it."""
    whole = float(np.median(values))
    medians = pd.Series(values).groupby(group).median().reindex(range(groups)).to_numpy()
    counts = np.bincount(group, minlength=groups)
    return (counts * medians + _PSEUDO_JOBS * whole) / (counts + _PSEUDO_JOBS)


def _search(
    error: Callable[[float, float], float], first: tuple[float, float], second: tuple[float, float]
) -> tuple[float, float]:
    """The pair of least error, by grids that shrink around the best point so far."""
    (low, high), (lower, upper) = first, second
    best = (low, upper)
    for _ in range(_ROUNDS):
        pairs = [
            (a, b)
            for a in np.unique(np.linspace(low, high, _POINTS))
            for b in np.unique(np.linspace(lower, upper, _POINTS))
        ]
        best = min(pairs, key=lambda pair: error(*pair))
        width, height = (high - low) / 4, (upper - lower) / 4
        low, high = max(first[0], best[0] - width), min(first[1], best[0] + width)
        lower, upper = max(second[0], best[1] - height), min(second[1], best[1] + height)
    return float(best[0]), float(best[1])


def calibration_table(
    jobs: pd.DataFrame, power: Callable[[str], float], fitted: RunTimes
) -> pd.DataFrame:
    """How well run times meet recorded wall times, for each site and, last, for the whole grid.

    Args:
        jobs: jobs that were not fitted, with recorded wall times.
        power: HS23 per core by site.
        fitted: what was fitted.

    Returns:
        Columns site (`all` for the grid), jobs, efficiency; error, the median of
        |ln(simulated / recorded)|; bias, the median of ln(simulated / recorded); core_seconds, the
        ratio of the sums of cores × wall time; and the same of unfitted run times with `_before`.
        No rows where nothing is recorded.
    """
    usable = _usable(jobs)
    wall, cores = usable.get("walltime", pd.Series(dtype=float)), cores_of(usable)
    wall = wall.to_numpy(np.float64)
    rows = []
    sides = {"": fitted, "_before": RunTimes()}
    simulated = {suffix: side.predict(usable, power) for suffix, side in sides.items()}
    sites = usable["computingsite"].to_numpy()
    for name in [*sorted(set(sites)), "all"]:
        here = np.ones(len(usable), bool) if name == "all" else sites == name
        if not here.any():
            continue
        row: dict[str, Any] = {
            "site": name,
            "jobs": int(here.sum()),
            "efficiency": (fitted.efficiency or {}).get(name, np.nan),
        }
        for suffix, run in simulated.items():
            logs = np.log(run[here] / wall[here])
            row[f"error{suffix}"] = float(np.median(np.abs(logs)))
            row[f"bias{suffix}"] = float(np.median(logs))
            total = float((cores * wall)[here].sum())
            row[f"core_seconds{suffix}"] = float((cores * run)[here].sum()) / total
        rows.append(row)
    columns = ["site", "jobs", "efficiency"]
    columns += [f"{name}{suffix}" for suffix in sides for name in ("error", "bias", "core_seconds")]
    return pd.DataFrame(rows, columns=columns)
