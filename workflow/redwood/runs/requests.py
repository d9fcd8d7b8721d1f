"""What the rules ask Snakemake for: memory and time by rows and attempt, and where to run."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood import plugins
from redwood.configuration import Configuration
from redwood.errors import InputError
from redwood.runs.cluster import Cluster, Nodes
from redwood.runs.cost_scales import COST_SCALES
from redwood.runs.costs import Cost, Costs, Job
from redwood.runs.row_counts import RowCounts, row_counts

# What is asked for over what was measured: other processors, other data, a busy file system.
TIME_MARGIN, MEMORY_MARGIN = 3.0, 1.5
LEAST_MINUTES, LEAST_MB = 10, 600
# CUDA's own share of a process's memory.
CUDA_MB = 3000
# For dumps that are yet to be downloaded: half of the paper's rows. What is asked for is only a
# first guess until the jobs are counted, and each attempt asks for more.
_ASSUMED_ROWS = 1_000_000
# The workload that no model has made.
RECORDED = "recorded"

# Of the executor plug-in, and the key of a cluster's description that gives each.
_SLURM_RESOURCES = {
    "slurm_account": "account",
    "slurm_partition": "partition",
    "qos": "qos",
    "constraint": "constraint",
    "slurm_extra": "extra",
}

Needs = dict[str, Callable[..., Any]]


@dataclass(frozen=True)
class Expected:
    """What a job is expected to take on a cluster, and what is asked for it.

    Attributes:
        job: the job.
        cost: its measured cost.
        nodes: where it goes.
        gpu: whether it takes a GPU there.
    """

    job: Job
    cost: Cost
    nodes: Nodes
    gpu: bool

    @property
    def hours(self) -> float:
        """Expected time."""
        return self._seconds / 3600

    @property
    def memory_gb(self) -> float:
        """Expected peak of memory."""
        return self._megabytes / 1000

    @property
    def exceeds(self) -> tuple[str, ...]:
        """What it is expected to need more of than its nodes allow: "memory", "time"."""
        too_much = {
            "memory": self.memory_gb > self.nodes.memory_gb,
            "time": self.hours > self.nodes.hours,
        }
        return tuple(what for what, is_so in too_much.items() if is_so)

    def minutes(self, attempt: int = 1) -> int:
        """Minutes to ask for, at most what the nodes allow."""
        asked = math.ceil(TIME_MARGIN * self._seconds / 60)
        return min(max(LEAST_MINUTES, asked) * attempt, math.floor(60 * self.nodes.hours))

    def megabytes(self, attempt: int = 1) -> int:
        """Megabytes to ask for, at most what the nodes allow."""
        asked = math.ceil(MEMORY_MARGIN * self._megabytes / 100) * 100
        return min(max(LEAST_MB, asked) * attempt, math.floor(1000 * self.nodes.memory_gb))

    @property
    def _seconds(self) -> float:
        job = self.job
        return self.cost.seconds(job.rows, job.times, job.fluid) / self.nodes.speed

    @property
    def _megabytes(self) -> float:
        return self.cost.megabytes(self.job.rows) + (CUDA_MB if self.gpu else 0)


class Requests:
    """The resources of every rule, as Snakemake takes them.

    Args:
        configuration: the run's.
        cluster: where it may run.
        costs: what jobs have been measured to take.
        results: the folder of the dataset.
        rows: jobs to be kept, instead of those that the dumps or the results tell.
    """

    def __init__(
        self,
        configuration: Configuration,
        cluster: Cluster,
        costs: Costs,
        results: Path,
        rows: int | None = None,
    ) -> None:
        self._configuration, self._cluster, self._costs = configuration, cluster, costs
        self._results, self._rows = results, rows
        self._epochs, self._on_gpu = {}, set()
        for name in configuration.surrogates.models:
            plugin = configuration.surrogates.plugin_of(name)
            options = configuration.surrogates.options_of(name)
            self._epochs[name] = getattr(options, "epochs", None) or 1
            if plugins.load("redwood.surrogates.models", plugin).USES_GPU:
                self._on_gpu.add(name)
        self._known: tuple[int | None, RowCounts] | None = None

    def needs(self, rule: str) -> Needs:
        """The `resources:` of a rule: functions of a job's wildcards and attempt.

        `mem_mb` and `runtime` always; `gpu`, where to run and on whose account if the cluster's
        description says so. A value of `None` is not asked for.
        """
        gpu = self._cluster.gpu if COST_SCALES[rule].gpu else None
        asked: Needs = {
            "mem_mb": lambda wildcards, attempt: self.expected(rule, wildcards).megabytes(attempt),
            "runtime": lambda wildcards, attempt: self.expected(rule, wildcards).minutes(attempt),
        }
        if gpu is not None:
            asked["gpu"] = lambda wildcards: int(self._job(rule, wildcards).gpu)
            if gpu.model is not None:
                asked["gpu_model"] = lambda wildcards: (
                    gpu.model if self._job(rule, wildcards).gpu else None
                )
        kinds = [self._cluster.cpu, *([gpu] if gpu is not None else [])]
        for resource, key in _SLURM_RESOURCES.items():
            if any(getattr(nodes, key) is not None for nodes in kinds):
                asked[resource] = self._where(rule, key)
        return asked

    def expected(self, rule: str, wildcards: Mapping[str, str]) -> Expected:
        """What a job of a rule is expected to take.

        Raises:
            InputError: the rule has no measured cost.
        """
        job = self._job(rule, wildcards)
        nodes = self._nodes(job)
        return Expected(job, self._costs.of(job), nodes, nodes is self._cluster.gpu)

    def beyond_limits(self, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
        """In words, which jobs need more than the cluster has: capped requests would hide it.

        Args:
            jobs: rule and wildcards of each job.
        """
        found = {}
        for one in (self.expected(rule, wildcards) for rule, wildcards in jobs):
            kind, name = "gpu" if one.gpu else "cpu", one.job.name
            if "memory" in one.exceeds:
                found[name, "memory"] = (
                    f"{name} is expected to need {one.memory_gb:.1f} GB of memory, and "
                    f"{kind}.memory_gb of {self._cluster.name} is {one.nodes.memory_gb:g}: it will "
                    "be killed"
                )
            if "time" in one.exceeds:
                found[name, "time"] = (
                    f"{name} is expected to take {one.hours:.1f} h, and {kind}.hours of "
                    f"{self._cluster.name} is {one.nodes.hours:g}: it will only end if it goes on "
                    "from a checkpoint when it is sent again"
                )
        return list(found.values())

    def _where(self, rule: str, key: str) -> Callable[..., str | None]:
        return lambda wildcards: getattr(self._nodes(self._job(rule, wildcards)), key)

    def _nodes(self, job: Job) -> Nodes:
        return self._cluster.gpu if job.gpu and self._cluster.gpu else self._cluster.cpu

    def _job(self, rule: str, wildcards: Mapping[str, str]) -> Job:
        scale, counts = COST_SCALES[rule], self.rows
        model = wildcards.get("model") or wildcards.get("workload") or ""
        simulation = self._configuration.simulation
        times = {"": 1, "epochs": self._epochs.get(model, 1), "seeds": simulation.seeds}
        return Job(
            rule,
            variant=(wildcards.get("policy") or model) if scale.variants else "",
            rows=counts.test if model == RECORDED else getattr(counts, scale.rows),
            times=times[scale.times],
            gpu=scale.gpu and model in self._on_gpu,
            fluid=scale.times == "seeds" and simulation.network == "fluid",
        )

    @property
    def rows(self) -> RowCounts:
        """The rows of the dataset, counted when asked for: cleaning may have run meanwhile."""
        try:
            changed = (self._results / "records/split.json").stat().st_mtime_ns
        except OSError:
            changed = None
        if self._known is None or self._known[0] != changed:
            self._known = (changed, self._counted_or_expected())
        return self._known[1]

    def _counted_or_expected(self) -> RowCounts:
        try:
            return row_counts(self._configuration, self._results, self._rows)
        except InputError:
            return row_counts(self._configuration, self._results, _ASSUMED_ROWS)
