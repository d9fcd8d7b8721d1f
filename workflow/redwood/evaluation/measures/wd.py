"""WD: the Wasserstein distance of each numeric feature, on average.

For a feature with distribution functions F (synthetic) and G (real), W₁ = ∫ |F(x) − G(x)| dx, taken
on the column's scale (the logarithm for heavy tails) in units of its standard deviation in
training. The paper (arXiv 2410.07940, section 4) reports a WD on a scale that its text does not
give and on which a perfect sample scores about .87; values here are not comparable to it.
"""

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from redwood.evaluation.contract import Inapplicable, Result, Samples, scaled
from redwood.evaluation.intervals import group_of_rows, jackknife_interval

TITLE = "WD"
UNIT = "training standard deviations"
DIRECTION = "lower"
DEFINITION = (
    "Wasserstein distance (W₁) of each numeric feature, on its own scale (logarithmic for heavy "
    "tails) over its standard deviation in training; mean over the features."
)


def measure(samples: Samples) -> Result:
    """The mean W₁ of synthetic against holdout rows."""
    features = samples.description.numeric_features
    if not features:
        raise Inapplicable("the table has no numeric feature")
    real, synthetic, fresh = [], [], []
    for column in features:
        deviation = scaled(samples.train, column).std() or 1.0
        real.append(scaled(samples.holdout, column) / deviation)
        synthetic.append(scaled(samples.synthetic, column) / deviation)
        fresh.append(scaled(samples.fresh, column) / deviation)
    values = _distances(synthetic, real)
    floors = _distances(fresh, real)
    real_groups = group_of_rows(len(samples.holdout), samples.groups)
    groups = group_of_rows(len(samples.synthetic), samples.groups)

    def without_group(group: int) -> float:
        kept, kept_real = groups != group, real_groups != group
        return _distances([x[kept] for x in synthetic], [x[kept_real] for x in real]).mean()

    low, high = jackknife_interval(values.mean(), without_group, samples.groups)
    names = [column.name for column in features]
    columns = pd.DataFrame({"column": names, "value": values, "floor": floors})
    return Result(values.mean(), low, high, floors.mean(), columns)


def _distances(left: list[np.ndarray], right: list[np.ndarray]) -> np.ndarray:
    return np.array([wasserstein_distance(x, y) for x, y in zip(left, right, strict=True)])
