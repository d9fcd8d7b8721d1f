"""The exact nearest rows of a row by the value difference metric, in a labelled categorical table.

Two categories of a column are the farther apart the more the shares of the classes differ among
the rows that have them: the squared distance of two rows is the sum over the columns of
(Σ_c |p(c | x) − p(c | y)|)², c running over the classes (Stanfill and Waltz, "Toward memory-based
reasoning", CACM 29 (1986) 1213-1228, as Chawla et al., JAIR 16 (2002) 321-357, section 6.2, use it
for SMOTE-N). Categories that occur in one and the same class only are at distance 0. At equal
distances rows with equal categories come first, then those with lower numbers.
"""

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

from redwood.nearest import counted, smallest, tuple_ids

# Entries of the matrices of distances that are held at once: 32 MB each.
_BLOCK = 1 << 22


class NominalRows:
    """Rows of category codes whose distances are compared within one class.

    Rows with equal codes are looked up together, so the time grows with the square of the number
    of distinct ones.

    Args:
        codes: (rows, columns) int64, not negative, of the rows of all classes.
        classes: (rows,) int64, not negative.
    """

    def __init__(self, codes: np.ndarray, classes: np.ndarray) -> None:
        self._codes = codes
        present = np.unique(classes, return_inverse=True)[1]
        self._shares = []
        for column in codes.T:
            shape = column.max() + 1, present.max() + 1
            cells = column * shape[1] + present
            counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
            self._shares.append(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))

    def nearest(
        self,
        members: np.ndarray,
        queries: np.ndarray,
        k: int,
        settled: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """The `k` nearest others among some rows.

        Args:
            members: numbers of the rows to look among, ascending.
            queries: positions in `members` of those that look for others, (queries,).
            k: neighbours of each, 1 … members − 1.
            settled: told how many more queries are settled, now and then.

        Returns:
            The neighbours' positions in `members`, (queries, k), nearest first.
        """
        codes = self._codes[members]
        kind = tuple_ids(list(codes.T), len(codes))
        # Rows of a kind lie side by side in `order`; kinds are numbered by their first rows.
        order = np.argsort(kind, kind="stable")
        sizes = np.bincount(kind)
        begins = sizes.cumsum() - sizes
        kinds = codes[order[begins]]
        sizes = np.minimum(sizes, k + 1)
        asking, of_query = np.unique(kind[queries], return_inverse=True)
        nearest = np.empty((len(asking), k + 1), np.int64)
        times = np.bincount(of_query)
        at_once = max(1, _BLOCK // max(len(kinds), (k + 1) * int(sizes.max())))
        for begin in range(0, len(asking), at_once):
            block = np.arange(begin, min(begin + at_once, len(asking)))
            squared = self._squared_distances(kinds[asking[block]], kinds)
            squared[np.arange(len(block)), asking[block]] = -1
            # Of kinds at the same distance those with the first rows suffice.
            near = np.nonzero(smallest(squared, k + 1))[1].reshape(len(block), -1)
            squared = np.repeat(np.take_along_axis(squared, near, 1).ravel(), sizes[near].ravel())
            query = np.repeat(np.arange(len(block)), sizes[near].sum(axis=1))
            row = order[
                np.repeat(begins[near].ravel(), sizes[near].ravel()) + counted(sizes[near].ravel())
            ]
            sequence = np.lexsort((row, squared, query))
            rank = counted(sizes[near].sum(axis=1))
            nearest[block] = row[sequence][rank <= k].reshape(-1, k + 1)
            if settled is not None:
                settled(int(times[block].sum()))
        return _without(nearest[of_query], queries)

    def _squared_distances(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(left, right): the distances of kinds of rows, each (kinds, columns)."""
        squared = np.zeros((len(left), len(right)))
        for shares, x, y in zip(self._shares, left.T, right.T, strict=True):
            asked, of_left = np.unique(x, return_inverse=True)
            offered, of_right = np.unique(y, return_inverse=True)
            apart = cdist(shares[asked], shares[offered], "cityblock") ** 2
            squared += apart[of_left][:, of_right]
        return squared


def _without(nearest: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """(queries, k + 1) → (queries, k): the row itself left out, or else the last."""
    unwanted = nearest == queries[:, None]
    unwanted[~unwanted.any(axis=1), -1] = True
    return nearest[~unwanted].reshape(len(nearest), -1)
