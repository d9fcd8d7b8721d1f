"""The figure of the associations of all pairs of features: real, of each model, and differences."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.reading import named_folders, read_parquet
from redwood.paper.style import PAGE_WIDTH, save_figure, use_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

# Panels in a line, and what of a line's height is not panel.
_MOST_IN_A_LINE = 5
_MARGIN = 0.45
# Differences below it are drawn pale, not stretched over all colours.
_LEAST_SCALE = 0.1


def draw_correlations(evaluations: Sequence[Path], dpi: int, prefix: Path) -> None:
    """Matrices of the associations, below each the model's difference from real.

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
    differences = {"fresh rows": _matrix(first, "floor", order) - real}
    differences |= {
        name: matrices[name] - _matrix(frame, "real", order) for name, frame in pairs.items()
    }
    means = {name: float(np.nanmean(np.abs(d.to_numpy()))) for name, d in differences.items()}
    fresh, *others = means.values()
    titles = [f"fresh rows: {fresh:.3f}", *(f"− real: {mean:.3f}" for mean in others)]
    largest = max(_LEAST_SCALE, *(np.nanmax(np.abs(d.to_numpy())) for d in differences.values()))
    blocks = -(-len(matrices) // _MOST_IN_A_LINE)
    width = -(-len(matrices) // blocks)
    size = (PAGE_WIDTH - 1.4) / width
    figure, axes = pyplot.subplots(
        2 * blocks,
        width,
        figsize=(PAGE_WIDTH, 2 * blocks * (size + _MARGIN) + 0.6),
        layout="constrained",
        squeeze=False,
    )
    lines = (
        (list(matrices), matrices.values(), axes[::2], "RdBu_r", 1.0, "association"),
        (titles, differences.values(), axes[1::2], "PuOr_r", float(largest), "difference"),
    )
    for names, panels, of_panels, colours, scale, label in lines:
        for axis, name, matrix in zip_longest(of_panels.ravel(), names, panels):
            if matrix is None:
                axis.set_visible(False)
                continue
            image = _draw_matrix(axis, name, matrix, colours, scale)
        for of_line in of_panels:
            figure.colorbar(image, ax=list(of_line), label=label, shrink=0.9, aspect=12)
    _name_features(axes, order)
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


def _draw_matrix(
    axis: "Axes", title: str, matrix: pd.DataFrame, colours: str, largest: float
) -> "AxesImage":
    """One panel, its colours from minus to plus `largest`."""
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.set_facecolor("#f0f0f0")
    axis.set_title(title)
    return axis.imshow(matrix, cmap=colours, vmin=-largest, vmax=largest)


def _name_features(axes: np.ndarray, features: Sequence[str]) -> None:
    """The features at the left of each line and below the last."""
    places = range(len(features))
    for axis in axes.ravel():
        axis.set_xticks([], [])
        axis.set_yticks([], [])
    for axis in axes[:, 0]:
        axis.set_yticks(places, features)
    for axis in axes[-1]:
        axis.set_xticks(places, features, rotation=90)
