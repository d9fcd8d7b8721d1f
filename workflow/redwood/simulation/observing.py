"""All sites at once: estimates for policies that look at every site, and what agents observe.

Estimates are, to the bit, what `contract.Grid` has for a single site.

An observation is numbers from 0 to 1. A feature is shown as it is where it is a share, and else on
a logarithmic scale, as ln(1 + value / unit) / 10, cut off at 1, which is reached at 22,025 units:
seconds, bytes and numbers of jobs span orders of magnitude.

All that is compiled stands here together, since numba does not notice that a function or a constant
in another module has changed.
"""

from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
from numba import njit

from redwood.simulation.contract import Grid, Job
from redwood.simulation.site_arrays import SiteArrays

_MINUTE, _GB = 60.0, 1e9
_UP, _BUSY, _LOAD, _WAITING_CORE_S, _UNTIL_CORE_S, _SENDING, _RECEIVING, _COPIES = map(
    SiteArrays.place,
    ("up", "busy_cores", "load", "waiting_core_s", "running_until_core_s", "sending", "receiving",
     "copies"),
)  # fmt: skip
_SCALE = 10.0
# What is no longer told apart.
_MOST = exp(_SCALE) - 1


@dataclass(frozen=True)
class Feature:
    """One number of the observation.

    Attributes:
        name: its name.
        meaning: what it is.
        unit: value that counts as one on the logarithmic scale; `None`: shown as it is.
    """

    name: str
    meaning: str
    unit: float | None = None


# What goes on at a site, named as in `SiteArrays`; then what it means for the job; then what it is.
_CHANGING = (
    Feature("up", "1 if it is not in an outage"),
    Feature("free_share", "share of its cores on which nothing runs"),
    Feature("used_share", "share of its storage that replicas take; 0 if it has no limit"),
    Feature("load", "cores asked for per core, in hundredths", 0.01),
    Feature("running_jobs", "jobs that run", 1.0),
    Feature("waiting_jobs", "jobs that wait for cores", 1.0),
    Feature("staging_jobs", "jobs whose input is on its way", 1.0),
    Feature("queue_time", "moving average of the time jobs waited for cores, min", _MINUTE),
    Feature("sending", "transfers that read from its storage", 1.0),
    Feature("receiving", "transfers on their way to it", 1.0),
)
_OF_JOB = (
    Feature("holds_input", "1 if it holds the job's input"),
    Feature("failed_here", "1 if the job has failed there before"),
    Feature("waiting_time", "how long the job would wait for cores, as `Grid.waiting_time`, min",
            _MINUTE),
    Feature("transfer_time", "how long its input would take, as `Grid.transfer_time`, min",
            _MINUTE),
    Feature("run_time", "how long it would run, as `Site.run_time`, min", _MINUTE),
)  # fmt: skip
_FIXED = (
    Feature("tier", "its tier in the WLCG, over 3"),
    Feature("cores", "its cores", 1.0),
    Feature("core_power", "HS23 per core", 1.0),
)
SITE_FEATURES = (*_CHANGING, *_OF_JOB, *_FIXED)
JOB_FEATURES = (
    Feature("cores", "cores that it occupies", 1.0),
    Feature("work", "CPU work, in core minutes of 10 HS23", 600.0),
    Feature("input_bytes", "what it reads, GB", _GB),
    Feature("output_bytes", "what it writes, GB", _GB),
    Feature("files", "its input files", 1.0),
    Feature("waited", "time since it was submitted, min", _MINUTE),
    Feature("failures", "attempts at it that have failed", 1.0),
)


@njit(cache=True)
def _transfer_time(site, table, bandwidths, holders, held, size):  # type: ignore[no-untyped-def]
    rate, holds = 0.0, False
    for place in range(held):
        holder = holders[place]
        holds |= holder == site
        if table[holder, _UP] > 0:
            shared = 1 + max(table[holder, _SENDING], table[site, _RECEIVING])
            rate = max(rate, bandwidths[holder, site] / shared)
    if holds:
        rate = 0.0
        if table[site, _UP] > 0:
            shared = 1 + max(table[site, _SENDING], table[site, _RECEIVING])
            rate = bandwidths[site, site] / shared
    return size / rate if rate > 0 else inf


@njit(cache=True)
def _waiting_time(site, table, of_site, cores, now):  # type: ignore[no-untyped-def]
    # The load is a quotient of whole numbers of cores, so that half of one is beyond rounding.
    if of_site == 0 or table[site, _LOAD] * of_site + cores < of_site + 0.5:
        return 0.0
    left = table[site, _UNTIL_CORE_S] - now * table[site, _BUSY]
    return (left + table[site, _WAITING_CORE_S]) / of_site


@njit(cache=True)
def transfer_times(
    table: np.ndarray, bandwidths: np.ndarray, holders: np.ndarray, held: int, size: float
) -> np.ndarray:
    """(sites,) `Grid.transfer_time`, s.

    Args:
        table: (sites, columns) as of `SiteArrays`.
        bandwidths: (sites, sites) bytes/s.
        holders: the first `held` are the sites that hold the input.
        held: how many.
        size: bytes of the input.
    """
    times = np.empty(len(table))
    for site in range(len(table)):
        times[site] = _transfer_time(site, table, bandwidths, holders, held, size)
    return times


@njit(cache=True)
def waiting_times(table: np.ndarray, of_sites: np.ndarray, cores: float, now: float) -> np.ndarray:
    """(sites,) `Grid.waiting_time`, s; 0 where a site has no cores.

    Args:
        table: (sites, columns) as of `SiteArrays`.
        of_sites: (sites,) their cores.
        cores: those of the job.
        now: the moment, s.
    """
    times = np.empty(len(table))
    for site in range(len(table)):
        times[site] = _waiting_time(site, table, of_sites[site], cores, now)
    return times


@njit(cache=True)
def _scaled(value, unit):  # type: ignore[no-untyped-def]
    return min(1.0, log(1 + min(max(value, 0.0) / unit, _MOST)) / _SCALE)


_COLUMNS = np.array([SiteArrays.place(feature.name) for feature in _CHANGING])
_UNITS = np.array([feature.unit or 0.0 for feature in SITE_FEATURES])
_JOB_UNITS = np.array([feature.unit for feature in JOB_FEATURES], np.float64)


@njit(cache=True)
def _observe(  # type: ignore[no-untyped-def]
    table, constants, bandwidths, mask, holders, held, about, copies, seen, shown, out
):
    """Fill an observation.

    Args:
        table, bandwidths, holders, held: as for `transfer_times`; the sites at which the job has
            failed stand behind the holders.
        constants: (sites, 3) as of `SiteArrays.constants`.
        mask: (sites,) bool, which can take the job.
        about: of the job cores, work, input bytes (negative: none), output bytes, files, seconds
            since its submission, failures, and the moment.
        copies: (sites,) the table's `copies` when what goes on at the site was last shown.
        seen: (sites, 3) last waiting, transfer and run time, s.
        shown: (sites, features) float32, what was last shown.
        out: float32, as of `Observer`.
    """
    sites, features = shown.shape
    held_at = len(_COLUMNS)
    failed_at, times = held_at + 1, held_at + 2
    for site in range(sites):
        if table[site, _COPIES] != copies[site]:
            copies[site] = table[site, _COPIES]
            for feature in range(held_at):
                value, unit = table[site, _COLUMNS[feature]], _UNITS[feature]
                shown[site, feature] = value if unit == 0 else _scaled(value, unit)
        shown[site, held_at] = shown[site, failed_at] = 0.0
        transfer = 0.0
        if about[2] >= 0:
            transfer = _transfer_time(site, table, bandwidths, holders, held, about[2])
        waiting = _waiting_time(site, table, constants[site, 0], about[0], about[7])
        run = constants[site, 1] + about[1] / constants[site, 2]
        for number, value in enumerate((waiting, transfer, run)):
            if value != seen[site, number]:
                seen[site, number] = value
                shown[site, times + number] = _scaled(value, _UNITS[times + number])
    for place in range(held):
        shown[holders[place], held_at] = 1.0
    for place in range(held, held + int(about[6])):
        shown[holders[place], failed_at] = 1.0
    at = sites * features
    out[:at] = shown.ravel()
    for feature in range(len(_JOB_UNITS)):
        out[at + feature] = _scaled(about[feature], _JOB_UNITS[feature])
    at += len(_JOB_UNITS)
    for site in range(sites):
        out[at + site] = mask[site]
    # To put it off is always allowed.
    out[at + sites :] = 1.0


class Observer:
    """Observes one simulation.

    Args:
        grid: what policies see.
        actions: (number of) what the mask is about: the sites, and perhaps *not now* after them.
    """

    def __init__(self, grid: Grid, actions: int | None = None) -> None:
        self._grid, self._sites = grid, len(grid.sites)
        self.actions = self._sites if actions is None else actions
        self.size = observed_size(self._sites, self.actions)
        arrays = grid.arrays
        # What was last shown, and of what: only the logarithms of what is new are taken.
        self._copies, self._seen = np.full(self._sites, -1.0), np.full((self._sites, 3), -1.0)
        self._shown = np.zeros((self._sites, len(SITE_FEATURES)), np.float32)
        self._shown[:, -len(_FIXED) :] = np.stack(
            [arrays.tier / 3, *map(_log_scale, (arrays.cores, arrays.core_power))], axis=1
        )

    def __call__(self, job: Job) -> np.ndarray:
        """(size,) float32, new: (sites × features) by site, the job's features, the mask.

        The mask is 1 for each action that is allowed: a site that can take the job, or *not now*.
        """
        grid = self._grid
        arrays, now = grid.arrays, grid.time
        places, held = grid.places(job)
        read = float(job.input_bytes) if job.dataset >= 0 else -1.0
        about = (
            float(job.cores), job.work, read, float(job.output_bytes), float(job.files),
            now - job.submit, float(len(grid.failed_at(job))), now,
        )  # fmt: skip
        out = np.empty(self.size, np.float32)
        _observe(
            arrays.table, arrays.constants(job.cores), grid.bandwidths, grid.takes_mask(job),
            places, held, about, self._copies, self._seen, self._shown, out,
        )  # fmt: skip
        return out

    def parts(self, observed: np.ndarray) -> dict[str, np.ndarray]:
        """`sites` (sites, features), `job` (features,) and `mask` (actions,): views."""
        end, mask = self._sites * len(SITE_FEATURES), self.size - self.actions
        return {
            "sites": observed[:end].reshape(self._sites, len(SITE_FEATURES)),
            "job": observed[end:mask],
            "mask": observed[mask:],
        }


def observed_size(sites: int, actions: int) -> int:
    """The length of an observation."""
    return sites * len(SITE_FEATURES) + len(JOB_FEATURES) + actions


def _log_scale(values: np.ndarray) -> np.ndarray:
    return np.minimum(np.log1p(values) / _SCALE, 1.0)
