"""The exact nearest rows of a row, in tables of numbers and categories, for millions of rows.

Rows are ordered by their distance; at equal distances those with the query's own categories come
first, then those with lower numbers in the table. So the answer depends on the tables alone. All
distances are computed in float64.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from math import comb, floor, log2

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from redwood.progress import ProgressReport
from redwood.tables import TableDescription, category_codes, scaled

# Numbers, (rows, numeric features) float64, and category codes, (rows, categorical features) int64.
Encoded = tuple[np.ndarray, np.ndarray]

# Entries (queries × candidates) that are looked at together: 32 MB for each number of them.
_BLOCK = 1 << 22
# Queries and rows that are compared with each other at once.
_COMPARED = (64, 1 << 13)
# If more times k rows than this may be better than the best so far, the k best are chosen first.
_MANY = 4
# Grouping all rows once more costs as much as comparing them with this many queries; looking up one
# query among the groups costs as much as comparing it with this many rows.
_QUERIES_PER_GROUPING = 50
_ROWS_PER_LOOK_UP = 1000
# Nearest points that are asked for beyond those needed, to see whether there are ties.
_SPARE_POINTS = 2
# The k-d tree adds squares in another order: two distances this far apart differ for certain.
_ROUNDING = 1 + 1e-9


def distance_to_closest(
    queries: pd.DataFrame,
    reference: pd.DataFrame,
    description: TableDescription,
    range_of: pd.DataFrame | None = None,
) -> np.ndarray:
    """The distance of each query row to its closest reference row, (queries,) float64.

    The metric is that of `closest_distances`.
    """
    return closest_distances(queries, reference, description, 1, range_of)[:, 0]


def closest_distances(
    queries: pd.DataFrame,
    reference: pd.DataFrame,
    description: TableDescription,
    count: int,
    range_of: pd.DataFrame | None = None,
) -> np.ndarray:
    """The Euclidean distances of each query row to its `count` closest reference rows.

    Numbers and categories are those of `encoded`: with k categories that differ the squared
    distance is k plus that of the numbers.

    Args:
        queries, reference: (rows) with the features of `description`.
        count: how many, 1 … reference rows.
        range_of: the rows whose numbers span [0, 1]; by default the reference.

    Returns:
        (queries, count) float64, the closest first.
    """
    return closest_rows(queries, reference, description, count, range_of)[1]


def closest_rows(
    queries: pd.DataFrame,
    reference: pd.DataFrame,
    description: TableDescription,
    count: int,
    range_of: pd.DataFrame | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Which are the `count` closest reference rows of each query row, and how far they are.

    Args:
        queries, reference, description, count, range_of: as for `closest_distances`.

    Returns:
        The places of the reference rows, (queries, count) int64, the closest first, and their
        distances.
    """
    ranged = reference if range_of is None else range_of
    (known, of_known), (asked, of_asked) = encoded((reference, queries), description, ranged)
    numbers, codes = np.vstack([known, asked]), np.vstack([of_known, of_asked])
    rows = MixedRows(numbers, codes, mismatch=1.0, known=len(reference))
    asking = np.arange(len(reference), len(rows))
    with ProgressReport("distances to the closest row", len(queries), "rows") as report:
        found, squared = rows.nearest(asking, count, report.advance)
    return found, np.sqrt(squared)


def encoded(
    frames: Sequence[pd.DataFrame], description: TableDescription, range_of: pd.DataFrame
) -> list[Encoded]:
    """The frames' features as numbers and codes that can be compared with each other's.

    Numbers are taken on the column's scale and mapped so that the rows `range_of` span [0, 1], or
    only begin at 0 where they do not vary.

    """
    rows = [
        (
            np.empty((len(frame), len(description.numeric_features))),
            np.empty((len(frame), len(description.categorical_features)), np.int64),
        )
        for frame in frames
    ]
    for i, column in enumerate(description.numeric_features):
        known = scaled(range_of, column)
        low, span = known.min(), np.ptp(known) or 1.0
        for (numbers, _), frame in zip(rows, frames, strict=True):
            numbers[:, i] = (scaled(frame, column) - low) / span
    for i, column in enumerate(description.categorical_features):
        of_frames, _ = category_codes(column, *frames)
        for (_, codes), of_frame in zip(rows, of_frames, strict=True):
            codes[:, i] = of_frame
    return rows


class MixedRows:
    """Rows of numbers and category codes with SMOTE-NC's distance between them.

    The squared distance is the squared Euclidean distance of the numbers plus `mismatch` for each
    categorical column that differs (Chawla et al., JAIR 16 (2002) 321-357, section 6.1, where it is
    the squared median of the numbers' standard deviations).

    Args:
        numbers: (rows, numeric columns) float64, finite, their squares too.
        codes: (rows, categorical columns) int64, not negative.
        mismatch: what a differing category adds to the squared distance, ≥ 0.
        known: how many rows, the first ones, can be found; the rows after them look for these. By
            default all rows look for all others.
    """

    def __init__(
        self, numbers: np.ndarray, codes: np.ndarray, mismatch: float, known: int | None = None
    ) -> None:
        # Constant columns tell no rows apart.
        self._numbers = [np.ascontiguousarray(x) for x in numbers.T if np.ptp(x) > 0]
        self._codes = [pd.factorize(x)[0].astype(np.int32) for x in codes.T if np.ptp(x) > 0]
        self._mismatch = float(mismatch)
        self._rows = len(numbers)
        self._known = self._rows if known is None else known
        # A row among those that are found finds itself.
        self._itself = int(known is None)
        self._points = tuple_ids(self._numbers, self._rows)

    def __len__(self) -> int:
        return self._rows

    def nearest(
        self, queries: np.ndarray, k: int, settled: Callable[[int], None] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The `k` nearest known rows of each of some rows, itself left out.

        Rows are grouped by their categories, and k-d trees look up the nearest numbers within each
        group. First come the rows with all categories of the query, then those that agree in all
        but one of the columns, and so on: what differs in h + 1 of them is √((h + 1) · mismatch) or
        more away, so a query whose k-th best row is nearer is settled. It suffices to take the k
        nearest of each group: a row that is not among them has k better ones there, as near in the
        numbers and with no more mismatches. When a grouping no longer pays for the queries left,
        these are compared with every row. That, and trees of more than about ten numeric columns,
        take a time that grows with queries × rows.

        Args:
            queries: numbers of the rows that look for others, (queries,).
            k: neighbours of each, 1 … known rows, one less where a row is known itself.
            settled: told how many more queries are settled, now and then.

        Returns:
            The neighbours' row numbers, (queries, k), nearest first, and their squared distances.
        """
        most = self._known - self._itself
        if not 1 <= k <= most:
            raise ValueError(f"k is {k}, expected 1 to {most} for {self._known} rows")
        best = _Best(len(queries), k)
        left = np.arange(len(queries))
        # Where mismatches cost nothing, only all or none of them matter.
        width = len(self._codes)
        for differing in range(width + 1) if self._mismatch > 0 else (0, width):
            look_ups = _QUERIES_PER_GROUPING + _ROWS_PER_LOOK_UP * len(left) / len(self)
            if comb(width, differing) * look_ups > len(left):
                self._compare_with_all(queries, left, best, settled)
                break
            for kept in combinations(range(width), width - differing):
                self._search_groups([self._codes[i] for i in kept], queries, left, best)
            beyond = self._mismatch * (differing + 1)
            done = (best.squared[left, -1] < beyond) | (differing == width)
            left = left[~done]
            if settled is not None:
                settled(int(done.sum()))
            if not len(left):
                break
        return best.rows, best.squared

    def compare(self, left: np.ndarray, right: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Squared distances of rows, one broadcast against the other; whether categories differ."""
        squared = np.zeros(np.broadcast_shapes(left.shape, self._points[right].shape))
        for column in self._numbers:
            difference = column[left] - column[right]
            difference *= difference
            squared += difference
        mismatches = np.zeros(squared.shape, np.int32)
        for column in self._codes:
            mismatches += column[left] != column[right]
        squared += self._mismatch * mismatches
        return squared, mismatches > 0

    def _search_groups(
        self, kept: list[np.ndarray], queries: np.ndarray, left: np.ndarray, best: "_Best"
    ) -> None:
        """Offer the queries `left` their nearest rows among those with the same `kept` codes."""
        group = tuple_ids(kept, len(self))
        sizes = np.bincount(group[: self._known], minlength=group.max() + 1)
        left = left[sizes[group[queries[left]]] > self._itself]
        if not len(left):
            return
        wanted = np.zeros(len(sizes), bool)
        wanted[group[queries[left]]] = True
        members = np.flatnonzero(wanted[group[: self._known]])
        points = _Points(self._numbers, self._points, group, members)
        needed = best.k + self._itself
        most = len(points)
        width = min(needed + _SPARE_POINTS, most)
        while len(left):
            unsettled = []
            size = max(1, _BLOCK // (width * min(needed, points.largest)))
            for begin in range(0, len(left), size):
                block = left[begin : begin + size]
                position, row, complete = points.look_up(queries[block], width, needed)
                unsettled.append(block[~complete])
                keep = complete[position] & (row != queries[block][position])
                query, row = block[position[keep]], row[keep]
                best.offer(query, row, *self.compare(queries[query], row))
            left = np.concatenate(unsettled)
            width = min(2 * width, most)

    def _compare_with_all(
        self,
        queries: np.ndarray,
        left: np.ndarray,
        best: "_Best",
        settled: Callable[[int], None] | None,
    ) -> None:
        """Compare the queries `left` with every row."""

        def compared(block: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            found = _Best(len(block), best.k)
            for begin in range(0, self._known, _COMPARED[1]):
                rows = slice(begin, min(begin + _COMPARED[1], self._known))
                squared, differs = self.compare(queries[block][:, None], rows)
                itself = queries[block][:, None] == np.arange(rows.start, rows.stop)
                squared[itself], differs[itself] = np.inf, True
                limit = found.squared[:, -1:]
                position, column = np.nonzero((squared < limit) | ((squared == limit) & ~differs))
                if len(position) > _MANY * best.k * len(block):
                    chosen = smallest(squared, best.k) | smallest(
                        np.where(differs, np.inf, squared), best.k
                    )
                    position, column = np.nonzero(chosen & np.isfinite(squared))
                place = position, column
                found.offer(position, begin + column, squared[place], differs[place])
            return block, found.rows, found.squared

        blocks = [left[i : i + _COMPARED[0]] for i in range(0, len(left), _COMPARED[0])]
        with ThreadPoolExecutor(processors()) as pool:
            for block, rows, squared in pool.map(compared, blocks):
                best.rows[block], best.squared[block] = rows, squared
                if settled is not None:
                    settled(len(block))


class _Points:
    """The distinct points, by their numbers, of each group of rows, in one k-d tree.

    A tree cannot divide equal points and would search through all of them, hence distinct ones. A
    further coordinate puts the groups too far apart to meet. It counts them by numbers of which
    none lies halfway between two others (binary digits read as ternary ones), for the tree divides
    halfway: so a group is never cut off from another at a place that could be near.
    """

    def __init__(
        self, numbers: list[np.ndarray], points: np.ndarray, group: np.ndarray, members: np.ndarray
    ) -> None:
        key = group[members] * (points.max() + 1) + points[members]
        order = np.argsort(key, kind="stable")
        key = key[order]
        begins = np.flatnonzero(np.diff(key, prepend=-1))
        # Rows of the same point lie side by side in `_members`, in ascending order.
        self._members, self._begins = members[order], begins
        self._sizes = np.diff(begins, append=len(order))
        self._first = self._members[begins]
        diameter = sum(float(np.ptp(column)) for column in numbers)
        # Much smaller ones have a square of zero.
        gap = 2.0 ** (floor(log2(max(diameter, 1e-100))) + 3)
        # The points of a group are less than this apart, those of two groups at least four times.
        self._reach = gap / 4
        present, place = np.unique(group[self._first], return_inverse=True)
        ternary = np.zeros(len(present), np.int64)
        for digit in range(len(present).bit_length()):
            ternary += 3**digit * (np.arange(len(present)) >> digit & 1)
        self._numbers = numbers
        of_group = np.zeros(group.max() + 1)
        of_group[group[self._first]] = gap * ternary[place]
        self._coordinate = of_group[group]
        self._tree = cKDTree(self._located(self._first), balanced_tree=False)

    def __len__(self) -> int:
        return len(self._begins)

    @property
    def largest(self) -> int:
        """Rows of the point that has most."""
        return int(self._sizes.max())

    def look_up(
        self, queries: np.ndarray, points: int, rows: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """At least the `rows` nearest rows of each query in its group, from its nearest `points`.

        Returns:
            Positions in `queries` and the rows found, each (found,), positions ascending; and
            whether that many points sufficed, (queries,): what was found for the others is
            incomplete, because there may be more rows at the same distance.
        """
        distance, point = self._tree.query(
            self._located(queries),
            k=range(1, points + 1),
            distance_upper_bound=self._reach,
            workers=processors(),
        )
        present = np.isfinite(distance)
        point[~present] = 0
        sizes = np.where(present, np.minimum(self._sizes[point], rows), 0)
        enough = sizes.cumsum(axis=1) >= rows
        nearest = np.take_along_axis(distance, enough.argmax(axis=1)[:, None], 1)
        reach = np.where(enough[:, -1:], nearest * _ROUNDING, np.inf)
        complete = (distance[:, -1] > reach[:, 0]) | ~present[:, -1] | (points == len(self))
        sizes[distance > reach] = 0
        position, column = np.nonzero(sizes)
        times = sizes[position, column]
        begins = np.repeat(self._begins[point[position, column]], times)
        row = self._members[begins + counted(times)]
        return np.repeat(position, times), row, complete

    def _located(self, rows: np.ndarray) -> np.ndarray:
        """(rows, numeric columns + 1): the numbers, and where the group lies."""
        return np.column_stack([*(c[rows] for c in self._numbers), self._coordinate[rows]])


class _Best:
    """The best k rows so far of each of some queries, in order."""

    def __init__(self, queries: int, k: int) -> None:
        self.k = k
        self.rows = np.full((queries, k), -1, np.int64)
        self.squared = np.full((queries, k), np.inf)
        self._differs = np.ones((queries, k), bool)

    def offer(
        self, query: np.ndarray, row: np.ndarray, squared: np.ndarray, differs: np.ndarray
    ) -> None:
        """Take rows, their squared distances and whether categories differ, into account.

        All are (offered,); a row may be offered again.
        """
        asking = np.unique(query)
        known = self.rows[asking] >= 0
        query = np.concatenate([np.repeat(asking, known.sum(axis=1)), query])
        row = np.concatenate([self.rows[asking][known], row])
        squared = np.concatenate([self.squared[asking][known], squared])
        differs = np.concatenate([self._differs[asking][known], differs])
        order = np.lexsort((row, differs, squared, query))
        query, row = query[order], row[order]
        # The same row at the same distance: side by side.
        new = (np.diff(query, prepend=-1) != 0) | (np.diff(row, prepend=-1) != 0)
        query, row, order = query[new], row[new], order[new]
        rank = counted(np.diff(np.flatnonzero(np.diff(query, prepend=-1)), append=len(query)))
        chosen = rank < self.k
        place, order = (query[chosen], rank[chosen]), order[chosen]
        self.rows[place] = row[chosen]
        self.squared[place], self._differs[place] = squared[order], differs[order]


def squared_distances(left: Encoded, right: Encoded) -> np.ndarray:
    """(left rows, right rows): all squared distances, each category that differs being 1 apart."""
    squared = cdist(left[0], right[0], "sqeuclidean")
    for x, y in zip(left[1].T, right[1].T, strict=True):
        squared += x[:, None] != y
    return squared


def smallest(values: np.ndarray, k: int) -> np.ndarray:
    """Whether a value is among the `k` smallest of its row, the first of equals: as `values`."""
    if k >= values.shape[1]:
        return np.ones(values.shape, bool)
    limit = np.partition(values, k - 1, axis=1)[:, k - 1 : k]
    below = values < limit
    equal = values == limit
    missing = k - below.sum(axis=1, keepdims=True)
    return below | (equal & (equal.cumsum(axis=1) <= missing))


def tuple_ids(columns: list[np.ndarray], rows: int) -> np.ndarray:
    """A number 0, 1, … for each row, equal where the rows are, in order of first appearance."""
    ids = np.zeros(rows, np.int64)
    for column in columns:
        codes, values = pd.factorize(column)
        ids = pd.factorize(ids * len(values) + codes)[0]
    return ids


def processors() -> int:
    """The processors that this process may use, or `OMP_NUM_THREADS`."""
    return max(1, int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0))))


def counted(times: np.ndarray) -> np.ndarray:
    """0 … n − 1 for each n of `times`, one after the other."""
    ends = times.cumsum()
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - times, times)
