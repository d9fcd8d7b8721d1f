"""The figure of the features' distributions: each model's sample over the recorded rows."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.samples import common_range, outside, read_samples
from redwood.paper.style import (
    PAGE_WIDTH,
    REAL_FILL,
    RECORDED,
    Style,
    bare,
    date_axis,
    draw_over_recorded,
    from_zero,
    line_styles,
    name_line,
    save_figure,
    use_style,
)
from redwood.tables import Column, TableDescription, to_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

_DAY = 86400
_FEWEST_BINS, _MOST_BINS = 15, 60
_MARGIN, _TAIL = 0.05, 0.001
_MOST_CATEGORIES = 9
_LONGEST_LABEL = 14
# Inches: a line of panels, and what a block of them needs besides.
_LINE, _TITLE, _LABELS = 0.4, 0.55, 0.75
# A share of values outside of a panel that is told in it.
_TOLD = 0.01
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
    """A line a model, a column a feature: shares of rows by bin, or of the common categories.

    Numbers are on their scale, without the recorded tails of one row in a thousand on each side.

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
    kinds = [
        [column for column in features if not column.is_categorical],
        [column for column in features if column.is_categorical],
    ]
    blocks = [columns for columns in kinds if columns]
    models = [name for name in frames if name != RECORDED]
    heights = [
        _LINE * len(models) + _TITLE + _LABELS * columns[0].is_categorical for columns in blocks
    ]
    figure = pyplot.figure(figsize=(PAGE_WIDTH, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(blocks), 1, height_ratios=heights, squeeze=False)
    dropped: dict[str, Any] = {}
    for columns, part in zip(blocks, parts[:, 0], strict=True):
        dropped |= _draw_block(part, columns, frames, models, styles)
    rows = {name: len(frame) for name, frame in frames.items()}
    order = {name: dropped[name] for name in (column.name for column in features)}
    save_figure(figure, prefix, dpi, {"rows": rows, "outside_of_the_panels": order})


def _draw_block(
    part: "SubFigure",
    columns: Sequence[Column],
    frames: Mapping[str, pd.DataFrame],
    models: Sequence[str],
    styles: Mapping[str, Style],
) -> dict[str, Any]:
    """Draw panels of features of one kind; return what they do not show."""
    axes = part.subplots(len(models), len(columns), squeeze=False, sharex="col")
    dropped = {}
    for column, of_feature in zip(columns, axes.T, strict=True):
        values = {name: frame[column.name] for name, frame in frames.items()}
        draw = _draw_shares if column.is_categorical else _draw_density
        dropped[column.name] = draw(of_feature, column, values, models, styles)
        of_feature[0].set_title(column.name)
        for axis in of_feature:
            bare(axis, last=axis is of_feature[-1])
    for name, axis in zip(models, axes[:, 0], strict=True):
        name_line(axis, name)
    return dropped


def _draw_density(
    axes: Sequence["Axes"],
    column: Column,
    values: Mapping[str, pd.Series],
    models: Sequence[str],
    styles: Mapping[str, Style],
) -> dict[str, int]:
    """Draw the shares by bin, a panel a model; how many values of each name are not shown."""
    positions = {name: _position(to_numbers(v, column), column) for name, v in values.items()}
    low, high = common_range(positions, _MARGIN, _TAIL)
    edges = _edges(low, high, column, len(values[RECORDED]))
    shares = {name: 100 * np.histogram(p, edges)[0] / len(p) for name, p in positions.items()}
    strays = outside(positions, edges[0], edges[-1])
    for axis, name in zip(axes, models, strict=True):
        draw_over_recorded(axis, shares[RECORDED], shares[name], edges, styles[name])
        share = strays.get(name, 0) / len(positions[name])
        if share >= _TOLD:
            words, place = f"{100 * share:.2g} % outside", axis.transAxes
            axis.text(1.0, 1.0, words, ha="right", va="top", fontsize=7, transform=place)
    # One model's spike would flatten all others: it is cut at twice the recorded peak.
    from_zero(axes, min(max(map(np.max, shares.values())), 2 * shares[RECORDED].max()))
    unit, last = column.unit, axes[-1]
    if column.kind == "timestamp":
        date_axis(last, most=4)
        unit = ""  # at the right stands what all dates have in common
    elif column.scale == "log":
        _logarithmic_axis(last, edges[0], edges[-1])
    if unit:
        last.set_xlabel(unit)
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
    axes: Sequence["Axes"],
    column: Column,
    values: Mapping[str, pd.Series],
    models: Sequence[str],
    styles: Mapping[str, Style],
) -> dict[str, Any]:
    """Draw the shares of the common categories, a panel a model; how many others there are."""
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
    places = np.arange(len(labels))
    for axis, name in zip(axes, models, strict=True):
        axis.bar(places, lengths[RECORDED], width=0.84, color=REAL_FILL)
        colour = styles[name]["color"]
        axis.plot(places, lengths[name], "o", color=colour, markersize=3, clip_on=False)
        axis.grid(visible=False, axis="x")
        axis.set_xlim(-0.6, len(labels) - 0.4)
    from_zero(axes, max(map(max, lengths.values())))
    axes[-1].set_xticks(places, labels, rotation=90)
    axes[-1].tick_params(axis="x", length=0)
    return {"other_categories": len(others)}


def _label(column: Column, category: str, rank: int) -> str:
    if column.name in _SHOWN_BY_RANK:
        return f"{column.name} {rank}"
    text = str(category).replace("$", r"\$")
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
