"""The figure of the simulated grid: busy cores, queue and traffic along time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.reading import read_json, read_parquet
from redwood.paper.style import REAL_COLOUR, line_styles, save_figure, use_style

_DAY = 86400


@dataclass(frozen=True)
class _Run:
    workload: str
    policy: str
    series: pd.DataFrame


def draw_grid(runs: Sequence[Path], dpi: int, prefix: Path) -> None:
    """One line of panels a policy: the whole grid's time series for recorded and synthetic jobs.

    Of several seeds the first is drawn.

    Args:
        runs: folders that `redwood simulate` wrote.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a run is missing or incomplete.
    """
    use_style()
    from matplotlib import pyplot

    chosen = _first_seeds(runs)
    policies = list(dict.fromkeys(run.policy for run in chosen))
    models = [w for w in dict.fromkeys(run.workload for run in chosen) if w != "recorded"]
    styles = line_styles(models) | {"recorded": {"color": REAL_COLOUR, "linestyle": "-"}}
    quantities = {"busy_cores": "busy cores", "queued_jobs": "queued jobs"}
    if any(run.series["transferred"].max() > 0 for run in chosen):
        quantities["transferred"] = "moved [TB/h]"
    figure, axes = pyplot.subplots(
        len(policies),
        len(quantities),
        figsize=(3.9 * len(quantities), 2.2 * len(policies) + 0.6),
        sharex=True,
        sharey="col",
        layout="constrained",
        squeeze=False,
    )
    for run in chosen:
        line = axes[policies.index(run.policy)]
        for axis, quantity in zip(line, quantities, strict=True):
            axis.plot(
                run.series.index / _DAY, run.series[quantity], **styles[run.workload], linewidth=1
            )
    for line, policy in zip(axes, policies, strict=True):
        for axis, label in zip(line, quantities.values(), strict=True):
            axis.set_ylabel(label)
            axis.set_ylim(bottom=0)
        line[0].set_title(f"policy {policy}", loc="left")
    for axis in axes[-1]:
        axis.set_xlabel("simulated time [days]")
    handles = [
        pyplot.Line2D([], [], **styles[name], label=name)
        for name in dict.fromkeys(run.workload for run in chosen)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    save_figure(figure, prefix, dpi)


def _first_seeds(runs: Sequence[Path]) -> list[_Run]:
    """Of each workload and policy the run with the least seed, recorded jobs first."""
    found: dict[tuple[str, str], tuple[int, Path]] = {}
    for folder in runs:
        summary = read_json(folder / "summary.json", "summary of a simulation")
        try:
            key, seed = (summary["workload"], summary["policy"]), summary["seed"]
        except (KeyError, TypeError) as error:
            raise InputError(f"{folder}/summary.json: not of a simulation: {error}") from None
        if key not in found or seed < found[key][0]:
            found[key] = (seed, folder)
    ordered = sorted(found.items(), key=lambda entry: entry[0][0] != "recorded")
    return [_Run(*key, _series(folder)) for key, (_, folder) in ordered]


def _series(folder: Path) -> pd.DataFrame:
    """The sums over all sites by time in s, traffic in TB per hour."""
    sites = read_parquet(folder / "sites.parquet", "simulation")
    if sites is None:
        raise InputError(f"{folder}: has no sites.parquet")
    series = sites.groupby("time")[["busy_cores", "queued_jobs", "bytes_in"]].sum()
    step = float(np.diff(series.index[:2])[0]) if len(series) > 1 else 3600.0
    return series.assign(transferred=series["bytes_in"] / 1e12 * 3600 / step)
