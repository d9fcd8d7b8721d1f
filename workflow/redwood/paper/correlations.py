"""The figure of the associations of all pairs of features: real, of each model, and differences."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.reading import read_parquet
from redwood.paper.style import save_figure, use_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def draw_correlations(evaluations: Sequence[Path], dpi: int, prefix: Path) -> None:
    """Matrices of the associations above, below them each model's difference from real.

    Args:
        evaluations: folders that `redwood evaluate` wrote, each named as its model.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: an evaluation is missing, or has no diff-CORR.
    """
    use_style()
    from matplotlib import pyplot

    pairs = {}
    for folder in evaluations:
        pairs[folder.name] = read_parquet(folder / "association.parquet", "evaluation")
        if pairs[folder.name] is None:
            raise InputError(
                f"{folder}: has no association.parquet: evaluation.measures needs diff_corr"
            )
    first = next(iter(pairs.values()))
    matrices = {"real": _matrix(first, "real")}
    matrices |= {model: _matrix(frame, "synthetic") for model, frame in pairs.items()}
    differences = {"real, fresh rows": _matrix(first, "floor") - matrices["real"]}
    differences |= {model: matrices[model] - matrices["real"] for model in pairs}
    panels = len(matrices)
    figure, axes = pyplot.subplots(
        2, panels, figsize=(3.4 * panels + 1, 7.2), layout="constrained", squeeze=False
    )
    for axis, (name, matrix) in zip(axes[0], matrices.items(), strict=True):
        image = _draw(axis, matrix, name, "RdBu_r", 1.0)
    figure.colorbar(image, ax=axes[0], label="association", shrink=0.8)
    largest = max(0.1, *(np.nanmax(np.abs(d.to_numpy())) for d in differences.values()))
    for axis, (name, matrix) in zip(axes[1], differences.items(), strict=True):
        mean = np.nanmean(np.abs(matrix.to_numpy()))
        image = _draw(axis, matrix, f"{name} − real, mean |Δ| {mean:.3f}", "PuOr_r", largest)
    figure.colorbar(image, ax=axes[1], label="difference", shrink=0.8)
    for line in axes:
        for axis in line[1:]:
            axis.set_yticklabels([])
    for axis in axes[0]:
        axis.set_xticklabels([])
    save_figure(figure, prefix, dpi)


def _matrix(pairs: pd.DataFrame, value: str) -> pd.DataFrame:
    """Pairs in rows → a square matrix in the features' order, empty on the diagonal."""
    order = list(dict.fromkeys(pairs["a"]))
    square = pairs.pivot_table(index="a", columns="b", values=value, sort=False)
    return square.reindex(index=order, columns=order)


def _draw(
    axis: "Axes", matrix: pd.DataFrame, title: str, colours: str, largest: float
) -> "AxesImage":
    image = axis.imshow(matrix, cmap=colours, vmin=-largest, vmax=largest)
    axis.set_xticks(range(len(matrix)), matrix.columns, rotation=55, ha="right")
    axis.set_yticks(range(len(matrix)), matrix.index)
    axis.grid(visible=False)
    axis.set_title(title, loc="left")
    return image
