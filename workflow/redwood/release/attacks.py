"""The attackers: what tells that the rows of a unit were among those that a sample was made from.

An attacker knows the unit's rows, the sample, and real rows of the same law, and scores each row by
how much denser the sample is about it than real rows are, the score of
`redwood.evaluation.measures.attack_density`,

    ln d_real(x) − ln d_sample(x),

d being the distance to the closest row (DOMIAS: B. van Breugel et al., arXiv 2302.12580, equation
2). A surrogate may hide one side of a unit and give away another, so attackers look at different
columns:

* `rows`: all of them;
* `time`: the times alone;
* `marks`: all but the times;
* `time and COLUMN`: the times and one category, for each;
* `COLUMN`, `categories`: one category, all of them together: here the score is how much more
  frequent they are in the sample, ln p_sample(x) − ln p_real(x);
* `distance`: as `rows`, without real rows to compare with: −ln d_sample(x).

A unit's score is the mean over its rows for one attacker and the largest for another. One more
attacker learns from units of which it is known whether they were there: gradient-boosted trees over
all scores of a unit, each unit being scored by trees that were trained on others.

Columns that name units are not looked at: what is published has other names (`decision`).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from redwood.nearest import distance_to_closest, tuple_ids
from redwood.seeds import derive_seed
from redwood.tables import TableDescription

LEARNED = "learned"
CLOSEST = "distance"
# Beside it no distance that tells rows apart counts; it keeps the ratio of equal rows defined.
_LEAST = 1e-9
# Added to how often a category is met, so that one that is never met has a frequency, too.
_UNSEEN = 0.5
# Of the learned attacker: parts of the units, each scored by what was learned from the others.
_FOLDS = 5


def without_names(description: TableDescription) -> TableDescription:
    """The features but for those that name units."""
    return description.only(
        column.name for column in description.features if column.name not in description.units
    )


def row_scores(
    rows: pd.DataFrame, real: pd.DataFrame, made: pd.DataFrame, description: TableDescription
) -> dict[str, np.ndarray]:
    """What each attacker makes of rows.

    Args:
        rows: the rows of the units in question.
        real: real rows that are none of these units'.
        made: the sample.
        description: of the columns that the attackers see.

    Returns:
        Attacker → (rows,) float64, of which more speaks for a row that the sample was made from.
    """
    times = [column.name for column in description.columns if column.kind == "timestamp"]
    categories = [column.name for column in description.categorical_features]
    marks = [column.name for column in description.columns if column.name not in times]
    seen = {"rows": [column.name for column in description.columns]}
    if times and marks:
        seen |= {"time": times, "marks": marks}
        if len(marks) > 1:
            seen |= {f"time and {name}": [*times, name] for name in categories}
    scores = {}
    for attacker, names in seen.items():
        looked_at = description.only(names)
        of_real, of_made = (
            np.log(np.maximum(distance_to_closest(rows, reference, looked_at, real), _LEAST))
            for reference in (real, made)
        )
        scores[attacker] = of_real - of_made
        if attacker == "rows":
            scores[CLOSEST] = -of_made
    for name in categories:
        scores[name] = _more_frequent([name], rows, real, made)
    if len(categories) > 1:
        scores["categories"] = _more_frequent(categories, rows, real, made)
    return scores


def unit_scores(scores: Mapping[str, np.ndarray], unit: np.ndarray) -> pd.DataFrame:
    """The scores of units of those of their rows.

    Args:
        scores: attacker → (rows,).
        unit: the unit of each row, (rows,), from 0, each of which has a row.

    Returns:
        (units, twice the attackers): the mean and the largest of the rows, `ATTACKER, mean` and
        `ATTACKER, max`.
    """
    by_unit = pd.DataFrame(dict(scores)).groupby(unit, sort=True)
    return pd.concat(
        [by_unit.agg(how).add_suffix(f", {how}") for how in ("mean", "max")], axis="columns"
    )


def learned_scores(
    scores: pd.DataFrame,
    rows: np.ndarray,
    level: np.ndarray,
    member: np.ndarray,
    group: np.ndarray,
    seed: int,
) -> np.ndarray:
    """What boosted trees make of units by all scores, each by trees that were trained on others.

    Args:
        scores: (units, attackers).
        rows: how many rows each has, (units,).
        level: what each is one of, (units,), as numbers.
        member: whether it was there, (units,) bool.
        group: units that are in the same part, (units,), as numbers.
        seed: of the parts.

    Returns:
        (units,) log-odds of having been there; 0 where there are too few units to learn from.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    inputs = np.column_stack([scores.to_numpy(), np.log(rows), level])
    groups, place = np.unique(group, return_inverse=True)
    random = np.random.default_rng(derive_seed(seed, "learned"))
    fold = (random.permutation(len(groups)) % _FOLDS)[place]
    learned = np.zeros(len(inputs))
    for number in range(_FOLDS):
        unseen = fold == number
        if not unseen.any() or len(np.unique(member[~unseen])) < 2:
            continue
        # Small trees and many of their kind: there are hundreds of units, not thousands.
        trees = HistGradientBoostingClassifier(
            max_iter=60,
            learning_rate=0.08,
            max_leaf_nodes=6,
            min_samples_leaf=10,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=derive_seed(seed, "learned", number) % 2**31,
        )
        trees.fit(inputs[~unseen], member[~unseen])
        learned[unseen] = trees.decision_function(inputs[unseen])
    return learned


def _more_frequent(
    names: list[str], rows: pd.DataFrame, real: pd.DataFrame, made: pd.DataFrame
) -> np.ndarray:
    """ln of how much more frequent the categories of each row are in the sample, (rows,)."""
    frames = [frame[names] for frame in (rows, real, made)]
    together = pd.concat(frames, ignore_index=True)
    ids = tuple_ids([together[name].to_numpy() for name in names], len(together))
    asked, of_real, of_made = np.split(ids, np.cumsum([len(rows), len(real)]))
    known = ids.max() + 1
    of_real, of_made = (np.bincount(found, minlength=known) for found in (of_real, of_made))
    smoothed = [(n + _UNSEEN) / (n.sum() + _UNSEEN * known) for n in (of_made, of_real)]
    return (np.log(smoothed[0]) - np.log(smoothed[1]))[asked]
