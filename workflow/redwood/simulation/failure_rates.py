"""Fitting how often attempts fail, and sites with them, to the final states of recorded jobs.

*Outages.* A site is watched in a window of six hours if it was sent at least five jobs of at least
two tasks then, and looks down if at least four in five of them failed; windows that follow each
other are one outage. Many such windows come about without an outage, from tasks that fail wherever
they run. How many do is seen by letting tasks of about the same number of jobs at a site swap their
shares of failures: as many tasks then fail, but not at the same time. Only what exceeds that
counts, and only if it exceeds it by three outages and by two standard deviations; then outages are
the same for all sites.

*Rates.* Of the jobs outside outages; those in windows that look down count by the share of such
windows that chance explains. A site's rate is drawn towards the grid's by 50 jobs of the grid's
rate (the mean of a beta posterior). A kind of job, `project/prodstep/datatype`, has a rate on top
where its own, drawn alike, exceeds the grid's: 1 - (1 - own) / (1 - grid's). All site rates are
then scaled by one number so that as many training jobs are expected to fail as did.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from redwood.seeds import generator
from redwood.simulation.environment import Outages

# Chosen, not published; the reasons are these.
# Of 50 jobs a failure rate of 10 % has a standard error of 4 points: fewer say little of a site.
_PSEUDO_JOBS = 50.0
# A quarter of a day: long enough that a busy site ends jobs in it, short beside an outage of a day.
_WINDOW_S = 6 * 3600.0
# If one job in ten fails by chance, four or five of five do in one of 2,000 windows. The jobs of a
# task fail together, wherever they run, and so those of one task alone say nothing of the site.
_LEAST_ENDED = 5
_MOSTLY = 0.8
_LEAST_TASKS = 2
# The standard error of a mean over 20 swaps is a quarter of the deviation of one.
_SWAPS = 20
# The mean time between three outages has a standard error of 58 %; between fewer it says nothing.
_LEAST_OUTAGES = 3
# A rate of 1 would let no job end.
_HIGHEST = 0.99


@dataclass(frozen=True)
class FailureRates:
    """What was fitted.

    Attributes:
        site: rate by site.
        kind: rate on top by kind of job, those above zero.
        outages: the same for all sites; `None` if no more were seen than by chance.
        seen: number of times that a site looked down.
        by_chance: how many of these tasks that fail explain; `None` where tasks are not known.
        failed_share: of the training jobs outside outages that finished or failed.
    """

    site: dict[str, float] = field(default_factory=dict)
    kind: dict[str, float] = field(default_factory=dict)
    outages: Outages | None = None
    seen: int = 0
    by_chance: float | None = None
    failed_share: float | None = None


def fit_failure_rates(
    jobs: pd.DataFrame, seconds: np.ndarray, kind_columns: Sequence[str], seed: int = 1
) -> FailureRates:
    """Fit rates and outages.

    Args:
        jobs: training jobs; without `jobstatus` nothing fails, without `task` there are no outages.
        seconds: (n,) when they were created, s.
        kind_columns: the columns whose combinations are kinds of jobs.
        seed: of the tasks that swap.
    """
    if "jobstatus" not in jobs:
        return FailureRates()
    ended = jobs["jobstatus"].isin(("finished", "failed")).to_numpy()
    if not ended.any():
        return FailureRates()
    failed = (jobs["jobstatus"] == "failed").to_numpy()[ended]
    site, site_names = pd.factorize(jobs["computingsite"].to_numpy()[ended], sort=True)
    outages, seen, by_chance = None, 0, None
    weight = np.ones(len(site))
    if "task" in jobs:
        task = pd.factorize(jobs["task"].to_numpy()[ended], use_na_sentinel=False)[0]
        random = generator(seed, "simulation", "outages by chance")
        outages, seen, by_chance, down = _outages(site, task, seconds[ended], failed, random)
        if outages is not None:
            weight[down] = by_chance / seen
    present = [name for name in kind_columns if name in jobs]
    share = float(np.average(failed, weights=weight)) if weight.any() else 0.0
    by_site = _shrunk_rates(failed, weight, site, len(site_names), share)
    if not present or share >= 1:
        rates = {n: float(min(r, _HIGHEST)) for n, r in zip(site_names, by_site, strict=True)}
        return FailureRates(_rounded(rates), {}, outages, seen, by_chance, share)
    text = jobs[present[0]].astype(str)
    for name in present[1:]:
        text = text + "/" + jobs[name].astype(str)
    kind, kind_names = pd.factorize(text.to_numpy()[ended], sort=True)
    own = _shrunk_rates(failed, weight, kind, len(kind_names), share)
    on_top = np.clip(1 - (1 - own) / (1 - share), 0, _HIGHEST)
    by_site = by_site * _scale(by_site[site], on_top[kind], weight, share)
    return FailureRates(
        _rounded(dict(zip(site_names, by_site.tolist(), strict=True))),
        _rounded({n: float(r) for n, r in zip(kind_names, on_top, strict=True) if r > 0}),
        outages,
        seen,
        by_chance,
        share,
    )


def _rounded(rates: dict[str, float]) -> dict[str, float]:
    return {name: round(rate, 6) for name, rate in rates.items()}


def _shrunk_rates(
    failed: np.ndarray, weight: np.ndarray, group: np.ndarray, groups: int, share: float
) -> np.ndarray:
    """(groups,) shares of failures, each drawn towards the whole share."""
    counts = np.bincount(group, weight, minlength=groups)
    failures = np.bincount(group, weight * failed, minlength=groups)
    return (failures + _PSEUDO_JOBS * share) / (counts + _PSEUDO_JOBS)


def _scale(site: np.ndarray, kind: np.ndarray, weight: np.ndarray, share: float) -> float:
    """The factor of the sites' rates at which the expected share of failures is `share`.

    Args:
        site, kind: (n,) rates of each job's site and kind.
        weight: (n,) by which jobs count.
        share: in [0, 1).
    """
    if not weight.any():
        return 1.0
    low, high = 0.0, _HIGHEST / max(float(site.max(initial=0.0)), 1e-12)
    for _ in range(60):
        middle = (low + high) / 2
        expected = float(np.average(1 - (1 - middle * site) * (1 - kind), weights=weight))
        low, high = (middle, high) if expected < share else (low, middle)
    return low


def _outages(
    site: np.ndarray,
    task: np.ndarray,
    seconds: np.ndarray,
    failed: np.ndarray,
    random: np.random.Generator,
) -> tuple[Outages | None, int, float, np.ndarray]:
    """Outages, how many were seen and are by chance, and (n,) jobs sent to sites that look down.

    Args:
        site, task, seconds, failed: (n,) of each job.
        random: of the tasks that swap.
    """
    seconds = seconds - seconds.min()
    seen, watched, down, where = _looks_down(site, task, seconds, failed)
    first, part = np.unique(_pair(site, task), return_index=True, return_inverse=True)[1:]
    sizes = np.bincount(part)
    share = np.bincount(part, failed) / sizes
    alike = _pair(site[first], np.log2(sizes).astype(np.int64))
    in_order = np.argsort(alike, kind="stable")
    by_chance = 0.0
    for _ in range(_SWAPS if seen else 0):
        swapped = np.empty_like(share)
        swapped[in_order] = share[np.lexsort((random.random(len(share)), alike))]
        fails = random.random(len(part)) < swapped[part]
        by_chance += _looks_down(site, task, seconds, fails)[0] / _SWAPS
    excess = seen - by_chance
    if excess < max(_LEAST_OUTAGES, 2 * math.sqrt(by_chance)):
        return None, seen, by_chance, where
    lasting = down * _WINDOW_S / seen
    every = (watched - down) * _WINDOW_S / excess
    if every <= 0:
        return None, seen, by_chance, where
    return Outages(every_s=round(every), lasting_s=round(lasting)), seen, by_chance, where


def _looks_down(
    site: np.ndarray, task: np.ndarray, seconds: np.ndarray, failed: np.ndarray
) -> tuple[int, int, int, np.ndarray]:
    """How often sites look down, the windows watched and those down, and (n,) the jobs in these."""
    window = (seconds // _WINDOW_S).astype(np.int64)
    # An empty window stands between the last one of a site and the first of the next.
    cells, cell = np.unique(site * (int(window.max()) + 2) + window, return_inverse=True)
    counts = np.bincount(cell)
    of_tasks = np.unique(_pair(cell, task)) // (int(task.max()) + 1)
    watched = (counts >= _LEAST_ENDED) & (np.bincount(of_tasks) >= _LEAST_TASKS)
    down = watched & (np.bincount(cell, failed) >= _MOSTLY * counts)
    begins = ~np.isin(cells[down] - 1, cells[down])
    return int(begins.sum()), int(watched.sum()), int(down.sum()), down[cell]


def _pair(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) one number for each combination of two."""
    return first.astype(np.int64) * (int(second.max()) + 1) + second
