"""Steps within bursts: how far numbers change from row to row, against real rows.

For each number that is no timestamp the first Wasserstein distance of |difference| to the row
before in its burst (see `redwood.evaluation.bursts`), on the column's scale and in standard
deviations of the holdout rows; the mean over the numbers. It sees whether rows of a burst are as
much alike as real ones. The paper (arXiv 2410.07940) has no such measure.
"""

from redwood.evaluation.bursts import distance, histories, steps, varying
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "steps within bursts"
UNIT = "1"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "First Wasserstein distance of how much a number differs from that of the row before in "
    "its burst, in standard deviations of the holdout rows on the column's scale, synthetic "
    "against as many holdout rows; mean over the numbers."
)
EQUATION = (
    r"\frac{1}{J} \sum_j W_1(|\tilde{x}_{ij} - \tilde{x}_{i'j}| / \sigma_j,"
    r" |x_{ij} - x_{i'j}| / \sigma_j), \quad i': \text{the row before } i \text{ in its burst}"
)


def measure(samples: Samples) -> Result:
    """The mean distance, that of each number; the interval leaves out runs of rows."""
    numbers = varying(samples)
    found = histories(samples)
    return over_features(
        samples,
        (
            (column.name, [steps(one, column, spread) for one in found.all], distance)
            for column, spread in numbers
        ),
        note=found.note,
    )
