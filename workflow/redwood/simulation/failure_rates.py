"""Fitting how often attempts fail, and sites with them, to the final states of recorded jobs.

*Outages.* A window of a day in which a site ended at least five jobs, at least four in five of them
failed, counts as one; windows that follow each other are one outage. Their number over the time
that all sites were seen gives the mean time between two, the same for all sites.

*Rates.* Of the jobs outside outages. A site's rate is drawn towards the grid's by 50 jobs of the
grid's rate (the mean of a beta posterior). A kind of job, `project/prodstep/datatype`, has a rate
on top where its own, drawn alike, exceeds the grid's: 1 - (1 - own) / (1 - grid's). All site rates
are then scaled by one number so that as many training jobs are expected to fail as did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from redwood.simulation.environment import Outages

_PSEUDO_JOBS = 50.0
_WINDOW_S = 86_400.0
_LEAST_ENDED = 5
_MOSTLY = 0.8
_LEAST_OUTAGES = 3
_HIGHEST = 0.99


@dataclass(frozen=True)
class FailureRates:
    """What was fitted.

    Attributes:
        site: rate by site.
        kind: rate on top by kind of job, those above zero.
        outages: the same for all sites; `None` if too few were seen.
        seen: number of outages seen.
        failed_share: of the training jobs outside outages that finished or failed.
    """

    site: dict[str, float] = field(default_factory=dict)
    kind: dict[str, float] = field(default_factory=dict)
    outages: Outages | None = None
    seen: int = 0
    failed_share: float | None = None


def fit_failure_rates(
    jobs: pd.DataFrame, seconds: np.ndarray, kind_columns: Sequence[str]
) -> FailureRates:
    """Fit rates and outages.

    Args:
        jobs: training jobs; without `jobstatus` nothing fails.
        seconds: (n,) when they were created, s.
        kind_columns: the columns whose combinations are kinds of jobs.
    """
    if "jobstatus" not in jobs:
        return FailureRates()
    ended = jobs["jobstatus"].isin(("finished", "failed")).to_numpy()
    if not ended.any():
        return FailureRates()
    failed = (jobs["jobstatus"] == "failed").to_numpy()[ended]
    site, site_names = pd.factorize(jobs["computingsite"].to_numpy()[ended], sort=True)
    outages, seen, in_outage = _outages(site, seconds[ended], failed)
    if outages is not None:
        failed, site = failed[~in_outage], site[~in_outage]
        ended[np.flatnonzero(ended)[in_outage]] = False
    present = [name for name in kind_columns if name in jobs]
    share = float(failed.mean()) if len(failed) else 0.0
    by_site = _shrunk_rates(failed, site, len(site_names), share)
    if not present or share >= 1:
        rates = {n: float(min(r, _HIGHEST)) for n, r in zip(site_names, by_site, strict=True)}
        return FailureRates(_rounded(rates), {}, outages, seen, share)
    text = jobs[present[0]].astype(str)
    for name in present[1:]:
        text = text + "/" + jobs[name].astype(str)
    kind, kind_names = pd.factorize(text.to_numpy()[ended], sort=True)
    own = _shrunk_rates(failed, kind, len(kind_names), share)
    on_top = np.clip(1 - (1 - own) / (1 - share), 0, _HIGHEST)
    by_site = by_site * _scale(by_site[site], on_top[kind], share)
    return FailureRates(
        _rounded(dict(zip(site_names, by_site.tolist(), strict=True))),
        _rounded({n: float(r) for n, r in zip(kind_names, on_top, strict=True) if r > 0}),
        outages,
        seen,
        share,
    )


def _rounded(rates: dict[str, float]) -> dict[str, float]:
    return {name: round(rate, 6) for name, rate in rates.items()}


def _shrunk_rates(failed: np.ndarray, group: np.ndarray, groups: int, share: float) -> np.ndarray:
    """(groups,) shares of failures, each drawn towards the whole share."""
    counts = np.bincount(group, minlength=groups)
    failures = np.bincount(group, failed, minlength=groups)
    return (failures + _PSEUDO_JOBS * share) / (counts + _PSEUDO_JOBS)


def _scale(site: np.ndarray, kind: np.ndarray, share: float) -> float:
    """The factor of the sites' rates at which the expected share of failures is `share`.

    Args:
        site, kind: (n,) rates of each job's site and kind.
    """
    low, high = 0.0, _HIGHEST / max(float(site.max(initial=0.0)), 1e-12)
    for _ in range(60):
        middle = (low + high) / 2
        expected = float((1 - (1 - middle * site) * (1 - kind)).mean())
        low, high = (middle, high) if expected < share else (low, middle)
    return low


def _outages(
    site: np.ndarray, seconds: np.ndarray, failed: np.ndarray
) -> tuple[Outages | None, int, np.ndarray]:
    """Outages, how many were seen, and (n,) whether each job was in one."""
    window = ((seconds - seconds.min()) // _WINDOW_S).astype(np.int64)
    windows = int(window.max()) + 1
    cell = site * (windows + 1) + window
    counts = np.bincount(cell, minlength=(int(site.max()) + 1) * (windows + 1))
    failures = np.bincount(cell, failed, minlength=len(counts))
    down = (counts >= _LEAST_ENDED) & (failures >= _MOSTLY * counts)
    # An empty cell stands between the last window of a site and the first of the next.
    begins = down & ~np.concatenate([[False], down[:-1]])
    seen = int(begins.sum())
    if seen < _LEAST_OUTAGES:
        return None, seen, np.zeros(len(site), bool)
    lasting = float(down.sum()) * _WINDOW_S / seen
    watched = len(np.unique(site)) * windows * _WINDOW_S
    every = (watched - float(down.sum()) * _WINDOW_S) / seen
    return Outages(every_s=round(every), lasting_s=round(lasting)), seen, down[cell]
