"""diff-CORR: how much the associations of the features differ, on average.

Pearson's r for two numeric features (on their scales), Theil's U for two categorical ones (in both
directions), the correlation ratio η for one of each; the mean of |synthetic − real| over all
ordered pairs of different features. The paper (arXiv 2410.07940, section 4) uses the same three;
how it averages is not said.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.association import Associations, pairs
from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.results import result
from redwood.progress import ProgressReport

TITLE = "diff-CORR"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "lower"
DEFINITION = (
    "Mean absolute difference of the associations of all pairs of features: Pearson's r (numeric), "
    "Theil's U (categorical, both directions), correlation ratio η (mixed)."
)
EQUATION = (
    r"\frac{1}{J (J - 1)} \sum_{a \ne b} |\tilde{\rho}_{ab} - \rho_{ab}|,"
    r" \quad \rho \in \{r, U, \eta\}"
)


def measure(samples: Samples) -> Result:
    """The mean absolute difference of synthetic against holdout rows, and both matrices."""
    description = samples.description
    if len(description.features) < 2:
        raise Inapplicable("the table has fewer than two features")
    of_real = Associations(samples.holdout, description)
    of_synthetic = Associations(samples.synthetic, description)
    real, synthetic = of_real.values(), of_synthetic.values()
    draws = [Associations(draw, description).values() for draw in samples.real_draws]

    def difference(of_synthetic_rows: np.ndarray, of_real_rows: np.ndarray) -> float:
        left, right = of_synthetic.values(of_synthetic_rows), of_real.values(of_real_rows)
        report.advance()
        return float(np.abs(left - right).mean())

    matrix = pd.DataFrame(pairs(description), columns=["a", "b", "kind"])
    matrix = matrix.assign(real=real, synthetic=synthetic, floor=draws[0])
    with ProgressReport("associations of the features", 1 + samples.groups, "times") as report:
        return result(
            difference,
            (np.arange(len(samples.synthetic)), np.arange(len(samples.holdout))),
            samples.groups,
            floor_draws=[float(np.abs(draw - real).mean()) for draw in draws],
            details={"association": matrix},
        )
