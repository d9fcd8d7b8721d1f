"""Day and week: how strongly arrivals follow the hour of the day and the day of the week.

The power of the lines of 24 h and 168 h in hourly counts, over the square of their mean: a²/2 for a
rate that varies as 1 + a cos(2πt/T). What it measures is the rhythm's strength, not its phase,
which `c2st` sees. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.dynamics import arrivals, compared, line_powers, window_counts
from redwood.evaluation.intervals import group_of_rows

TITLE = "day and week"
UNIT = "1"
ASPECT = "time"
DIRECTION = "lower"
OF_LAW = True
DEFINITION = (
    "|log ratio| of the power of the 24 h line, and of the 168 h line, in hourly arrivals, "
    "synthetic over as many holdout rows; mean over the lines of which the common time span holds "
    "two periods. 0.69 is a factor of two. A power below that of Poisson noise counts as that much."
)
EQUATION = (
    r"\frac{1}{K} \sum_T \left| \ln \frac{\tilde{a}_T^2}{a_T^2} \right|,"
    r" \quad T: \text{24 h, 168 h}"
)

_HOUR_S = 3600
_LINES_H = {"24 h": 24, "168 h": 168}
_LEAST_PERIODS = 2


def measure(samples: Samples) -> Result:
    """The mean |log ratio|; the interval leaves out slices of the time span."""
    found = arrivals(samples)
    first = found.begin // _HOUR_S
    hours = int(found.end // _HOUR_S - first) + 1
    lines = [name for name, period in _LINES_H.items() if hours >= _LEAST_PERIODS * period]
    if not lines:
        raise Inapplicable("synthetic and real rows share a time span of less than two days")
    periods = [_LINES_H[name] for name in lines]
    groups = group_of_rows(hours, samples.groups)

    def powers(times: np.ndarray, group: int | None) -> np.ndarray:
        counts = window_counts(times, first * _HOUR_S, _HOUR_S, hours)
        # Of each amplitude the noise of Poisson counts has the variance 2 / rows.
        return np.maximum(line_powers(counts, periods, groups != group), 2 / len(times))

    real = powers(found.real, None)
    note = "power in real rows: " + ", ".join(
        f"{value:.3g} ({name})" for name, value in zip(lines, real, strict=True)
    )
    return compared(samples, lines, powers, found, note)
