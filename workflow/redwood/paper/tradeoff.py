"""The figure of what publishing costs: how far a sample is from real rows, and what it gives away.

To the right rows are less like real ones, upwards attackers find more. A model that the release
gate judged stands at the upper bound, at 95 % confidence, of what attackers find of its planted
units in the worst group that was judged: filled if its sample is released, hollow if withheld.
Models that the gate did not judge stand in the strip below: filled if they pass the checks of
privacy, hollow if nobody can tell, crossed if they fail.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.recommendation import gate_bound
from redwood.paper.style import COLUMN_WIDTH, line_styles, save_figure, use_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CHANCE, _LIMIT = 10, 30
_KEYS = ("models", "controls", "passes", "typical_multiples", "typical_other_multiples")


def draw_tradeoff(table: Path, decisions: Sequence[Path], dpi: int, prefix: Path) -> None:
    """Typical multiples of the floor against what attackers find, a point a model.

    The multiples are of the second floor in measures of the law, where there is one, as of what is
    to be published.

    Args:
        table: the summary of Table I (JSON).
        decisions: decisions of the release gate (JSON).
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a file is missing or not of that form, or no model has a multiple.
    """
    use_style()
    from matplotlib import pyplot

    summary = read_json(table, "summary of Table I")
    if missing := [key for key in _KEYS if key not in summary]:
        raise InputError(
            f"{table}: has no {missing[0]}: write it again with `redwood paper table1`"
        )
    law, same = summary["typical_other_multiples"], summary["typical_multiples"]
    far = law or same
    if not far:
        raise InputError(f"{table}: no model has a typical multiple of the floor")
    models = [m for m in summary["models"] if m not in summary["controls"] and m in far]
    bounds, released = {}, set()
    for path in decisions:
        decision = read_json(path, "decision of the release gate")
        if (bound := gate_bound(decision)) is not None:
            bounds[decision["model"]] = 100 * bound
        if decision["released"]:
            released.add(decision["model"])
    styles = line_styles(models)
    judged = [model for model in models if model in bounds]
    others = [model for model in models if model not in bounds]
    figure, (gate, strip) = pyplot.subplots(
        2,
        1,
        figsize=(COLUMN_WIDTH, 2.75),
        height_ratios=(3.2, 1),
        sharex=True,
        layout="constrained",
    )
    gate.axhspan(0, _LIMIT, color="#e3f1ea", linewidth=0)
    gate.axhline(_LIMIT, color="#a8480a", linewidth=1.0, linestyle="--")
    gate.axhline(_CHANCE, color="#6b6b6b", linewidth=0.9, linestyle=":")
    for height, words in ((_LIMIT, "limit"), (_CHANCE, "guessing")):
        gate.annotate(
            f"{words}\n{height} %",
            (1.01, height),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7,
            annotation_clip=False,
        )
    for model in judged:
        colour = styles[model]["color"]
        fill = colour if model in released else "white"
        gate.plot(far[model], bounds[model], "o", color=colour, markerfacecolor=fill, markersize=6)
        _label(gate, model, far[model], bounds[model])
    gate.set_ylim(0, 106)  # A whole marker at 100 %.
    gate.set_ylabel("found at most [%]")
    _draw_strip(strip, others, far, summary["passes"], styles)
    gate.set_xscale("log")
    low, high = min([*far.values(), 1.0]), max(far[model] for model in models)
    gate.set_xlim(0.85 * low, 1.9 * high)
    ticks = [tick for tick in (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500) if tick <= 1.9 * high]
    strip.set_xticks(ticks, list(map(str, ticks)))
    strip.minorticks_off()
    whose = f"those of {summary['other_floor']['title']}" if law else "other real rows"
    strip.set_xlabel(f"times as far from real rows as {whose} are")
    save_figure(figure, prefix, dpi, {"far": far, "found_at_most": bounds, "not_judged": others})


def _draw_strip(
    axis: "Axes",
    models: Sequence[str],
    far: Mapping[str, float],
    passes: Mapping[str, bool | None],
    styles: Mapping[str, Mapping[str, Any]],
) -> None:
    """Models that the gate did not judge, from top to bottom where they would hide each other."""
    axis.set_ylim(len(models) + 0.2 if models else 1, -0.8)
    axis.set_yticks([])
    axis.set_title("not judged by the gate; × fails, ○ cannot be told", fontsize=7.5)
    axis.grid(visible=False, axis="y")
    for place, model in enumerate(sorted(models, key=lambda model: far[model])):
        colour = styles[model]["color"]
        marker = "x" if passes.get(model) is False else "o"
        fill = colour if passes.get(model) else "white"
        axis.plot(far[model], place, marker, color=colour, markerfacecolor=fill, markersize=4.5)
        _label(axis, model, far[model], place)


def _label(axis: "Axes", text: str, x: float, y: float) -> None:
    axis.annotate(
        text, (x, y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=7.5
    )
