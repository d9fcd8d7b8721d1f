"""Runs: how many rows of an entity in turn have the same value, against real rows.

For each categorical feature that may change within an entity (see `redwood.evaluation.bursts`) the
first Wasserstein distance of the logarithm of the length in rows of runs of one value along an
entity's rows; the mean over the features. Values that 5 % of the holdout rows have are compared by
themselves, all others together, each class by its share of the real runs: in the job table,
failures in a row. A class of which a sample has no run counts as runs of one row. The paper (arXiv
2410.07940) has no such measure.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from redwood.evaluation.bursts import History, distance, histories, require_others
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "runs"
UNIT = "nats"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "First Wasserstein distance of the logarithm of the length of runs, rows of an entity in "
    "turn with the same value of a categorical feature, synthetic against as many holdout "
    "rows; by value where 5 % of the holdout rows have it, mean over the features that may "
    "change within an entity. 0.69 is a factor of two."
)
EQUATION = (
    r"\frac{1}{C} \sum_c \sum_v w_v W_1(\ln \tilde{l}_{cv}, \ln l_{cv}) \\"
    r" w_v: \text{share of class } v \text{ in the real runs, } l: \text{their lengths}"
)


_COMMON = 0.05


def measure(samples: Samples) -> Result:
    """The mean distance in nats, that of each feature; the interval leaves out runs of runs."""
    found = histories(samples)
    return over_features(
        samples,
        (
            (column.name, _runs_of_all(found.all, column.name), _by_value)
            for column in require_others(found)
        ),
        note=found.note,
    )


def _runs_of_all(all_: Sequence[History], name: str) -> list[np.ndarray]:
    """Of each sample its runs, (runs, 2): the class of the value, ln of the number of rows."""
    shares = all_[1].frame[name].value_counts(normalize=True)
    common = pd.Index(sorted(shares.index[shares >= _COMMON]))
    return [_runs(one, one.frame[name], common) for one in all_]


def _runs(history: History, values: pd.Series, common: pd.Index) -> np.ndarray:
    """Runs of one value along each entity's rows, in order of their first row."""
    order = np.argsort(history.entity, kind="stable")
    entity, of_row = history.entity[order], pd.factorize(values)[0][order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (entity[1:] != entity[:-1]) | (of_row[1:] != of_row[:-1])
    first = np.flatnonzero(begins)
    lengths = np.diff(np.append(first, len(order)))
    classes = common.get_indexer(values)[order[first]]
    return np.column_stack([classes, np.log(lengths)])[np.argsort(order[first])]


def _by_value(made: np.ndarray, real: np.ndarray) -> float:
    """The distance of each class, weighted by its share of the real runs."""
    found = 0.0
    for value, runs in zip(*np.unique(real[:, 0], return_counts=True), strict=True):
        lengths, of_real = (rows[rows[:, 0] == value, 1] for rows in (made, real))
        found += runs / len(real) * distance(lengths, of_real)
    return found
