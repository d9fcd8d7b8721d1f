"""Intervals by the jackknife over groups of rows, see `redwood.jackknife`."""

from collections.abc import Callable

from redwood.jackknife import group_of_rows, jackknife_half

__all__ = ["group_of_rows", "jackknife_half", "jackknife_interval"]


def jackknife_interval(
    value: float, without_group: Callable[[int], float], groups: int
) -> tuple[float, float]:
    """The 95 % interval of a statistic that is never negative.

    Args:
        value: the statistic on all rows.
        without_group: the statistic on all rows but those of a group, given its number.
        groups: G, at least 2.

    Returns:
        value ∓ its `jackknife_half`, the lower end not below 0.
    """
    half = float(jackknife_half([without_group(group) for group in range(groups)]))
    return max(0.0, value - half), value + half
