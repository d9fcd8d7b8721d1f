"""Gaps: how far the times between consecutive rows are from real ones.

The first Wasserstein distance between the distributions of ln(1 + s) of the gaps in s, between each
row and the next of the whole table, as many of each in order of length (S. Vallender, Theory
Probab. Appl. 18 (1974) 784). In nats, at least 0; ln 2 = 0.69 is a factor of two between gaps of
the same rank. The 1 is the second to which times are recorded, and gives rows of the same second a
place. Both samples have as many rows in the same span, as gaps depend on density. It sees bursts
shorter than any window of `fano`, which sees whether short gaps follow each other. The paper (arXiv
2410.07940) has no such measure.
"""

import numpy as np
from scipy.stats import wasserstein_distance

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.dynamics import arrivals
from redwood.evaluation.results import result

TITLE = "gaps"
UNIT = "nats"
ASPECT = "time"
DIRECTION = "lower"
OF_LAW = True
DEFINITION = (
    "First Wasserstein distance of ln(1 + s) of the seconds s between consecutive rows, synthetic "
    "against as many holdout rows in the same time span; 0.69 is a factor of two between gaps of "
    "the same rank."
)
EQUATION = (
    r"W_1(\ln(1 + \tilde{g}), \ln(1 + g)) = \frac{1}{n} \sum_i |\tilde{u}_{(i)} - u_{(i)}|,"
    r" \quad u = \ln(1 + g)"
)

_SHORT_S = 1.0


def measure(samples: Samples) -> Result:
    """The distance in nats; the interval leaves out runs of consecutive gaps."""
    found = arrivals(samples)
    synthetic, real, *draws = (
        np.diff(np.sort(times)) for times in (found.synthetic, found.real, *found.draws)
    )
    of_synthetic, of_real = (
        f"{100 * np.mean(gaps < _SHORT_S):.1f} %, median {np.median(gaps):.3g} s"
        for gaps in (synthetic, real)
    )
    note = f"gaps below a second: {of_synthetic}; of real rows {of_real}"
    floors = [_distance(draw, real) for draw in draws]
    return result(_distance, (synthetic, real), samples.groups, floor_draws=floors, note=note)


def _distance(left: np.ndarray, right: np.ndarray) -> float:
    return float(wasserstein_distance(np.log1p(left), np.log1p(right)))
