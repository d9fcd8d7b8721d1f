"""The figure of when jobs arrive: counts along the recorded window and over the day."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from redwood.errors import InputError
from redwood.paper.samples import common_range, outside, read_samples
from redwood.paper.style import (
    PAGE_WIDTH,
    RECORDED,
    add_legend,
    date_axis,
    draw_histogram,
    from_zero,
    line_styles,
    save_figure,
    use_style,
)
from redwood.tables import TableDescription, to_numbers

_HOUR, _DAY = 3600, 86400
# Windows shorter than this are counted by the hour.
_SHORT_WINDOW = 10 * _DAY
_MARGIN = 0.1


def draw_arrivals(
    table: Path,
    recorded: Path,
    synthetic: Mapping[str, Path],
    dpi: int,
    prefix: Path,
    controls: Collection[str] = (),
) -> None:
    """Jobs per day (or hour) along the window, and the share of jobs by hour of the day, in UTC.

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
    figure, (window, day) = pyplot.subplots(
        1, 2, figsize=(PAGE_WIDTH, 2.6), width_ratios=(2.2, 1), layout="constrained"
    )
    counts = {
        name: np.histogram(values, edges)[0] * (rows[RECORDED] / rows[name])
        for name, values in seconds.items()
    }
    draw_histogram(window, counts, edges / _DAY, styles)
    from_zero([window], max(values.max() for values in counts.values()))
    date_axis(window, most=8)
    window.set_xlabel("UTC")
    scaled = len(set(rows.values())) > 1
    window.set_ylabel(
        f"jobs per {'hour' if step == _HOUR else 'day'}{', scaled to recorded' * scaled}"
    )
    window.set_title(f"{times[0].name}, along the window")
    by_hour = {
        name: 100 * np.bincount((v % _DAY // _HOUR).astype(int), minlength=24) / len(v)
        for name, v in seconds.items()
    }
    draw_histogram(day, by_hour, np.arange(25), styles)
    from_zero([day], max(values.max() for values in by_hour.values()))
    day.set_xticks(range(0, 25, 6))
    day.set_xlabel("hour of the day [UTC]")
    day.set_ylabel("% of jobs")
    day.set_title("over the day")
    add_legend(figure, styles)
    strays = outside(seconds, edges[0], edges[-1])
    save_figure(figure, prefix, dpi, {"rows": rows, "outside_of_the_window": strays})
