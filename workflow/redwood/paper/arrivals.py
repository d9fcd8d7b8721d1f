"""The figure of when jobs arrive: counts along the recorded window and over the day."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from redwood.errors import InputError
from redwood.paper.style import REAL_COLOUR, line_styles, save_figure, use_style
from redwood.tables import TableDescription, read_table, to_numbers

_HOUR, _DAY = 3600, 86400
# Windows shorter than this are counted by the hour.
_SHORT_WINDOW = 10 * _DAY


def draw_arrivals(
    table: Path, recorded: Path, synthetic: Mapping[str, Path], dpi: int, prefix: Path
) -> None:
    """Jobs per day (or hour) along the window, and the share of jobs by hour of the day, in UTC.

    Args: as `redwood.paper.distributions.draw_distributions`.

    Raises:
        InputError: the table has no timestamp.
    """
    use_style()
    from matplotlib import pyplot
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    description = TableDescription.load(table).only_features()
    times = [column for column in description.features if column.kind == "timestamp"]
    if not times:
        raise InputError(f"{table}: the table has no timestamp, so no arrivals to draw")
    column = times[0]
    seconds = {
        name: to_numbers(read_table(path, description)[column.name], column)
        for name, path in {"recorded": recorded, **synthetic}.items()
    }
    styles = {"recorded": {"color": REAL_COLOUR, "linestyle": "-"}} | line_styles(synthetic)
    low = min(values.min() for values in seconds.values())
    high = max(values.max() for values in seconds.values())
    step = _HOUR if high - low < _SHORT_WINDOW else _DAY
    edges = np.arange(low // step * step, high + step, step)
    figure, (window, day) = pyplot.subplots(
        1, 2, figsize=(11, 3.2), width_ratios=(2.2, 1), layout="constrained"
    )
    for name, values in seconds.items():
        window.stairs(np.histogram(values, edges)[0], edges / _DAY, **styles[name], label=name)
        by_hour = np.bincount((values % _DAY // _HOUR).astype(int), minlength=24) / len(values)
        day.stairs(100 * by_hour, np.arange(25), **styles[name])
    locator = AutoDateLocator(maxticks=8)
    window.xaxis.set_major_locator(locator)
    window.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    window.set_ylabel(f"jobs per {'hour' if step == _HOUR else 'day'}")
    window.set_title(f"{column.name}, along the window", loc="left")
    day.set_xticks(range(0, 25, 6))
    day.set_xlabel("hour of the day [UTC]")
    day.set_ylabel("% of jobs")
    day.set_title("over the day", loc="left")
    for axis in (window, day):
        axis.set_ylim(bottom=0)
    figure.legend(loc="outside upper center", ncols=len(seconds))
    save_figure(figure, prefix, dpi)
