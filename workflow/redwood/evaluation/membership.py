"""Membership inference: what can be told of who was in training from the synthetic rows.

An attacker who has the synthetic rows scores any row by how likely it was a training row. Judged on
training rows and on holdout rows, which were not, such a score has a ROC curve; what an attacker is
sure of is its beginning, the true-positive rate at a low false-positive rate (N. Carlini et al.,
Membership Inference Attacks From First Principles, arXiv 2112.03570, section III).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result
from redwood.evaluation.intervals import group_of_rows, jackknife_interval

# The false-positive rate at which attacks are compared, and a lower one for the note.
RATE = 0.01
_LOWER_RATE = 0.001
_POINTS = 400


@dataclass(frozen=True)
class RocCurve:
    """How many members and non-members score at least as much as each threshold.

    Attributes:
        false_positives, true_positives: rates from 0 to 1, (thresholds + 1,), ascending.
    """

    false_positives: np.ndarray
    true_positives: np.ndarray

    @classmethod
    def of_scores(cls, members: np.ndarray, others: np.ndarray) -> "RocCurve":
        """The curve of scores, (members,) and (others,), of which more speaks for a member."""
        scores = np.concatenate([members, others])
        is_member = np.arange(len(scores)) < len(members)
        order = np.argsort(-scores, kind="stable")
        # Rows of equal score are above a threshold together.
        last = np.append(np.diff(scores[order]) != 0, True)
        true = np.cumsum(is_member[order])[last] / len(members)
        false = np.cumsum(~is_member[order])[last] / len(others)
        return cls(np.append(0.0, false), np.append(0.0, true))

    def true_positives_at(self, rate: float) -> float:
        """The true-positive rate at a false-positive rate.

        Between two thresholds it is on the line from one to the other, which is what choosing
        among rows of equal score at random gives.
        """
        # Of equal false-positive rates the last has most true positives, all for free.
        after = int(np.searchsorted(self.false_positives, rate, side="right"))
        if after == len(self.false_positives):
            return 1.0
        x0, x1 = self.false_positives[after - 1 : after + 1]
        y0, y1 = self.true_positives[after - 1 : after + 1]
        return float(y0 + (y1 - y0) * (rate - x0) / (x1 - x0))

    @property
    def area(self) -> float:
        """The probability that a member scores more than a non-member, ties counting half."""
        return float(np.trapezoid(self.true_positives, self.false_positives))

    def table(self, points: int) -> pd.DataFrame:
        """The curve at so many false-positive rates, close together near 0."""
        rates = np.append(0.0, np.geomspace(1e-5, 1, points - 1))
        return pd.DataFrame(
            {
                "false_positive_rate": rates,
                "true_positive_rate": [self.true_positives_at(rate) for rate in rates],
            }
        )


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
        value = self.curve.true_positives_at(RATE)
        member_group = group_of_rows(len(self.members), groups)
        other_group = group_of_rows(len(self.others), groups)

        def without_group(group: int) -> float:
            kept = Attack(self.members[member_group != group], self.others[other_group != group])
            return kept.curve.true_positives_at(RATE)

        low, high = jackknife_interval(value, without_group, groups)
        said = (
            f"{self.curve.true_positives_at(_LOWER_RATE):.2g} at a false-positive rate of 0.1 %; "
            f"area under the curve {self.curve.area:.3f}"
        )
        return Result(
            value,
            low,
            min(high, 1.0),
            float(np.mean(floors)),
            details={f"roc_{name}": self.curve.table(_POINTS).assign(attack=name)},
            note="; ".join(filter(None, (said, note))),
            floor_draws=tuple(floors),
        )
