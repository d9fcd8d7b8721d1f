"""Intervals by the delete-a-group jackknife, which respects that neighbours in time are alike."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import stdtrit

_LEVEL = 0.975


def group_of_rows(rows: int, groups: int) -> np.ndarray:
    """For each of `rows` rows in time order its group: `groups` runs of nearly equal length."""
    return np.arange(rows) * groups // max(rows, 1)


def jackknife_half(without: Sequence[float] | np.ndarray) -> float:
    """Half of the 95 % interval of a statistic, from its values without each group.

    The variance is (G − 1)/G Σ (θ₍₋g₎ − mean)² over the G leave-one-group-out values (J. Shao and
    D. Tu, The Jackknife and Bootstrap, Springer 1995, section 2.3; Kott, J. Official Statistics 17
    (2001) 521), and the quantile that of Student's distribution with G − 1 degrees of freedom: of
    few groups the variance itself is unsure. Unlike a bootstrap it repeats no row, which would by
    itself move samples apart.

    Args:
        without: the G values, at least 2.
    """
    values = np.asarray(without, dtype=np.float64)
    groups = len(values)
    error = np.sqrt((groups - 1) / groups * np.sum((values - values.mean()) ** 2))
    return float(stdtrit(groups - 1, _LEVEL) * error)


def jackknife_interval(
    value: float, without_group: Callable[[int], float], groups: int
) -> tuple[float, float]:
    """The 95 % interval of a statistic that is never negative, see `jackknife_half`.

    Args:
        value: the statistic on all rows.
        without_group: the statistic on all rows but those of a group, given its number.
        groups: G, at least 2.

    Returns:
        value ∓ its half, the lower end not below 0.
    """
    half = jackknife_half([without_group(group) for group in range(groups)])
    return max(0.0, value - half), value + half
