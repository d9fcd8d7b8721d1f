"""Near copies: synthetic rows that are as close to a training row as real rows seldom are.

Let r be the distance to the closest training row that 1 % of the holdout rows fall short of. What
is measured is the share of synthetic rows that fall short of it, in [0, 1]: 0.01 for rows like
holdout rows, which is the floor, and at least the share of rows that were copied. Distances are
those of `dcr`; rows at exactly r count in proportion, so that tables in which more than 1 % of the
real rows are equal to others have the same floor. Unlike the median (`dcr`) it sees one copied row
in a hundred. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.intervals import group_of_rows, jackknife_interval
from redwood.evaluation.neighbours import distance_to_closest

TITLE = "near copies"
UNIT = "1"
DIRECTION = "lower"
DEFINITION = (
    "Share of synthetic rows closer to a training row than 99 % of the holdout rows are (distances "
    "as for DCR): 0.01 if they are like holdout rows, more if rows were copied."
)

_SHARE = 0.01
_QUANTILE = 0.05


def measure(samples: Samples) -> Result:
    """The share; the interval is over synthetic rows, the radius as it is."""
    synthetic = distance_to_closest(samples.synthetic, samples.train, samples.description)
    holdout = distance_to_closest(samples.holdout, samples.train, samples.description)
    radius = float(np.quantile(holdout, _SHARE, method="inverted_cdf"))
    tied = _share_of_ties(holdout, radius)
    near = np.where(synthetic == radius, tied, synthetic < radius)
    groups = group_of_rows(len(near), samples.groups)
    value = float(near.mean())
    low, high = jackknife_interval(
        value, lambda group: float(near[groups != group].mean()), samples.groups
    )
    copies, real_copies = (int(np.count_nonzero(d == 0)) for d in (synthetic, holdout))
    quantile, real_quantile = (float(np.quantile(d, _QUANTILE)) for d in (synthetic, holdout))
    note = (
        f"equal to a training row: {copies} of {len(synthetic)} rows, {real_copies} of "
        f"{len(holdout)} holdout rows; 5 % of the rows are closer than {quantile:.2g}, of holdout "
        f"rows closer than {real_quantile:.2g}"
    )
    return Result(value, low, min(high, 1.0), _SHARE, note=note)


def _share_of_ties(holdout: np.ndarray, radius: float) -> float:
    """Which share of the rows at `radius` makes the holdout rows' share exactly 1 %."""
    below, at = np.mean(holdout < radius), np.mean(holdout == radius)
    return float(np.clip((_SHARE - below) / at, 0, 1))
