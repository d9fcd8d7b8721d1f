"""The figure of the simulated grid: busy cores, queue and traffic along time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.runs import RunFolder, first_seeds, of_recorded, spread
from redwood.paper.style import (
    PAGE_WIDTH,
    REAL_FILL,
    RECORDED,
    from_zero,
    line_styles,
    name_line,
    save_figure,
    use_style,
)

_HOUR, _DAY = 3600.0, 86400.0
# Simulated times longer than this are shown in days.
_LONG = 4 * _DAY
_BYTES = ((1e6, "MB"), (1e9, "GB"), (1e12, "TB"))


# Policies that are drawn; more do not fit on a page.
_MOST_POLICIES = 2
# Inches: a line of panels, and what the figure needs besides.
_LINE, _REST = 0.45, 1.0


@dataclass(frozen=True)
class _Run:
    """A simulation: sums over all sites, a row an interval; `edges` in s, one more than rows."""

    workload: str
    policy: str
    series: pd.DataFrame
    edges: np.ndarray


def draw_grid(scenarios: Sequence[Path], dpi: int, prefix: Path) -> None:
    """One line of panels a workload: the whole grid's time series, over those of recorded jobs.

    Of several seeds the least is drawn, of many policies two, the one under which most recorded
    jobs wait and the one under which the fewest do.

    Args:
        scenarios: folders that `redwood simulate` wrote.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a run is missing or incomplete.
    """
    use_style()
    from matplotlib import pyplot
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import MaxNLocator

    runs = first_seeds(scenarios)
    shown = spread(of_recorded(scenarios), "sites", "queued_jobs", _MOST_POLICIES)
    policies = [run.policy for run in shown]
    drawn = [run for run in runs if run.policy in policies]
    chosen = {(run.workload, run.policy): _read(run) for run in drawn}
    # `floor`: a control of real rows.
    controls = {run.workload for run in runs if run.role in ("control", "floor")}
    names = list(dict.fromkeys(run.workload for run in drawn))
    styles = line_styles(names, controls)
    # Without recorded jobs there is nothing to draw over.
    over = RECORDED in names
    lines = [name for name in names if name != RECORDED] or names
    quantities = _quantities(list(chosen.values()))
    end = max(_almost_over(run) for run in chosen.values())
    time, time_unit = (_DAY, "days") if end > _LONG else (_HOUR, "h")
    figure, axes = pyplot.subplots(
        len(lines),
        len(policies) * len(quantities),
        figsize=(PAGE_WIDTH, _LINE * len(lines) + _REST),
        sharex=True,
        # With room for the title of the last column, which is wider than the column.
        layout=ConstrainedLayoutEngine(rect=(0, 0, 0.98, 1)),
        squeeze=False,
    )
    columns = [(policy, *quantity) for policy in policies for quantity in quantities]
    largest = {
        quantity: max(run.series[quantity].max() for run in chosen.values()) / unit
        for quantity, _, unit in quantities
    }
    for (policy, quantity, label, unit), column in zip(columns, axes.T, strict=True):
        for axis, workload in zip(column, lines, strict=True):
            for name in (RECORDED, workload) if over else (workload,):
                if run := chosen.get((name, policy)):
                    heights, edges = run.series[quantity].to_numpy() / unit, run.edges / time
                    if name == RECORDED:
                        axis.stairs(heights, edges, fill=True, color=REAL_FILL, linewidth=0)
                    else:
                        axis.stairs(heights, edges, color=styles[name]["color"], linewidth=0.9)
            axis.set_xlim(0, end / time)
            axis.yaxis.set_major_locator(MaxNLocator(2))
        from_zero(column, largest[quantity])
        named = policy.replace("+", "\n+ ") if quantity == quantities[0][0] else ""
        column[0].set_title(f"{named}\n{label}")
        column[-1].set_xlabel(f"time [{time_unit}]")
    for axis, workload in zip(axes[:, 0], lines, strict=True):
        name_line(axis, workload)
    labels = [run.label for run in drawn]
    save_figure(figure, prefix, dpi, {"drawn": labels, "not_drawn": len(runs) - len(drawn)})


def _almost_over(run: _Run) -> float:
    """When all but 3 % of the core seconds are used, s: few jobs last and last."""
    used = (run.series["busy_cores"].to_numpy() * np.diff(run.edges)).cumsum()
    return float(run.edges[1 + np.searchsorted(used, 0.97 * used[-1])])


def _quantities(runs: Sequence[_Run]) -> list[tuple[str, str, float]]:
    """What is drawn: column, label, and how many of the column's units one of the label's is.

    Traffic only where there is some.
    """
    quantities = [("busy_cores", "busy cores", 1.0), ("queued_jobs", "queued jobs", 1.0)]
    largest = max(run.series["bytes_per_hour"].max() for run in runs)
    if largest > 0:
        unit, name = max((u for u in _BYTES if u[0] <= largest), default=_BYTES[0])
        quantities.append(("bytes_per_hour", f"moved [{name}/h]", unit))
    return quantities


def _read(run: RunFolder) -> _Run:
    sites = run.read("sites", ("time", "busy_cores", "queued_jobs", "bytes_in"))
    if sites.empty:
        raise InputError(f"{run.folder}/sites.parquet: the table has no rows")
    series = sites.groupby("time")[["busy_cores", "queued_jobs", "bytes_in"]].sum()
    begin = series.index.to_numpy(dtype=np.float64)
    step = float(begin[1] - begin[0]) if len(begin) > 1 else _HOUR
    series = series.assign(bytes_per_hour=series["bytes_in"] * (_HOUR / step))
    return _Run(run.workload, run.policy, series, np.append(begin, begin[-1] + step))
