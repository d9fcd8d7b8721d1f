"""How all figures look, and how they are saved: the same data give the same bytes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from redwood.outputs import write_json, writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RECORDED = "recorded"
REAL_COLOUR = "#2b2b2b"
REAL_FILL = "#d4d4d4"

# Okabe and Ito's colours, Tol's wine and a grey, told apart with any colour vision. A model has the
# same one in every figure, whichever others are in it; models without one take those left over.
_PREFERRED = {
    "smote": "#D55E00",
    "tvae": "#0072B2",
    "ctabganplus": "#009E73",
    "tabddpm": "#CC79A7",
    "independent": "#E69F00",
    "copy": "#56B4E9",
    "sequoia": "#882255",
    "leak": "#8C8C8C",
}
_OTHERS = ("#117733", "#332288", *_PREFERRED.values())
# Entries of a legend in one line.
_MOST_IN_A_LINE = 7
_DASHES = ("-", (0, (5, 1.5)), (0, (6, 1.5, 1.2, 1.5)), (0, (1.2, 1.2)))

# Inches: the whole width of a page in a journal of two columns. No text is below 7 points.
PAGE_WIDTH = 7.0

_SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.2,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "figure.dpi": 100,
    "pdf.fonttype": 42,
}

Style = Mapping[str, Any]


def use_style() -> None:
    """Set the style for the figures of this process; no display is needed."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(_SETTINGS)


def line_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and dash of the line of each model, and of `recorded` where that is among them."""
    names = list(names)
    models = [name for name in names if name != RECORDED]
    taken = {_PREFERRED[model] for model in models if model in _PREFERRED}
    free = [colour for colour in _OTHERS if colour not in taken] or list(_OTHERS)
    unknown = [model for model in models if model not in _PREFERRED]
    colours = _PREFERRED | {m: free[i % len(free)] for i, m in enumerate(unknown)}
    order = [*_PREFERRED, *unknown]
    styles = {
        model: {
            "color": colours[model],
            "linestyle": _DASHES[order.index(model) % len(_DASHES)],
        }
        for model in models
    }
    real = {RECORDED: {"color": REAL_COLOUR, "linestyle": "-"}}
    return {name: (real | styles)[name] for name in names}


def draw_histogram(
    axis: "Axes", heights: Mapping[str, np.ndarray], edges: np.ndarray, styles: Mapping[str, Style]
) -> None:
    """Steps for each name, recorded ones as a grey area behind the models' lines.

    Args:
        axis: where to draw.
        heights: name → (n,).
        edges: (n + 1,).
        styles: of `line_styles`.
    """
    for name, values in heights.items():
        if name == RECORDED:
            axis.stairs(values, edges, fill=True, color=REAL_FILL, linewidth=0)
            axis.stairs(values, edges, color=REAL_COLOUR, linewidth=0.9)
        else:
            axis.stairs(values, edges, **styles[name], linewidth=1.3)
    axis.set_xlim(edges[0], edges[-1])


def add_legend(figure: "Figure", styles: Mapping[str, Style], **marker: Any) -> None:
    """One legend for the whole figure, above it."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=REAL_FILL, edgecolor=REAL_COLOUR, linewidth=0.9, label=name)
        if name == RECORDED
        else Line2D([], [], **style, **marker, label=name)
        for name, style in styles.items()
    ]
    lines = -(-len(handles) // _MOST_IN_A_LINE)
    figure.legend(handles=handles, loc="outside upper center", ncols=-(-len(handles) // lines))


def from_zero(axes: "Iterable[Axes]", largest: float) -> None:
    """Ordinates from 0 to a little above `largest`, also where all is 0."""
    for axis in axes:
        axis.set_ylim(0, 1.05 * largest if largest > 0 else 1.0)


def date_axis(axis: "Axes", most: int) -> None:
    """Ticks for an abscissa in days since 1970-01-01 UTC, at most so many."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=most)
    formatter = ConciseDateFormatter(locator)
    low, high = axis.get_xlim()
    if high - low > 31:
        # Months are named by ticks; beside the axis the last one's would pass for all.
        formatter.offset_formats[2] = "%Y"
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(formatter)


def save_figure(figure: "Figure", prefix: Path, dpi: int, summary: Mapping[str, Any]) -> None:
    """Write `prefix`.png and .pdf, free of dates and versions, and `prefix`.json, the summary."""
    from matplotlib import pyplot

    for suffix, metadata in (
        ("png", {"Software": None}),
        ("pdf", {"CreationDate": None, "Producer": None, "Creator": None}),
    ):
        with writing(f"{prefix}.{suffix}") as partial:
            figure.savefig(partial, format=suffix, dpi=dpi, metadata=metadata)
        # Laid out once: both are alike, and it takes as long as drawing does.
        figure.set_layout_engine("none")
    pyplot.close(figure)
    write_json(f"{prefix}.json", summary)
