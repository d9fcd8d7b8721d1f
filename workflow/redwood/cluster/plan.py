"""What a whole run will take, before anything is submitted."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from redwood.cluster.costs import Cost, Costs
from redwood.cluster.description import Cluster, Nodes
from redwood.cluster.jobs import Job, jobs_of, models_of, waits_for
from redwood.cluster.requests import CUDA_MB, megabytes, minutes
from redwood.cluster.rules import RULES
from redwood.cluster.schedule import longest_chain, makespan
from redwood.cluster.sizes import Sizes
from redwood.configuration import Configuration


@dataclass(frozen=True)
class PlannedRule:
    """Jobs of one rule that are expected to take the same.

    Attributes:
        rule, variant: the rule, and the model or policy where that matters.
        jobs: how many.
        hours: expected time of one.
        memory_gb: expected peak of one.
        asked_hours, asked_gb: what Slurm is asked for at the first attempt.
        cores: of one.
        gpu: whether it takes a GPU.
        price: of all, in the cluster's currency.
        beyond: how many times as many rows as the largest job that was measured; at most 1 within;
            0 where nothing is measured.
        exceeds: the limits of the cluster that one is expected to exceed: "memory", "time".
    """

    rule: str
    variant: str
    jobs: int
    hours: float
    memory_gb: float
    asked_hours: float
    asked_gb: float
    cores: int
    gpu: bool
    price: float
    beyond: float
    exceeds: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.rule} {self.variant}".rstrip()

    @property
    def core_hours(self) -> float:
        return self.jobs * self.cores * self.hours

    @property
    def gpu_hours(self) -> float:
        return self.jobs * self.hours * self.gpu


@dataclass(frozen=True)
class Plan:
    """A whole run from nothing.

    Attributes:
        sizes: the rows that it is for.
        rules: what its rules take, in the order in which they can run.
        hours: the time it takes with so many jobs at once as were asked for.
        at_once: that number.
        chain: rules and hours of the jobs that wait for each other longest: the time it takes with
            any number of cores and GPUs.
    """

    sizes: Sizes
    rules: tuple[PlannedRule, ...]
    hours: float
    at_once: int
    chain: tuple[tuple[str, float], ...]

    @property
    def shortest_hours(self) -> float:
        return sum(hours for _, hours in self.chain)


def plan(
    configuration: Configuration, sizes: Sizes, cluster: Cluster, costs: Costs, at_once: int
) -> Plan:
    """The expected hours, memory and price of every rule.

    Time in queues is not foretold. Trainings are reckoned to their last epoch, without stopping
    early. Each job counts as one of Slurm's, though short ones share them.

    Raises:
        InputError: a rule has no measured cost.
    """
    models = models_of(configuration)
    jobs = [job for rule in RULES for job in jobs_of(rule, configuration, sizes, models)]
    groups: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        groups[job.rule, job.variant].append(job)
    planned = {
        key: _planned(alike[0], len(alike), cluster, costs.of(alike[0]))
        for key, alike in groups.items()
    }
    hours = [planned[job.rule, job.variant].hours for job in jobs]
    after = _waiting(jobs)
    return Plan(
        sizes,
        tuple(planned.values()),
        makespan(hours, after, at_once),
        at_once,
        tuple(
            (planned[jobs[position].rule, jobs[position].variant].name, hours[position])
            for position in longest_chain(hours, after)
        ),
    )


def _planned(job: Job, number: int, cluster: Cluster, cost: Cost) -> PlannedRule:
    gpu = job.gpu and cluster.gpu is not None
    nodes: Nodes = cluster.gpu if gpu else cluster.cpu
    threads = RULES[job.rule].threads
    hours = cost.seconds(job.rows, job.times) / 3600 / nodes.speed
    memory_gb = (cost.megabytes(job.rows) + (CUDA_MB if gpu else 0)) / 1000
    per_hour = threads * nodes.price_per_core_hour
    if gpu:
        per_hour += cluster.gpu.price_per_gpu_hour
    exceeded = {"memory": memory_gb > nodes.memory_gb, "time": hours > nodes.hours}
    return PlannedRule(
        job.rule,
        job.variant,
        number,
        hours,
        memory_gb,
        minutes(cost, job, nodes) / 60,
        megabytes(cost, job, nodes, gpu) / 1000,
        threads,
        gpu,
        number * hours * per_hour,
        job.rows / cost.most_rows if cost.most_rows else 0.0,
        tuple(what for what, is_so in exceeded.items() if is_so),
    )


def _waiting(jobs: Sequence[Job]) -> list[list[int]]:
    """For each job the positions of those that it waits for."""
    of_rule: dict[str, list[int]] = defaultdict(list)
    for position, job in enumerate(jobs):
        of_rule[job.rule].append(position)
    return [
        [
            position
            for rule in RULES[job.rule].after
            for position in of_rule[rule]
            if waits_for(job, jobs[position])
        ]
        for job in jobs
    ]
