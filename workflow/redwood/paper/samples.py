"""Recorded and synthetic rows side by side, and the range of their values that a figure shows."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.style import RECORDED
from redwood.tables import TableDescription, read_table


def read_samples(
    recorded: Path, synthetic: Mapping[str, Path], description: TableDescription
) -> dict[str, pd.DataFrame]:
    """The described columns of the recorded rows and of each model's sample.

    Raises:
        InputError: a file is missing, is no such table or has no rows, or a model is called as the
            recorded rows are.
    """
    if RECORDED in synthetic:
        raise InputError(f"--synthetic: a model cannot be called {RECORDED!r}")
    frames = {}
    for name, path in {RECORDED: recorded, **synthetic}.items():
        frames[name] = read_table(path, description)
        if frames[name].empty:
            raise InputError(f"{path}: the table has no rows")
    return frames


def common_range(
    values: Mapping[str, np.ndarray], margin: float, tail: float = 0.0
) -> tuple[float, float]:
    """The range of all values, but no further than `margin` recorded ranges beyond the recorded.

    So neither a model's stray values nor the recorded tails squeeze everything else.

    Args:
        values: name → (n,) numbers; those of models may hold NaN and infinities.
        margin: as a share of the range of the recorded values.
        tail: the share of the recorded values that is left out of their range on each side.
    """
    low, high = map(float, np.quantile(values[RECORDED], [tail, 1 - tail]))
    reach = margin * (high - low)
    everything = np.concatenate([v[np.isfinite(v)] for v in values.values()])
    return max(low - reach, float(everything.min())), min(high + reach, float(everything.max()))


def outside(values: Mapping[str, np.ndarray], low: float, high: float) -> dict[str, int]:
    """How many values of each name lie outside of the range; names without any are left out."""
    counts = {name: int((~((v >= low) & (v <= high))).sum()) for name, v in values.items()}
    return {name: count for name, count in counts.items() if count}
