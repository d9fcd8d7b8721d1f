"""Burstiness: how much the counts of arrivals vary, from minutes to days.

The Fano factor F of the counts in windows is their variance over their mean (U. Fano, Phys. Rev. 72
(1947) 26). It is 1 for Poisson arrivals of constant rate; whatever makes arrivals come together,
within windows of that length, adds to F − 1. Both samples have as many rows in the same span, since
F − 1 is proportional to their density. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.dynamics import arrivals, compared, excess_dispersion, window_counts
from redwood.evaluation.intervals import group_of_rows

TITLE = "burstiness"
UNIT = "1"
ASPECT = "time"
DIRECTION = "lower"
OF_LAW = True
DEFINITION = (
    "|log ratio| of F − 1, synthetic over as many holdout rows, where F is the variance over the "
    "mean of the arrivals in windows of 1 min, 10 min, 1 h and 1 day; mean over those of which the "
    "common time span holds at least ten. 0.69 is a factor of two. An F − 1 below what Poisson "
    "arrivals show by chance counts as that much."
)
EQUATION = (
    r"\frac{1}{K} \sum_k \left| \ln \frac{\tilde{F}_k - 1}{F_k - 1} \right|, \quad"
    r" F_k = \frac{\mathrm{Var} \, N_k}{\langle N_k \rangle},"
    r" \quad N_k: \text{arrivals in windows of length } k"
)

_WINDOWS_S = {"1 min": 60.0, "10 min": 600.0, "1 h": 3600.0, "1 day": 86400.0}
_LEAST_WINDOWS = 10


def measure(samples: Samples) -> Result:
    """The mean |log ratio|; the interval leaves out slices of the time span."""
    found = arrivals(samples)
    windows = {name: int((found.end - found.begin) // width) for name, width in _WINDOWS_S.items()}
    scales = [name for name, number in windows.items() if number >= _LEAST_WINDOWS]
    if not scales:
        raise Inapplicable("synthetic and real rows share a time span of less than ten minutes")

    def excesses(times: np.ndarray, group: int | None) -> np.ndarray:
        values = []
        for name in scales:
            counts = window_counts(times, found.begin, _WINDOWS_S[name], windows[name])
            counts = counts[group_of_rows(len(counts), samples.groups) != group]
            # The standard deviation of F for Poisson arrivals; no ratio of less means anything.
            values.append(max(excess_dispersion(counts), np.sqrt(2 / len(counts))))
        return np.array(values)

    real = excesses(found.real, None)
    note = "F − 1 of real rows: " + ", ".join(
        f"{value:.3g} ({name})" for name, value in zip(scales, real, strict=True)
    )
    return compared(samples, scales, excesses, found, note)
