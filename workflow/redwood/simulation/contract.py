"""What a brokerage policy is, and what it may see of the grid.

A policy is a module of `redwood.simulation.policies` with a class `Policy`:

    class Policy(Brokerage):
        def choose(self, job, grid):
            return min(grid.able(job), key=lambda site: site.load, default=None)

The grid that it sees is the state at the moment the job is submitted, and cannot be changed.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is submitted.

    Attributes:
        row: its row in the job table, which is its name in every outcome.
        submit: when it is submitted, s after the first job.
        site: the site at which it was recorded.
        work: CPU work, HS23·s.
        cores: cores that it occupies while it runs.
        input_bytes: size of its input, bytes.
        dataset: the dataset its input belongs to, -1 where it has no input.
    """

    row: int
    submit: float
    site: str
    work: float
    cores: int
    input_bytes: int
    dataset: int


@dataclass(slots=True)
class SiteState:
    """A site as the engine keeps it; policies see it through `Site`."""

    index: int
    name: str
    tier: int
    cores: int
    core_power: float
    busy_cores: int = 0
    committed_cores: int = 0
    waiting_jobs: int = 0


class Site:
    """A read-only view of one site."""

    __slots__ = ("_state",)

    def __init__(self, state: SiteState) -> None:
        self._state = state

    def __repr__(self) -> str:
        return f"Site({self.name!r})"

    @property
    def index(self) -> int:
        """Its place in `Grid.sites`."""
        return self._state.index

    @property
    def name(self) -> str:
        return self._state.name

    @property
    def tier(self) -> int:
        """Its tier in the WLCG, 0 to 3."""
        return self._state.tier

    @property
    def cores(self) -> int:
        return self._state.cores

    @property
    def core_power(self) -> float:
        """HS23 per core."""
        return self._state.core_power

    @property
    def free_cores(self) -> int:
        return self._state.cores - self._state.busy_cores

    @property
    def waiting_jobs(self) -> int:
        """Jobs whose input is there and that wait for cores."""
        return self._state.waiting_jobs

    @property
    def load(self) -> float:
        """Cores asked for by the jobs that run, wait or stage in there, per core of the site."""
        return self._state.committed_cores / self._state.cores


class Grid:
    """A read-only view of all sites and of where the datasets are.

    Args:
        states: the sites as the engine keeps them, in order.
        replicas: for each dataset the indices of the sites that hold it, one tuple per dataset.
        random: the policy's own random numbers, from the scenario's seed.
    """

    def __init__(
        self,
        states: Sequence[SiteState],
        replicas: Sequence[tuple[int, ...]],
        random: np.random.Generator,
    ) -> None:
        self.sites: tuple[Site, ...] = tuple(Site(state) for state in states)
        self.random = random
        self._by_name = {site.name: site for site in self.sites}
        self._replicas = replicas
        self._able: dict[int, tuple[Site, ...]] = {}

    def __iter__(self) -> Iterator[Site]:
        return iter(self.sites)

    def site(self, name: str) -> Site | None:
        """The site called `name`, `None` where the platform has no such site."""
        return self._by_name.get(name)

    def able(self, job: Job) -> tuple[Site, ...]:
        """The sites that have at least as many cores as the job needs, busy or not."""
        if job.cores not in self._able:
            self._able[job.cores] = tuple(site for site in self.sites if site.cores >= job.cores)
        return self._able[job.cores]

    def replicas(self, job: Job) -> tuple[Site, ...]:
        """The sites that hold the job's input; none where it has no input."""
        if job.dataset < 0:
            return ()
        return tuple(self.sites[index] for index in self._replicas[job.dataset])


class Brokerage(ABC):
    """Chooses the site of each job when it is submitted. One instance serves one simulation."""

    @abstractmethod
    def choose(self, job: Job, grid: Grid) -> Site | None:
        """The site that shall run `job`, one of `grid.able(job)`; `None` where none shall."""
