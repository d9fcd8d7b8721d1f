"""WD: the Wasserstein distance of each numeric feature, on average.

For each feature the distance W₁ of the distribution functions of synthetic and real rows, taken on
the column's scale (the logarithm for heavy tails) in units of its standard deviation in
training. Features that do not vary there have no such unit and are left out, and so are those of
which a value far outside leaves one number of all others. The paper (arXiv 2410.07940, section 4)
reports a WD on a scale that its text does not give and on which a perfect sample scores about .87;
values here are not comparable to it.
"""

from dataclasses import replace

import numpy as np
from scipy.stats import wasserstein_distance

from redwood.evaluation.contract import Inapplicable, Result, Samples, deviation
from redwood.evaluation.results import over_features
from redwood.outliers import merging
from redwood.tables import scaled

TITLE = "WD"
UNIT = "training standard deviations"
ASPECT = "fidelity"
DIRECTION = "lower"
DEFINITION = (
    "Wasserstein distance (W₁) of each numeric feature, on its own scale (logarithmic for heavy "
    "tails) over its standard deviation in training; mean over the features."
)
EQUATION = r"\frac{1}{J} \sum_j \frac{1}{\sigma_j} \int |\tilde{F}_j(x) - F_j(x)| \, dx"


def measure(samples: Samples) -> Result:
    """The mean W₁ of synthetic against holdout rows."""
    if not samples.description.numeric_features:
        raise Inapplicable("the table has no numeric feature")
    frames = (samples.synthetic, samples.holdout, *samples.real_draws)
    features, left_out, unseen = [], [], []
    for column in samples.description.numeric_features:
        unit = deviation(samples.train, column)
        if unit == 0:
            left_out.append(f"{column.name}, constant in training")
            continue
        values = [scaled(frame, column) / unit for frame in frames]
        if merging(samples.train, column):
            left_out.append(f"{column.name}, all but one value of which are one in its unit")
        else:
            features.append((column.name, values, wasserstein_distance))
        if not _is_seen(*values[1:]):
            unseen.append(column.name)
    if not features:
        raise Inapplicable(f"no numeric feature varies in training: {'; '.join(left_out)}")
    found = over_features(samples, features, note="; ".join(f"without {one}" for one in left_out))
    if not unseen:
        return found
    return replace(
        found,
        warning=f"does not see {', '.join(unseen)}: extreme values there make the standard "
        "deviation so large that nine in ten rows might have the same value",
    )


def _is_seen(real: np.ndarray, *draws: np.ndarray) -> bool:
    """Whether the distance would leave its floor if the central nine tenths became one value.

    Args:
        real: values of the holdout rows, (rows,).
        draws: those of each draw of real rows, whose distances are the floor.
    """
    low, middle, high = np.quantile(real, [0.05, 0.5, 0.95])
    if low == high:
        return True
    collapsed = np.where((low <= real) & (real <= high), middle, real)
    floor = np.mean([wasserstein_distance(draw, real) for draw in draws])
    return bool(wasserstein_distance(collapsed, real) > floor)
