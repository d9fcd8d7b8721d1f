"""The exact closest rows in a reference table of mixed columns, and their distances."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from redwood.progress import ProgressReport
from redwood.tables import TableDescription, category_codes, scaled

# Grouping a reference of any size anew takes about as long as comparing it with this many rows.
_ROWS_PER_GROUPING = 64
# Rows of queries and of the reference that are compared at once: 32 MB of distances.
_BLOCK = (256, 16_384)


@dataclass(frozen=True)
class _Rows:
    """Rows as numbers, (rows, numeric features), and codes, (rows, categorical features)."""

    numbers: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: np.ndarray | slice) -> "_Rows":
        return _Rows(self.numbers[rows], self.codes[rows])


@dataclass
class _Closest:
    """The closest reference rows found so far of each query, the closest first.

    Attributes:
        squared: squared distances, (queries, count); ∞ where fewer were found.
        rows: their rows, (queries, count); −1 where fewer were found.
    """

    squared: np.ndarray
    rows: np.ndarray

    @classmethod
    def none(cls, queries: int, count: int) -> "_Closest":
        return cls(np.full((queries, count), np.inf), np.full((queries, count), -1))

    def join(self, chosen: np.ndarray | slice, other: "_Closest") -> None:
        """Take over what is closer in `other`, found for the queries `chosen`."""
        squared = np.hstack([self.squared[chosen], other.squared])
        rows = np.hstack([self.rows[chosen], other.rows])
        count = self.rows.shape[1]
        if count == 1:
            # Of equal distances the row that was found first stays.
            best = np.argmin(squared, axis=1)[:, None]
        else:
            order = np.argsort(squared, axis=1, kind="stable")
            ordered = np.take_along_axis(rows, order, axis=1)
            # A row may have been found before, at its true distance, which comes first.
            seen = np.zeros_like(ordered, dtype=bool)
            for later in range(1, ordered.shape[1]):
                seen[:, later] = (ordered[:, :later] == ordered[:, [later]]).any(axis=1)
            seen &= ordered >= 0
            again = np.argsort(seen, axis=1, kind="stable")[:, :count]
            best = np.take_along_axis(order, again, axis=1)
        self.squared[chosen] = np.take_along_axis(squared, best, axis=1)
        self.rows[chosen] = np.take_along_axis(rows, best, axis=1)


def distance_to_closest(
    queries: pd.DataFrame,
    reference: pd.DataFrame,
    description: TableDescription,
    range_of: pd.DataFrame | None = None,
) -> np.ndarray:
    """The Euclidean distance of each query row to its closest reference row: (queries,) float64.

    The metric and the search are those of `closest_rows`.
    """
    return closest_rows(queries, reference, description, 1, range_of)[0][:, 0]


def closest_rows(
    queries: pd.DataFrame,
    reference: pd.DataFrame,
    description: TableDescription,
    count: int,
    range_of: pd.DataFrame | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The `count` closest reference rows of each query row, the closest first, and how far.

    Numbers are taken on the column's scale and mapped so that the rows `range_of`, by default the
    reference, span [0, 1], or only begin at 0 where they do not vary; categories are one-hot over
    √2, so that two that differ are 1 apart. Hence with k categories that differ the squared
    distance is k plus that of the numbers.

    Exact and far from quadratic: reference rows are grouped by their categories, each group has a
    k-d tree of its numbers. First a row is looked up among those with its own categories, then
    among those that agree in all but one, and so on: what differs in k + 1 categories is at least
    √(k + 1) away, so a row that has found closer ones is done. Once there are more ways to agree
    than is worth it for the rows still open, those are compared with every reference row.

    Returns:
        Euclidean distances, (queries, count) float64, and positions in the reference, (queries,
        count); ∞ and −1 beyond its last row. Which of equally close rows is named is arbitrary.
    """
    ranged = reference if range_of is None else range_of
    query_rows, reference_rows = _encode(queries, reference, description, ranged)
    points = _tuple_ids(reference_rows.numbers)
    width = reference_rows.codes.shape[1]
    closest = _Closest.none(len(queries), count)
    still_open = np.arange(len(queries))
    with ProgressReport("distances to the closest row", len(queries), "rows") as report:
        for differing in range(width + 1):
            if comb(width, differing) * _ROWS_PER_GROUPING > len(still_open):
                rows = query_rows[still_open]
                closest.join(still_open, _by_comparison(rows, reference_rows, count, report))
                break
            for kept in combinations(range(width), width - differing):
                rows = query_rows[still_open]
                found = _within_groups(rows, reference_rows, points, kept, count)
                # Rows that agree in more have been found closer, before.
                found.squared += differing
                closest.join(still_open, found)
                report.advance(0)
            farthest = closest.squared[still_open, -1]
            done = (farthest <= differing + 1) | (differing == width)
            still_open = still_open[~done]
            report.advance(int(done.sum()))
    return np.sqrt(closest.squared), closest.rows


def _within_groups(
    queries: _Rows, reference: _Rows, points: np.ndarray, kept: tuple[int, ...], count: int
) -> _Closest:
    """The closest reference rows by their numbers, among those with the same `kept` categories.

    `points` are equal where the numbers of the reference are.
    """
    closest = _Closest.none(len(queries), count)
    group = _tuple_ids(np.concatenate([reference.codes, queries.codes])[:, kept])
    of_reference, of_query = group[: len(reference)], group[len(reference) :]
    # A k-d tree cannot divide equal points: it would search through all of them.
    repeated = pd.Series(_tuple_ids(np.column_stack([of_reference, points])))
    spare = repeated.duplicated() if count == 1 else repeated.groupby(repeated).cumcount() >= count
    distinct = np.flatnonzero(~spare.to_numpy())
    members = _rows_by_group(of_reference[distinct])
    nth = np.arange(1, count + 1)
    for key, rows in _rows_by_group(of_query).items():
        if key not in members:
            continue
        candidates = distinct[members[key]]
        found = min(count, len(candidates))
        if reference.numbers.shape[1] == 0:
            closest.squared[rows, :found] = 0.0
            closest.rows[rows, :found] = candidates[:found]
            continue
        tree = cKDTree(reference.numbers[candidates], balanced_tree=False)
        distances, positions = tree.query(queries.numbers[rows], nth[:found])
        closest.squared[rows, :found] = distances**2
        closest.rows[rows, :found] = candidates[positions]
    return closest


def _by_comparison(
    queries: _Rows, reference: _Rows, count: int, report: ProgressReport
) -> _Closest:
    """The closest of all reference rows, compared in blocks."""
    closest = _Closest.none(len(queries), count)
    for begin in range(0, len(queries), _BLOCK[0]):
        block = slice(begin, min(begin + _BLOCK[0], len(queries)))
        for other in range(0, len(reference), _BLOCK[1]):
            squared = _squared_distances(queries[block], reference[other : other + _BLOCK[1]])
            closest.join(block, _least(squared, count, other))
        report.advance(block.stop - block.start)
    return closest


def _least(squared: np.ndarray, count: int, first: int) -> _Closest:
    """The least `count` of each row of distances, (queries, rows), rows counted from `first`."""
    found = min(count, squared.shape[1])
    if found == 1:
        least = np.argmin(squared, axis=1)[:, None]
    else:
        least = np.argpartition(squared, found - 1, axis=1)[:, :found]
    closest = _Closest.none(len(squared), count)
    closest.squared[:, :found] = np.take_along_axis(squared, least, axis=1)
    closest.rows[:, :found] = first + least
    return closest


def _squared_distances(left: _Rows, right: _Rows) -> np.ndarray:
    if left.numbers.shape[1]:
        squared = cdist(left.numbers, right.numbers, "sqeuclidean")
    else:
        squared = np.zeros((len(left), len(right)))
    for x, y in zip(left.codes.T, right.codes.T, strict=True):
        squared += x[:, None] != y
    return squared


def _tuple_ids(columns: np.ndarray) -> np.ndarray:
    """(rows, columns) → a number for each row, (rows,), equal where the rows are."""
    ids = np.zeros(len(columns), np.int64)
    for column in columns.T:
        codes, values = pd.factorize(column)
        ids = pd.factorize(ids * len(values) + codes)[0]
    return ids


def _rows_by_group(group: np.ndarray) -> dict[int, np.ndarray]:
    if not len(group):
        return {}
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.append(0, np.flatnonzero(np.diff(ordered)) + 1)
    ends = np.append(starts[1:], len(order))
    # np.split takes longer for many groups than all else.
    keys = ordered[starts].tolist()
    return {
        key: order[begin:end]
        for key, begin, end in zip(keys, starts.tolist(), ends.tolist(), strict=True)
    }


def _encode(
    queries: pd.DataFrame,
    reference: pd.DataFrame,
    description: TableDescription,
    range_of: pd.DataFrame,
) -> tuple[_Rows, _Rows]:
    """Queries and reference as scaled numbers and as codes that the two share."""
    left, right = (
        _Rows(
            np.empty((len(frame), len(description.numeric_features))),
            np.empty((len(frame), len(description.categorical_features)), np.int64),
        )
        for frame in (queries, reference)
    )
    for i, column in enumerate(description.numeric_features):
        values = scaled(range_of, column)
        low, span = values.min(), np.ptp(values) or 1.0
        left.numbers[:, i] = (scaled(queries, column) - low) / span
        right.numbers[:, i] = (scaled(reference, column) - low) / span
    for i, column in enumerate(description.categorical_features):
        (left.codes[:, i], right.codes[:, i]), _ = category_codes(column, queries, reference)
    return left, right
