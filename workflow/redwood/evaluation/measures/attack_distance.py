"""Distance attack: whether training rows lie closer to synthetic rows than unseen rows do.

The attacker takes a row for a training row the sooner the closer its closest synthetic row is,

    score(x) = −min_j ‖x − y_j‖,

in the metric of `redwood.evaluation.neighbours`, numbers mapped by the range of training and
holdout rows together (GAN-Leaks: D. Chen et al., arXiv 1909.03935, section 4.2, full black box).
What is measured is the true-positive rate at a false-positive rate of 1 %, in [0, 1], with all
training rows as members and all holdout rows as non-members. A sample that tells nothing has 0.01.
So has, as the floor, the same attack on one half of the holdout rows in place of the synthetic
ones, the other half being the non-members. Where rows come in bursts a faithful model is above it
(see `dcr_share`). The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.intervals import group_of_rows, jackknife_interval
from redwood.evaluation.membership import RocCurve
from redwood.evaluation.neighbours import distance_to_closest
from redwood.seeds import generator

TITLE = "distance attack"
UNIT = "1"
DIRECTION = "lower"
DEFINITION = (
    "Membership inference by the distance to the closest synthetic row: share of the training rows "
    "that are found where 1 % of the holdout rows are taken for training rows. 0.01 by chance; "
    "floor: half of the holdout rows in place of the synthetic ones."
)

_RATE = 0.01
_LOWER_RATE = 0.001
_POINTS = 400


def measure(samples: Samples) -> Result:
    """The true-positive rate at 1 %, and the ROC curve."""
    members = _scores(samples.train, samples.synthetic, samples)
    others = _scores(samples.holdout, samples.synthetic, samples)
    curve = RocCurve.of_scores(members, others)
    value = curve.true_positives_at(_RATE)
    group_of_member = group_of_rows(len(members), samples.groups)
    group_of_other = group_of_rows(len(others), samples.groups)

    def without_group(group: int) -> float:
        kept = members[group_of_member != group], others[group_of_other != group]
        return RocCurve.of_scores(*kept).true_positives_at(_RATE)

    low, high = jackknife_interval(value, without_group, samples.groups)
    note = (
        f"{curve.true_positives_at(_LOWER_RATE):.2g} at a false-positive rate of 0.1 %; "
        f"area under the curve {curve.area:.3f}"
    )
    details = {"roc_distance": curve.table(_POINTS).assign(attack="distance")}
    return Result(value, low, min(high, 1.0), _floor(samples), details=details, note=note)


def _scores(rows: pd.DataFrame, synthetic: pd.DataFrame, samples: Samples) -> np.ndarray:
    real = pd.concat([samples.train, samples.holdout], ignore_index=True)
    return -distance_to_closest(rows, synthetic, samples.description, real)


def _floor(samples: Samples) -> float:
    order = generator(samples.seed, "attack_distance").permutation(len(samples.holdout))
    half = len(order) // 2
    made, others = (samples.holdout.iloc[part] for part in (order[:half], order[half:]))
    scores = (_scores(rows, made, samples) for rows in (samples.train, others))
    return RocCurve.of_scores(*scores).true_positives_at(_RATE)
