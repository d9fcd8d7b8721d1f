"""The association of two columns: Pearson's r, Theil's U, or the correlation ratio."""

import numpy as np
import pandas as pd

from redwood.tables import TableDescription, scaled

PEARSON, THEILS_U, CORRELATION_RATIO = "pearson", "theils_u", "correlation_ratio"


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation of two (n,) arrays, in [-1, 1]; 0 where one does not vary."""
    # Of equal values a rounding error is left after centring, which would correlate.
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt(x @ x) * np.sqrt(y @ y)
    return float(np.clip((x @ y) / norm, -1, 1)) if norm > 0 else 0.0


def theils_u(x: np.ndarray, y: np.ndarray) -> float:
    """Theil's uncertainty coefficient U(x|y) = (H(x) − H(x|y)) / H(x), in [0, 1].

    The share of the uncertainty of x that knowing y removes (H. Theil, Am. J. Sociology 76 (1970)
    103). 0 where x does not vary.

    Args:
        x, y: (n,) codes from 0.
    """
    # Only pairs that occur are counted: there may be far more that do not.
    joint = np.bincount(pd.factorize(x * (int(y.max()) + 1) + y)[0])
    h_x, h_y = _entropy(np.bincount(x)), _entropy(np.bincount(y))
    if h_x == 0:
        return 0.0
    return float(np.clip((h_x + h_y - _entropy(joint)) / h_x, 0, 1))


def correlation_ratio(categories: np.ndarray, values: np.ndarray) -> float:
    """The correlation ratio η of values on categories, in [0, 1].

    The root of the share of the values' variance that lies between the categories (R. A. Fisher,
    Statistical Methods for Research Workers, section 45). 0 where the values do not vary.

    Args:
        categories: (n,) codes from 0.
        values: (n,) numbers.
    """
    if np.ptp(values) == 0:
        return 0.0
    values = values - values.mean()
    total = values @ values
    if total == 0:  # squares of tiny values underflow
        return 0.0
    counts = np.bincount(categories)
    sums = np.bincount(categories, weights=values)
    present = counts > 0
    between = np.sum(sums[present] ** 2 / counts[present])
    return float(np.sqrt(np.clip(between / total, 0, 1)))


def pairs(description: TableDescription) -> list[tuple[str, str, str]]:
    """All ordered pairs (a, b) of different features, with the kind of their association.

    Of two categorical features the association of (a, b) is U(a|b), which differs from U(b|a); the
    others are symmetric.
    """
    kinds = {0: PEARSON, 1: CORRELATION_RATIO, 2: THEILS_U}
    features = description.features
    return [
        (a.name, b.name, kinds[a.is_categorical + b.is_categorical])
        for a in features
        for b in features
        if a.name != b.name
    ]


class Associations:
    """The associations of all pairs of features of one table, for any subset of its rows."""

    def __init__(self, frame: pd.DataFrame, description: TableDescription) -> None:
        self._pairs = pairs(description)
        self._columns = {
            column.name: pd.factorize(frame[column.name], sort=True)[0]
            if column.is_categorical
            else scaled(frame, column)
            for column in description.features
        }

    def values(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The association of each of `pairs`, over some rows, by default all: (pairs,)."""
        columns = {name: values[rows] for name, values in self._columns.items()}
        found: dict[tuple[str, str], float] = {}
        for a, b, kind in self._pairs:
            if kind != THEILS_U and (b, a) in found:
                found[a, b] = found[b, a]
            else:
                found[a, b] = _associate(columns[a], columns[b], kind)
        return np.array([found[a, b] for a, b, _ in self._pairs])


def _associate(a: np.ndarray, b: np.ndarray, kind: str) -> float:
    if kind == PEARSON:
        return pearson(a, b)
    if kind == THEILS_U:
        return theils_u(a, b)
    # Codes are integers, numbers are not.
    return correlation_ratio(a, b) if a.dtype.kind == "i" else correlation_ratio(b, a)


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-np.sum(shares * np.log(shares)))
