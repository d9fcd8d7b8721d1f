"""The figure of the distances to the closest training row."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.reading import named_folders, read_parquet
from redwood.paper.style import REAL_COLOUR, line_styles, save_figure, use_style

# Below this distances are drawn on a linear scale, so that copies, at 0, are seen.
_LINEAR_BELOW = 1e-4
# A curve of more points looks the same.
_MOST_POINTS = 2000
_REAL = "real, never seen"


def draw_dcr(evaluations: Sequence[Path], dpi: int, prefix: Path) -> None:
    """Cumulative shares of the distances, of each model's rows and of holdout rows.

    Args: as `redwood.paper.correlations.draw_correlations`.

    Raises:
        InputError: an evaluation is missing, or has no DCR.
    """
    use_style()
    from matplotlib import pyplot

    distances: dict[str, np.ndarray] = {}
    for model, folder in named_folders(evaluations).items():
        frame = _read(folder)
        distances.setdefault(_REAL, _of(frame, "holdout", folder))
        distances[model] = _of(frame, "synthetic", folder)
    styles = {_REAL: {"color": REAL_COLOUR, "linewidth": 2.2}}
    styles |= line_styles(name for name in distances if name != _REAL)
    figure, axis = pyplot.subplots(figsize=(6.6, 3.9), layout="constrained")
    for name, values in distances.items():
        points = np.unique(np.linspace(0, len(values) - 1, _MOST_POINTS).astype(int))
        shares = 100 * (points + 1) / len(values)
        # From the axis upwards, so that the first step, of copies above all, is seen.
        x, y = np.append(values[0], values[points]), np.append(0, shares)
        axis.step(x, y, where="post", label=name, **styles[name])
    axis.set_xscale("symlog", linthresh=_LINEAR_BELOW, linscale=0.6)
    axis.axvline(_LINEAR_BELOW, color="#9a9a9a", linewidth=0.7, linestyle=":")
    axis.set_xlim(left=0)
    axis.set_ylim(0, 100)
    axis.set_xlabel(
        f"distance to the closest training row (linear below {_LINEAR_BELOW:g}, then logarithmic)"
    )
    axis.set_ylabel("% of rows at most that far")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    summary = {
        name: {"rows": len(v), "median": float(np.median(v)), "copies": int((v == 0).sum())}
        for name, v in distances.items()
    }
    save_figure(figure, prefix, dpi, summary)


def _read(folder: Path) -> pd.DataFrame:
    return read_parquet(
        folder / "dcr.parquet",
        "evaluation",
        ("origin", "distance"),
        "evaluation.measures needs dcr",
    )


def _of(frame: pd.DataFrame, origin: str, folder: Path) -> np.ndarray:
    values = np.sort(frame.loc[frame["origin"] == origin, "distance"].to_numpy(dtype=np.float64))
    if not len(values):
        raise InputError(f"{folder}/dcr.parquet: no row has origin {origin!r}")
    return values
