"""A plan as text: what dominates first, and what it rests on."""

import math
import textwrap
from collections import defaultdict
from collections.abc import Collection, Sequence

from redwood.runs.cluster import Cluster
from redwood.runs.costs import Costs
from redwood.runs.plan import Plan, PlannedRule
from redwood.runs.requests import CUDA_MB

_WIDTH = 118
# Of the longest bar.
_BAR = 40
_HEADER = ("rule", "jobs", "time each", "memory each", "asks Slurm for", "core h", "GPU h")
# Beyond this many times the largest measured rows a number is a guess, and is marked.
_FAR = 2
# Of the longest chain, jobs that take less than this share of it are not named.
_NAMED_SHARE = 0.02


def render(plan: Plan, cluster: Cluster, costs: Costs) -> str:
    """The plan as a table, the most core hours first, with totals and what it rests on."""
    return "\n".join(
        [
            *_introduction(plan, cluster),
            "",
            *_bars(plan),
            "",
            *_table(plan),
            "",
            *_notes(plan, cluster, costs),
        ]
    )


def _introduction(plan: Plan, cluster: Cluster) -> list[str]:
    counts = plan.counts
    core_hours = sum(one.core_hours for one in plan.rules)
    gpu_hours = sum(one.gpu_hours for one in plan.rules)
    price = sum(one.price for one in plan.rules)
    named: dict[str, float] = defaultdict(float)
    for name, hours in plan.chain:
        named[name if hours > _NAMED_SHARE * plan.shortest_hours else "the rest"] += hours
    at_once = "one job" if plan.at_once == 1 else f"{plan.at_once} jobs"
    chain = [f"{name} {duration(hours)}" for name, hours in named.items() if name != "the rest"]
    return [
        *_wrapped(
            "rows: ",
            f"{counts.rows:,} jobs, {counts.basis}: {counts.train:,} for training, "
            f"{counts.validation:,} for validation, {counts.test:,} for test; "
            f"{counts.sampled:,} synthetic of each model",
        ),
        *_wrapped("on: ", cluster.name),
        *_wrapped(
            "takes: ",
            f"about {duration(plan.hours)} with {at_once} at once, without waiting in queues; "
            f"{duration(plan.shortest_hours)} with any number, most of it "
            f"{', then '.join(chain)}",
        ),
        *_wrapped(
            "costs: ",
            f"{_hours(core_hours)} core hours"
            + (f", {_hours(gpu_hours)} GPU hours" if gpu_hours else "")
            + (f", {price:.2f} {cluster.currency}" if price else ", no price being given"),
        ),
    ]


def _bars(plan: Plan) -> list[str]:
    """A bar a stage, as long as its core hours, and its dearest rule."""
    hours = {stage: sum(one.core_hours for one in rules) for stage, rules in plan.stages.items()}
    most, total = max(hours.values(), default=0.0), sum(hours.values())
    rows = [("stage", "core h", "", "")]
    for stage, rules in plan.stages.items():
        eighths = math.ceil(8 * _BAR * hours[stage] / most) if most else 0
        bar = "█" * (eighths // 8) + ("", *"▏▎▍▌▋▊▉")[eighths % 8]
        dearest = f"dearest: {rules[0].name}" if len(rules) > 1 else ""
        share = f"{100 * hours[stage] / total:.0f} %" if total else ""
        rows.append((stage, _hours(hours[stage]), f"{bar} {share}", dearest))
    return _aligned(rows, left=(0, 2, 3))


def _table(plan: Plan) -> list[str]:
    priced = any(one.price for one in plan.rules)
    by_core_hours = sorted(plan.rules, key=lambda one: -one.core_hours)
    rows = [(*_HEADER, *(["price"] if priced else []))]
    rows += [_row(one, priced) for one in by_core_hours]
    rows.append(
        (
            "total",
            str(sum(one.jobs for one in plan.rules)),
            "",
            "",
            "",
            _hours(sum(one.core_hours for one in plan.rules)),
            _hours(sum(one.gpu_hours for one in plan.rules)),
            *([f"{sum(one.price for one in plan.rules):.2f}"] if priced else []),
        )
    )
    return _aligned(rows)


def _row(one: PlannedRule, priced: bool) -> tuple[str, ...]:
    expected = one.expected
    guess = "*" if one.beyond > _FAR else ""
    cores = "1 core " if one.cores == 1 else f"{one.cores} cores"
    asked = (
        f"{duration(expected.minutes() / 60)} {expected.megabytes() / 1000:5.1f} GB {cores} "
        f"{'GPU' if expected.gpu else '   '}"
    )
    return (
        one.name,
        str(one.jobs),
        duration(expected.hours) + guess + ("!" if "time" in expected.exceeds else ""),
        f"{expected.memory_gb:.1f} GB{guess}" + ("!" if "memory" in expected.exceeds else ""),
        asked,
        _hours(one.core_hours),
        _hours(one.gpu_hours) if expected.gpu else "",
        *([f"{one.price:.2f}"] if priced else []),
    )


def _notes(plan: Plan, cluster: Cluster, costs: Costs) -> list[str]:
    notes = [
        "Time and memory are what one job is expected to take, trainings to their last epoch. "
        "Slurm is asked for more, and for more again after a failure, up to the cluster's limits.",
        f"Measured on {costs.machine}",
    ]
    if cluster.gpu is not None and any(one.expected.gpu for one in plan.rules):
        notes.append(
            "No GPU has been measured: hours of jobs with one are those of a processor divided by "
            f"{cluster.gpu.speed:g}, the gpu.speed of the cluster's description; of their memory "
            f"{CUDA_MB / 1000:g} GB are CUDA's."
        )
    far = [one.beyond for one in plan.rules if one.beyond > _FAR]
    if far:
        notes.append(
            f"* follows from jobs of up to {max(far):.1f} times fewer rows: refine it with "
            "`redwood costs fit` on results of your own."
        )
    exceeding = [one for one in plan.rules if one.expected.exceeds]
    if exceeding:
        notes.append(
            f"! is more than the cluster's description allows ({_limits(exceeding, cluster)}): "
            "such jobs are killed, and only those that go on from a checkpoint will end."
        )
    return [line for note in notes for line in _wrapped("", note)]


def _limits(exceeding: list[PlannedRule], cluster: Cluster) -> str:
    found = []
    for kind, nodes in (("cpu", cluster.cpu), ("gpu", cluster.gpu)):
        on_kind = [one.expected for one in exceeding if one.expected.nodes is nodes]
        for what, key in (("memory", "memory_gb"), ("time", "hours")):
            if any(what in one.exceeds for one in on_kind):
                found.append(f"{kind}.{key}: {getattr(nodes, key):g}")
    return ", ".join(found)


def _aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """Rows of cells under each other, those of the columns in `left` at their left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _wrapped(title: str, text: str) -> list[str]:
    return textwrap.wrap(
        title + text,
        _WIDTH,
        subsequent_indent=" " * len(title),
        break_long_words=False,
        break_on_hyphens=False,
    )


def duration(hours: float) -> str:
    """`40 s`, `14 min` or `2.5 h`."""
    minutes = hours * 60
    if minutes < 1:
        return f"{hours * 3600:.0f} s"
    if minutes < 100:
        return f"{minutes:.0f} min"
    return f"{hours:.1f} h"


def _hours(hours: float) -> str:
    return f"{hours:.2f}" if hours < 10 else f"{hours:.1f}"
