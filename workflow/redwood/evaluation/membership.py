"""Membership inference: what can be told of who was in training from the synthetic rows.

An attacker who has the synthetic rows scores any row by how likely it was a training row. Judged on
training rows and on holdout rows, which were not, such a score has a ROC curve; what an attacker is
sure of is its beginning, the true-positive rate at a low false-positive rate (N. Carlini et al.,
Membership Inference Attacks From First Principles, arXiv 2112.03570, section III).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from redwood.evaluation.contract import Result
from redwood.evaluation.results import result
from redwood.roc import RocCurve

# The false-positive rate at which attacks are compared, and a lower one for the note.
RATE = 0.01
_LOWER_RATE = 0.001
_POINTS = 400
# What an attack may find at `RATE`: see `redwood.evaluation.verdict`.
_MOST_FOUND = 0.03


@dataclass(frozen=True)
class Attack:
    """The scores that an attack gives to rows, of which more speaks for a training row.

    Attributes:
        members: of training rows, (members,), in an order in which neighbours are alike.
        others: of holdout rows, (others,), likewise.
    """

    members: np.ndarray
    others: np.ndarray

    @property
    def curve(self) -> RocCurve:
        return RocCurve.of_scores(self.members, self.others)

    def result(self, name: str, groups: int, floors: Sequence[float], note: str = "") -> Result:
        """The true-positive rate at a false-positive rate of 1 %, its interval, and the curve.

        Args:
            name: of the attack, for the table of its curve.
            groups: number of groups of consecutive rows for the jackknife.
            floors: what attacks on unrelated real rows find.
            note: what to say beside the rates.
        """
        said = (
            f"{self.curve.true_positives_at(_LOWER_RATE):.2g} at a false-positive rate of 0.1 %; "
            f"area under the curve {self.curve.area:.3f}"
        )
        return result(
            lambda *scores: RocCurve.of_scores(*scores).true_positives_at(RATE),
            (self.members, self.others),
            groups,
            floor_draws=floors,
            most=1.0,
            details={f"roc_{name}": self.curve.table(_POINTS).assign(attack=name)},
            note="; ".join(filter(None, (said, note))),
        )


def judge_attack(measured: Mapping[str, Any], attack: str) -> tuple[bool, str]:
    """Whether an attack on a sample finds few enough training rows, and what it finds.

    What counts is the upper end of the interval.
    """
    words = (
        f"an attack by {attack} finds {percent(measured['value'])} of the training rows at 1 % "
        "false alarms"
    )
    if measured["high"] <= _MOST_FOUND:
        return True, words
    high = percent(measured["high"])
    return False, f"{words} (by its interval up to {high}; {percent(_MOST_FOUND)} is allowed)"


def judge_model(measured: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the model itself gives away few enough training rows, and how many it does.

    What counts is the upper end of the interval.
    """
    words = f"an attacker with the model itself finds {percent(measured['value'])}"
    if measured["high"] <= _MOST_FOUND:
        return True, words
    return False, f"{words}: share the sample, not the model"


def percent(share: float) -> str:
    """A share in words, to three digits."""
    return f"{100 * share:.3g} %"
