"""Bursts: how far their numbers of rows and their lengths are from real ones.

First Wasserstein distances of the logarithm of the number of rows of a burst (see
`redwood.evaluation.bursts`), of that of the burst of each row, in which large bursts weigh by their
size, and of ln(1 + s) of the length in s of bursts of two rows or more; their mean. The paper
(arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.bursts import distance, histories, log_distance
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "bursts"
UNIT = "nats"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "First Wasserstein distance, synthetic against as many holdout rows, of the logarithm of "
    "the number of rows of a burst, over bursts and over rows, and of the length of bursts of "
    "two rows or more; mean of the three. 0.69 is a factor of two."
)
EQUATION = (
    r"\frac{1}{3} \left[ W_1(\ln \tilde{n}_b, \ln n_b) + W_1(\ln \tilde{n}_{b(i)}, \ln n_{b(i)})"
    r" + W_1(\ln(1 + \tilde{l}_b), \ln(1 + l_b)) \right] \\"
    r" n_b, l_b: \text{rows, length of burst } b; \quad b(i): \text{that of row } i"
)


def measure(samples: Samples) -> Result:
    """The mean distance in nats; the interval leaves out runs of bursts, and of rows."""
    found = histories(samples)
    sizes = [np.log(one.sizes) for one in found.all]
    of_rows = [size[one.burst] for size, one in zip(sizes, found.all, strict=True)]
    lengths = [one.lengths[one.sizes > 1] for one in found.all]
    features = [
        ("rows of a burst", sizes, distance),
        ("rows of a row's burst", of_rows, distance),
        ("length", lengths, log_distance),
    ]
    return over_features(samples, features, note=found.note)
