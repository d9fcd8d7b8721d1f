"""diff-MLEF of classes: what a classifier loses that is trained on synthetic rows, not real ones.

CatBoost classification of the class target, such as the final state of a job, from all other
features is trained on synthetic and on as many real rows; both are tested on the holdout. MLEF is
the root of the Brier score of the classes' probabilities (G. W. Brier, Monthly Weather Review 78
(1950) 1); diff-MLEF is |MLEF(synthetic) − MLEF(real)|, in [0, √2]. The score is proper, so that no
probabilities but the true ones have a lower one on average, and it is bounded: a class that the
rows trained on lack has p = 0, where a logarithmic score would be infinite. The floor is that of
models trained on different real rows (see `redwood.evaluation.efficacy`). The paper (arXiv
2410.07940) predicts the workload only.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.efficacy import (
    catboost_settings,
    categorical_predictors,
    difference_of_errors,
    predictors,
)
from redwood.seeds import derive_seed
from redwood.tables import Column

TITLE = "diff-MLEF, classes"
UNIT = "1"
ASPECT = "utility"
DIRECTION = "lower"
COSTLY_FLOOR = True
DEFINITION = (
    "Difference of the roots of the Brier scores, on the holdout, of two CatBoost classifiers of "
    "the class target, trained on synthetic and on as many real rows; 0 for probabilities that "
    "are as good, at most √2."
)
EQUATION = (
    r"|\mathrm{MLEF}(\tilde{x}) - \mathrm{MLEF}(x)|, \quad"
    r" \mathrm{MLEF} = \sqrt{\frac{1}{n} \sum_i \sum_c (p_{ic} - 1[y_i = c])^2}"
)


def measure(samples: Samples) -> Result:
    """The difference of the errors; the interval is over holdout rows, models as trained."""
    description = samples.description
    for target in description.categorical_features:
        if target.name == samples.target_class:
            break
    else:
        raise Inapplicable(
            f"the class target {samples.target_class!r} is no categorical feature of the table"
        )
    if len(description.features) < 2:
        raise Inapplicable("the table has fewer than two features")

    def losses(rows: pd.DataFrame) -> np.ndarray:
        shares, classes = _class_shares(rows, samples, target)
        return brier_losses(shares, classes.get_indexer(samples.holdout[target.name]))

    return difference_of_errors(samples, "diff_mlef_class", target, losses)


def brier_losses(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Σ_c (p_c − 1[y = c])² of each row, in [0, 2]: (rows,).

    Args:
        probabilities: (rows, classes), each row summing to 1.
        truth: (rows,) the number of each row's class; -1 for one that has no probability.
    """
    of_truth = probabilities[np.arange(len(truth)), truth]
    return (probabilities**2).sum(axis=1) + 1 - 2 * np.where(truth < 0, 0, of_truth)


def _class_shares(
    rows: pd.DataFrame, samples: Samples, target: Column
) -> tuple[np.ndarray, pd.Index]:
    """The probabilities of the holdout rows' classes by a model trained on `rows`, and the classes.

    (holdout rows, classes). Those of all `rows` if nothing varies that could be learned, which
    CatBoost refuses.
    """
    from catboost import CatBoostClassifier

    description = samples.description
    codes, classes = pd.factorize(rows[target.name], sort=True)
    known = predictors(rows, samples, target)
    if len(classes) == 1 or known.nunique().max() == 1:
        shares = np.bincount(codes) / len(codes)
        return np.tile(shares, (len(samples.holdout), 1)), pd.Index(classes)
    settings = catboost_settings(derive_seed(samples.seed, "diff_mlef_class"))
    # A tree for each class takes its time: half as many, each twice as much.
    settings |= {"iterations": 150, "learning_rate": 0.2}
    model = CatBoostClassifier(loss_function="MultiClass", **settings)
    model.fit(known, codes, cat_features=categorical_predictors(description, target))
    shares = model.predict_proba(predictors(samples.holdout, samples, target))
    return shares, pd.Index(classes)
