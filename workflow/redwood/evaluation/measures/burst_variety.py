"""Variety of bursts: how many values of a category occur in a burst, against real bursts.

For each categorical feature that may change within an entity (see `redwood.evaluation.bursts`) the
first Wasserstein distance of the logarithm of the number of its values in a burst of two rows or
more; the mean over the features. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.bursts import History, distance, histories, require_others
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "variety of bursts"
UNIT = "nats"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "First Wasserstein distance of the logarithm of the number of values of a categorical "
    "feature that occur in a burst of two rows or more, synthetic against as many holdout "
    "rows; mean over the features that may change within an entity. 0.69 is a factor of two."
)
EQUATION = (
    r"\frac{1}{C} \sum_c W_1(\ln \tilde{v}_{cb}, \ln v_{cb}),"
    r" \quad v_{cb}: \text{values of } c \text{ in burst } b"
)


def measure(samples: Samples) -> Result:
    """The mean distance in nats, that of each feature; the interval leaves out runs of bursts."""
    found = histories(samples)
    return over_features(
        samples,
        (
            (column.name, [_values(one, column.name) for one in found.all], distance)
            for column in require_others(found)
        ),
        note=found.note,
    )


def _values(history: History, name: str) -> np.ndarray:
    """The logarithm of the number of values in each burst of two rows or more."""
    codes = pd.factorize(history.frame[name])[0].astype(np.int64)
    pairs = np.unique(history.burst * (codes.max() + 1) + codes)
    number = np.bincount(pairs // (codes.max() + 1))
    return np.log(number[history.sizes > 1])
