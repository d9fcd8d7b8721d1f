"""A site as the engine keeps it; policies see it through `contract.Site`."""

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from redwood.facts import PANDA_CORE_POWER
from redwood.simulation.environment import Site as SiteOfEnvironment

if TYPE_CHECKING:
    from redwood.simulation.contract import Job


@dataclass(slots=True, eq=False)
class SiteState:
    """What a site is, as the environment has it, and what goes on there."""

    index: int
    name: str
    cores: int
    core_power: float = PANDA_CORE_POWER
    efficiency: float = 1.0
    overhead_s: float = 0.0
    core_scaling: float = 1.0
    tier: int = 2
    storage_bytes: float = inf
    queue_limit: float = inf
    carbon_intensity: float | None = None
    speed: float = field(init=False)
    up: bool = True
    used_bytes: float = 0.0
    busy_cores: int = 0
    # Those asked for by the jobs that run, wait or stage in there: changed by `commit` only.
    committed_cores: int = 0
    running_jobs: int = 0
    waiting_jobs: int = 0
    staging_jobs: int = 0
    # Sums of cores × date of the end over what runs, and of cores × run time over what waits.
    running_until_core_s: float = 0.0
    waiting_core_s: float = 0.0
    sending: int = 0
    receiving: int = 0
    finished_jobs: int = 0
    failed_jobs: int = 0
    queue_time: float = 0.0
    # Of all sites of the grid, for whoever compares them.
    loads: "memoryview[float] | None" = None
    # Whether it has changed since it was last copied into `site_arrays.SiteArrays`. Whoever changes
    # what follows `up` above sets it.
    stale: bool = True

    def __post_init__(self) -> None:
        self.speed = self.core_power * self.efficiency

    def commit(self, cores: int) -> None:
        """So many cores more are asked for, or fewer."""
        self.committed_cores += cores
        self.stale = True
        if self.loads is not None:
            self.loads[self.index] = self.committed_cores / self.cores

    @classmethod
    def of(cls, index: int, site: SiteOfEnvironment) -> "SiteState":
        """The site number `index` of an environment before any job."""
        return cls(
            index=index,
            name=site.name,
            cores=site.cores,
            core_power=site.core_power,
            efficiency=site.efficiency,
            overhead_s=site.overhead_s,
            core_scaling=site.core_scaling,
            tier=site.tier,
            storage_bytes=inf if site.storage_bytes is None else site.storage_bytes,
            queue_limit=inf if site.queue_limit is None else site.queue_limit,
            carbon_intensity=site.carbon_intensity,
        )

    def run_time(self, job: "Job") -> float:
        """Overhead + work / (core power × efficiency × cores^scaling), s."""
        if job.cores == 1:
            return self.overhead_s + job.work / self.speed
        return self.overhead_s + job.work / self.job_speed(job.cores)

    def job_speed(self, cores: int) -> float:
        """Core power × efficiency × cores^scaling, HS23."""
        return self.speed if cores == 1 else self.speed * cores**self.core_scaling

    def takes(self, job: "Job") -> bool:
        """Whether the site can be given the job now."""
        waiting = self.waiting_jobs + self.staging_jobs
        return self.up and self.cores >= job.cores and waiting < self.queue_limit
