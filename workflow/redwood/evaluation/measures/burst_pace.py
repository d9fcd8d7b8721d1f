"""Pace: how far the gaps between an entity's rows are from real ones, in bursts and between them.

The first Wasserstein distance of ln(1 + s) of the s between consecutive rows of an entity (see
`redwood.evaluation.bursts`), for gaps within bursts and gaps between them; their mean. Unlike
`interarrival` it sees the pace of each entity, not that of the whole table. The paper (arXiv
2410.07940) has no such measure.
"""

from redwood.evaluation.bursts import histories, log_distance
from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import over_features

TITLE = "pace"
UNIT = "nats"
ASPECT = "law"
DIRECTION = "lower"
DEFINITION = (
    "First Wasserstein distance of ln(1 + s) of the seconds s between consecutive rows of an "
    "entity, synthetic against as many holdout rows; mean of that of gaps within bursts and "
    "that of gaps between bursts. 0.69 is a factor of two."
)
EQUATION = (
    r"\frac{1}{2} \left[ W_1(\ln(1 + \tilde{g}), \ln(1 + g))_{\text{within}}"
    r" + W_1(\ln(1 + \tilde{g}), \ln(1 + g))_{\text{between}} \right], \quad g: \text{gap}"
)


def measure(samples: Samples) -> Result:
    """The mean distance in nats; the interval leaves out runs of consecutive rows."""
    found = histories(samples)
    within = [one.gaps[one.follows] for one in found.all]
    between = [one.gaps[(one.before >= 0) & ~one.follows] for one in found.all]
    features = [
        ("within bursts", within, log_distance),
        ("between bursts", between, log_distance),
    ]
    return over_features(samples, features, note=found.note)
