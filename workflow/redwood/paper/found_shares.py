"""The figure of the release gate: the share of planted units that are found, by their size.

A surrogate may hide single records and small units and give away large ones. So for each kind of
unit and each model there is a panel with a curve of what attackers find of its canaries against
how many rows they have. Bars reach up to the bound at 95 % confidence; where few canaries
were planted they are long. Found by chance is one in ten, and three in ten are allowed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.reading import named_folders
from redwood.paper.style import PAGE_WIDTH, line_styles, save_figure, use_style

_CHANCE, _LIMIT = 10, 30

# Of a level: the sizes of canaries, what is found of each.
Sizes = Sequence[Mapping[str, Any]]


def draw_found_shares(decisions: Sequence[Path], dpi: int, prefix: Path) -> None:
    """What attackers find of planted units of each level against their number of rows.

    Args: as `redwood.paper.correlations.draw_correlations`, of folders that `redwood release
        decide` wrote, each named as its model.

    Raises:
        InputError: a decision is missing or not one, or none has an audit by size.
    """
    use_style()
    from matplotlib import pyplot

    levels = _levels({model: _sizes(path) for model, path in named_folders(decisions).items()})
    if not levels:
        raise InputError(f"{', '.join(map(str, decisions))}: no canaries were planted")
    models = dict.fromkeys(model for of_level in levels.values() for model in of_level)
    styles = line_styles(models)
    # Single records have one size, which makes no curve.
    units = {level: found for level, found in levels.items() if _varies(found)} or levels
    figure, axes = pyplot.subplots(
        len(models),
        len(units),
        figsize=(PAGE_WIDTH, 1.25 * len(models) + 0.5),
        layout="constrained",
        sharex="col",
        sharey=True,
        squeeze=False,
    )
    ticks = {
        level: sorted({size["size"] for sizes in of_level.values() for size in sizes})
        for level, of_level in units.items()
    }
    for line, model in zip(axes, models, strict=True):
        for axis, (level, of_level) in zip(line, units.items(), strict=True):
            axis.axhline(_CHANCE, color="#6b6b6b", linewidth=0.9, linestyle=":")
            axis.axhline(_LIMIT, color="#D55E00", linewidth=0.9, linestyle="--")
            sizes = of_level.get(model, [])
            rows = [size["size"] for size in sizes]
            found, most = (
                100 * np.array([size[key] for size in sizes]) for key in ("found", "at_most")
            )
            colour = styles[model]["color"]
            axis.plot(rows, found, marker="o", markersize=3, color=colour)
            axis.vlines(rows, found, np.maximum(most, found), color=colour, linewidth=0.8)
            axis.set_xscale("log")
            axis.set_xticks(ticks[level], list(map(str, ticks[level])))
            axis.minorticks_off()
            axis.set_ylim(0, 102)
        line[0].set_title(f"{model}: {next(iter(units))}s found")
        for axis, level in zip(line[1:], list(units)[1:], strict=True):
            axis.set_title(f"{level}s")
        line[0].set_ylabel("% of planted")
        for height, words in ((_CHANCE, "chance"), (_LIMIT, "limit")):
            line[-1].annotate(
                words,
                (1.01, height),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=7,
                annotation_clip=False,
            )
    for axis in axes[-1]:
        axis.set_xlabel("rows of a unit")
    save_figure(figure, prefix, dpi, levels)


def _sizes(folder: Path) -> Mapping[str, Sizes]:
    """Level → what is found of canaries of each size."""
    path = folder / "decision.json"
    sizes = read_json(path, "decision of the release gate").get("sizes")
    if not isinstance(sizes, dict):
        raise InputError(
            f"{path}: has no shares by size; a decision of an earlier version is made again by "
            "`redwood release decide`"
        )
    return sizes


def _levels(found: Mapping[str, Mapping[str, Sizes]]) -> dict[str, dict[str, list[Any]]]:
    """Level → model → what is found of canaries of each size."""
    levels: dict[str, dict[str, list[Any]]] = {}
    for model, of_model in found.items():
        for level, sizes in of_model.items():
            if sizes:
                levels.setdefault(level, {})[model] = list(sizes)
    return levels


def _varies(of_level: Mapping[str, Sizes]) -> bool:
    return any(len(sizes) > 1 for sizes in of_level.values())
