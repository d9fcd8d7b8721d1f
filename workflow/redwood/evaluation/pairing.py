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
    samples: Samples, name: str, rows: int, distance: Callable[[pd.DataFrame, pd.DataFrame], float]
) -> Result:
    """The mean of a distance between a few synthetic and as many holdout rows, over draws.

    The floor is that of each draw of real rows. The interval is the mean ∓ 1.96 standard errors;
    draws from one table share rows, so it is a little short.

    Args:
        name: the measure's.
        rows: of each sample in a draw; fewer where a table has fewer.
        distance: of two tables of equally many rows, in their order.
    """
    random = generator(samples.seed, "pairing")
    frames = (samples.synthetic, *samples.real_draws)
    rows = min(rows, len(samples.holdout), *map(len, frames))

    def few(frame: pd.DataFrame) -> np.ndarray:
        return random.permutation(len(frame))[:rows]

    chosen = [[few(frame) for frame in (samples.holdout, *frames)] for _ in range(_DRAWS)]

    def distances(number: int) -> np.ndarray:
        """Of one of the frames to holdout rows, by draw: (draws,)."""
        return np.array(
            [
                distance(
                    frames[number].iloc[one[1 + number]].reset_index(drop=True),
                    samples.holdout.iloc[one[0]].reset_index(drop=True),
                )
                for one in chosen
            ]
        )

    of_real = range(1, len(frames))
    floors = samples.once(name, lambda: {"distances": np.array([*map(distances, of_real)])})
    found = np.column_stack([distances(0), *floors["distances"]])
    value, *floors = found.mean(axis=0)
    error = _NORMAL_95 * found[:, 0].std(ddof=1) / np.sqrt(_DRAWS)
    return Result(
        float(value),
        max(0.0, value - error),
        value + error,
        float(np.mean(floors)),
        floor_draws=tuple(floors),
    )
