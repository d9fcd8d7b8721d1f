"""From a measure's formula to its result: value, interval, floor, and the columns behind it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.intervals import group_of_rows, jackknife_half, jackknife_interval


@dataclass(frozen=True)
class Floor:
    """A floor that is a statistic of one sample of real rows.

    Attributes:
        statistic: of arrays as `rows` has, with some of their rows.
        rows: what it takes, (rows, …) each, in an order in which neighbours are alike.
    """

    statistic: Callable[..., float]
    rows: Sequence[np.ndarray]


def result(
    statistic: Callable[..., float],
    rows: Sequence[np.ndarray],
    groups: int,
    *,
    floor_draws: Sequence[float] = (),
    real: Floor | None = None,
    most: float = inf,
    columns: pd.DataFrame | None = None,
    details: dict[str, pd.DataFrame] | None = None,
    note: str = "",
    group_of: Callable[[int, int], np.ndarray] = group_of_rows,
) -> Result:
    """A statistic of rows with its jackknife interval.

    Args:
        statistic: of arrays as `rows` has, with some of their rows.
        rows: what it takes, (rows, …) each; each is divided into groups by itself.
        groups: how many, to be left out one by one.
        floor_draws: the statistic of each draw of real rows in place of the synthetic ones.
        real: its floor, where that is of one sample of real rows, as unsure as the value; by
            default the mean of the draws.
        most: the largest value that there is, which cuts the interval.
        columns, details, note: as in `Result`.
        group_of: the group of each row, (rows,), by the numbers of rows and groups.
    """
    without = _without_each_group(statistic, rows, groups, group_of)
    value = float(statistic(*rows))
    low, high = jackknife_interval(value, without.__getitem__, groups)
    floor = float(np.mean(floor_draws)) if real is None else float(real.statistic(*real.rows))
    difference = None
    if real is not None:
        of_real = _without_each_group(real.statistic, real.rows, groups, group_of)
        half = float(jackknife_half(without - of_real))
        difference = (value - floor - half, value - floor + half)
    return Result(
        value,
        low,
        min(high, most),
        floor,
        columns,
        details or {},
        note,
        tuple(floor_draws),
        difference=difference,
    )


def _without_each_group(
    statistic: Callable[..., float],
    rows: Sequence[np.ndarray],
    groups: int,
    group_of: Callable[[int, int], np.ndarray],
) -> np.ndarray:
    """The statistic of all rows but those of a group, for each group: (groups,)."""
    number_of = [group_of(len(of_sample), groups) for of_sample in rows]
    return np.array(
        [
            statistic(*(x[number != group] for x, number in zip(rows, number_of, strict=True)))
            for group in range(groups)
        ]
    )


def over_features(
    samples: Samples,
    features: Iterable[tuple[str, Sequence[np.ndarray], Callable[..., float]]],
    *,
    most: float = inf,
    note: str = "",
) -> Result:
    """The mean over features of a distance of synthetic from holdout values.

    Args:
        samples: whose groups are left out one by one, of both tables together.
        features: for each its name; its values, (rows,) each, of the synthetic rows, the holdout
            rows and each draw of real rows; the distance of two such arrays.
        most, note: as for `result`.
    """
    names, values, floors, without = [], [], [], []
    for name, (made, real, *draws), distance in features:
        groups, real_groups = (group_of_rows(len(x), samples.groups) for x in (made, real))
        names.append(name)
        values.append(distance(made, real))
        floors.append([distance(draw, real) for draw in draws])
        without.append(
            [
                distance(made[groups != group], real[real_groups != group])
                for group in range(samples.groups)
            ]
        )
    return mean_of_parts(names, values, floors, without, most=most, note=note)


def mean_of_parts(
    names: Sequence[str],
    values: Sequence[float],
    floors: Sequence[Sequence[float]],
    without: Sequence[Sequence[float]] | Sequence[np.ndarray],
    *,
    most: float = inf,
    note: str = "",
) -> Result:
    """The mean of values of features, or of pairs of them.

    Args:
        names: of the parts, (parts,).
        values: of the parts, (parts,).
        floors: (parts, draws), those of each draw of real rows.
        without: (parts, groups), the values without a group of rows.
        most, note: as for `result`.
    """
    value, means = float(np.mean(values)), np.mean(without, axis=0)
    low, high = jackknife_interval(value, lambda group: means[group], len(means))
    columns = pd.DataFrame({"column": names, "value": values, "floor": np.mean(floors, axis=1)})
    draws = tuple(np.mean(floors, axis=0))
    return Result(
        value, low, min(high, most), float(np.mean(draws)), columns, note=note, floor_draws=draws
    )
