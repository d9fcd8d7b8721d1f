"""WD: the Wasserstein distance of each numeric feature, on average.

For a feature with distribution functions F (synthetic) and G (real), W₁ = ∫ |F(x) − G(x)| dx, taken
on the column's scale (the logarithm for heavy tails) in units of its standard deviation in
training; features that do not vary there have no such unit and are left out. The paper (arXiv
2410.07940, section 4) reports a WD on a scale that its text does not give and on which a perfect
sample scores about .87; values here are not comparable to it.
"""

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from redwood.evaluation.contract import Inapplicable, Result, Samples, deviation
from redwood.evaluation.intervals import group_of_rows, jackknife_interval
from redwood.tables import scaled

TITLE = "WD"
UNIT = "training standard deviations"
ASPECT = "fidelity"
DIRECTION = "lower"
DEFINITION = (
    "Wasserstein distance (W₁) of each numeric feature, on its own scale (logarithmic for heavy "
    "tails) over its standard deviation in training; mean over the features."
)


def measure(samples: Samples) -> Result:
    """The mean W₁ of synthetic against holdout rows."""
    if not samples.description.numeric_features:
        raise Inapplicable("the table has no numeric feature")
    units = {
        column: deviation(samples.train, column) for column in samples.description.numeric_features
    }
    features = [column for column, unit in units.items() if unit > 0]
    if not features:
        raise Inapplicable("no numeric feature varies in training")
    real, synthetic, *draws = (
        [scaled(frame, column) / units[column] for column in features]
        for frame in (samples.holdout, samples.synthetic, *samples.real_draws)
    )
    values = _distances(synthetic, real)
    floors = np.array([_distances(draw, real) for draw in draws])
    real_groups = group_of_rows(len(samples.holdout), samples.groups)
    groups = group_of_rows(len(samples.synthetic), samples.groups)

    def without_group(group: int) -> float:
        kept, kept_real = groups != group, real_groups != group
        return _distances([x[kept] for x in synthetic], [x[kept_real] for x in real]).mean()

    low, high = jackknife_interval(values.mean(), without_group, samples.groups)
    names = [column.name for column in features]
    columns = pd.DataFrame({"column": names, "value": values, "floor": floors.mean(axis=0)})
    constant = [column.name for column, unit in units.items() if unit == 0]
    note = f"without {', '.join(constant)}, constant in training" if constant else ""
    of_draws = tuple(floors.mean(axis=1))
    return Result(
        values.mean(), low, high, np.mean(of_draws), columns, note=note, floor_draws=of_draws
    )


def _distances(left: list[np.ndarray], right: list[np.ndarray]) -> np.ndarray:
    return np.array([wasserstein_distance(x, y) for x, y in zip(left, right, strict=True)])
