"""A plan as text, rule by rule."""

from redwood.cluster.costs import Costs
from redwood.cluster.description import Cluster
from redwood.cluster.plan import Plan

_HEADER = ("rule", "", "jobs", "time each", "memory", "asked for", "core hours", "GPU hours")
# Beyond so many times the largest measured rows a number is a guess, and is marked.
_FAR = 2


def render(plan: Plan, cluster: Cluster, costs: Costs) -> str:
    """The plan as a table with totals, and what it rests on."""
    priced = any(one.price for one in plan.rules)
    rows = [(*_HEADER, *([f"price [{cluster.currency}]"] if priced else []))]
    for one in plan.rules:
        mark = "*" if one.beyond > _FAR else ""
        rows.append(
            (
                one.rule,
                one.variant,
                str(one.jobs),
                _duration(one.hours) + mark,
                f"{one.memory_gb:.1f} GB{mark}",
                f"{_duration(one.asked_hours)}, {one.asked_gb:.1f} GB",
                f"{one.core_hours:.2f}",
                f"{one.gpu_hours:.2f}" if one.gpu else "",
                *([f"{one.price:.2f}"] if priced else []),
            )
        )
    rows.append(
        (
            "total",
            "",
            str(sum(one.jobs for one in plan.rules)),
            "",
            f"{max(one.memory_gb for one in plan.rules):.1f} GB",
            "",
            f"{sum(one.core_hours for one in plan.rules):.1f}",
            f"{sum(one.gpu_hours for one in plan.rules):.1f}",
            *([f"{sum(one.price for one in plan.rules):.2f}"] if priced else []),
        )
    )
    return "\n".join(
        [_introduction(plan, cluster), "", *_aligned(rows), "", *_footnotes(plan, costs)]
    )


def _introduction(plan: Plan, cluster: Cluster) -> str:
    sizes = plan.sizes
    return (
        f"{sizes.rows:,} jobs ({sizes.train:,} / {sizes.validation:,} / {sizes.test:,} for "
        f"training, validation, test; {sizes.basis}) on {cluster.name}: about "
        f"{_duration(plan.hours)} with "
        f"{plan.at_once} jobs at once, {_duration(plan.shortest_hours)} with any number, without "
        "waiting in queues"
    )


def _footnotes(plan: Plan, costs: Costs) -> list[str]:
    notes = [
        "Trainings are reckoned to their last epoch. Asked for is what the first attempt asks of "
        f"Slurm. Measured on {costs.machine}"
    ]
    far = [one.beyond for one in plan.rules if one.beyond > _FAR]
    if far:
        notes.append(
            f"* reckoned from jobs of fewer rows, up to {max(far):.1f} times: refine it with "
            "`redwood costs fit` on results of your own"
        )
    if any(one.gpu for one in plan.rules):
        notes.append("GPU hours are those of processors over `gpu.speed`: no GPU has been measured")
    return notes


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    words = {0, 1}
    return [
        "  ".join(
            cell.ljust(width) if column in words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _duration(hours: float) -> str:
    minutes = hours * 60
    if minutes < 1:
        return f"{hours * 3600:.0f} s"
    if minutes < 100:
        return f"{minutes:.0f} min"
    return f"{hours:.1f} h"
