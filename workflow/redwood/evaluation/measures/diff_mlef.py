"""diff-MLEF: what a model loses that is trained on synthetic rows in place of real ones.

CatBoost regression of the target from all other features is trained on synthetic and on as many
real rows; both are tested on the holdout. MLEF is the root mean squared error of the target on its
scale, in units of its standard deviation in training; diff-MLEF is |MLEF(synthetic) − MLEF(real)|.
The paper (arXiv 2410.07940, section 4) predicts the workload by CatBoost, too, in an error unit it
does not give. The floor is that of models trained on different real rows (see
`redwood.evaluation.efficacy`).
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples, deviation
from redwood.evaluation.efficacy import (
    catboost_settings,
    categorical_predictors,
    difference_of_errors,
    predictors,
)
from redwood.seeds import derive_seed
from redwood.tables import scaled

TITLE = "diff-MLEF"
UNIT = "training standard deviations"
ASPECT = "utility"
DIRECTION = "lower"
COSTLY_FLOOR = True
DEFINITION = (
    "Difference of the root mean squared errors, on the holdout, of two CatBoost regressions of "
    "the target, trained on synthetic and on as many real rows; the target on its own scale over "
    "its standard deviation in training."
)
EQUATION = (
    r"|\mathrm{MLEF}(\tilde{x}) - \mathrm{MLEF}(x)|, \quad"
    r" \mathrm{MLEF} = \frac{1}{\sigma} \sqrt{\frac{1}{n} \sum_i (\hat{y}_i - y_i)^2}"
)


def measure(samples: Samples) -> Result:
    """The difference of the errors; the interval is over holdout rows, models as trained."""
    numeric = {column.name: column for column in samples.description.numeric_features}
    if samples.target not in numeric:
        raise Inapplicable(
            f"the target {samples.target!r} is no numeric feature of the table; evaluation.target "
            f"may be one of {', '.join(numeric)}"
            if numeric
            else "the table has no numeric feature"
        )
    target = numeric[samples.target]
    if len(samples.description.features) < 2:
        raise Inapplicable("the table has fewer than two features")
    unit = deviation(samples.train, target)
    if unit == 0:
        raise Inapplicable(f"the target {target.name!r} does not vary in training")
    truth = scaled(samples.holdout, target)
    return difference_of_errors(
        samples, "diff_mlef", target, lambda rows: ((_predict(rows, samples) - truth) / unit) ** 2
    )


def _predict(rows: pd.DataFrame, samples: Samples) -> np.ndarray:
    """The target of the holdout rows, on its scale, by a model trained on `rows`: (holdout rows,).

    The mean of the target if nothing varies that could be learned, which CatBoost refuses.
    """
    from catboost import CatBoostRegressor

    description = samples.description
    target = description[samples.target]
    values = scaled(rows, target)
    known = predictors(rows, samples, target)
    if np.ptp(values) == 0 or known.nunique().max() == 1:
        return np.full(len(samples.holdout), values.mean())
    model = CatBoostRegressor(**catboost_settings(derive_seed(samples.seed, "diff_mlef")))
    model.fit(known, values, cat_features=categorical_predictors(description, target))
    return model.predict(predictors(samples.holdout, samples, target))
