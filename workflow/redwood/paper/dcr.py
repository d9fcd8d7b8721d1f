"""The figure of the distances to the closest training row, and of what they come to.

A panel a model has its cumulative distances over those of real rows in grey. Below stand the DCR
share and the near copies of each model, with their intervals, where they were measured.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.evaluations import Evaluated, Measure, controls_of, read_evaluation
from redwood.paper.reading import named_folders, read_parquet
from redwood.paper.style import (
    PAGE_WIDTH,
    REAL_COLOUR,
    REAL_FILL,
    Style,
    line_styles,
    lines_of_panels,
    panels,
    save_figure,
    use_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Below this distances are drawn on a linear scale, so that copies, at 0, are seen.
_LINEAR_BELOW = 1e-4
_LINEAR_SHARE = 1e-3
# A curve of more points looks the same.
_MOST_POINTS = 2000
_REAL = "real, never seen"
# Panels in a line; inches: a line of panels, of the shares below for each model, and their titles.
_IN_A_LINE = 5
_LINE, _SHARE, _TITLES = 1.15, 0.16, 0.75
# What the distances come to: measures and the titles of their panels.
_SHARES = {"dcr_share": "DCR share", "near_copies": "near copies"}


def draw_dcr(evaluations: Sequence[Path], dpi: int, prefix: Path) -> None:
    """Cumulative shares of the distances, of each model's rows and of holdout rows.

    Args: as `redwood.paper.correlations.draw_correlations`.

    Raises:
        InputError: an evaluation is missing, or has no DCR.
    """
    use_style()
    from matplotlib import pyplot

    distances: dict[str, np.ndarray] = {}
    folders = named_folders(evaluations)
    for model, folder in folders.items():
        frame = _read(folder)
        distances.setdefault(_REAL, _of(frame, "holdout", folder))
        distances[model] = _of(frame, "synthetic", folder)
    evaluated = {model: read_evaluation(folder) for model, folder in folders.items()}
    measures = {title: _measured(evaluated, name) for name, title in _SHARES.items()}
    measures = {title: found for title, found in measures.items() if found}
    styles = line_styles(evaluated, controls_of(evaluated))
    lines = lines_of_panels(len(evaluated), _IN_A_LINE)
    heights = [_LINE * lines + 0.3, (_SHARE * len(evaluated) + _TITLES) * bool(measures)]
    figure = pyplot.figure(figsize=(PAGE_WIDTH, sum(heights)), layout="constrained")
    parts = figure.subfigures(
        1 + bool(measures), 1, height_ratios=heights[: 1 + bool(measures)], squeeze=False
    )[:, 0]
    axes = panels(parts[0], len(evaluated), _IN_A_LINE, sharey=True)
    for axis, model in zip(axes, evaluated, strict=True):
        _draw_curves(axis, distances[_REAL], distances[model], styles[model]["color"])
        axis.set_title(model)
    parts[0].supylabel("% of rows at most that far", fontsize=7.5)
    parts[0].supxlabel(
        f"distance to the closest training row (linear below {_LINEAR_BELOW:g})", fontsize=7.5
    )
    if measures:
        beside = parts[1].subplots(1, len(measures), squeeze=False)[0]
        for panel, (title, found) in zip(beside, measures.items(), strict=True):
            _draw_shares(panel, title, found, styles, named=panel is beside[0])
            if title == _SHARES["near_copies"]:
                panel.set_xscale("symlog", linthresh=_LINEAR_SHARE)
    summary = {
        name: {"rows": len(v), "median": float(np.median(v)), "copies": int((v == 0).sum())}
        for name, v in distances.items()
    }
    save_figure(figure, prefix, dpi, summary)


def _draw_curves(axis: "Axes", real: np.ndarray, made: np.ndarray, colour: str) -> None:
    """Cumulative shares of the distances of a model's rows, over those of real rows as an area."""
    end = max(float(real[-1]), float(made[-1]))
    for values, style in (
        (real, {"color": REAL_FILL, "linewidth": 0}),
        (made, {"color": colour}),
    ):
        points = np.unique(np.linspace(0, len(values) - 1, _MOST_POINTS).astype(int))
        shares = 100 * (points + 1) / len(values)
        # From the axis upwards, so that the first step, of copies above all, is seen.
        x, y = np.append(values[0], values[points]), np.append(0, shares)
        if values is real:
            axis.fill_between(np.append(x, end), np.append(y, 100), step="post", **style)
        else:
            axis.step(np.append(x, end), np.append(y, 100), where="post", **style)
    axis.set_xscale("symlog", linthresh=_LINEAR_BELOW, linscale=0.6)
    axis.set_xlim(left=0)
    axis.set_ylim(0, 104)
    axis.set_xticks([0, 1e-3, 1e-1], ["0", "$10^{-3}$", "$10^{-1}$"])
    axis.minorticks_off()


def _measured(evaluated: Mapping[str, Evaluated], name: str) -> dict[str, Measure]:
    """Model → a measure, where it has a value."""
    return {
        model: one.measures[name]
        for model, one in evaluated.items()
        if name in one.measures and one.measures[name]["value"] is not None
    }


def _draw_shares(
    axis: "Axes",
    title: str,
    found: Mapping[str, Measure],
    styles: Mapping[str, Style],
    named: bool,
) -> None:
    """The values of a measure with their intervals, a line for each model, and the floor."""
    floors = [measure["floor"] for measure in found.values()]
    axis.axvspan(min(floors), max(floors), color=REAL_FILL)
    axis.axvline(float(np.mean(floors)), color=REAL_COLOUR, linewidth=0.9)
    for place, (model, measure) in enumerate(found.items()):
        colour = styles[model]["color"]
        axis.plot([measure["low"], measure["high"]], [place, place], color=colour)
        axis.plot([measure["value"]], [place], marker="o", markersize=3.5, color=colour)
    axis.set_yticks(range(len(found)), found if named else [])
    axis.set_ylim(len(found) - 0.5, -0.5)
    axis.grid(visible=False, axis="y")
    axis.set_xlim(left=0)
    axis.set_title(title)
    axis.set_xlabel("share of rows; grey: real rows")


def _read(folder: Path) -> pd.DataFrame:
    return read_parquet(
        folder / "dcr.parquet",
        "evaluation",
        ("origin", "distance"),
        "evaluation.measures needs dcr",
    )


def _of(frame: pd.DataFrame, origin: str, folder: Path) -> np.ndarray:
    values = np.sort(frame.loc[frame["origin"] == origin, "distance"].to_numpy(dtype=np.float64))
    if not len(values):
        raise InputError(f"{folder}/dcr.parquet: no row has origin {origin!r}")
    return values
