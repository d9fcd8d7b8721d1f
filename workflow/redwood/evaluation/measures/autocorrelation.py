"""Autocorrelation: how arrivals of one hour go with those of the hours and days before.

Of the counts x_t of arrivals in consecutive hours, with their mean m, the autocorrelation r(l)
for lags l from 1 h to 168 h (G. Box, G. Jenkins et al., Time Series Analysis, 5th ed., Wiley 2015,
section 2.1, but for each lag the mean over the pairs that there are); what is measured is the mean
of |r_synthetic(l) − r_real(l)|, at least 0 and hardly above 2. It sees how long campaigns last and
whether days and weeks repeat, not when they come. As Poisson noise lowers r by a factor that
depends on the density of the arrivals, both samples have as many in the same span. Counts that do
not vary have r = 0. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.dynamics import arrivals, autocorrelations, window_counts
from redwood.evaluation.results import result

TITLE = "autocorrelation"
UNIT = "1"
ASPECT = "time"
DIRECTION = "lower"
OF_LAW = True
DEFINITION = (
    "|difference| of the autocorrelation of hourly arrivals, synthetic against as many holdout "
    "rows; mean over the lags from 1 h to 168 h, or to half of the common time span."
)
EQUATION = (
    r"\frac{1}{L} \sum_{l=1}^{L} | \tilde{r}(l) - r(l) |, \quad"
    r" r(l) = \frac{\langle (x_t - m)(x_{t+l} - m) \rangle_t}{\langle (x_t - m)^2 \rangle_t}"
)

_HOUR_S = 3600.0
_LONGEST_H = 168
_LEAST_HOURS = 48
_IN_WORDS_H = (1, 24, 168)


def measure(samples: Samples) -> Result:
    """The mean |difference|; the interval leaves out slices of the time span."""
    found = arrivals(samples)
    hours = int((found.end - found.begin) // _HOUR_S)
    if hours < _LEAST_HOURS:
        raise Inapplicable("synthetic and real rows share a time span of less than two days")
    lags = np.arange(1, min(_LONGEST_H, hours // 2) + 1)
    everything = np.ones(hours, bool)
    synthetic, real, *draws = (
        window_counts(times, found.begin, _HOUR_S, hours)
        for times in (found.synthetic, found.real, *found.draws)
    )

    def difference(made: np.ndarray, kept_hours: np.ndarray) -> float:
        kept = np.isin(np.arange(hours), kept_hours)
        left, right = (autocorrelations(counts, lags, kept) for counts in (made, real))
        return float(np.abs(left - right).mean())

    curves = pd.DataFrame({"lag_h": lags}).assign(
        synthetic=autocorrelations(synthetic, lags, everything),
        real=autocorrelations(real, lags, everything),
        floor=autocorrelations(draws[0], lags, everything),
    )
    every_hour = np.arange(hours)
    return result(
        lambda kept_hours: difference(synthetic, kept_hours),
        (every_hour,),
        samples.groups,
        floor_draws=[difference(draw, every_hour) for draw in draws],
        details={"autocorrelation": curves},
        note=_note(curves),
    )


def _note(curves: pd.DataFrame) -> str:
    shown = curves[curves["lag_h"].isin(_IN_WORDS_H)]
    return "synthetic (real): " + ", ".join(
        f"{row.synthetic:.2f} ({row.real:.2f}) at {row.lag_h} h" for row in shown.itertuples()
    )
