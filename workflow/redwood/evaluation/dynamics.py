"""Arrivals in time: how bursty they are, and how they follow the day and the week."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.intervals import jackknife_interval
from redwood.evaluation.sequence import time_column
from redwood.seeds import generator
from redwood.tables import to_numbers

# Counts of fewer rows say nothing of their dynamics.
_LEAST_ROWS = 10


@dataclass(frozen=True)
class Arrivals:
    """When the rows of several samples arrive, equally many of each within one span of time.

    Attributes:
        begin, end: of the span, in s.
        synthetic, real: (n,) times in s.
        draws: those of each draw of real rows, (n,) each.
    """

    begin: float
    end: float
    synthetic: np.ndarray
    real: np.ndarray
    draws: tuple[np.ndarray, ...]


def arrivals(samples: Samples) -> Arrivals:
    """The first timestamps of synthetic and real rows within the span that all samples cover.

    The larger samples are thinned at random, as the statistics of counts depend on their density.

    Raises:
        Inapplicable: the table has no timestamp, or almost no rows lie in a common span.
    """
    column = time_column(samples.description)
    frames = (samples.synthetic, samples.holdout, *samples.real_draws)
    times = [to_numbers(frame[column.name], column) for frame in frames]
    begin, end = max(t.min() for t in times), min(t.max() for t in times)
    within = [t[(begin <= t) & (t <= end)] for t in times]
    rows = min(map(len, within))
    if rows < _LEAST_ROWS:
        raise Inapplicable(f"{column.name}: synthetic and real rows share next to no span of time")
    random = generator(samples.seed, "dynamics")
    synthetic, real, *draws = (random.permutation(t)[:rows] for t in within)
    return Arrivals(begin, end, synthetic, real, tuple(draws))


def window_counts(times: np.ndarray, begin: float, width: float, windows: int) -> np.ndarray:
    """How many times lie in each of consecutive windows of some width from `begin`: (windows,)."""
    number = np.floor((times - begin) / width).astype(np.int64)
    return np.bincount(number[(number >= 0) & (number < windows)], minlength=windows)


def excess_dispersion(counts: np.ndarray) -> float:
    """The Fano factor of counts, their variance over their mean, less 1; 0 for Poisson arrivals.

    -1 for counts that are all equal, and for none.
    """
    mean = counts.mean()
    return float(counts.var(ddof=1) / mean) - 1 if mean > 0 else -1.0


def line_powers(
    counts: np.ndarray, periods: Sequence[float], kept: np.ndarray | None = None
) -> np.ndarray:
    """The power of periodic lines in counts, over the square of the counts' mean: (periods,).

    Mean and sinusoids are fitted together by least squares (Lomb-Scargle with several lines),
    which unlike a Fourier transform does not ask for whole periods or for all windows. The power
    of rates m (1 + a cos(2πt/T + φ)) is a²/2.

    Args:
        counts: (windows,) of consecutive windows of width 1.
        periods: in windows.
        kept: (windows,) which windows to fit; all if `None`.
    """
    time = np.arange(len(counts))
    waves = [w(2 * np.pi * time / period) for period in periods for w in (np.cos, np.sin)]
    design = np.column_stack([np.ones(len(counts)), *waves])
    if kept is not None:
        design, counts = design[kept], counts[kept]
    mean, *amplitudes = np.linalg.lstsq(design, counts.astype(np.float64), rcond=None)[0]
    if mean <= 0:
        return np.zeros(len(periods))
    return np.square(amplitudes).reshape(-1, 2).sum(axis=1) / (2 * mean**2)


def autocorrelations(counts: np.ndarray, lags: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The autocorrelation of counts at some lags: (lags,); 0 for counts that do not vary.

    The covariance is the mean over the pairs of windows that are both kept, about the mean of all
    that are; where there is no such pair it is 0.

    Args:
        counts: (windows,) of consecutive windows.
        lags: in windows, each at least 1.
        kept: (windows,) which windows count.
    """
    if not kept.any() or np.ptp(counts[kept]) == 0:
        return np.zeros(len(lags))
    deviations = np.where(kept, counts - counts[kept].mean(), 0.0)
    products = np.array([deviations[lag:] @ deviations[:-lag] for lag in lags])
    pairs = np.array([np.count_nonzero(kept[lag:] & kept[:-lag]) for lag in lags])
    variance = deviations @ deviations / np.count_nonzero(kept)
    return products / (np.maximum(pairs, 1) * variance)


def compared(
    samples: Samples,
    labels: Sequence[str],
    quantities: Callable[[np.ndarray, int | None], np.ndarray],
    found: Arrivals,
    note: str = "",
) -> Result:
    """The mean absolute logarithm of the ratios of positive quantities, synthetic over real.

    The floor of a quantity is the geometric mean of the ratios of the draws of real rows.

    Args:
        labels: of the quantities.
        quantities: those of arrival times, (quantities,), without the given one of
            `samples.groups` slices of the span, or of all for `None`.
        found: the arrivals.
        note: of the result.
    """

    def log_ratios(times: np.ndarray, group: int | None = None) -> np.ndarray:
        return np.log(quantities(times, group)) - np.log(quantities(found.real, group))

    synthetic = log_ratios(found.synthetic)
    draws = np.array([log_ratios(times) for times in found.draws])
    value = float(np.abs(synthetic).mean())
    low, high = jackknife_interval(
        value,
        lambda group: float(np.abs(log_ratios(found.synthetic, group)).mean()),
        samples.groups,
    )
    floors = tuple(np.abs(draws).mean(axis=1))
    columns = pd.DataFrame(
        {"column": labels, "value": np.exp(synthetic), "floor": np.exp(draws.mean(axis=0))}
    )
    return Result(value, low, high, np.mean(floors), columns, note=note, floor_draws=floors)
