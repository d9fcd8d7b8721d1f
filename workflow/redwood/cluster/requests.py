"""What the rules ask Snakemake for: memory and time by rows and attempt, and where to run."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from redwood.cluster.costs import Cost, Costs
from redwood.cluster.description import Cluster, Nodes
from redwood.cluster.rules import RULES, Job, job, models_of
from redwood.cluster.sizes import Sizes, counted_sizes, expected_sizes
from redwood.configuration import Configuration
from redwood.errors import InputError
from redwood.records.raw_dumps import raw_dumps

# What is asked for over what was measured: other processors, other data, a busy file system.
TIME_MARGIN, MEMORY_MARGIN = 3.0, 1.5
LEAST_MINUTES, LEAST_MB = 10, 600
# CUDA's own share of a process's memory.
CUDA_MB = 3000
# Without any hint of the rows of a dump that is yet to come.
_ASSUMED_ROWS = 1_000_000

Needs = dict[str, Callable[..., Any]]


def minutes(cost: Cost, work: float, nodes: Nodes, attempt: int = 1) -> int:
    """Minutes to ask for, at most what the nodes allow."""
    expected = cost.seconds(work) / 60 / nodes.speed
    asked = max(LEAST_MINUTES, math.ceil(TIME_MARGIN * expected)) * attempt
    return min(asked, math.floor(60 * nodes.hours))


def megabytes(cost: Cost, rows: float, nodes: Nodes, gpu: bool, attempt: int = 1) -> int:
    """Megabytes to ask for, at most what the nodes allow."""
    expected = cost.megabytes(rows) + (CUDA_MB if gpu else 0)
    asked = max(LEAST_MB, math.ceil(MEMORY_MARGIN * expected / 100) * 100) * attempt
    return min(asked, math.floor(1000 * nodes.memory_gb))


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

    def _value(self, rule: str, key: str) -> Callable[..., str | None]:
        return lambda wildcards: getattr(self._nodes(self._job(rule, wildcards)), key)

    def _nodes(self, job: Job) -> Nodes:
        return self._cluster.gpu if job.gpu and self._cluster.gpu else self._cluster.cpu

    def _megabytes(self, rule: str, wildcards: Mapping[str, str], attempt: int) -> int:
        job = self._job(rule, wildcards)
        nodes = self._nodes(job)
        cuda = nodes is self._cluster.gpu
        return megabytes(self._costs.of(job), job.rows, nodes, cuda, attempt)

    def _minutes(self, rule: str, wildcards: Mapping[str, str], attempt: int) -> int:
        job = self._job(rule, wildcards)
        return minutes(self._costs.of(job), job.work, self._nodes(job), attempt)

    def _job(self, rule: str, wildcards: Mapping[str, str]) -> Job:
        what = wildcards.get("model") or wildcards.get("policy") or ""
        return job(rule, what, self._configuration, self._sizes(), self._models)

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
        counted = counted_sizes(self._results, self._configuration.surrogates.rows)
        if counted is not None:
            return counted
        dumps = raw_dumps(self._configuration.records.source, str(self._results / "records/raw"))
        try:
            return expected_sizes(self._configuration, list(dumps.values()))
        except InputError:
            return expected_sizes(self._configuration, list(dumps.values()), _ASSUMED_ROWS)


_SLURM_RESOURCES = {
    "slurm_account": "account",
    "slurm_partition": "partition",
    "qos": "qos",
    "constraint": "constraint",
    "slurm_extra": "extra",
}
