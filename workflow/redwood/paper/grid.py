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
    add_legend,
    draw_histogram,
    from_zero,
    line_styles,
    save_figure,
    use_style,
)

_HOUR, _DAY = 3600.0, 86400.0
# Simulated times longer than this are shown in days.
_LONG = 4 * _DAY
_BYTES = ((1e6, "MB"), (1e9, "GB"), (1e12, "TB"))


# Policies that are drawn; more do not fit on a page.
_MOST_POLICIES = 4


@dataclass(frozen=True)
class _Run:
    """A simulation: sums over all sites, a row an interval; `edges` in s, one more than rows."""

    workload: str
    policy: str
    series: pd.DataFrame
    edges: np.ndarray


def draw_grid(scenarios: Sequence[Path], dpi: int, prefix: Path) -> None:
    """One line of panels a policy: the whole grid's time series for recorded and synthetic jobs.

    Of several seeds the least is drawn, of many policies four, from the one under which most
    recorded jobs wait to the one under which the fewest do.

    Args:
        scenarios: folders that `redwood simulate` wrote.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a run is missing or incomplete.
    """
    use_style()
    from matplotlib import pyplot

    runs = first_seeds(scenarios)
    shown = spread(of_recorded(scenarios), "sites", "queued_jobs", _MOST_POLICIES)
    policies = [run.policy for run in shown]
    drawn = [run for run in runs if run.policy in policies]
    chosen = [_read(run) for run in drawn]
    # `floor`: a control of real rows.
    controls = {run.workload for run in runs if run.role in ("control", "floor")}
    styles = line_styles(dict.fromkeys(run.workload for run in chosen), controls)
    quantities = _quantities(chosen)
    end = max(run.edges[-1] for run in chosen)
    time, time_unit = (_DAY, "days") if end > _LONG else (_HOUR, "h")
    figure, axes = pyplot.subplots(
        len(policies),
        len(quantities),
        figsize=(PAGE_WIDTH, 1.5 * len(policies) + 0.7),
        sharex=True,
        sharey="col",
        layout="constrained",
        squeeze=False,
    )
    for (quantity, label, unit), column in zip(quantities, axes.T, strict=True):
        for run in chosen:
            heights = {run.workload: run.series[quantity].to_numpy() / unit}
            axis = column[policies.index(run.policy)]
            draw_histogram(axis, heights, run.edges / time, styles)
        from_zero(column, max(run.series[quantity].max() for run in chosen) / unit)
        for axis in column:
            axis.set_ylabel(label)
            axis.set_xlim(0, end / time)
    for policy, line in zip(policies, axes, strict=True):
        line[0].set_title(f"policy {policy}")
    for axis in axes[-1]:
        axis.set_xlabel(f"simulated time [{time_unit}]")
    add_legend(figure, styles)
    labels = [run.label for run in drawn]
    save_figure(figure, prefix, dpi, {"drawn": labels, "not_drawn": len(runs) - len(drawn)})


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
