"""Membership inference: what can be told of who was in training from the synthetic rows.

An attacker who has the synthetic rows scores any row by how likely it was a training row. Judged on
training rows and on holdout rows, which were not, such a score has a ROC curve; what an attacker is
sure of is its beginning, the true-positive rate at a low false-positive rate (N. Carlini et al.,
Membership Inference Attacks From First Principles, arXiv 2112.03570, section III).

Non-members must be like members but for that. Where whole tasks or users were held out, holdout
rows are of other units than training rows: to tell a task is to tell the side, and even rows that
were never trained on would be taken for training rows if they are of the training tasks. Then
holdout rows cannot judge attacks on rows. What can is records that were planted among training rows
at random (the release gate), and what becomes of whole units is asked there, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.results import result
from redwood.roc import RocCurve

# The false-positive rate at which attacks are compared, and a lower one for the note.
RATE = 0.01
_LOWER_RATE = 0.001
_POINTS = 400
# What an attack may find at `RATE`: see `redwood.evaluation.verdict`.
_MOST_FOUND = 0.03
# Of a split of rows at random, holdout rows are as often of a training row's unit as training rows
# are of that of another one; this share of it tells such a split from one of whole units.
_LEAST_SHARED = 0.5


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


def shares_units(samples: Samples) -> bool:
    """Whether holdout rows are of the same units as training rows, as far as chance lets them.

    Judged by the narrowest unit that the table names. So they are where units are hardly ever of
    more than one row, and where nothing is known of units.
    """
    of_train, of_holdout = samples.train_units, samples.holdout_units
    if of_train is None or of_holdout is None or not len(of_train.columns):
        return True
    train, holdout = of_train.iloc[:, -1].dropna(), of_holdout.iloc[:, -1].dropna()
    if not len(train) or not len(holdout):
        return True
    with_another = float(train.duplicated(keep=False).mean())
    shared = float(holdout.isin(pd.unique(train)).mean())
    return with_another <= _MOST_FOUND or shared >= _LEAST_SHARED * with_another


def require_shared_units(samples: Samples) -> None:
    """Do nothing if holdout rows can stand for training rows that were left out.

    Raises:
        Inapplicable: they are of other units.
    """
    if not shares_units(samples):
        assert samples.train_units is not None
        unit = samples.train_units.columns[-1]
        raise Inapplicable(
            f"the holdout rows are of other {unit}s than the training rows, so that whoever tells "
            f"{unit}s apart tells training rows; planted records have to show what is found of rows"
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
