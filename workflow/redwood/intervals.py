"""Intervals of means over the seeds of a simulation, and of what hangs on which jobs there were.

The one home of the rule that no interval leaves the range of its outcome: a time, a share or an
amount is not below 0, a share not above 1. Student's interval of the mean knows nothing of that.
It is cut to the range, which is to leave out values that are impossible: so it holds the truth as
often as before, and its other end stays where it was.
"""

from collections.abc import Sequence

import numpy as np

# The coverage.
_CONFIDENCE = 0.95
# The same quantile of Student's t with 1 to 9 degrees of freedom, as SciPy 1.17 has it: each of
# hundreds of simulations would load SciPy for that alone.
# fmt: off
_OF_FEW = (
    12.706204736174694, 4.302652729749462, 3.1824463052837078, 2.7764451051977934,
    2.5705818356363146, 2.4469118511449786, 2.364624251592784, 2.306004135204166,
    2.262157162798205,
)
# fmt: on


def mean_and_interval(
    values: Sequence[float], least: float | None = None, most: float | None = None
) -> dict[str, float | int | None]:
    """`value`, `low` and `high` of the mean, and the number of `seeds`; Student's t, 95 %.

    Args:
        values: one a seed.
        least, most: what no value can be below or above, if there is such.

    Returns:
        `low` and `high` are `None` for fewer than two values, as `value` is without any.
    """
    if not len(values):
        return {"value": None, "low": None, "high": None, "seeds": 0}
    mean, low, high = float(np.mean(values)), None, None
    if len(values) > 1:
        half = seeds_half(np.asarray(values, float))
        low, high = within(mean - half, mean + half, least, most)
    return {"value": mean, "low": low, "high": high, "seeds": len(values)}


def seeds_half(values: np.ndarray) -> float:
    """Half of the 95 % interval of the mean of (seeds,) values, at least two: Student's t."""
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return _quantile(len(values) - 1) * error


def _quantile(freedom: int) -> float:
    if freedom <= len(_OF_FEW):
        return _OF_FEW[freedom - 1]
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + _CONFIDENCE) / 2))


def within(low: float, high: float, least: float | None, most: float | None) -> tuple[float, float]:
    """The part of an interval that is possible.

    Example:
        >>> within(-3.0, 9.0, 0.0, None)
        (0.0, 9.0)
    """
    low = low if least is None else max(low, least)
    high = high if most is None else min(high, most)
    return low, high
