"""diff-MLEF: what a model loses that is trained on synthetic rows in place of real ones.

CatBoost regression of the target from all other features is trained on synthetic and on as many
real rows; both are tested on the holdout. MLEF is the root mean squared error of the target on its
scale, in units of its standard deviation in training; diff-MLEF is |MLEF(synthetic) − MLEF(real)|.
The paper (arXiv 2410.07940, section 4) predicts the workload by CatBoost, too, in an error unit it
does not give. The floor is the difference of models trained on different real rows: the mean
over their pairs, as that of a single pair may be next to nothing by chance.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples, deviation, scaled
from redwood.evaluation.intervals import group_of_rows, jackknife_interval
from redwood.progress import ProgressReport
from redwood.seeds import derive_seed
from redwood.tables import TableDescription

TITLE = "diff-MLEF"
UNIT = "training standard deviations"
DIRECTION = "lower"
DEFINITION = (
    "Difference of the root mean squared errors, on the holdout, of two CatBoost regressions of "
    "the target, trained on synthetic and on as many real rows; the target on its own scale over "
    "its standard deviation in training."
)


def measure(samples: Samples) -> Result:
    """The difference of the errors; the interval is over holdout rows, models as trained."""
    description = samples.description
    target = description[samples.target]
    if len(description.features) < 2:
        raise Inapplicable("the table has fewer than two features")
    unit = deviation(samples.train, target)
    if unit == 0:
        raise Inapplicable(f"the target {target.name!r} does not vary in training")
    truth = scaled(samples.holdout, target)
    trained_on = (samples.synthetic, samples.fresh, *samples.others)
    squares = []
    with ProgressReport("regressions of the target", len(trained_on), "models") as report:
        for rows in trained_on:
            squares.append(((_predict(rows, samples) - truth) / unit) ** 2)
            report.advance()
    synthetic, real = squares[:2]

    def difference(left: np.ndarray, right: np.ndarray) -> float:
        return float(abs(np.sqrt(left.mean()) - np.sqrt(right.mean())))

    groups = group_of_rows(len(truth), samples.groups)
    value = difference(synthetic, real)
    low, high = jackknife_interval(
        value,
        lambda group: difference(synthetic[groups != group], real[groups != group]),
        samples.groups,
    )
    floor = np.mean([difference(a, b) for a, b in combinations(squares[1:], 2)])
    return Result(
        value,
        low,
        high,
        float(floor),
        note=f"MLEF {np.sqrt(synthetic.mean()):.4f} trained on synthetic, "
        f"{np.sqrt(real.mean()):.4f} on real rows; target {target.name}",
    )


def _predict(rows: pd.DataFrame, samples: Samples) -> np.ndarray:
    """The target of the holdout rows, on its scale, by a model trained on `rows`: (holdout rows,).

    The mean of the target if nothing varies that could be learned, which CatBoost refuses.
    """
    from catboost import CatBoostRegressor

    target = samples.description[samples.target]
    values = scaled(rows, target)
    predictors = _predictors(rows, samples.description, target.name)
    if np.ptp(values) == 0 or predictors.nunique().max() == 1:
        return np.full(len(samples.holdout), values.mean())
    model = CatBoostRegressor(
        iterations=300,
        depth=6,
        learning_rate=0.1,
        # Combinations of categories multiply the time and, on tables of this kind, gain nothing.
        max_ctr_complexity=1,
        random_seed=derive_seed(samples.seed, "diff_mlef") % 2**31,
        # The result depends on the number of threads.
        thread_count=1,
        allow_writing_files=False,
        logging_level="Silent",
    )
    categorical = [
        column.name
        for column in samples.description.categorical_features
        if column.name != target.name
    ]
    model.fit(predictors, values, cat_features=categorical)
    return model.predict(_predictors(samples.holdout, samples.description, target.name))


def _predictors(frame: pd.DataFrame, description: TableDescription, target: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            column.name: frame[column.name] if column.is_categorical else scaled(frame, column)
            for column in description.features
            if column.name != target
        }
    )
