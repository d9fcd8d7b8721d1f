"""Detection: how well a classifier tells two samples apart (a classifier two-sample test).

Equally many rows of both samples are divided into folds. Gradient-boosted trees that were trained
on the other folds score the rows of a fold, so that no score comes from a model that knew the row.
The area under the ROC curve (AUC) of all scores is the probability that a row of one sample looks
more like that sample than a row of the other does: 1/2 if nothing tells them apart, 1 if every row
does (D. Lopez-Paz and M. Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Arrays, Inapplicable, Result, Samples
from redwood.evaluation.results import result
from redwood.progress import ProgressReport
from redwood.roc import area_under_curve
from redwood.seeds import derive_seed
from redwood.tables import TableDescription, scaled, to_numbers

# Five parts, as usual: each classifier learns from four fifths of the rows.
_FOLDS = 5
# A leaf takes 20 rows, so that of 27 rows of each sample no tree has a branch: the AUC is 1/2 even
# if the samples share no value. From 30 on it is then 1.
LEAST_ROWS = 50
# Folds in time are made of stretches: at most 50, each of at least 80 rows.
_STRETCHES, _ROWS_PER_STRETCH = 50, 80
# The trees know at most 255 categories of a feature; one of them stands for all rare ones.
_CATEGORIES = 254
# A number that at least ten rows share is also offered as a category: trees see numbers in bins.
_FREQUENT = 10
# With fewer numbers than that all may be among the rows that tell when to stop learning.
_LEAST_KNOWN = 20
# Rows of each fold that suffice to say which features matter.
_ROWS_FOR_DROPS = 1000
# Features without which the AUC falls by less are not worth a mention.
_NOTEWORTHY = 0.005


@dataclass(frozen=True)
class Detection:
    """What classifiers made of two samples of n rows each.

    Attributes:
        scores: (2, n) the log-odds, out of fold, of being of the left sample: of the left rows, of
            the right ones, both in their order.
        folds: (2, n) the fold of each row.
        drops: by feature, how much the AUC of a fold falls on average if the rows exchange that
            feature's values.
    """

    scores: np.ndarray
    folds: np.ndarray
    drops: pd.Series

    def auc(self, kept: np.ndarray | slice = slice(None)) -> float:
        """The mean AUC of the folds, over the `kept` ones of the n rows of both samples.

        Scores of different folds are not compared: each is of a classifier that learned from the
        rows of the other, which would bias the AUC (A. Airola et al., Comput. Stat. Data Anal. 55
        (2011) 1828). A fold in which one sample has no row says nothing.
        """
        aucs = []
        for fold in range(_FOLDS):
            left, right = self.scores[:, kept]
            of_left, of_right = self.folds[:, kept] == fold
            if of_left.any() and of_right.any():
                aucs.append(area_under_curve(left[of_left], right[of_right]))
        return float(np.mean(aucs))


def detect(
    left: pd.DataFrame,
    right: pd.DataFrame,
    seed: int,
    times: tuple[np.ndarray, np.ndarray] | None = None,
) -> Detection:
    """Tell two samples apart by gradient-boosted trees, each row scored out of fold.

    Args:
        left, right: (n rows) features of the two samples; those of `object` type are categories,
            all others numbers, where NaN is a value of its own.
        times: of the left and of the right rows, (n,) each, for features that neighbours in time
            share. The folds are then stretches of time, the same for both samples, so that no row
            is scored by what was learned from its neighbours. At random if `None`.
    """
    rows = len(left)
    inputs, feature_of_input, categorical = _inputs(pd.concat([left, right], ignore_index=True))
    is_left = np.arange(2 * rows) < rows
    random = np.random.default_rng(seed)
    if times is None:
        folds = np.concatenate([random.permutation(rows) % _FOLDS for _ in range(2)])
    else:
        folds = _folds_in_time(np.concatenate(times), random)
    scores = np.empty(2 * rows)
    drops = np.zeros(left.shape[1])
    with ProgressReport("telling samples apart", _FOLDS, "folds") as report:
        for number in range(_FOLDS):
            unseen = folds == number
            shown = _with_values(inputs, ~unseen)
            classifier = _classifier(categorical, derive_seed(seed, number))
            classifier.fit(shown[~unseen], is_left[~unseen])
            scores[unseen] = classifier.decision_function(shown[unseen])
            some = random.permutation(np.flatnonzero(unseen))[:_ROWS_FOR_DROPS]
            drops += _drops(classifier, shown[some], is_left[some], feature_of_input)
            report.advance()
    by_feature = pd.Series(drops / _FOLDS, index=left.columns)
    return Detection(scores.reshape(2, rows), folds.reshape(2, rows), by_feature)


def detection_result(
    samples: Samples,
    name: str,
    features: Sequence[pd.DataFrame],
    times: Sequence[np.ndarray] | None = None,
) -> Result:
    """The AUC of telling synthetic from real rows; as its floor that of each draw of real ones.

    The interval is over the rows, the classifiers as trained.

    Args:
        name: the measure's.
        features: of synthetic and holdout rows and each draw of real ones, as many each, in time
            order.
        times: of the same rows, as for `detect`.

    Raises:
        Inapplicable: the samples are too small for trees.
    """
    if len(features[0]) < LEAST_ROWS:
        raise Inapplicable(
            f"there are {len(features[0])} rows of each sample to tell apart, of which trees learn "
            f"nothing; expected at least {LEAST_ROWS}"
        )
    seed = derive_seed(samples.seed, "detection")
    real = features[1]

    def told_from_real(sample: int) -> Detection:
        both = None if times is None else (times[sample], times[1])
        return detect(features[sample], real, seed, both)

    def of_draws() -> Arrays:
        draws = [told_from_real(sample) for sample in range(2, len(features))]
        return {
            "auc": np.array([draw.auc() for draw in draws]),
            "drops": np.array([draw.drops for draw in draws]),
        }

    found = told_from_real(0)
    draws = samples.once(name, of_draws)
    columns = pd.DataFrame(
        {
            "column": found.drops.index,
            "value": found.drops,
            "floor": draws["drops"].mean(axis=0),
        }
    )
    return result(
        found.auc,
        (np.arange(len(real)),),
        samples.groups,
        floor_draws=draws["auc"].tolist(),
        most=1.0,
        columns=columns,
        note=_note(found.drops),
    )


def row_features(frame: pd.DataFrame, description: TableDescription) -> pd.DataFrame:
    """Each row by itself: numbers on their scale, categories; of timestamps also hour and weekday.

    The hour of the day is a fraction, in [0, 24); Monday is 0.
    """
    features: dict[str, Any] = {}
    for column in description.features:
        if column.is_categorical:
            features[column.name] = frame[column.name].astype(object)
            continue
        features[column.name] = scaled(frame, column)
        if column.kind == "timestamp":
            hours = to_numbers(frame[column.name], column) / 3600
            features[f"hour of {column.name}"] = hours % 24
            # 1970-01-01 was a Thursday.
            features[f"weekday of {column.name}"] = (hours // 24 + 3) % 7
    return pd.DataFrame(features)


def _folds_in_time(times: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The fold of each row: of consecutive stretches with as many rows each, every fifth is one.

    Rows of the same time at random, so that all of a time do not fall into one fold.
    """
    rows = len(times)
    place = np.empty(rows, np.int64)
    place[np.lexsort((random.random(rows), times))] = np.arange(rows)
    stretches = int(np.clip(rows // _ROWS_PER_STRETCH, 2 * _FOLDS, _STRETCHES))
    return place * stretches // rows % _FOLDS


def _inputs(features: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features as the trees take them.

    Returns:
        (rows, inputs) numbers and codes; (inputs,) which feature each is of; (inputs,) whether it
        is categorical.
    """
    inputs, feature_of_input, categorical = [], [], []
    for number, (_, values) in enumerate(features.items()):
        nominal = values.dtype == object
        codes = _codes(values, 1 if nominal else _FREQUENT)
        if not nominal:
            inputs.append(values.to_numpy(np.float64))
            feature_of_input.append(number)
            categorical.append(False)
        if nominal or codes.any():
            inputs.append(codes)
            feature_of_input.append(number)
            categorical.append(True)
    return np.column_stack(inputs), np.array(feature_of_input), np.array(categorical)


def _with_values(inputs: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """`inputs`, of those with next to no number among the rows learned from only where one is.

    The trees cannot bin an input without any, and they learn from a part of these rows.
    """
    known = ~np.isnan(inputs)
    few = known[learned].sum(axis=0) < _LEAST_KNOWN
    return np.where(few, known, inputs) if few.any() else inputs


def _codes(values: pd.Series, least: int) -> np.ndarray:
    """The most frequent values, in at least `least` rows each, as codes from 1, all others as 0."""
    codes, _ = pd.factorize(values)
    counts = np.bincount(codes[codes >= 0], minlength=1)
    frequent = np.argsort(-counts, kind="stable")[:_CATEGORIES]
    frequent = frequent[counts[frequent] >= least]
    code_of = np.zeros(len(counts) + 1)
    code_of[frequent] = np.arange(len(frequent)) + 1
    return code_of[codes]  # that of NaN is -1, the last, which is 0


def _classifier(categorical: np.ndarray, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Trees are added until the loss on a tenth of the rows no longer falls: samples that are far
    # apart deserve many, of samples that are alike more would only learn the noise. All else is
    # scikit-learn's default but for the number of leaves, 63 instead of 31, and the learning rate,
    # 0.2 instead of 0.1, at which half the trees suffice. None of it matters much: of 6,000 rows of
    # SMOTE on generated jobs, the AUC is .887 with 31 leaves, .889 with 63 and .892 with 127, the
    # same with 100 and with 1,000 trees, and .891 if three times as many rounds without a gain are
    # waited for. Of 11,914 rows of independent columns it is .988 with all 300 trees at a rate of
    # 0.1 and .987 with some 170 at 0.2.
    return HistGradientBoostingClassifier(
        max_iter=300,
        learning_rate=0.2,
        max_leaf_nodes=63,
        categorical_features=categorical,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        random_state=seed % 2**31,
    )


def _drops(
    classifier: Any,
    inputs: np.ndarray,
    is_left: np.ndarray,
    feature_of_input: np.ndarray,
) -> np.ndarray:
    """How much the AUC of rows in random order falls if they exchange a feature's values.

    (features,). Each row takes the value of the next. 0 where all rows are of one sample.
    """
    features = feature_of_input[-1] + 1
    if is_left.all() or not is_left.any():
        return np.zeros(features)

    # Of all features at once: each call of the trees costs as much as some hundred rows.
    exchanged = np.tile(inputs, (1 + features, 1, 1))
    for feature in range(features):
        of_feature = np.flatnonzero(feature_of_input == feature)
        exchanged[1 + feature][:, of_feature] = np.roll(inputs[:, of_feature], 1, axis=0)
    scores = classifier.decision_function(exchanged.reshape(-1, inputs.shape[1]))
    known, *aucs = (
        area_under_curve(one[is_left], one[~is_left]) for one in scores.reshape(1 + features, -1)
    )
    return known - np.array(aucs)


def _note(drops: pd.Series) -> str:
    largest = drops.sort_values(ascending=False, kind="stable")[:3]
    named = [f"{name} ({drop:.3f})" for name, drop in largest.items() if drop >= _NOTEWORTHY]
    if not named:
        return "no single feature tells the samples apart"
    return f"told by {', '.join(named)}: by how much the AUC falls without"
