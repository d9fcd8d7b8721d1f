"""Distance attack: whether training rows lie closer to synthetic rows than unseen rows do.

The attacker scores a row by how close its closest synthetic row is in the metric of
`redwood.nearest`, numbers mapped by the range of training and holdout rows together (GAN-Leaks: D.
Chen et al., arXiv 1909.03935, section 4.2, full black box). What is measured is the true-positive
rate at a false-positive rate of 1 %, in [0, 1], with all training rows as members and all holdout
rows as non-members. A sample that tells nothing has 0.01. So has, as the floor, the same attack on
one half of the holdout rows in place of the synthetic ones, the other half being the non-members.
Where rows come in bursts a faithful model is above it (see `dcr_share`). The attacker has the rows
of earlier releases, too, where such are given. The paper (arXiv 2410.07940) has no such measure.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Arrays, Result, Samples
from redwood.evaluation.membership import RATE, Attack, judge_attack, require_shared_units
from redwood.nearest import distance_to_closest
from redwood.seeds import generator

TITLE = "distance attack"
UNIT = "1"
ASPECT = "privacy"
DIRECTION = "lower"
NEEDS_SHARED_UNITS = True
LIMIT = RATE
ATTACKER = "who has the sample"
COSTLY_FLOOR = True
DEFINITION = (
    "Membership inference by the distance to the closest synthetic row: share of the training rows "
    "that are found where 1 % of the holdout rows are taken for training rows. 0.01 by chance; "
    "floor: half of the holdout rows in place of the synthetic ones."
)
EQUATION = r"\mathrm{TPR}_{1\%}(s), \quad s(x) = - \min_j \lVert x - \tilde{x}_j \rVert"


def measure(samples: Samples) -> Result:
    """The true-positive rate at 1 %, and the ROC curve."""
    require_shared_units(samples)
    attack = _attack(samples.published, samples.holdout, samples)
    order = generator(samples.seed, "attack_distance").permutation(len(samples.holdout))
    halves = [samples.holdout.iloc[half] for half in np.array_split(order, 2)]

    def of_halves() -> Arrays:
        found = [
            _attack(made, others, samples).curve.true_positives_at(RATE)
            for made, others in (halves, halves[::-1])
        ]
        return {"floors": np.array(found)}

    floors = samples.once("attack_distance", of_halves)["floors"].tolist()
    return attack.result("distance", samples.groups, floors)


def judge(measured: Mapping[str, Any]) -> tuple[bool, str]:
    """A sample passes if the interval of what the attack finds ends at 3 % or below."""
    return judge_attack(measured, "distance")


def _attack(synthetic: pd.DataFrame, others: pd.DataFrame, samples: Samples) -> Attack:
    real = pd.concat([samples.train, samples.holdout], ignore_index=True)
    members, unseen = (
        -distance_to_closest(rows, synthetic, samples.description, real)
        for rows in (samples.train, others)
    )
    return Attack(members, unseen)
