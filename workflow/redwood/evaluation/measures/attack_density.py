"""Density attack: whether synthetic rows are denser around training rows than real rows are.

A row may be close to synthetic rows only because many rows are like it. The attacker therefore
compares with other real rows of the same law and scores a row by ln p_synthetic(x) −
ln p_reference(x) (DOMIAS: B. van Breugel et al., arXiv 2302.12580, equation 2). Both densities are
estimated by the distance to the closest row, the k-nearest-neighbour estimate with k = 1, which
gives the score but for a factor and a constant: of smoother estimates a single copied row would
hardly be seen. Distances are those of `attack_distance`.

The reference rows are one half of the holdout and the non-members the other, then the other way
round; training rows are scored both times. What is measured is the true-positive rate at a
false-positive rate of 1 %, in [0, 1]: 0.01 by chance. The floor is the same attack on a third of
the holdout rows in place of the synthetic ones, the others being reference and non-members. The
paper (arXiv 2410.07940) has no such measure.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Arrays, Inapplicable, Result, Samples
from redwood.evaluation.membership import RATE, Attack, judge_attack, require_shared_units
from redwood.nearest import distance_to_closest
from redwood.seeds import generator

TITLE = "density attack"
UNIT = "1"
ASPECT = "privacy"
DIRECTION = "lower"
NEEDS_SHARED_UNITS = True
LIMIT = RATE
ATTACKER = "who has real rows, too"
COSTLY_FLOOR = True
DEFINITION = (
    "Membership inference by how much closer the closest synthetic row is than the closest of "
    "other real rows (DOMIAS with nearest-neighbour densities): share of the training rows that "
    "are found where 1 % of the holdout rows are taken for training rows. 0.01 by chance; floor: a "
    "third of the holdout rows in place of the synthetic ones."
)
EQUATION = (
    r"\mathrm{TPR}_{1\%}(s), \quad s(x) = \ln \min_k \lVert x - x_k \rVert"
    r" - \ln \min_j \lVert x - \tilde{x}_j \rVert, \quad x_k: \text{other real rows}"
)

# Beside it no distance that tells rows apart counts; it keeps the ratio of equal rows defined.
_LEAST = 1e-9


def measure(samples: Samples) -> Result:
    """The true-positive rate at 1 %, and the ROC curve."""
    require_shared_units(samples)
    if len(samples.holdout) < 3:
        raise Inapplicable("there are fewer than three holdout rows")
    random = generator(samples.seed, "attack_density")
    order = random.permutation(len(samples.holdout))
    left, right = (samples.holdout.iloc[np.sort(half)] for half in np.array_split(order, 2))
    attack = _both_ways(samples.published, left, right, samples)
    thirds = [samples.holdout.iloc[np.sort(third)] for third in np.array_split(order, 3)]

    def of_thirds() -> Arrays:
        found = [
            _both_ways(thirds[a], thirds[b], thirds[c], samples).curve.true_positives_at(RATE)
            for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
        ]
        return {"floors": np.array(found)}

    floors = samples.once("attack_density", of_thirds)["floors"].tolist()
    return attack.result("density", samples.groups, floors)


def judge(measured: Mapping[str, Any]) -> tuple[bool, str]:
    """A sample passes if the interval of what the attack finds ends at 3 % or below."""
    return judge_attack(measured, "density")


def _both_ways(
    synthetic: pd.DataFrame, left: pd.DataFrame, right: pd.DataFrame, samples: Samples
) -> Attack:
    """The scores with `left` as reference and `right` as non-members, and the other way round."""
    real = pd.concat([samples.train, samples.holdout], ignore_index=True)

    def distances(rows: pd.DataFrame, reference: pd.DataFrame) -> np.ndarray:
        found = distance_to_closest(rows, reference, samples.description, real)
        return np.log(np.maximum(found, _LEAST))

    of_members = distances(samples.train, synthetic)
    members = [distances(samples.train, reference) - of_members for reference in (left, right)]
    others = [
        distances(rows, reference) - distances(rows, synthetic)
        for rows, reference in ((left, right), (right, left))
    ]
    # Interleaved, so that a row's two scores are in one group of neighbours.
    return Attack(np.stack(members, axis=1).ravel(), np.concatenate(others))
