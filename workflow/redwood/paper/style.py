"""How all figures look, and how they are saved: the same data give the same bytes."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from redwood.outputs import write_json, writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RECORDED = "recorded"
REAL_COLOUR = "#2b2b2b"
REAL_FILL = "#cfcfcf"

# Okabe and Ito's colours and Tol's, told apart with any colour vision: models have them by their
# order, with lines by their order too. Controls are dotted, in paler ones.
_COLOURS = [
    "#0072B2",  # blue
    "#009E73",  # bluish green
    "#D55E00",  # vermilion
    "#CC79A7",  # reddish purple
    "#882255",  # wine
    "#E69F00",  # orange
    "#332288",  # indigo
    "#117733",  # green
]
_DASHES = ("-", (0, (5, 1.5)), (0, (6, 1.5, 1.2, 1.5)))
_CONTROL_COLOURS = ["#8C8C8C", "#C2A33A", "#6FB1D6"]
_DOTS = (0, (1.2, 1.2))
# Entries of a legend in one line.
_MOST_IN_A_LINE = 7

# Inches: the whole width of a page in a journal of two columns. No text is below 7 points.
PAGE_WIDTH = 7.0
# Figures that stand in pairs, as on the first screen of the report.
COLUMN_WIDTH = 4.8

_SETTINGS: dict[Any, Any] = {
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


def line_styles(names: Iterable[str], controls: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Colour and dash of each line.

    A model has the same ones in every figure that is given the same names in the same order.

    Args:
        names: of models and controls, and `recorded`.
        controls: those that are controls.
    """
    styles: dict[str, dict[str, Any]] = {}
    models = others = 0
    for name in names:
        if name == RECORDED:
            styles[name] = {"color": REAL_COLOUR, "linestyle": "-"}
        elif name in controls:
            colour = _CONTROL_COLOURS[others % len(_CONTROL_COLOURS)]
            styles[name] = {"color": colour, "linestyle": _DOTS}
            others += 1
        else:
            colour, dash = _COLOURS[models % len(_COLOURS)], _DASHES[models % len(_DASHES)]
            styles[name] = {"color": colour, "linestyle": dash}
            models += 1
    return styles


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


def draw_over_recorded(
    axis: "Axes", recorded: np.ndarray, model: np.ndarray, edges: np.ndarray, style: Style
) -> None:
    """A panel of small multiples: one model's steps over the recorded ones in grey.

    Args:
        axis: where to draw.
        recorded, model: (n,) heights.
        edges: (n + 1,).
        style: the model's, of `line_styles`.
    """
    axis.stairs(recorded, edges, fill=True, color=REAL_FILL, linewidth=0)
    axis.stairs(model, edges, color=style["color"], linewidth=1.0)
    axis.set_xlim(edges[0], edges[-1])


def name_line(axis: "Axes", name: str) -> None:
    """Name a line of panels at its left."""
    axis.set_ylabel(name, rotation=0, ha="right", va="center")


def bare(axis: "Axes", last: bool) -> None:
    """A panel of small multiples: heights compare by eye, abscissae stand below the last line."""
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    if not last:
        axis.tick_params(labelbottom=False)


def panels(figure: Any, number: int, most: int, **shared: Any) -> "list[Axes]":
    """So many panels in lines of at most `most`, all alike, the lowest of each column with ticks.

    Args:
        figure: a figure or a part of one.
        number: of panels.
        most: in a line; lines are filled evenly.
        shared: as `sharey` of `subplots`.
    """
    lines = -(-number // most)
    columns = -(-number // lines)
    axes = figure.subplots(lines, columns, sharex=True, squeeze=False, **shared)
    for place, axis in enumerate(axes.flat):
        if place >= number:
            axis.remove()
        elif place + columns >= number:
            axis.tick_params(labelbottom=True)
    return list(axes.flat[:number])


def lines_of_panels(number: int, most: int) -> int:
    """How many lines `panels` makes."""
    return -(-number // most)


def from_zero(axes: "Iterable[Axes]", largest: float) -> None:
    """Ordinates from 0 to a little above `largest`, also where all is 0."""
    for axis in axes:
        axis.set_ylim(0, 1.05 * largest if largest > 0 else 1.0)


def date_axis(axis: "Axes", most: int) -> None:
    """Ticks for an abscissa in days since 1970-01-01 UTC, `most` at most."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=most)
    formatter = ConciseDateFormatter(locator)
    low, high = axis.get_xlim()
    if high - low > 31:
        # Months are named by ticks; beside the axis the last one's would pass for all.
        formatter.offset_formats[2] = "%Y"
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(formatter)


_METADATA = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}
FIGURE_ENDINGS = tuple(f".{suffix}" for suffix in _METADATA)


def write_figure(figure: "Figure", path: Path, dpi: int) -> None:
    """Write a figure as its ending says, one of `FIGURE_ENDINGS`, free of dates and versions."""
    suffix = path.suffix.removeprefix(".")
    with writing(path) as partial:
        figure.savefig(partial, format=suffix, dpi=dpi, metadata=_METADATA[suffix])


def save_figure(figure: "Figure", prefix: Path, dpi: int, summary: Mapping[str, Any]) -> None:
    """Write `prefix`.png and .pdf, free of dates and versions, and `prefix`.json, the summary."""
    from matplotlib import pyplot

    for suffix in ("png", "pdf"):
        write_figure(figure, Path(f"{prefix}.{suffix}"), dpi)
        # Laid out once: both are alike, and it takes as long as drawing does.
        figure.set_layout_engine("none")
    pyplot.close(figure)
    write_json(f"{prefix}.json", summary)
