"""Activity: how unequally rows and bursts are spread over entities, against real rows.

First Wasserstein distances of the logarithm of an entity's number of rows, and of its number of
bursts (see `redwood.evaluation.bursts`); their mean. All samples have as many rows, so that it sees
how many entities there are, too. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.bursts import History, distance, histories
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "activity"
UNIT = "nats"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "First Wasserstein distance of the logarithm of an entity's number of rows, and of its "
    "number of bursts, synthetic against as many holdout rows; mean of both. 0.69 is a factor "
    "of two."
)
EQUATION = (
    r"\frac{1}{2} \left[ W_1(\ln \tilde{r}_e, \ln r_e) + W_1(\ln \tilde{b}_e, \ln b_e) \right]"
    r", \quad r_e, b_e: \text{rows, bursts of entity } e"
)


def measure(samples: Samples) -> Result:
    """The mean distance in nats; the interval leaves out runs of entities as they first come."""
    found = histories(samples)
    features = [
        ("rows of an entity", [np.log(np.bincount(one.entity)) for one in found.all], distance),
        ("bursts of an entity", [_bursts(one) for one in found.all], distance),
    ]
    return over_features(samples, features, note=found.note)


def _bursts(history: History) -> np.ndarray:
    """The logarithm of the number of bursts of each entity."""
    return np.log(np.bincount(history.entity[~history.follows]))
