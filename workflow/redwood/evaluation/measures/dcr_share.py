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
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import result
from redwood.nearest import distance_to_closest
from redwood.seeds import generator
from redwood.tables import Column, TableDescription

TITLE = "DCR share"
UNIT = "1"
ASPECT = "privacy"
DIRECTION = "near floor"
DEFINITION = (
    "How many synthetic rows have a training row as their closest real row, per training row, over "
    "that plus how many have a holdout row, per holdout row (distances as for DCR): 0.5 if both "
    "are as close, 1 if all rows are copies; where rows come in bursts, even the exact law given "
    "the training rows has about 0.6. Floor: holdout rows, half of them against the other."
)

# Chance decides which of several rows at the same distance is the closest: all rows are set off by
# up to this much, far less than what tells rows apart.
_OFFSET = Column("(offset)", "numeric")
_LARGEST_OFFSET = 1e-5


def measure(samples: Samples) -> Result:
    """The share; the interval is over synthetic rows, the real ones as they are."""
    sizes = len(samples.train), len(samples.holdout)
    closer = _closer_to_training(samples.synthetic, samples.holdout, samples, "synthetic")
    names = [column.name for column in samples.description.features]
    made, train, holdout = (
        pd.util.hash_pandas_object(frame[names], index=False)
        for frame in (samples.synthetic, samples.train, samples.holdout)
    )
    note = (
        f"{100 * made.isin(train).mean():.1f} % of the rows are equal to a training row, "
        f"{100 * made.isin(holdout).mean():.1f} % to a holdout row"
    )
    return result(
        lambda rows: _share(rows, *sizes),
        (closer,),
        samples.groups,
        floor=_floor(samples),
        most=1.0,
        note=note,
    )


def _floor(samples: Samples) -> float:
    """The share of holdout rows, for which the other half of the holdout is the unseen sample.

    Fresh real rows would not do: they are training rows.
    """
    rows = len(samples.holdout) // 2
    order = generator(samples.seed, "dcr_share").permutation(len(samples.holdout))
    halves = [samples.holdout.iloc[chosen] for chosen in (order[:rows], order[rows : 2 * rows])]
    closer = [
        _closer_to_training(half, unseen, samples, f"half {number}")
        for number, (half, unseen) in enumerate((halves, halves[::-1]))
    ]
    return _share(np.concatenate(closer), len(samples.train), rows)


def _share(closer: np.ndarray, training_rows: int, unseen_rows: int) -> float:
    """The share of rows closer to training, both tables taken for equally large."""
    to_train, to_unseen = closer.mean() / training_rows, (1 - closer.mean()) / unseen_rows
    return float(to_train / (to_train + to_unseen))


def _closer_to_training(
    rows: pd.DataFrame, unseen: pd.DataFrame, samples: Samples, purpose: str
) -> np.ndarray:
    """Whether each row is closer to a training row than to any unseen one: (rows,) 1 or 0.

    1/2 where rounding leaves no difference.
    """
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
    to_train, to_unseen = (
        distance_to_closest(queries, set_off(reference), description, ranges)
        for reference in (samples.train, unseen)
    )
    return np.where(to_train == to_unseen, 0.5, to_train < to_unseen)
