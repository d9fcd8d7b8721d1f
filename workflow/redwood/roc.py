"""ROC curves: how well a score tells which rows were in training.

Members were in training, the others were not. An attacker is sure only of the beginning of the
curve, the true-positive rate at a low false-positive rate (N. Carlini et al., Membership Inference
Attacks From First Principles, arXiv 2112.03570, section III).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd


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
        """The curve at `points` false-positive rates, close together near 0."""
        rates = np.append(0.0, np.geomspace(1e-5, 1, points - 1))
        return pd.DataFrame(
            {
                "false_positive_rate": rates,
                "true_positive_rate": [self.true_positives_at(rate) for rate in rates],
            }
        )


def area_under_curve(positive: np.ndarray, negative: np.ndarray) -> float:
    """The probability that a positive score exceeds a negative one, half of it where equal."""
    ranks = pd.Series(np.concatenate([positive, negative])).rank().to_numpy()
    least = len(positive) * (len(positive) + 1) / 2
    return float((ranks[: len(positive)].sum() - least) / (len(positive) * len(negative)))
