"""Machine-learning efficacy: what models lose that learn from synthetic rows in place of real ones.

A model of one feature from all others is trained on synthetic and on as many real rows, on at most
50,000 of each; both are tested on the holdout. The error is the root of a mean loss of the holdout
rows; what counts is by how much the errors of the two differ (L. Xu et al., Modeling Tabular Data
using Conditional GAN, arXiv 1907.00503, section 5). The models are CatBoost's (L. Prokhorenkova et
al., arXiv 1706.09516).
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import result
from redwood.progress import ProgressReport
from redwood.seeds import generator
from redwood.tables import Column, TableDescription, scaled

_MOST_LEARNED = 50_000


def catboost_settings(seed: int) -> dict[str, Any]:
    """The settings of a CatBoost model of any kind.

    The depth is CatBoost's default. Of its default of 1,000 trees, 300 suffice at this rate:
    learned from 20,000 generated jobs, the error is .410; with 1,000 trees it is .438 at the same
    rate and .416 at a third of it, with a depth of 8 it is .408.
    """
    return {
        "iterations": 300,
        "depth": 6,
        "learning_rate": 0.1,
        # Combinations of categories multiply the time and, on tables of this kind, gain nothing.
        "max_ctr_complexity": 1,
        "random_seed": seed % 2**31,
        # The result depends on the number of threads.
        "thread_count": 1,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }


def predictors(frame: pd.DataFrame, samples: Samples, target: Column) -> pd.DataFrame:
    """All features but the target, numbers on their scale: (rows, features - 1).

    Numbers count from their least value in training. CatBoost keeps 24 binary digits of a number:
    of the seconds since 1970 steps of 128 s, but of those since the first row what tells rows
    apart.
    """
    columns = [column for column in samples.description.features if column.name != target.name]
    return pd.DataFrame(
        {
            column.name: frame[column.name]
            if column.is_categorical
            else scaled(frame, column) - scaled(samples.train, column).min()
            for column in columns
        }
    )


def categorical_predictors(description: TableDescription, target: Column) -> list[str]:
    """The names of those that are categories."""
    return [
        column.name for column in description.categorical_features if column.name != target.name
    ]


def difference_of_errors(
    samples: Samples, name: str, target: Column, losses: Callable[[pd.DataFrame], np.ndarray]
) -> Result:
    """|error(synthetic) − error(real)|; the interval is over holdout rows, models as trained.

    The floor is the difference of models trained on different real rows: the mean over their pairs,
    as that of a single pair may be almost 0 by chance. Its draws are these pairs.

    Args:
        name: the measure's.
        target: what the models predict.
        losses: of the holdout rows, (holdout rows,), by a model that is trained on the given rows.
    """
    trained_on = (samples.synthetic, *samples.real_draws)
    random = generator(samples.seed, "efficacy")
    learned = [
        rows.iloc[np.sort(random.permutation(len(rows))[:_MOST_LEARNED])] for rows in trained_on
    ]
    with ProgressReport(f"models of {target.name}", len(learned), "models") as report:

        def losses_after(rows: pd.DataFrame) -> np.ndarray:
            found = losses(rows)
            report.advance()
            return found

        synthetic = losses_after(learned[0])
        by_draws = samples.once(
            name, lambda: {"losses": np.array([losses_after(rows) for rows in learned[1:]])}
        )["losses"]
    real = by_draws[0]

    def difference(left: np.ndarray, right: np.ndarray) -> float:
        return float(abs(np.sqrt(left.mean()) - np.sqrt(right.mean())))

    floors = [difference(a, b) for a, b in combinations(by_draws, 2)]
    note = (
        f"MLEF {np.sqrt(synthetic.mean()):.4f} trained on synthetic, "
        f"{np.sqrt(real.mean()):.4f} on real rows; target {target.name}"
    )
    return result(difference, (synthetic, real), samples.groups, floor_draws=floors, note=note)
