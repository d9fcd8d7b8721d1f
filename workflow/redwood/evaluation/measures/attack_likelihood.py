"""Likelihood attack: whether the model holds its training rows more likely than unseen ones.

An attacker who has the model itself, not just its rows, scores a row by how likely it is to the
model (S. Yeom et al., Privacy Risk in Machine Learning, arXiv 1709.01604, section III.A, with the
model's own loss). What is measured is the true-positive rate at a false-positive rate of 1 %, in
[0, 1], with all training rows as members and all holdout rows as non-members: 0.01 by chance, which
is the floor. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.membership import RATE, Attack, judge_model, require_shared_units

TITLE = "likelihood attack"
UNIT = "1"
ASPECT = "privacy"
DIRECTION = "lower"
NEEDS_SHARED_UNITS = True
LIMIT = RATE
ATTACKER = "who has the model"
NEEDS_DENSITIES = True
DEFINITION = (
    "Membership inference by an attacker with the model, from how likely the model holds a row: "
    "share of the training rows that are found where 1 % of the holdout rows are taken for "
    "training rows. Only for models that have a likelihood. Floor: 0.01, by chance."
)
EQUATION = r"\mathrm{TPR}_{1\%}(s), \quad s(x) = \ln p_{\text{model}}(x)"


def measure(samples: Samples) -> Result:
    """The true-positive rate at 1 %, and the ROC curve."""
    require_shared_units(samples)
    if samples.densities is None:
        raise Inapplicable("the model has no likelihood, or none was given")
    members, others = samples.densities
    known = np.concatenate(samples.densities)
    known = known[np.isfinite(known)]
    # Impossible rows are the least likely; of two infinities no difference would be defined.
    least = known.min() - 1 if len(known) else 0.0
    members, others = (np.where(np.isneginf(d), least, d) for d in (members, others))
    return Attack(members, others).result("likelihood", samples.groups, [RATE])


judge = judge_model
