"""The figure of the associations of all pairs of features: real, of each model, and differences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.reading import named_folders, read_parquet
from redwood.paper.style import save_figure, use_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDEST = 14.0
_LARGEST_PANEL, _SMALLEST_PANEL = 3.2, 1.7
# Differences below it are drawn pale, not stretched over all colours.
_LEAST_SCALE = 0.1


def draw_correlations(evaluations: Sequence[Path], dpi: int, prefix: Path) -> None:
    """Matrices of the associations above, below them each model's difference from real.

    Args:
        evaluations: folders that `redwood evaluate` wrote, each named as its model.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: an evaluation is missing, has no diff-CORR, or is of other features.
    """
    use_style()
    from matplotlib import pyplot

    pairs = {model: _read(folder) for model, folder in named_folders(evaluations).items()}
    first, model = next(iter(pairs.values())), next(iter(pairs))
    order = list(dict.fromkeys(first["a"]))
    for other, frame in pairs.items():
        if set(frame["a"]) != set(order):
            raise InputError(
                f"evaluations of {model} and {other}: other features: "
                f"{', '.join(sorted(set(frame['a']) ^ set(order)))}"
            )
    real = _matrix(first, "real", order)
    matrices = {"real": real}
    matrices |= {name: _matrix(frame, "synthetic", order) for name, frame in pairs.items()}
    differences = {"real, fresh rows": _matrix(first, "floor", order) - real}
    differences |= {
        name: matrices[name] - _matrix(frame, "real", order) for name, frame in pairs.items()
    }
    panels = len(matrices)
    size = float(np.clip((_WIDEST - 1.5) / panels, _SMALLEST_PANEL, _LARGEST_PANEL))
    figure, axes = pyplot.subplots(
        2, panels, figsize=(size * panels + 1.5, 2 * size + 1.4), layout="constrained",
        sharex=True, sharey=True,
    )  # fmt: skip
    _draw_line(figure, axes[0], matrices, "RdBu_r", 1.0, "association")
    means = {name: float(np.nanmean(np.abs(d.to_numpy()))) for name, d in differences.items()}
    titled = {f"{name} − real\nmean |Δ| = {means[name]:.3f}": d for name, d in differences.items()}
    largest = max(_LEAST_SCALE, *(np.nanmax(np.abs(d.to_numpy())) for d in differences.values()))
    _draw_line(figure, axes[1], titled, "PuOr_r", float(largest), "difference")
    save_figure(figure, prefix, dpi, {"features": order, "mean_absolute_difference": means})


def _read(folder: Path) -> pd.DataFrame:
    return read_parquet(
        folder / "association.parquet",
        "evaluation",
        ("a", "b", "real", "synthetic", "floor"),
        "evaluation.measures needs diff_corr",
    )


def _matrix(pairs: pd.DataFrame, value: str, order: Sequence[str]) -> pd.DataFrame:
    """Pairs in rows → a square matrix in the features' order, empty on the diagonal."""
    square = pairs.pivot_table(index="a", columns="b", values=value, dropna=False)
    return square.reindex(index=order, columns=order)


def _draw_line(
    figure: "Figure",
    axes: "Sequence[Axes]",
    matrices: Mapping[str, pd.DataFrame],
    colours: str,
    largest: float,
    label: str,
) -> None:
    """One line of panels and, at its end, their common scale, from minus to plus `largest`."""
    for axis, (title, matrix) in zip(axes, matrices.items(), strict=True):
        image = axis.imshow(matrix, cmap=colours, vmin=-largest, vmax=largest)
        axis.set_xticks(range(len(matrix)), matrix.columns, rotation=60, ha="right")
        axis.set_yticks(range(len(matrix)), matrix.index)
        for tick in axis.get_xticklabels():
            tick.set_rotation_mode("anchor")
        axis.tick_params(length=0, labelsize=7.5)
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
        axis.set_facecolor("#f0f0f0")
        axis.set_title(title)
    figure.colorbar(image, ax=axes, label=label, shrink=0.85, pad=0.01)
