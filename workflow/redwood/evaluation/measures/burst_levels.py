"""Levels of bursts: how far the means of numbers over bursts are from those of real bursts.

For each number that is no timestamp the first Wasserstein distance of its mean over a burst (see
`redwood.evaluation.bursts`), on the column's scale and in standard deviations of the holdout rows;
the mean over the numbers. Each burst counts once, whatever its size: it sees whether bursts differ
from each other as real ones do. The paper (arXiv 2410.07940) has no such measure.
"""

from redwood.evaluation.bursts import distance, histories, levels, varying
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "levels of bursts"
UNIT = "1"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "First Wasserstein distance of a number's mean over a burst, in standard deviations of "
    "the holdout rows on the column's scale, synthetic against as many holdout rows; mean "
    "over the numbers."
)
EQUATION = (
    r"\frac{1}{J} \sum_j W_1(\tilde{\mu}_{jb} / \sigma_j, \mu_{jb} / \sigma_j),"
    r" \quad \mu_{jb}: \text{mean of number } j \text{ in burst } b"
)


def measure(samples: Samples) -> Result:
    """The mean distance, that of each number; the interval leaves out runs of bursts."""
    numbers = varying(samples)
    found = histories(samples)
    return over_features(
        samples,
        (
            (column.name, [levels(one, column, spread) for one in found.all], distance)
            for column, spread in numbers
        ),
        note=found.note,
    )
