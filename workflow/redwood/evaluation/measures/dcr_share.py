"""DCR share: whether synthetic rows keep closer to the training rows than to unseen ones.

Each synthetic row has its closest row among training and holdout rows taken together. A surrogate
that learned the law of the rows and none of them by heart has as many closest rows in either, in
proportion to their numbers; of copies all are training rows. The share counts them per row of each
table, so that it is 1/2 for the one and 1 for the other whatever the sizes (after M. Platzer and
T. Reutterer, Frontiers in Big Data 4 (2021) 679939, who take tables of equal size). Thinning the
larger table instead would lose what was copied from the rows left out. Unlike the median distance
(`dcr`) the share does not reward rows that are far from anything real. The paper (arXiv 2410.07940)
has no such measure.

Where rows come in bursts, 1/2 is not within reach of a faithful model: holdout rows share bursts
with each other of which the training rows tell nothing, so that even the exact law of one more row,
given the training rows, has a share of .56 to .62 (a test draws from such a law). Only models that
smooth bursts away come closer to 1/2.

The holdout rows are both what the share is measured with and, for the floor, what is measured. The
jackknife therefore leaves out a run of synthetic rows and one of holdout rows together, these also
as rows that others are close to: as if they were not there, each row has its next closest.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Arrays, Result, Samples
from redwood.evaluation.intervals import group_of_rows, jackknife_half
from redwood.evaluation.membership import require_shared_units
from redwood.nearest import closest_rows, distance_to_closest
from redwood.seeds import generator
from redwood.tables import Column, TableDescription

TITLE = "DCR share"
UNIT = "1"
ASPECT = "privacy"
DIRECTION = "near floor"
NEEDS_SHARED_UNITS = True
COSTLY_FLOOR = True
DEFINITION = (
    "How many synthetic rows have a training row as their closest real row, per training row, over "
    "that plus how many have a holdout row, per holdout row (distances as for DCR): 0.5 if both "
    "are as close, 1 if all rows are copies; where rows come in bursts, even the exact law given "
    "the training rows has about 0.6. Floor: holdout rows, half of them against the other."
)
EQUATION = (
    r"\frac{s_T / n_T}{s_T / n_T + s_H / n_H} \\ s_T, s_H: \text{share of the rows"
    r" closest to one of } n_T \text{ training, } n_H \text{ holdout rows}"
)

# Chance decides which of several rows at the same distance is the closest: all rows are set off by
# up to this much, far less than what tells rows apart.
_OFFSET = Column("(offset)", "numeric")
_LARGEST_OFFSET = 1e-5
# The number of no group.
_NONE = -1


@dataclass(frozen=True)
class _Closer:
    """Whether rows are closer to a training row than to any unseen one.

    1 or 0, and 1/2 where rounding leaves no difference.

    Attributes:
        group: of each row for the jackknife, (rows,).
        closer: with all unseen rows, (rows,).
        nearest: the group of the unseen row that is closest, (rows,).
        otherwise: `closer` without the unseen rows of that group, (rows,).
    """

    group: np.ndarray
    closer: np.ndarray
    nearest: np.ndarray
    otherwise: np.ndarray

    def without(self, left_out: int) -> np.ndarray:
        """`closer` of the rows of other groups, without the unseen rows of that group."""
        closer = np.where(self.nearest == left_out, self.otherwise, self.closer)
        return closer[self.group != left_out]


def measure(samples: Samples) -> Result:
    """The share; the interval is over synthetic and holdout rows, training rows as they are."""
    require_shared_units(samples)
    rows, groups = len(samples.train), samples.groups
    unseen_group = group_of_rows(len(samples.holdout), groups)
    made = _closer(
        samples.synthetic,
        group_of_rows(len(samples.synthetic), groups),
        samples.holdout,
        unseen_group,
        samples,
        "synthetic",
    )
    halves = _halves(samples, unseen_group)

    def share(left_out: int) -> float:
        kept = int(np.count_nonzero(unseen_group != left_out))
        return _share(made.without(left_out), rows, kept)

    def floor(left_out: int) -> float:
        closer = [half.without(left_out) for half in halves]
        return _share(np.concatenate(closer), rows, sum(map(len, closer)) / 2)

    value, real = share(_NONE), floor(_NONE)
    without = np.array([share(group) for group in range(groups)])
    half = float(jackknife_half(without))
    apart = float(jackknife_half(without - [floor(group) for group in range(groups)]))
    return Result(
        value,
        max(0.0, value - half),
        min(1.0, value + half),
        real,
        note=_note(samples),
        difference=(value - real - apart, value - real + apart),
    )


def _halves(samples: Samples, group: np.ndarray) -> list[_Closer]:
    """Holdout rows, for which the other half of the holdout is the unseen sample.

    Fresh real rows would not do: they are training rows.
    """
    rows = len(samples.holdout) // 2
    order = generator(samples.seed, "dcr_share").permutation(len(samples.holdout))
    halves = order[:rows], order[rows : 2 * rows]
    names = [field.name for field in fields(_Closer)]

    def both() -> Arrays:
        found = [
            _closer(
                samples.holdout.iloc[half],
                group[half],
                samples.holdout.iloc[unseen],
                group[unseen],
                samples,
                f"half {number}",
            )
            for number, (half, unseen) in enumerate((halves, halves[::-1]))
        ]
        return {name: np.array([getattr(half, name) for half in found]) for name in names}

    arrays = samples.once("dcr_share", both)
    return [_Closer(*(arrays[name][number] for name in names)) for number in range(2)]


def _share(closer: np.ndarray, training_rows: int, unseen_rows: float) -> float:
    """The share of rows closer to training, both tables taken for equally large."""
    to_train, to_unseen = closer.mean() / training_rows, (1 - closer.mean()) / unseen_rows
    return float(to_train / (to_train + to_unseen))


def _closer(
    rows: pd.DataFrame,
    group: np.ndarray,
    unseen: pd.DataFrame,
    unseen_group: np.ndarray,
    samples: Samples,
    purpose: str,
) -> _Closer:
    """Compare the distances of rows to training and to unseen rows, of these groups."""
    random = generator(samples.seed, "dcr_share", purpose)
    description = TableDescription(
        samples.description.name, (*samples.description.features, _OFFSET)
    )
    # One scale for both: the range of each table by itself hangs on its most extreme rows.
    ranges = samples.train.assign(**{_OFFSET.name: 0.0})

    def set_off(frame: pd.DataFrame) -> pd.DataFrame:
        offsets = random.uniform(0, _LARGEST_OFFSET, len(frame))
        return frame.assign(**{_OFFSET.name: offsets})

    queries = set_off(rows)
    to_train = distance_to_closest(queries, set_off(samples.train), description, ranges)
    unseen = set_off(unseen)
    place, distances = closest_rows(queries, unseen, description, 1, ranges)
    nearest, to_unseen = unseen_group[place[:, 0]], distances[:, 0]
    to_others = np.full(len(rows), np.inf)
    for number in np.unique(nearest):
        asking, others = nearest == number, unseen_group != number
        if others.any():
            to_others[asking] = distance_to_closest(
                queries[asking], unseen[others], description, ranges
            )

    def compared(to_any: np.ndarray) -> np.ndarray:
        return np.where(to_train == to_any, 0.5, to_train < to_any)

    return _Closer(group, compared(to_unseen), nearest, compared(to_others))


def _note(samples: Samples) -> str:
    names = [column.name for column in samples.description.features]
    made, train, holdout = (
        pd.util.hash_pandas_object(frame[names], index=False)
        for frame in (samples.synthetic, samples.train, samples.holdout)
    )
    return (
        f"{100 * made.isin(train).mean():.1f} % of the rows are equal to a training row, "
        f"{100 * made.isin(holdout).mean():.1f} % to a holdout row"
    )
