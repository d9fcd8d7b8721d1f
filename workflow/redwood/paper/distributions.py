"""The figure of the features' distributions: recorded rows against each model's sample."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.samples import common_range, outside, read_samples
from redwood.paper.style import (
    PAGE_WIDTH,
    REAL_FILL,
    RECORDED,
    Style,
    add_legend,
    date_axis,
    draw_histogram,
    from_zero,
    line_styles,
    save_figure,
    use_style,
)
from redwood.tables import Column, TableDescription, to_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAY = 86400
_PANELS_A_LINE = 3
_FEWEST_BINS, _MOST_BINS = 15, 60
_MARGIN = 0.25
_MOST_CATEGORIES = 15
_LONGEST_LABEL = 18
# Their values stand for persons or tasks: a figure shows their ranks only.
_SHOWN_BY_RANK = ("user", "task")


def draw_distributions(
    table: Path,
    recorded: Path,
    synthetic: Mapping[str, Path],
    dpi: int,
    prefix: Path,
    controls: Collection[str] = (),
) -> None:
    """One panel a feature: densities of numbers on their scale, shares of the common categories.

    Args:
        table: description of the table.
        recorded: real rows that no model has seen.
        synthetic: each model's sample.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.
        controls: the models that are controls.

    Raises:
        InputError: a file is missing or is no such table, or has no rows.
    """
    use_style()
    from matplotlib import pyplot

    description = TableDescription.load(table).only_features()
    features = description.features
    if not features:
        raise InputError(f"{table}: the table has no features to draw")
    frames = read_samples(recorded, synthetic, description)
    styles = line_styles(frames, controls)
    lines = math.ceil(len(features) / _PANELS_A_LINE)
    columns = min(len(features), _PANELS_A_LINE)
    figure, axes = pyplot.subplots(
        lines,
        columns,
        figsize=(PAGE_WIDTH, 2.7 * lines + 0.4),
        layout="constrained",
        squeeze=False,
    )
    dropped = {}
    for column, axis in zip(features, axes.flat, strict=False):
        values = {name: frame[column.name] for name, frame in frames.items()}
        draw = _draw_shares if column.is_categorical else _draw_density
        dropped[column.name] = draw(axis, column, values, styles)
    for axis in axes.flat[len(features) :]:
        axis.remove()
    add_legend(figure, styles, marker="o", markersize=4)
    rows = {name: len(frame) for name, frame in frames.items()}
    save_figure(figure, prefix, dpi, {"rows": rows, "outside_of_the_panels": dropped})


def _draw_density(
    axis: "Axes", column: Column, values: Mapping[str, pd.Series], styles: Mapping[str, Style]
) -> dict[str, int]:
    """Draw the shares by bin; return how many values of each name are not shown."""
    positions = {name: _position(to_numbers(v, column), column) for name, v in values.items()}
    low, high = common_range(positions, _MARGIN)
    edges = _edges(low, high, column, len(values[RECORDED]))
    shares = {name: 100 * np.histogram(p, edges)[0] / len(p) for name, p in positions.items()}
    draw_histogram(axis, shares, edges, styles)
    from_zero([axis], max(share.max() for share in shares.values()))
    axis.set_title(column.name)
    axis.set_ylabel("% of rows")
    unit = column.unit
    place: Literal["left", "center"] = "center"
    if column.kind == "timestamp":
        date_axis(axis, most=4)
        unit, place = "UTC", "left"  # at the right stands what all dates have in common
    elif column.scale == "log":
        _logarithmic_axis(axis, edges[0], edges[-1])
    if unit:
        axis.set_xlabel(unit, loc=place)
    strays = outside(positions, edges[0], edges[-1])
    text = [f"{name}: {100 * n / len(positions[name]):.2g} % outside" for name, n in strays.items()]
    axis.text(
        0.98, 0.97, "\n".join(text), ha="right", va="top", fontsize=7, transform=axis.transAxes
    )
    return strays


def _position(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Where numbers stand on the axis: days for times, log₁₀(1 + x) on a logarithmic scale."""
    if column.kind == "timestamp":
        return numbers / _DAY
    if column.scale == "log":
        # Negative ones, which a model may give, become NaN, which counts as outside.
        return np.log10(1 + np.where(numbers >= 0, numbers, np.nan))
    return numbers


def _edges(low: float, high: float, column: Column, rows: int) -> np.ndarray:
    """Edges of equal bins, more for more rows; whole numbers lie between edges, never on one."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, int(np.clip(3 * rows ** (1 / 3), _FEWEST_BINS, _MOST_BINS)) + 1)
    if column.kind != "integer":
        return edges
    logarithmic = column.scale == "log"
    numbers = 10**edges - 1 if logarithmic else edges
    halves = np.unique(np.append(np.floor(numbers + 1e-6) - 0.5, np.ceil(numbers[-1] - 1e-6) + 0.5))
    return np.log10(1 + np.maximum(halves, -0.5)) if logarithmic else halves


def _logarithmic_axis(axis: "Axes", low: float, high: float) -> None:
    """Ticks at powers of ten, and at 0 where the axis comes close to it."""
    exponents = [e for e in range(math.ceil(high) + 1) if low <= math.log10(1 + 10.0**e) <= high]
    shown = exponents[:: max(1, math.ceil(len(exponents) / 6))]
    ticks = [math.log10(1 + 10.0**e) for e in shown]
    labels = [f"$10^{{{e}}}$" if e > 1 or high > 4 else str(10**e) for e in shown]
    if low <= 0:
        # The label of 1 would touch that of 0 on a long axis.
        crowded = high > 4 and shown[:1] == [0]
        ticks, labels = [0.0, *ticks[crowded:]], ["0", *labels[crowded:]]
    if len(ticks) < 3:
        more = [x for x in (2, 3, 5, 20, 30, 50) if low <= math.log10(1 + x) <= high]
        ticks, labels = [*ticks, *(math.log10(1 + x) for x in more)], [*labels, *map(str, more)]
    axis.set_xticks(ticks, labels)


def _draw_shares(
    axis: "Axes", column: Column, values: Mapping[str, pd.Series], styles: Mapping[str, Style]
) -> dict[str, Any]:
    """Draw the shares of the common categories; return how many others there are."""
    shares = {name: 100 * v.value_counts(normalize=True) for name, v in values.items()}
    real = shares[RECORDED]
    # Of equal shares in the order of their names, so that the same data give the same figure.
    order = real.sort_index().sort_values(ascending=False, kind="stable").index
    common = list(order[:_MOST_CATEGORIES])
    labels = [_label(column, category, rank) for rank, category in enumerate(common, start=1)]
    lengths = {
        name: share.reindex(common, fill_value=0.0).tolist() for name, share in shares.items()
    }
    others = set().union(*(share.index for share in shares.values())) - set(common)
    if others:
        labels.append(f"{len(others)} other{'s' if len(others) > 1 else ''}")
        for name, share in shares.items():
            lengths[name].append(float(share[~share.index.isin(common)].sum()))
    places = np.arange(len(labels))[::-1]
    axis.barh(places, lengths[RECORDED], height=0.84, color=REAL_FILL)
    models = [name for name in values if name != RECORDED]
    offsets = np.linspace(0.26, -0.26, len(models)) if len(models) > 1 else [0.0]
    size = 3.8 if len(labels) > 8 else 5.0
    for name, offset in zip(models, offsets, strict=True):
        colour = styles[name]["color"]
        axis.plot(lengths[name], places + offset, "o", color=colour, markersize=size, clip_on=False)
    axis.set_yticks(places, labels, fontsize=7)
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False, axis="y")
    axis.set_ylim(-0.6, len(labels) - 0.4)
    axis.set_xlim(left=0)
    axis.set_xlabel("% of rows")
    axis.set_title(column.name)
    return {"other_categories": len(others)}


def _label(column: Column, category: str, rank: int) -> str:
    if column.name in _SHOWN_BY_RANK:
        return f"{column.name} {rank}"
    text = str(category).replace("$", r"\$")
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
