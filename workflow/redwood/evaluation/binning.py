"""Bins of numbers, by which their distributions can be compared like those of categories."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from redwood.tables import Column, scaled

_BINS = 10


def decile_bins(
    column: Column, train: pd.DataFrame, frames: Sequence[pd.DataFrame]
) -> list[np.ndarray]:
    """For each frame the bin of each row's number, between the deciles of training: (rows,) int64.

    A decile is a bin of its own, for it may be a value that many rows share. Whatever the column's
    unit or scale, the bins are the same.
    """
    shares = np.arange(1, _BINS) / _BINS
    edges = np.unique(np.quantile(scaled(train, column), shares, method="inverted_cdf"))
    # A value that equals an edge counts one more on the right side than on the left.
    return [
        np.searchsorted(edges, values, "left") + np.searchsorted(edges, values, "right")
        for values in (scaled(frame, column) for frame in frames)
    ]
