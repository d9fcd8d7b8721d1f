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
from redwood.evaluation.intervals import group_of_rows, jackknife_interval
from redwood.progress import ProgressReport

TITLE = "diff-CORR"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "lower"
DEFINITION = (
    "Mean absolute difference of the associations of all pairs of features: Pearson's r (numeric), "
    "Theil's U (categorical, both directions), correlation ratio η (mixed)."
)


def measure(samples: Samples) -> Result:
    """The mean absolute difference of synthetic against holdout rows, and both matrices."""
    description = samples.description
    if len(description.features) < 2:
        raise Inapplicable("the table has fewer than two features")
    of_real = Associations(samples.holdout, description)
    of_synthetic = Associations(samples.synthetic, description)
    real = of_real.values(np.ones(len(samples.holdout), bool))
    synthetic = of_synthetic.values(np.ones(len(samples.synthetic), bool))
    draws = [
        Associations(draw, description).values(np.ones(len(draw), bool))
        for draw in samples.real_draws
    ]
    real_groups = group_of_rows(len(samples.holdout), samples.groups)
    groups = group_of_rows(len(samples.synthetic), samples.groups)

    def without_group(group: int) -> float:
        left = of_synthetic.values(groups != group)
        right = of_real.values(real_groups != group)
        report.advance()
        return float(np.abs(left - right).mean())

    value = float(np.abs(synthetic - real).mean())
    with ProgressReport("interval of the associations", samples.groups, "groups") as report:
        low, high = jackknife_interval(value, without_group, samples.groups)
    matrix = pd.DataFrame(pairs(description), columns=["a", "b", "kind"])
    matrix = matrix.assign(real=real, synthetic=synthetic, floor=draws[0])
    floors = tuple(np.abs(draw - real).mean() for draw in draws)
    details = {"association": matrix}
    return Result(value, low, high, np.mean(floors), details=details, floor_draws=floors)
