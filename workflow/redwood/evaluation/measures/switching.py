"""Switching: how often an entity's next row has another value, in a burst and after a break.

For each categorical feature that may change within an entity (see `redwood.evaluation.bursts`) the
probability that a row has another value than the entity's row before, and |P_synthetic − P_real|,
for rows within bursts and for the first rows of bursts; the mean over features and both. In [0, 1].
In the job table: whether the jobs of a task change sites, and whether jobs fail together. The paper
(arXiv 2410.07940) has no such measure.
"""

from collections.abc import Iterator

import numpy as np

from redwood.evaluation.bursts import History, histories, require_others
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "switching"
UNIT = "1"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "|difference| of the probability that a row has another value of a categorical feature "
    "than the row of its entity before, synthetic against as many holdout rows; mean over the "
    "features that may change within an entity, for rows within bursts and for those that "
    "begin one."
)
EQUATION = (
    r"\frac{1}{2 C} \sum_c \sum_{\text{within, between}} |\tilde{P}_c - P_c| \\"
    r" P_c = P(c_i \ne c_{i'}), \quad i': \text{the row of the entity before } i"
)


def measure(samples: Samples) -> Result:
    """The mean |difference|, that of each feature; the interval leaves out runs of rows."""
    found = histories(samples)

    def features() -> Iterator:
        for column in require_others(found):
            switched = [_switched(one, column.name) for one in found.all]
            within = [rows[one.follows] for rows, one in zip(switched, found.all, strict=True)]
            after = [
                rows[(one.before >= 0) & ~one.follows]
                for rows, one in zip(switched, found.all, strict=True)
            ]
            yield f"{column.name} within bursts", within, _difference
            yield f"{column.name} between bursts", after, _difference

    return over_features(samples, features(), most=1.0, note=found.note)


def _switched(history: History, name: str) -> np.ndarray:
    values = history.frame[name].to_numpy()
    return values != values[history.before]


def _difference(made: np.ndarray, real: np.ndarray) -> float:
    # Of no row at all nothing switches.
    share, of_real = (float(rows.mean()) if len(rows) else 0.0 for rows in (made, real))
    return abs(share - of_real)
