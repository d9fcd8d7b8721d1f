"""What the rules ask Snakemake for: memory and time by rows and attempt, and where to run."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from redwood.cluster.costs import Cost, Costs
from redwood.cluster.description import Cluster, Nodes
from redwood.cluster.jobs import Job, job, jobs_of, models_of
from redwood.cluster.rules import RULES
from redwood.cluster.sizes import Sizes, sizes_of
from redwood.configuration import Configuration
from redwood.errors import InputError

# What is asked for over what was measured: other processors, other data, a busy file system.
TIME_MARGIN, MEMORY_MARGIN = 3.0, 1.5
LEAST_MINUTES, LEAST_MB = 10, 600
# CUDA's own share of a process's memory.
CUDA_MB = 3000
# For dumps that are yet to be downloaded: half of the paper's rows. What is asked for is only a
# first guess until the jobs are counted, and each attempt asks for more.
_ASSUMED_ROWS = 1_000_000

# Of the executor plug-in, and the key of a cluster's description that gives each.
_SLURM_RESOURCES = {
    "slurm_account": "account",
    "slurm_partition": "partition",
    "qos": "qos",
    "constraint": "constraint",
    "slurm_extra": "extra",
}

Needs = dict[str, Callable[..., Any]]


def expected_megabytes(cost: Cost, job: Job, gpu: bool) -> float:
    """The expected peak of memory."""
    return cost.megabytes(job.rows) + (CUDA_MB if gpu else 0)


def expected_minutes(cost: Cost, job: Job, nodes: Nodes) -> float:
    """The expected time on those nodes."""
    return cost.seconds(job.rows, job.times) / 60 / nodes.speed


def minutes(cost: Cost, job: Job, nodes: Nodes, attempt: int = 1) -> int:
    """Minutes to ask for, at most what the nodes allow."""
    asked = math.ceil(TIME_MARGIN * expected_minutes(cost, job, nodes))
    return min(max(LEAST_MINUTES, asked) * attempt, math.floor(60 * nodes.hours))


def megabytes(cost: Cost, job: Job, nodes: Nodes, gpu: bool, attempt: int = 1) -> int:
    """Megabytes to ask for, at most what the nodes allow."""
    asked = math.ceil(MEMORY_MARGIN * expected_megabytes(cost, job, gpu) / 100) * 100
    return min(max(LEAST_MB, asked) * attempt, math.floor(1000 * nodes.memory_gb))


class Requests:
    """The resources of every rule, as Snakemake takes them.

    Args:
        configuration: the run's.
        cluster: where it may run.
        costs: what jobs have been measured to take.
        results: the folder of the dataset.
    """

    def __init__(
        self,
        configuration: Configuration,
        cluster: Cluster,
        costs: Costs,
        results: Path,
    ) -> None:
        self._configuration, self._cluster, self._costs = configuration, cluster, costs
        self._results = results
        self._models = models_of(configuration)
        self._known: tuple[int | None, Sizes] | None = None

    def needs(self, rule: str) -> Needs:
        """The `resources:` of a rule: functions of a job's wildcards and attempt.

        `mem_mb` and `runtime` always; `gpu`, where to run and on whose account if the cluster's
        description says so. What is `None` for a job is not asked for.
        """
        gpu = self._cluster.gpu if RULES[rule].gpu else None
        asked: Needs = {
            "mem_mb": lambda wildcards, attempt: self._megabytes(rule, wildcards, attempt),
            "runtime": lambda wildcards, attempt: self._minutes(rule, wildcards, attempt),
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
                asked[resource] = self._value(rule, key)
        return asked

    def beyond_limits(self) -> list[str]:
        """In words, the jobs that need more than the cluster has: capped requests would hide it."""
        found = {}
        for rule in RULES:
            for one in jobs_of(rule, self._configuration, self._sizes(), self._models):
                cost, nodes = self._costs.of(one), self._nodes(one)
                gpu = nodes is self._cluster.gpu
                needed = expected_megabytes(cost, one, gpu) / 1000
                kind = "gpu" if gpu else "cpu"
                name = f"{rule} {one.variant}".rstrip()
                if needed > nodes.memory_gb:
                    found[name, "memory"] = (
                        f"{name} is expected to need {needed:.1f} GB of memory, and "
                        f"{kind}.memory_gb of {self._cluster.name} is {nodes.memory_gb:g}: it will "
                        "be killed"
                    )
                hours = expected_minutes(cost, one, nodes) / 60
                if hours > nodes.hours:
                    found[name, "time"] = (
                        f"{name} is expected to take {hours:.1f} h, and {kind}.hours of "
                        f"{self._cluster.name} is {nodes.hours:g}: only what goes on from a "
                        "checkpoint when it is sent again will end"
                    )
        return list(found.values())

    def _value(self, rule: str, key: str) -> Callable[..., str | None]:
        return lambda wildcards: getattr(self._nodes(self._job(rule, wildcards)), key)

    def _nodes(self, job: Job) -> Nodes:
        return self._cluster.gpu if job.gpu and self._cluster.gpu else self._cluster.cpu

    def _megabytes(self, rule: str, wildcards: Mapping[str, str], attempt: int) -> int:
        job = self._job(rule, wildcards)
        nodes = self._nodes(job)
        return megabytes(self._costs.of(job), job, nodes, nodes is self._cluster.gpu, attempt)

    def _minutes(self, rule: str, wildcards: Mapping[str, str], attempt: int) -> int:
        job = self._job(rule, wildcards)
        return minutes(self._costs.of(job), job, self._nodes(job), attempt)

    def _job(self, rule: str, wildcards: Mapping[str, str]) -> Job:
        return job(
            rule,
            self._configuration,
            self._sizes(),
            self._models,
            model=wildcards.get("model") or wildcards.get("workload") or "",
            policy=wildcards.get("policy") or "",
        )

    def _sizes(self) -> Sizes:
        """Counted when Snakemake asks: cleaning may have run meanwhile."""
        try:
            changed = (self._results / "records/split.json").stat().st_mtime_ns
        except OSError:
            changed = None
        if self._known is None or self._known[0] != changed:
            self._known = (changed, self._counted_or_expected())
        return self._known[1]

    def _counted_or_expected(self) -> Sizes:
        try:
            return sizes_of(self._configuration, self._results)
        except InputError:
            return sizes_of(self._configuration, self._results, _ASSUMED_ROWS)
