"""The delete-a-group jackknife, which respects that neighbours in time are alike."""

from collections.abc import Sequence

import numpy as np

_OUTSIDE = 0.025


def group_of_rows(rows: int, groups: int) -> np.ndarray:
    """For each of `rows` rows in time order its group: `groups` runs of nearly equal length."""
    return np.arange(rows) * groups // max(rows, 1)


def jackknife_error(without: Sequence[float] | np.ndarray) -> np.ndarray:
    """The standard error of a statistic, from its values without each group.

    The variance is (G − 1)/G Σ (θ₍₋g₎ − mean)² over the G leave-one-group-out values (J. Shao and
    D. Tu, The Jackknife and Bootstrap, Springer 1995, section 2.3; Kott, J. Official Statistics 17
    (2001) 521). Unlike a bootstrap it repeats no row, which would by itself move samples apart.

    Args:
        without: the G values, at least 2, (G, …).

    Returns:
        (…)
    """
    values = np.asarray(without, dtype=np.float64)
    groups = len(values)
    return np.sqrt((groups - 1) / groups * np.sum((values - values.mean(axis=0)) ** 2, axis=0))


def jackknife_half(without: Sequence[float] | np.ndarray) -> np.ndarray:
    """Half of the 95 % interval of a statistic, from its values without each group.

    The quantile is that of Student's distribution with G − 1 degrees of freedom: of few groups the
    variance itself is unsure.

    Args:
        without: as for `jackknife_error`.
    """
    # Simulations make groups and no intervals of them: they do not load SciPy.
    from scipy.special import stdtrit

    return -stdtrit(len(without) - 1, _OUTSIDE) * jackknife_error(without)
