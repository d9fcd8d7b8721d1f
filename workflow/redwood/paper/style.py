"""How all figures look, and how they are saved: the same data give the same bytes."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from redwood.outputs import writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REAL_COLOUR = "#2b2b2b"
# Okabe and Ito's colours, told apart with any colour vision; yellow is too pale for lines.
_MODEL_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MODEL_DASHES = ("-", "--", "-.", ":")

_SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "figure.dpi": 100,
    "pdf.fonttype": 42,
    "svg.hashsalt": "redwood",
}


def use_style() -> None:
    """Set the style for the figures of this process; no display is needed."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update(_SETTINGS)


def line_styles(models: Iterable[str]) -> dict[str, dict[str, str]]:
    """Colour and dash of each model's line, by the models' order."""
    return {
        model: {
            "color": _MODEL_COLOURS[i % len(_MODEL_COLOURS)],
            "linestyle": _MODEL_DASHES[i % len(_MODEL_DASHES)],
        }
        for i, model in enumerate(models)
    }


def save_figure(figure: "Figure", prefix: Path, dpi: int) -> None:
    """Write `prefix`.png and `prefix`.pdf, free of dates and versions."""
    from matplotlib import pyplot

    for suffix, metadata in (
        ("png", {"Software": None}),
        ("pdf", {"CreationDate": None, "Producer": None, "Creator": None}),
    ):
        with writing(f"{prefix}.{suffix}") as partial:
            figure.savefig(partial, format=suffix, dpi=dpi, metadata=metadata, bbox_inches="tight")
    pyplot.close(figure)
