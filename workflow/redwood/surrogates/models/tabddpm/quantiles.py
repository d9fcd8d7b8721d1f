"""Quantile transform: numbers of any law become standard normal ones by their ranks.

The transform of TabDDPM (Kotelnikov et al., arXiv 2209.15421, section 3), as scikit-learn's
`QuantileTransformer` computes it: a value that fills a whole range of quantiles goes to the middle
of it, and all of that range comes back as the value. Where there are few distinct values, the
ranges are exact.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri


@dataclass(frozen=True)
class QuantileNormaliser:
    """The empirical distribution function of one column, as a line through knots.

    Attributes:
        shares: shares of the training values, from 0 to 1, in ascending order; one that occurs
            twice is a step from a value to the next.
        values: the training values' quantiles of these shares, in ascending order.
        rows: number of training values.
    """

    shares: tuple[float, ...]
    values: tuple[float, ...]
    rows: int

    @classmethod
    def fit(cls, values: np.ndarray, knots: int) -> "QuantileNormaliser":
        """Learn the distribution of `values`, all finite; `knots` quantiles at most.

        With at most `knots` distinct values, each has a step of its own.
        """
        distinct, counts = np.unique(values, return_counts=True)
        if len(distinct) <= knots:
            ends = np.cumsum(counts) / len(values)
            shares = np.column_stack([np.append(0.0, ends[:-1]), ends]).ravel()
            quantiles = np.repeat(distinct, 2)
        else:
            shares = np.linspace(0, 1, knots)
            # Interpolation may break the order by a rounding error.
            quantiles = np.maximum.accumulate(np.quantile(values, shares))
        return cls(tuple(shares.tolist()), tuple(quantiles.tolist()), len(values))

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Values → standard normal numbers, never further out than those of training values."""
        shares, knots = np.asarray(self.shares), np.asarray(self.values)
        # From both sides: where knots share a value, this is the middle of their shares.
        above = np.interp(values, knots, shares)
        below = 1 - np.interp(-values, -knots[::-1], 1 - shares[::-1])
        # The smallest of n values stands for the share 0 … 1/n.
        edge = 0.5 / self.rows
        return ndtri(np.clip((above + below) / 2, edge, 1 - edge))

    def decode(self, normal: np.ndarray) -> np.ndarray:
        """The inverse of `encode`."""
        return np.interp(ndtr(normal), self.shares, self.values)

    def bounds(self) -> tuple[float, float]:
        """What the smallest and the largest training value are encoded as."""
        low, high = self.encode(np.array([self.values[0], self.values[-1]]))
        return float(low), float(high)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "QuantileNormaliser":
        return cls(tuple(content["shares"]), tuple(content["values"]), content["rows"])
