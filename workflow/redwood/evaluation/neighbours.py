"""The exact distance of each row to its nearest row in a reference table of mixed columns."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from redwood.evaluation.contract import category_codes, scaled
from redwood.progress import ProgressReport
from redwood.tables import TableDescription


def distance_to_closest(
    queries: pd.DataFrame, reference: pd.DataFrame, description: TableDescription
) -> np.ndarray:
    """The Euclidean distance of each query row to its closest reference row: (queries,) float64.

    Numbers are taken on the column's scale and mapped so that the reference spans [0, 1];
    categories are one-hot over √2, so that two that differ are 1 apart. Hence with k categories
    that differ the squared distance is k plus that of the numbers.

    Exact and far from quadratic: reference rows are grouped by their categories, each group has a
    k-d tree of its numbers. First a row is looked up among those with its own categories, then
    among those that agree in all but one, and so on: what differs in k + 1 categories is at least
    √(k + 1) away, so a row that has found a closer one is done.
    """
    query_numbers, numbers = _numbers(queries, reference, description)
    query_codes, codes = _codes(queries, reference, description)
    squared = np.full(len(queries), np.inf)
    width = codes.shape[1]
    for differing in range(width + 1):
        open_rows = np.flatnonzero(squared > differing)
        if not len(open_rows):
            break
        subsets = list(combinations(range(width), width - differing))
        what = f"neighbours, {differing} of {width} categories apart"
        with ProgressReport(what, len(subsets), "groupings") as report:
            for kept in subsets:
                found = _within_groups(
                    query_numbers[open_rows],
                    query_codes[np.ix_(open_rows, kept)],
                    numbers,
                    codes[:, kept],
                )
                squared[open_rows] = np.minimum(squared[open_rows], differing + found)
                report.advance()
    return np.sqrt(squared)


def _within_groups(
    query_numbers: np.ndarray, query_keys: np.ndarray, numbers: np.ndarray, keys: np.ndarray
) -> np.ndarray:
    """The least squared distance of the numbers to reference rows of equal keys; ∞ without any."""
    squared = np.full(len(query_numbers), np.inf)
    both = np.concatenate([keys, query_keys])
    if both.shape[1]:
        _, group = np.unique(both, axis=0, return_inverse=True)
        group = group.reshape(-1)
    else:
        group = np.zeros(len(both), np.int64)
    reference_rows = _rows_by_group(group[: len(keys)])
    for key, rows in _rows_by_group(group[len(keys) :]).items():
        if key not in reference_rows:
            continue
        if numbers.shape[1] == 0:
            squared[rows] = 0.0
            continue
        tree = cKDTree(numbers[reference_rows[key]])
        squared[rows] = tree.query(query_numbers[rows])[0] ** 2
    return squared


def _rows_by_group(group: np.ndarray) -> dict[int, np.ndarray]:
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    return {int(group[rows[0]]): rows for rows in np.split(order, starts[1:]) if len(rows)}


def _numbers(
    queries: pd.DataFrame, reference: pd.DataFrame, description: TableDescription
) -> tuple[np.ndarray, np.ndarray]:
    columns = []
    for column in description.numeric_features:
        values = scaled(reference, column)
        low, span = values.min(), np.ptp(values) or 1.0
        columns.append(((scaled(queries, column) - low) / span, (values - low) / span))
    if not columns:
        return np.empty((len(queries), 0)), np.empty((len(reference), 0))
    return tuple(np.column_stack(side) for side in zip(*columns, strict=True))


def _codes(
    queries: pd.DataFrame, reference: pd.DataFrame, description: TableDescription
) -> tuple[np.ndarray, np.ndarray]:
    columns = [
        category_codes(column, queries, reference)[0] for column in description.categorical_features
    ]
    if not columns:
        return np.empty((len(queries), 0), np.int64), np.empty((len(reference), 0), np.int64)
    return tuple(np.column_stack(side) for side in zip(*columns, strict=True))
