"""What a whole run will take, before anything is submitted."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redwood.cluster.costs import Costs
from redwood.cluster.description import Cluster
from redwood.cluster.requests import megabytes, minutes
from redwood.cluster.rules import RULES, job, job_counts, models_of
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
        beyond: how many times as many rows as the largest job that was measured; at most 1 within.
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
        shortest_hours: the time it takes with as many cores and GPUs as it can use.
        hours: the time it takes with so many jobs at once as were asked for.
        at_once: that number.
    """

    sizes: Sizes
    rules: tuple[PlannedRule, ...]
    shortest_hours: float
    hours: float
    at_once: int


def plan(
    configuration: Configuration, sizes: Sizes, cluster: Cluster, costs: Costs, at_once: int
) -> Plan:
    """The expected hours, memory and price of every rule.

    Time in queues is not foretold. Trainings are reckoned to their last epoch, without stopping
    early.

    Raises:
        InputError: a rule has no measured cost.
    """
    models = models_of(configuration)
    planned = []
    for rule, entry in RULES.items():
        grouped: dict[str, int] = {}
        for what, count in job_counts(rule, configuration, sizes, models).items():
            key = what if entry.variants else ""
            grouped[key] = grouped.get(key, 0) + count
        for what, count in grouped.items():
            one = job(rule, what, configuration, sizes, models)
            cost = costs.of(one)
            gpu = one.gpu and cluster.gpu is not None
            nodes = cluster.gpu if gpu else cluster.cpu
            hours = cost.seconds(one.work) / 3600 / nodes.speed
            per_hour = entry.threads * nodes.price_per_core_hour
            if gpu:
                per_hour += cluster.gpu.price_per_gpu_hour
            planned.append(
                PlannedRule(
                    rule,
                    one.variant,
                    count,
                    hours,
                    cost.megabytes(one.rows) / 1000,
                    minutes(cost, one.work, nodes) / 60,
                    megabytes(cost, one.rows, nodes, gpu) / 1000,
                    entry.threads,
                    gpu,
                    count * hours * per_hour,
                    one.rows / cost.most_rows if cost.most_rows else 0.0,
                )
            )
    after = {name: rule.after for name, rule in RULES.items()}
    return Plan(
        sizes,
        tuple(planned),
        _makespan(planned, after, at_once=sum(one.jobs for one in planned)),
        _makespan(planned, after, at_once),
        at_once,
    )


def _makespan(
    planned: Sequence[PlannedRule], after: Mapping[str, tuple[str, ...]], at_once: int
) -> float:
    """Hours until all is done, each rule as soon as all jobs of those before it are.

    Longest jobs first, `at_once` of them at a time (Graham's list scheduling).
    """
    left = dict.fromkeys(after, 0)
    for one in planned:
        left[one.rule] += one.jobs
    waiting = [(one.rule, one.hours) for one in planned for _ in range(one.jobs)]
    running: list[tuple[float, str]] = []
    now = 0.0
    while waiting or running:
        ready = sorted(
            (entry for entry in waiting if not any(left[before] for before in after[entry[0]])),
            key=lambda entry: -entry[1],
        )
        for rule, hours in ready[: at_once - len(running)]:
            waiting.remove((rule, hours))
            heapq.heappush(running, (now + hours, rule))
        now, rule = heapq.heappop(running)
        left[rule] -= 1
    return now
