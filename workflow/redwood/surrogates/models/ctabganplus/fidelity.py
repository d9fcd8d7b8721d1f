"""How far generated rows are from real ones, in one number: a GAN's validation loss.

A GAN has no likelihood, and its losses do not tell how good it is.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from redwood.surrogates.encoding import TableEncoding

# Classes of a column in the distances of pairs: quantiles, or the most frequent categories and
# the others. Pairs of more would be too sparse for a few thousand rows.
_CLASSES = 10


class Fidelity:
    """Distances of single columns and of pairs of columns to validation rows.

    Single columns: the Wasserstein distance of numbers, standardised on their scales, and the
    Jensen-Shannon distance (base 2) of categories. Pairs: the latter of their ten-by-ten classes.
    """

    def __init__(self, table: TableEncoding, validation: pd.DataFrame) -> None:
        self._table = table
        self._numbers, self._codes = table.numbers(validation), self._shifted(validation)
        self._edges = [
            np.unique(np.quantile(x, np.arange(1, _CLASSES) / _CLASSES)) for x in self._numbers.T
        ]
        self._ranks = [_ranks(x) for x in self._codes.T]
        self._classes = self._classified(self._numbers, self._codes)

    def distance(self, generated: pd.DataFrame) -> float:
        """The mean distance of single columns plus, if there are any, that of pairs."""
        numbers, codes = self._table.numbers(generated), self._shifted(generated)
        single = [
            wasserstein_distance(a, b) for a, b in zip(numbers.T, self._numbers.T, strict=True)
        ]
        single += [_jensen_shannon(a, b) for a, b in zip(codes.T, self._codes.T, strict=True)]
        classes = self._classified(numbers, codes)
        pairs = [
            _jensen_shannon(
                *(columns[i] * _CLASSES + columns[j] for columns in (classes, self._classes))
            )
            for i, j in combinations(range(len(classes)), 2)
        ]
        return float(np.mean(single) + (np.mean(pairs) if pairs else 0.0))

    def _shifted(self, frame: pd.DataFrame) -> np.ndarray:
        """Codes from 1; 0 is a category that training has not seen."""
        return self._table.codes(frame) + 1

    def _classified(self, numbers: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
        classes = [
            np.searchsorted(edges, x, side="right")
            for edges, x in zip(self._edges, numbers.T, strict=True)
        ]
        for ranks, x in zip(self._ranks, codes.T, strict=True):
            known = np.minimum(x, len(ranks) - 1)
            classes.append(np.where(x < len(ranks), ranks[known], _CLASSES - 1))
        return classes


def _ranks(codes: np.ndarray) -> np.ndarray:
    """The class of each code: its rank by frequency, the ninth for all rarer ones."""
    order = np.argsort(-np.bincount(codes), kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.minimum(np.arange(len(order)), _CLASSES - 1)
    return ranks


def _jensen_shannon(a: np.ndarray, b: np.ndarray) -> float:
    """The Jensen-Shannon distance, base 2, of two samples of whole numbers from 0."""
    length = max(a.max(), b.max()) + 1
    p, q = (np.bincount(x, minlength=length) / len(x) for x in (a, b))
    mean = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(x > 0, x * np.log2(x / mean), 0).sum() / 2 for x in (p, q)]
    return float(np.sqrt(max(0.0, sum(parts))))
