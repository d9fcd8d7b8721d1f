"""The figure of when jobs arrive: each model's counts over the recorded ones."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from redwood.errors import InputError
from redwood.paper.samples import common_range, outside, read_samples
from redwood.paper.style import (
    PAGE_WIDTH,
    RECORDED,
    bare,
    date_axis,
    draw_over_recorded,
    from_zero,
    line_styles,
    name_line,
    save_figure,
    use_style,
)
from redwood.tables import TableDescription, to_numbers

_HOUR, _DAY = 3600, 86400
# Windows shorter than this are counted by the hour.
_SHORT_WINDOW = 10 * _DAY
_MARGIN = 0.1
# Inches: a line of panels, and what the figure needs besides.
_LINE, _REST = 0.42, 0.75


def draw_arrivals(
    table: Path,
    recorded: Path,
    synthetic: Mapping[str, Path],
    dpi: int,
    prefix: Path,
    controls: Collection[str] = (),
) -> None:
    """A line a model: jobs per day (or hour) along the window, and by hour of the day, in UTC.

    Of the timestamps of a table the first counts. Counts are scaled to as many rows as recorded.

    Args: as `redwood.paper.distributions.draw_distributions`.

    Raises:
        InputError: a file is missing or is no such table, or it has no timestamp.
    """
    use_style()
    from matplotlib import pyplot

    description = TableDescription.load(table)
    times = [column for column in description.features if column.kind == "timestamp"]
    if not times:
        raise InputError(f"{table}: the table has no timestamp, so no arrivals to draw")
    frames = read_samples(recorded, synthetic, TableDescription(description.name, (times[0],)))
    seconds = {name: to_numbers(f[times[0].name], times[0]) for name, f in frames.items()}
    rows = {name: len(values) for name, values in seconds.items()}
    styles = line_styles(seconds, controls)
    low, high = common_range(seconds, _MARGIN)
    step = _HOUR if high - low < _SHORT_WINDOW else _DAY
    edges = np.arange(low // step * step, (high // step + 2) * step, step)
    models = [name for name in seconds if name != RECORDED]
    figure, axes = pyplot.subplots(
        len(models),
        2,
        figsize=(PAGE_WIDTH, _LINE * len(models) + _REST),
        width_ratios=(2.6, 1),
        sharex="col",
        layout="constrained",
        squeeze=False,
    )
    counts = {
        name: np.histogram(values, edges)[0] * (rows[RECORDED] / rows[name])
        for name, values in seconds.items()
    }
    by_hour = {
        name: 100 * np.bincount((v % _DAY // _HOUR).astype(int), minlength=24) / len(v)
        for name, v in seconds.items()
    }
    for column, heights, ends in (
        (axes[:, 0], counts, edges / _DAY),
        (axes[:, 1], by_hour, np.arange(25)),
    ):
        for axis, name in zip(column, models, strict=True):
            draw_over_recorded(axis, heights[RECORDED], heights[name], ends, styles[name])
            bare(axis, last=axis is column[-1])
        # One model's spike would flatten all others: it is cut at twice the recorded peak.
        largest = max(values.max() for values in heights.values())
        from_zero(column, min(largest, 2 * heights[RECORDED].max()))
    for axis, name in zip(axes[:, 0], models, strict=True):
        name_line(axis, name)
    window, day = axes[-1]
    date_axis(window, most=8)
    scaled = len(set(rows.values())) > 1
    per = "hour" if step == _HOUR else "day"
    axes[0, 0].set_title(f"jobs per {per}{', scaled to recorded' * scaled}")
    axes[0, 1].set_title("jobs by hour of the day")
    window.set_xlabel(f"{times[0].name} [UTC]", loc="left")
    day.set_xticks(range(0, 25, 6))
    day.set_xlabel("hour [UTC]")
    strays = outside(seconds, edges[0], edges[-1])
    save_figure(figure, prefix, dpi, {"rows": rows, "outside_of_the_window": strays})
