"""What policies are, and what they may see of the grid.

Three kinds of policy decide what the grid does:

* a `Brokerage` names the site of a job when it is submitted, and again for each further attempt;
* a `Placement` decides which datasets are copied where, and whether moved inputs are kept;
* a `QueueOrder` says in which order the jobs that wait at a site are started.

Each is a class, or, for brokerage, just a function `choose(job, grid)`, in a module: one of those
in `policies/`, or a file of your own. The grid that a policy sees is the state at the very moment,
and cannot be changed through it:

    def choose(job, grid):
        return min(grid.able(job), key=lambda site: site.load, default=None)
"""

from abc import ABC, abstractmethod
from bisect import bisect
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from math import inf
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple, cast

import numpy as np

from redwood.simulation.site_arrays import SiteArrays
from redwood.simulation.site_state import SiteState


class Job(NamedTuple):
    """A job as it is submitted.

    Attributes:
        row: its row in the job table, which is its name in every outcome; -1: a local job.
        submit: when it is submitted, s after the first job.
        site: the site at which it was recorded.
        work: CPU work, HS23·s.
        cores: cores that it occupies while it runs.
        input_bytes: what it reads.
        output_bytes: what it writes when it succeeds.
        files: number of its input files.
        dataset: the dataset its input belongs to, -1 where it has no input.
        kind: project, step and data type of its input, as a number.
        owner: whose it is, as a number: its user, where the job table has one.
    """

    row: int
    submit: float
    site: str
    work: float
    cores: int
    input_bytes: int
    output_bytes: int
    files: int
    dataset: int
    kind: int
    owner: int


def _seen(attribute: str, meaning: str) -> property:
    return property(attrgetter(f"_state.{attribute}"), doc=meaning)


class Site:
    """A read-only view of one site."""

    __slots__ = ("_state",)
    _state: SiteState

    def __init__(self, state: SiteState) -> None:
        object.__setattr__(self, "_state", state)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"policies cannot change a site, here its {name!r}")

    def __repr__(self) -> str:
        return f"Site({self.name!r})"

    index = _seen("index", "Its place in `Grid.sites`.")
    name = _seen("name", "Its name.")
    tier = _seen("tier", "Its tier in the WLCG, 0 to 3.")
    cores = _seen("cores", "Its cores.")
    core_power = _seen("core_power", "HS23 per core.")
    carbon_intensity = _seen("carbon_intensity", "Of its electricity, gCO2e/kWh; `None`: unknown.")
    up = _seen("up", "Whether it is not in an outage.")
    busy_cores = _seen("busy_cores", "Cores on which jobs run.")
    running_jobs = _seen("running_jobs", "Jobs that run.")
    waiting_jobs = _seen("waiting_jobs", "Jobs whose input is there and that wait for cores.")
    staging_jobs = _seen("staging_jobs", "Jobs whose input is on its way.")
    waiting_core_s = _seen("waiting_core_s", "Core seconds that jobs not yet started will take.")
    queue_time = _seen("queue_time", "Moving average of the time jobs waited for cores, s.")
    finished_jobs = _seen("finished_jobs", "Attempts that have finished here.")
    failed_jobs = _seen("failed_jobs", "Attempts that have failed here.")
    sending = _seen("sending", "Transfers that read from its storage.")
    receiving = _seen("receiving", "Transfers that are on their way to it.")
    storage_bytes = _seen("storage_bytes", "Room for replicas, bytes; may be infinite.")
    used_bytes = _seen("used_bytes", "Bytes of the replicas there and on their way.")

    @property
    def free_cores(self) -> int:
        """Cores on which nothing runs."""
        return self._state.cores - self._state.busy_cores

    @property
    def load(self) -> float:
        """Cores asked for by the jobs that run, wait or stage in there, per core of the site."""
        return self._state.committed_cores / self._state.cores

    def run_time(self, job: Job) -> float:
        """How long `job` would run here, s."""
        return self._state.run_time(job)


class Grid:
    """A read-only view of all sites, of where the datasets are, and of the links.

    Args:
        states: the sites as the engine keeps them, in order.
        replicas: for each dataset the indices of the sites that hold it.
        sizes: for each dataset its bytes.
        bandwidth: bytes/s that a transfer from site i to site j reaches alone.
        random: the policies' own random numbers, from the scenario's seed.
        tried: job row → indices of the sites at which it has failed.
        clock: the moment, s.
    """

    def __init__(
        self,
        states: Sequence[SiteState],
        replicas: Sequence[Iterable[int]] = (),
        sizes: Sequence[float] | np.ndarray = (),
        bandwidth: Callable[[int, int], float] = lambda source, destination: float("inf"),
        random: Random | None = None,
        tried: dict[int, set[int]] | None = None,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.sites: tuple[Site, ...] = tuple(Site(state) for state in states)
        self.random = random if random is not None else Random(0)
        self._states = states
        self._by_name = {site.name: site for site in self.sites}
        self._replicas, self._sizes, self._bandwidth = replicas, sizes, bandwidth
        self._tried = tried if tried is not None else {}
        self._clock = clock
        self._able: dict[int, tuple[Site, ...]] = {}
        self._drawn: dict[int, tuple[tuple[Site, ...], list[int]]] = {}
        self._masks: dict[int, np.ndarray] = {}
        self._indices: dict[tuple[int, bool], np.ndarray] = {}
        self._at = np.zeros(2 * len(states), np.int64)
        # Kept up to date by the sites, see `SiteState.commit`; and what a job adds, by its cores.
        self._loads = np.array([s.committed_cores / (s.cores or inf) for s in states], np.float64)
        loads = cast("memoryview[float]", self._loads.data)
        for state in states:
            state.loads = loads
        self._added: dict[int, np.ndarray] = {}
        self._arrays: SiteArrays | None = None
        self._rates: np.ndarray | None = None
        self._reads: dict[int, int] = {}

    def __iter__(self) -> Iterator[Site]:
        return iter(self.sites)

    @property
    def time(self) -> float:
        """The moment, s after the first submission."""
        return self._clock()

    def site(self, name: str) -> Site | None:
        """The site called `name`, `None` where the grid has no such site."""
        return self._by_name.get(name)

    def able(self, job: Job) -> tuple[Site, ...]:
        """The sites that can take the job: up, not full, with enough cores, busy or not.

        Those at which it has failed before are left out as long as others remain.
        """
        sites = self._takers(job)
        if self._tried and job.row in self._tried:
            tried = self._tried[job.row]
            return tuple(site for site in sites if site.index not in tried) or sites
        return sites

    def _takers(self, job: Job) -> tuple[Site, ...]:
        """The sites that can take the job, failed there before or not."""
        sites = self._able.get(job.cores)
        if sites is None:
            sites = self._able[job.cores] = tuple(
                site
                for site, state in zip(self.sites, self._states, strict=True)
                if state.takes(job)
            )
        return sites

    def takes(self, site: Site, job: Job) -> bool:
        """Whether a site can take the job, failed there before or not."""
        return site._state.takes(job)

    def draw(self, job: Job) -> Site | None:
        """One of `able` at random, with its cores as its weight; none if there is none."""
        if self._tried and job.row in self._tried:
            sites = self.able(job)
            return self.random.choices(sites, [s.cores for s in sites])[0] if sites else None
        drawn = self._drawn.get(job.cores)
        if drawn is None:
            sites = self.able(job)
            drawn = self._drawn[job.cores] = (sites, list(accumulate(s.cores for s in sites)))
        sites, weights = drawn
        return sites[bisect(weights, self.random.random() * weights[-1])] if sites else None

    def replicas(self, job: Job) -> tuple[Site, ...]:
        """The sites that hold the job's input; none where it has no input."""
        return self.holders(job.dataset) if job.dataset >= 0 else ()

    def holders(self, dataset: int) -> tuple[Site, ...]:
        """The sites that hold a dataset."""
        return tuple(self.sites[index] for index in self._replicas[dataset])

    @property
    def datasets(self) -> range:
        """All datasets."""
        return range(len(self._sizes))

    def size(self, dataset: int) -> float:
        """Bytes of a dataset."""
        return float(self._sizes[dataset])

    def reads(self) -> dict[int, int]:
        """Dataset → jobs that asked for it since the last `Placement.place`, the first before."""
        return dict(self._reads)

    def bandwidth(self, source: Site, destination: Site) -> float:
        """Bytes/s that a transfer reaches when it is alone on its path."""
        return self._bandwidth(source.index, destination.index)

    def transfer_time(self, job: Job, site: Site) -> float:
        """How long the job's input would take to get to `site`, estimated, s.

        From the site's own storage, or else from the best replica: the bandwidth of the path is
        shared with the transfers that already read from that storage or come to `site`. Zero where
        there is no input.
        """
        if job.dataset < 0:
            return 0.0
        holders = self._replicas[job.dataset]
        to, arriving = site.index, site.receiving
        rates = [
            self._bandwidth(index, to) / (1 + max(self._states[index].sending, arriving))
            for index in ((to,) if to in holders else holders)
            if self._states[index].up
        ]
        return job.input_bytes / max(rates) if rates else float("inf")

    def waiting_time(self, job: Job, site: Site) -> float:
        """How long `job` would wait for cores if its input were at `site`, estimated, s.

        Zero while it has cores for all jobs that were sent to it and for this one. Otherwise the
        core seconds that running jobs have left and those that all waiting and staging jobs will
        take, over the cores.
        """
        state = site._state
        if state.committed_cores + job.cores <= state.cores:
            return 0.0
        left = state.running_until_core_s - self.time * state.busy_cores
        return (left + state.waiting_core_s) / state.cores

    # The same for all sites at once, and as fast as NumPy: for policies that look at every site.

    @property
    def arrays(self) -> SiteArrays:
        """What goes on at the sites at this moment, as arrays: ask anew for each decision."""
        if self._arrays is None:
            self._arrays = SiteArrays(self._states)
        self._arrays.refresh()
        return self._arrays

    @property
    def bandwidths(self) -> np.ndarray:
        """(sites, sites) `bandwidth` from site i to site j, bytes/s."""
        if self._rates is None:
            indices = range(len(self.sites))
            self._rates = np.array([[self._bandwidth(i, j) for j in indices] for i in indices])
            self._rates.setflags(write=False)
        return self._rates

    def failed_at(self, job: Job) -> Collection[int]:
        """The indices of the sites at which the job has failed."""
        return self._tried.get(job.row, ())

    def able_mask(self, job: Job) -> np.ndarray:
        """(sites,) bool: which sites are in `able(job)`; not to be written to."""
        mask = self.takes_mask(job)
        if self._tried and job.row in self._tried:
            left = mask.copy()
            left[list(self._tried[job.row])] = False
            return left if left.any() else mask
        return mask

    def takes_mask(self, job: Job) -> np.ndarray:
        """(sites,) bool: which sites can take the job, failed there before or not (`takes`)."""
        mask = self._masks.get(job.cores)
        if mask is None:
            mask = self._masks[job.cores] = np.array([s.takes(job) for s in self._states], bool)
            mask.setflags(write=False)
        return mask

    def able_indices(self, job: Job, *, fastest_first: bool = False) -> np.ndarray:
        """The indices of `able(job)`, in order; not to be written to.

        Args:
            job: the job.
            fastest_first: in order of falling core power, and then of the sites.
        """
        found = self._indices.get((job.cores, fastest_first))
        if found is None:
            found = np.flatnonzero(self.takes_mask(job))
            if fastest_first:
                power = np.array([self.sites[index].core_power for index in found])
                found = found[np.argsort(-power, kind="stable")]
            found.setflags(write=False)
            self._indices[job.cores, fastest_first] = found
        if self._tried and job.row in self._tried:
            return found[self.able_mask(job)[found]]
        return found

    def least(self, job: Job, cost: np.ndarray) -> Site | None:
        """Of `able(job)` the site of the least cost, the first of equals; none if there is none.

        Args:
            job: the job.
            cost: (sites,) of each site.
        """
        able = self.able_indices(job)
        if len(able) == len(self.sites):
            return self.sites[cost.argmin()]
        return self.sites[able[cost[able].argmin()]] if len(able) else None

    def loads(self, job: Job) -> np.ndarray:
        """(sites,) `Site.load` once the site has the job, too; of one without cores it is 0."""
        added = self._added.get(job.cores)
        if added is None:
            of_sites = np.array([state.cores or inf for state in self._states])
            added = self._added[job.cores] = job.cores / of_sites
        return self._loads + added

    def run_times(self, job: Job) -> np.ndarray:
        """(sites,) `Site.run_time`, s."""
        _, overhead_s, speed = self.arrays.constants(job.cores).T
        return overhead_s + job.work / speed

    def waiting_times(self, job: Job) -> np.ndarray:
        """(sites,) `waiting_time`, s; 0 where a site has no cores."""
        # Compiled code: not loaded where it is not used.
        from redwood.simulation.observing import waiting_times

        state = self.arrays
        return waiting_times(state.table, state.cores, float(job.cores), self.time)

    def transfer_times(self, job: Job) -> np.ndarray:
        """(sites,) `transfer_time`, s."""
        if job.dataset < 0:
            return np.zeros(len(self.sites))
        from redwood.simulation.observing import transfer_times

        holders, held = self.places(job)
        size = float(job.input_bytes)
        return transfer_times(self.arrays.table, self.bandwidths, holders, held, size)

    def places(self, job: Job) -> tuple[np.ndarray, int]:
        """The sites that hold a job's input, how many, and behind these those that it failed at.

        The array is the same for all jobs.
        """
        places, held = self._at, 0
        if job.dataset >= 0:
            holders = self._replicas[job.dataset]
            for index in holders:
                places[held] = index
                held += 1
        if self._tried:
            places[held : held + len(self.failed_at(job))] = list(self.failed_at(job))
        return places, held

    def _forget_able(self) -> None:
        """A site went down, came back, filled up or has room again."""
        self._able.clear()
        self._drawn.clear()
        self._masks.clear()
        self._indices.clear()


class Brokerage(ABC):
    """Chooses the site of each job. One instance serves one simulation.

    Attributes:
        replays: whether it sends jobs to the sites at which they were recorded and nowhere else:
            then an environment that lacks one of these is an error.
    """

    replays: bool = False

    @abstractmethod
    def choose(self, job: Job, grid: Grid) -> Site | None:
        """The site that is to run `job`, one that can take it (`grid.able`), or `None` for not now.

        A job that gets no site is offered again later, see `configuration.Settings.pending_s`.
        """


class Copy(NamedTuple):
    """An order to copy a dataset to a site, from the best replica there is."""

    dataset: int
    site: Site


class Removal(NamedTuple):
    """An order to remove a replica; the last one of a dataset cannot be removed."""

    dataset: int
    site: Site


class Placement:
    """Decides where datasets are copied. One instance serves one simulation.

    Attributes:
        keeps_inputs: whether an input that is moved to a site stays there as a replica, the least
            recently read making room. Then a dataset is moved whole.
        period_s: how often `place` is called; never if `None`.
    """

    keeps_inputs: bool = False
    period_s: float | None = None

    def place(self, grid: Grid) -> Iterable[Copy | Removal]:
        """What is to be copied and removed now. Copies give way when room is needed."""
        return ()

    def brokered(self, job: Job, site: Site, grid: Grid) -> Iterable[Copy]:
        """What is to be copied now that `job` goes to `site`."""
        return ()


class QueueOrder:
    """The order in which jobs that wait at a site start. One instance serves one simulation."""

    def key(self, job: Job, site: Site) -> Any:
        """What orders the jobs: the least key starts first, among equal ones the first to come."""
        return 0

    def started(self, job: Job, site: Site, key: Any) -> None:
        """The job has left the queue, whose `key` it was given when it came."""
