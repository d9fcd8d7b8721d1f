"""Samples of a few rows paired with each other: what the paper's own scale seems to stand on."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result, Samples
from redwood.seeds import generator

# Draws of rows, each with a pairing of its own: the interval is over them.
_DRAWS = 20
_NORMAL_95 = 1.959963984540054


def over_draws(
    samples: Samples, rows: int, distance: Callable[[pd.DataFrame, pd.DataFrame], float]
) -> Result:
    """The mean of a distance between a few synthetic and as many holdout rows, over draws.

    The floor is that of each draw of real rows. The interval is the mean ∓ 1.96 standard errors;
    draws from one table share rows, so it is a little short.

    Args:
        rows: of each sample in a draw; fewer where a table has fewer.
        distance: of two tables of equally many rows, in their order.
    """
    random = generator(samples.seed, "pairing")
    frames = (samples.synthetic, *samples.real_draws)
    rows = min(rows, len(samples.holdout), *map(len, frames))

    def few(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.iloc[random.permutation(len(frame))[:rows]].reset_index(drop=True)

    found = np.empty((_DRAWS, len(frames)))
    for draw in range(_DRAWS):
        real = few(samples.holdout)
        found[draw] = [distance(few(frame), real) for frame in frames]
    value, *floors = found.mean(axis=0)
    error = _NORMAL_95 * found[:, 0].std(ddof=1) / np.sqrt(_DRAWS)
    return Result(
        float(value),
        max(0.0, value - error),
        value + error,
        float(np.mean(floors)),
        floor_draws=tuple(floors),
    )
