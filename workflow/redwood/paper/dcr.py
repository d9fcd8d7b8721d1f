"""The figure of the distances to the closest training row."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from redwood.errors import InputError
from redwood.paper.reading import read_parquet
from redwood.paper.style import REAL_COLOUR, line_styles, save_figure, use_style

# Below this distances are drawn on a linear scale, so that copies, at 0, are seen.
_LINEAR_BELOW = 1e-4


def draw_dcr(evaluations: Sequence[Path], dpi: int, prefix: Path) -> None:
    """Cumulative shares of the distances, of each model's rows and of holdout rows.

    Args: as `redwood.paper.correlations.draw_correlations`.

    Raises:
        InputError: an evaluation is missing, or has no DCR.
    """
    use_style()
    from matplotlib import pyplot

    distances = {}
    for folder in evaluations:
        frame = read_parquet(folder / "dcr.parquet", "evaluation")
        if frame is None:
            raise InputError(f"{folder}: has no dcr.parquet: evaluation.measures needs dcr")
        distances[folder.name] = frame
    curves = {model: _of(frame, "synthetic") for model, frame in distances.items()}
    holdout = _of(next(iter(distances.values())), "holdout")
    figure, axis = pyplot.subplots(figsize=(6.4, 3.8), layout="constrained")
    _draw(axis, holdout, label="real, never seen", color=REAL_COLOUR, linewidth=2)
    for model, style in line_styles(curves).items():
        _draw(axis, curves[model], label=model, **style)
    axis.set_xscale("symlog", linthresh=_LINEAR_BELOW)
    axis.set_xlim(left=0)
    axis.set_ylim(0, 100)
    axis.set_xlabel("distance to the closest training row")
    axis.set_ylabel("% of rows at most that far")
    axis.legend(loc="upper left")
    save_figure(figure, prefix, dpi)


def _of(frame, origin: str) -> np.ndarray:
    return np.sort(frame.loc[frame["origin"] == origin, "distance"].to_numpy())


def _draw(axis, sorted_distances: np.ndarray, **style) -> None:
    shares = 100 * np.arange(1, len(sorted_distances) + 1) / len(sorted_distances)
    axis.step(sorted_distances, shares, where="post", **style)
