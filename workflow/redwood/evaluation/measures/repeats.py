"""Repeats: how often an entity's next row has the very same number, against real rows.

For each number that is no timestamp the probability that a row has exactly the value of the row
before in its burst (see `redwood.evaluation.bursts`), and |P_synthetic − P_real|; the mean over the
numbers. In [0, 1]. What is tried again, or sent many times, repeats its numbers: the jobs of a task
read equally many files. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.bursts import histories, steps, varying
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "repeats"
UNIT = "1"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "|difference| of the probability that a number is exactly that of the row before in its "
    "burst, synthetic against as many holdout rows; mean over the numbers."
)
EQUATION = (
    r"\frac{1}{J} \sum_j |\tilde{P}_j - P_j|, \quad P_j = P(x_{ij} = x_{i'j}),"
    r" \quad i': \text{the row before } i \text{ in its burst}"
)


def measure(samples: Samples) -> Result:
    """The mean |difference|, that of each number; the interval leaves out runs of rows."""
    numbers = varying(samples)
    found = histories(samples)
    return over_features(
        samples,
        (
            (column.name, [steps(one, column, spread) == 0 for one in found.all], _difference)
            for column, spread in numbers
        ),
        most=1.0,
        note=found.note,
    )


def _difference(made: np.ndarray, real: np.ndarray) -> float:
    # Of no row at all nothing is repeated.
    share, of_real = (float(rows.mean()) if len(rows) else 0.0 for rows in (made, real))
    return abs(share - of_real)
