"""A plan as a picture: core hours by stage, and the jobs that wait for each other longest."""

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from redwood.outputs import require_ending
from redwood.paper.style import FIGURE_ENDINGS, PAGE_WIDTH, use_style, write_figure
from redwood.runs.plan import Plan
from redwood.runs.plan_table import duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart with any colour vision, and by their lightness too (Okabe and Ito); what is written on
# them is white and black.
_CORES, _GPUS = ("#0072B2", "white"), ("#E69F00", "black")
# Parts that take less than this share of the longest bar are drawn unnamed.
_NAMED_SHARE = 0.06
_CHARACTER_IN, _AXIS_IN = 0.056, 5.6
_DPI = 200


def draw_plan(plan: Plan, path: Path, currency: str = "") -> None:
    """Draw a plan.

    Above, a bar a stage, divided by rules; below, how the jobs that no number of machines makes
    faster follow each other. The same plan gives the same bytes.

    Args:
        plan: what is planned.
        path: the picture, PNG or PDF.
        currency: of prices.

    Raises:
        InputError: the name says another format.
    """
    require_ending(path, *FIGURE_ENDINGS)
    use_style()
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    tall = 0.3 * len(plan.stages) + 0.75
    figure, (above, below) = pyplot.subplots(
        *(2, 1),
        figsize=(PAGE_WIDTH, tall + 1.15),
        height_ratios=(tall, 1.0),
        layout="constrained",
    )
    _draw_stages(above, plan, currency)
    if any(one.expected.gpu for one in plan.rules):
        kinds = {"on cores": _CORES, "on a core and a GPU": _GPUS}
        handles = [Patch(color=colour, label=name) for name, (colour, _) in kinds.items()]
        above.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    _draw_chain(below, plan)
    write_figure(figure, path, _DPI)
    pyplot.close(figure)


def _draw_stages(axes: "Axes", plan: Plan, currency: str) -> None:
    stages = plan.stages
    sums = {stage: sum(one.core_hours for one in rules) for stage, rules in stages.items()}
    scale, unit = _unit(max(sums.values(), default=0.0))
    most = scale * max(sums.values(), default=0.0) or 1.0
    for place, (stage, rules) in enumerate(stages.items()):
        left = 0.0
        for one in rules:
            job, wide = one.expected.job, scale * one.core_hours
            _part(axes, place, left, wide, 1.2 * most, one.expected.gpu, job.variant or job.rule)
            left += wide
        price = sum(one.price for one in rules)
        words = duration(sums[stage]) + (f", {price:.2f} {currency}" if price >= 0.005 else "")
        axes.annotate(words, (left, place), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(stages)), list(stages))
    axes.set_ylim(len(stages) - 0.5, -0.5)
    axes.set_xlim(0, 1.2 * most)
    axes.set_title(f"Core {unit} by stage, {scale * sum(sums.values()):.3g} in all")
    axes.grid(visible=False, axis="y")


def _draw_chain(axes: "Axes", plan: Plan) -> None:
    """The longest chain along time."""
    on_gpu = {one.name: one.expected.gpu for one in plan.rules}
    longest: dict[str, float] = defaultdict(float)
    for name, hours in plan.chain:
        longest[name] += hours
    scale, unit = _unit(plan.shortest_hours)
    whole = scale * plan.shortest_hours or 1.0
    left = 0.0
    for name, hours in longest.items():
        words = f"{name}\n{duration(hours)}"
        _part(axes, 0, left, scale * hours, whole, on_gpu[name], words)
        left += scale * hours
    axes.set_yticks([])
    axes.set_ylim(-0.5, 0.5)
    axes.set_xlim(0, whole)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.set_xlabel(unit)
    at_once = "one job" if plan.at_once == 1 else f"{plan.at_once} jobs"
    axes.set_title(
        f"{duration(plan.hours)} with {at_once} at once, {duration(plan.shortest_hours)} with any "
        "number: what waits for each other longest"
    )


def _part(
    axes: "Axes", place: int, left: float, wide: float, whole: float, on_gpu: bool, words: str
) -> None:
    """A part of a bar, with its name inside as far as there is room."""
    colour, ink = _GPUS if on_gpu else _CORES
    axes.barh(place, wide, 0.74, left, color=colour, edgecolor="white", linewidth=0.5)
    if wide < _NAMED_SHARE * whole:
        return
    room = int(_AXIS_IN * wide / whole / _CHARACTER_IN) - 1
    shown = "\n".join(w if len(w) <= room else f"{w[: room - 1]}…" for w in words.split("\n"))
    axes.text(left + wide / 2, place, shown, ha="center", va="center", color=ink, fontsize=7)


def _unit(hours: float) -> tuple[float, str]:
    return (1.0, "hours") if hours >= 2 else (60.0, "minutes")
