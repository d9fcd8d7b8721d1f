"""The figure of the features' distributions: recorded rows against each model's sample."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from redwood.paper.style import REAL_COLOUR, line_styles, save_figure, use_style
from redwood.tables import Column, TableDescription, read_table, to_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_BINS = 60
_MOST_CATEGORIES = 12
# Their values stand for persons or tasks: a figure shows their ranks only.
_SHOWN_BY_RANK = ("user", "task")


def draw_distributions(
    table: Path, recorded: Path, synthetic: Mapping[str, Path], dpi: int, prefix: Path
) -> None:
    """One panel a feature: densities of numbers on their scale, shares of the common categories.

    Args:
        table: description of the table.
        recorded: real rows that no model has seen.
        synthetic: each model's sample.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.
    """
    use_style()
    from matplotlib import pyplot

    description = TableDescription.load(table).only_features()
    frames = {"recorded": read_table(recorded, description)}
    frames |= {model: read_table(path, description) for model, path in synthetic.items()}
    styles = {"recorded": {"color": REAL_COLOUR, "linestyle": "-"}} | line_styles(synthetic)
    features = description.features
    lines = math.ceil(len(features) / _COLUMNS)
    figure, axes = pyplot.subplots(
        lines, _COLUMNS, figsize=(11, 3.0 * lines), layout="constrained", squeeze=False
    )
    for column, axis in zip(features, axes.flat, strict=False):
        if column.is_categorical:
            _draw_shares(axis, column, frames, styles)
        else:
            _draw_density(axis, column, frames, styles)
    for axis in axes.flat[len(features) :]:
        axis.set_visible(False)
    handles = [
        pyplot.Line2D([], [], **style, marker="o", markersize=4, label=name)
        for name, style in styles.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    save_figure(figure, prefix, dpi)


def _draw_density(
    axis: "Axes",
    column: Column,
    frames: Mapping[str, pd.DataFrame],
    styles: Mapping[str, Mapping[str, str]],
) -> None:
    numbers = {
        name: _position(to_numbers(f[column.name], column), column) for name, f in frames.items()
    }
    low = min(values.min() for values in numbers.values())
    high = max(values.max() for values in numbers.values())
    edges = _edges(low, high, column)
    for name, values in numbers.items():
        shares = np.histogram(values, edges)[0] / len(values)
        axis.stairs(100 * shares, edges, **styles[name], linewidth=1.3)
    unit = f" [{column.unit}]" if column.unit and column.kind != "timestamp" else ""
    axis.set_title(f"{column.name}{unit}", loc="left")
    axis.set_ylabel("% of jobs per bin")
    axis.set_ylim(bottom=0)
    if column.kind == "timestamp":
        _date_axis(axis)
    elif column.scale == "log":
        _logarithmic_axis(axis, low, high)


def _position(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Where numbers stand on the axis: days for times, log₁₀(1 + x) on a logarithmic scale."""
    if column.kind == "timestamp":
        return numbers / 86400
    return np.log10(1 + numbers) if column.scale == "log" else numbers


def _edges(low: float, high: float, column: Column) -> np.ndarray:
    if column.kind == "integer" and column.scale == "log" and high < 2.5:
        # Few different counts: one bin each, edges halfway.
        counts = np.arange(np.floor(10**low - 1), np.ceil(10**high - 1) + 2) - 0.5
        return np.log10(1 + np.maximum(counts, -0.4))
    return np.linspace(low, high if high > low else low + 1, _BINS + 1)


def _date_axis(axis: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=6)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _logarithmic_axis(axis: "Axes", low: float, high: float) -> None:
    exponents = [e for e in range(math.ceil(high) + 1) if low <= math.log10(1 + 10.0**e) <= high]
    step = max(1, math.ceil(len(exponents) / 6))
    labels = {math.log10(1 + 10.0**e): f"$10^{{{e}}}$" for e in exponents[::step]}
    if low < 0.2:
        # 1 would stand too close to 0 on an axis that goes far.
        labels = {0.0: "0"} | {x: text for x, text in labels.items() if x > high / 12}
    axis.set_xticks(list(labels), list(labels.values()))


def _draw_shares(
    axis: "Axes",
    column: Column,
    frames: Mapping[str, pd.DataFrame],
    styles: Mapping[str, Mapping[str, str]],
) -> None:
    shares = {
        name: frame[column.name].value_counts(normalize=True) for name, frame in frames.items()
    }
    real = shares["recorded"]
    # Of equal shares in the order of their names, so that the same data give the same figure.
    order = real.sort_index().sort_values(ascending=False, kind="stable").index
    common = list(order[:_MOST_CATEGORIES])
    places = np.arange(len(common))[::-1]
    offsets = np.linspace(0.25, -0.25, len(frames))
    for (name, values), offset in zip(shares.items(), offsets, strict=True):
        points = 100 * values.reindex(common, fill_value=0).to_numpy()
        axis.plot(
            points, places + offset, "o", color=styles[name]["color"], markersize=3.6, clip_on=False
        )
    by_rank = column.name in _SHOWN_BY_RANK
    labels = [f"{column.name} {i + 1}" if by_rank else str(c) for i, c in enumerate(common)]
    axis.set_yticks(places, labels, fontsize=7)
    axis.set_ylim(-0.6, len(common) - 0.4)
    axis.set_xlim(left=0)
    axis.set_xlabel("% of jobs")
    more = f", {len(common)} most common of {len(real)}" if len(real) > len(common) else ""
    axis.set_title(f"{column.name}{more}", loc="left")
