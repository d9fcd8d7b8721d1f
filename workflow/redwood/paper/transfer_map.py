"""The figure of the transfers: how many bytes went from which cloud of sites to which."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.paper.rendering import plain_number
from redwood.paper.runs import RunFolder, of_recorded, spread
from redwood.paper.style import PAGE_WIDTH, save_figure, use_style
from redwood.sites import SiteTable, load_sites

_MOST_POLICIES = 6
_IN_A_LINE = 3
_OTHER = "other"
_BYTES = ((1e6, "MB"), (1e9, "GB"), (1e12, "TB"), (1e15, "PB"))


def draw_transfer_map(scenarios: Sequence[Path], resources: Path, dpi: int, prefix: Path) -> None:
    """Bytes from cloud to cloud, one panel a policy; recorded jobs, the least seed.

    Of many policies six that differ, from the one that moves most to the one that moves least.

    Inputs, outputs and copies together, transfers within a cloud on the diagonal. Sites that the
    table of sites does not know are `other`.

    Args:
        scenarios: folders that `redwood simulate` wrote.
        resources: folder with `sites.csv`.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a run is missing or incomplete, or the table of sites is.
    """
    use_style()
    from matplotlib import pyplot
    from matplotlib.colors import LogNorm

    runs = spread(of_recorded(scenarios), "flows", "bytes", _MOST_POLICIES, by_ratio=True)
    sites = load_sites(resources / "sites.csv")
    flows = [_flows(run, sites) for run in runs]
    names = sorted({name for flow in flows for name in (*flow.index, *flow.columns)})
    names.sort(key=lambda name: name == _OTHER)
    largest = max((float(flow.to_numpy().max(initial=0)) for flow in flows), default=0.0)
    unit, unit_name = max((u for u in _BYTES if u[0] <= largest), default=_BYTES[0])
    columns = min(_IN_A_LINE, len(runs))
    lines = -(-len(runs) // columns)
    figure, axes = pyplot.subplots(
        lines,
        columns,
        figsize=(PAGE_WIDTH, 0.4 + 2.4 * lines),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    norm = LogNorm(max(largest / 1e4, 1.0) / unit, max(largest, 10.0) / unit)
    image = None
    for run, flow, axis in zip(runs, flows, axes.flat, strict=False):
        axis.set_title(f"{run.title}\n{plain_number(flow.to_numpy().sum() / unit)} {unit_name}")
        axis.grid(False)
        if largest == 0:
            axis.text(0.5, 0.5, "no transfers", ha="center", transform=axis.transAxes)
            continue
        matrix = flow.reindex(index=names, columns=names, fill_value=0.0).to_numpy() / unit
        image = axis.imshow(np.ma.masked_equal(matrix, 0), norm=norm, cmap="viridis_r")
        axis.set_xticks(range(len(names)), names, rotation=90)
        axis.set_yticks(range(len(names)), names)
    for axis in axes.flat[len(runs) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("from")
    for axis in axes[-1]:
        axis.set_xlabel("to")
    if image is not None:
        figure.colorbar(image, ax=axes, shrink=0.7, aspect=30).set_label(f"moved [{unit_name}]")
    moved = {
        run.policy: float(flow.to_numpy().sum()) for run, flow in zip(runs, flows, strict=True)
    }
    save_figure(figure, prefix, dpi, {"drawn": [run.label for run in runs], "bytes": moved})


def _flows(run: RunFolder, sites: SiteTable) -> pd.DataFrame:
    """Bytes from cloud (index) to cloud (columns)."""
    table = run.read("flows", ("source", "destination", "bytes"))

    def cloud(name: str) -> str:
        site = sites.find(name)
        return site.cloud if site is not None and site.cloud else _OTHER

    ends = {side: table[side].astype(str).map(cloud) for side in ("source", "destination")}
    return pd.crosstab(ends["source"], ends["destination"], table["bytes"], aggfunc="sum").fillna(
        0.0
    )
