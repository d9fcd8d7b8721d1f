"""The figure of the sites' load: which sites are busy when, and when they are down."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.runs import RunFolder, of_recorded, spread
from redwood.paper.style import PAGE_WIDTH, save_figure, use_style

_MOST_POLICIES = 3
_MOST_SITES = 40
_HOUR, _DAY = 3600.0, 86400.0
_LONG = 4 * _DAY
_DOWN = "#c1272d"
_OVER = "#dfe8f2"


def draw_site_load(scenarios: Sequence[Path], dpi: int, prefix: Path) -> None:
    """Sites by time, coloured by the share of their cores that is busy; one panel a policy.

    Recorded jobs under three policies, from the one that lets most jobs wait to the one that lets
    the fewest, with the least seed; the forty sites with the most cores. Outages are red, the time
    after the last job is blue.

    Args:
        scenarios: folders that `redwood simulate` wrote.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a run is missing or incomplete.
    """
    use_style()
    from matplotlib import pyplot
    from matplotlib.colors import ListedColormap

    runs = spread(of_recorded(scenarios), "sites", "queued_jobs", _MOST_POLICIES)
    loads = [_load(run) for run in runs]
    shown = loads[0][0].index[:_MOST_SITES]
    end = max(edges[-1] for _, _, edges in loads)
    time, unit = (_DAY, "days") if end > _LONG else (_HOUR, "h")
    figure, axes = pyplot.subplots(
        1,
        len(runs),
        figsize=(PAGE_WIDTH, 1.0 + 0.115 * len(shown)),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for run, (busy, down, edges), axis in zip(runs, loads, axes[0], strict=True):
        rows = np.arange(len(shown) + 1)
        mesh = axis.pcolormesh(
            edges / time, rows, busy.reindex(shown), vmin=0, vmax=1, cmap="Greys", rasterized=True
        )
        out = np.ma.masked_less_equal(down.reindex(shown).to_numpy(), 0)
        axis.pcolormesh(
            edges / time, rows, out, vmin=0, vmax=1, cmap=ListedColormap([_DOWN]), rasterized=True
        )
        # One line is too wide for names of two policies.
        axis.set_title(run.title.replace("+", "\n+ "))
        axis.set_facecolor(_OVER)
        axis.set_xlabel(f"simulated time [{unit}]")
        axis.set_xlim(0, end / time)
        axis.grid(False)
    axes[0, 0].set_yticks(np.arange(len(shown)) + 0.5, shown)
    axes[0, 0].invert_yaxis()
    bar = figure.colorbar(mesh, ax=axes, shrink=0.5, aspect=30)
    bar.set_label("busy share of cores")
    save_figure(
        figure,
        prefix,
        dpi,
        {
            "drawn": [run.label for run in runs],
            "sites": len(shown),
            "sites_not_drawn": len(loads[0][0]) - len(shown),
            "intervals_with_an_outage": [int((down > 0).sum().sum()) for _, down, _ in loads],
        },
    )


def _load(run: RunFolder) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Busy and unavailable share (sites by cores × intervals), and the edges of the intervals."""
    columns = ("site", "time", "cores", "busy_cores", "background_cores", "available")
    table = run.read("sites", columns)
    table = table[table["cores"] > 0].astype({"site": str})
    if table.empty:
        raise InputError(f"{run.folder}/sites.parquet: there is no site with cores")
    table["busy"] = (table["busy_cores"] + table["background_cores"]) / table["cores"]
    table["down"] = 1 - table["available"]
    cores = table.groupby("site")["cores"].first()
    order = cores.reset_index().sort_values(["cores", "site"], ascending=[False, True])["site"]
    busy, down = (
        table.pivot_table(name, "site", "time").reindex(order) for name in ("busy", "down")
    )
    begin = busy.columns.to_numpy(dtype=np.float64)
    step = begin[1] - begin[0] if len(begin) > 1 else _HOUR
    return busy, down, np.append(begin, begin[-1] + step)
