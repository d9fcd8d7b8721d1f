"""WD: the Wasserstein distance of each numeric feature, on average.

For a feature with distribution functions F (synthetic) and G (real), W₁ = ∫ |F(x) − G(x)| dx, taken
on the column's scale (the logarithm for heavy tails) in units of its standard deviation in
training; features that do not vary there have no such unit and are left out. The paper (arXiv
2410.07940, section 4) reports a WD on a scale that its text does not give and on which a perfect
sample scores about .87; values here are not comparable to it.
"""

from scipy.stats import wasserstein_distance

from redwood.evaluation.contract import Inapplicable, Result, Samples, deviation
from redwood.evaluation.results import over_features
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
    frames = (samples.synthetic, samples.holdout, *samples.real_draws)
    constant = [column.name for column, unit in units.items() if unit == 0]
    return over_features(
        samples,
        (
            (
                column.name,
                [scaled(frame, column) / units[column] for frame in frames],
                wasserstein_distance,
            )
            for column in features
        ),
        note=f"without {', '.join(constant)}, constant in training" if constant else "",
    )
