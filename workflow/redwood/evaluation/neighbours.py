"""The exact distance of each row to its nearest row in a reference table of mixed columns."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from redwood.evaluation.contract import category_codes, scaled
from redwood.progress import ProgressReport
from redwood.tables import TableDescription

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


def distance_to_closest(
    queries: pd.DataFrame,
    reference: pd.DataFrame,
    description: TableDescription,
    range_of: pd.DataFrame | None = None,
) -> np.ndarray:
    """The Euclidean distance of each query row to its closest reference row: (queries,) float64.

    Numbers are taken on the column's scale and mapped so that the rows `range_of`, by default the
    reference, span [0, 1], or only begin at 0 where they do not vary; categories are one-hot over
    √2, so that two that differ are 1 apart. Hence with k categories that differ the squared
    distance is k plus that of the numbers.

    Exact and far from quadratic: reference rows are grouped by their categories, each group has a
    k-d tree of its numbers. First a row is looked up among those with its own categories, then
    among those that agree in all but one, and so on: what differs in k + 1 categories is at least
    √(k + 1) away, so a row that has found a closer one is done. Once there are more ways to agree
    than is worth it for the rows still open, those are compared with every reference row.
    """
    ranged = reference if range_of is None else range_of
    query_rows, reference_rows = _encode(queries, reference, description, ranged)
    points = _tuple_ids(reference_rows.numbers)
    width = reference_rows.codes.shape[1]
    squared = np.full(len(queries), np.inf)
    still_open = np.arange(len(queries))
    with ProgressReport("distances to the closest row", len(queries), "rows") as report:
        for differing in range(width + 1):
            if comb(width, differing) * _ROWS_PER_GROUPING > len(still_open):
                squared[still_open] = _by_comparison(query_rows[still_open], reference_rows, report)
                break
            for kept in combinations(range(width), width - differing):
                found = _within_groups(query_rows[still_open], reference_rows, points, kept)
                squared[still_open] = np.minimum(squared[still_open], differing + found)
                report.advance(0)
            done = (squared[still_open] <= differing + 1) | (differing == width)
            still_open = still_open[~done]
            report.advance(int(done.sum()))
    return np.sqrt(squared)


def _within_groups(
    queries: _Rows, reference: _Rows, points: np.ndarray, kept: tuple[int, ...]
) -> np.ndarray:
    """The least squared distance of the numbers to reference rows with the same `kept` categories.

    (queries,), ∞ where there is none. `points` are equal where the numbers of the reference are.
    """
    squared = np.full(len(queries), np.inf)
    group = _tuple_ids(np.concatenate([reference.codes, queries.codes])[:, kept])
    of_reference, of_query = group[: len(reference)], group[len(reference) :]
    # A k-d tree cannot divide equal points: it would search through all of them.
    repeated = pd.Series(_tuple_ids(np.column_stack([of_reference, points]))).duplicated()
    distinct = np.flatnonzero(~repeated.to_numpy())
    members = _rows_by_group(of_reference[distinct])
    for key, rows in _rows_by_group(of_query).items():
        if key not in members:
            continue
        if reference.numbers.shape[1] == 0:
            squared[rows] = 0.0
            continue
        tree = cKDTree(reference.numbers[distinct[members[key]]], balanced_tree=False)
        squared[rows] = tree.query(queries.numbers[rows])[0] ** 2
    return squared


def _by_comparison(queries: _Rows, reference: _Rows, report: ProgressReport) -> np.ndarray:
    """The least squared distance to any reference row, in blocks: (queries,)."""
    squared = np.full(len(queries), np.inf)
    for begin in range(0, len(queries), _BLOCK[0]):
        block = slice(begin, begin + _BLOCK[0])
        for other in range(0, len(reference), _BLOCK[1]):
            found = _squared_distances(queries[block], reference[other : other + _BLOCK[1]])
            squared[block] = np.minimum(squared[block], found.min(axis=1))
        report.advance(len(squared[block]))
    return squared


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
    starts = np.flatnonzero(np.diff(group[order])) + 1
    return {int(group[rows[0]]): rows for rows in np.split(order, starts)}


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
