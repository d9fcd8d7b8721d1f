"""JSD: the Jensen-Shannon distance of each categorical feature, on average.

For category shares p (synthetic) and q (real) over the union of their categories and m = (p + q)/2,
JSD = √(½ KL(p‖m) + ½ KL(q‖m)) with logarithms to base 2 (D. Endres and J. Schindelin, IEEE Trans.
Inf. Theory 49 (2003) 1858), the distance that SciPy computes. In [0, 1]. The paper (arXiv
2410.07940, section 4) reports a JSD on a scale that its text does not give and on which a perfect
sample scores about .80; values here are not comparable to it.
"""

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.intervals import group_of_rows, jackknife_interval
from redwood.tables import category_codes

TITLE = "JSD"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "lower"
DEFINITION = (
    "Jensen-Shannon distance (base 2, in [0, 1]) of each categorical feature over the union of its "
    "categories; mean over the features."
)


def measure(samples: Samples) -> Result:
    """The mean distance of synthetic against holdout rows."""
    features = samples.description.categorical_features
    if not features:
        raise Inapplicable("the table has no categorical feature")
    real_groups = group_of_rows(len(samples.holdout), samples.groups)
    groups = group_of_rows(len(samples.synthetic), samples.groups)
    values, floors, without = [], [], np.zeros((len(features), samples.groups))
    for i, column in enumerate(features):
        (synthetic, real, *draws), size = category_codes(
            column, samples.synthetic, samples.holdout, *samples.real_draws
        )
        values.append(_distance(synthetic, real, size))
        floors.append([_distance(draw, real, size) for draw in draws])
        for group in range(samples.groups):
            kept, kept_real = synthetic[groups != group], real[real_groups != group]
            without[i, group] = _distance(kept, kept_real, size)
    value = float(np.mean(values))
    means = without.mean(axis=0)
    low, high = jackknife_interval(value, lambda group: means[group], samples.groups)
    names = [column.name for column in features]
    columns = pd.DataFrame({"column": names, "value": values, "floor": np.mean(floors, axis=1)})
    of_draws = tuple(np.mean(floors, axis=0))
    return Result(value, low, high, np.mean(of_draws), columns, floor_draws=of_draws)


def _distance(left: np.ndarray, right: np.ndarray, categories: int) -> float:
    shares = (np.bincount(codes, minlength=categories) for codes in (left, right))
    return float(jensenshannon(*shares, base=2))
