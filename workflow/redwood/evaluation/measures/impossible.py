"""Impossible: how many synthetic rows combine what real rows never combine.

Each value of a categorical or discrete feature, and each pair of two such values, that no training
row has. Real rows have new combinations, too, which is the floor, that of holdout rows, as rows
drawn from training have none; its draws are parts of the holdout. Far above it a surrogate invents
them, far below it it only repeats. A number is discrete if it has at most 1000 different values in
training, on average in ten rows each: a limit, a count of cores. The paper (arXiv 2410.07940) has
no such measure.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.results import Floor, result
from redwood.seeds import generator
from redwood.tables import Column

TITLE = "impossible"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "near floor"
DEFINITION = (
    "Share of synthetic rows with a value, or a pair of values, that no training row has, among "
    "the categorical features and the discrete numbers (at most 1000 values, each in ten training "
    "rows on average); a pair has at least one category. Floor: that of holdout rows."
)
EQUATION = (
    r"\frac{1}{n} \sum_i 1[\exists a, b: (\tilde{x}_{ia}, \tilde{x}_{ib}) \notin"
    r" \{(x_{ja}, x_{jb}): j \in \text{train}\}]"
)

_MOST_VALUES = 1000
_ROWS_PER_VALUE = 10


def measure(samples: Samples) -> Result:
    """The share of rows with anything unseen, the share of each combination, the worst in words."""
    discrete = [
        column for column in samples.description.features if _is_discrete(column, samples.train)
    ]
    if not discrete:
        raise Inapplicable("the table has no categorical feature and no discrete number")
    synthetic = _unseen(samples.synthetic, samples, discrete)
    holdout = _unseen(samples.holdout, samples, discrete)
    any_unseen = np.any(list(synthetic.values()), axis=0)
    columns = pd.DataFrame(
        {
            "column": list(synthetic),
            "value": [rows.mean() for rows in synthetic.values()],
            "floor": [rows.mean() for rows in holdout.values()],
        }
    )
    real_unseen = np.any(list(holdout.values()), axis=0)
    return result(
        np.mean,
        (any_unseen,),
        samples.groups,
        real=Floor(np.mean, (real_unseen,)),
        floor_draws=_shares_of_parts(real_unseen, samples),
        most=1.0,
        columns=columns,
        note=_note(columns),
    )


def _shares_of_parts(unseen: np.ndarray, samples: Samples) -> tuple[float, ...]:
    """The share of rows with anything unseen in as many parts, at random, as there are draws."""
    order = generator(samples.seed, "impossible").permutation(len(unseen))
    parts = np.array_split(unseen[order], min(len(samples.real_draws), len(unseen)))
    return tuple(float(part.mean()) for part in parts)


def _is_discrete(column: Column, train: pd.DataFrame) -> bool:
    if column.is_categorical:
        return True
    if column.kind == "timestamp":
        return False
    values = train[column.name].nunique()
    return values <= _MOST_VALUES and _ROWS_PER_VALUE * values <= len(train)


def _unseen(
    rows: pd.DataFrame, samples: Samples, discrete: list[Column]
) -> Mapping[str, np.ndarray]:
    """By value and pair of values, which rows have one that no training row has: (rows,) bool."""
    end = len(samples.train)
    codes = {
        column: pd.factorize(pd.concat([samples.train[column.name], rows[column.name]]))[0]
        for column in discrete
    }

    def unseen(values: np.ndarray) -> np.ndarray:
        seen = np.zeros(values.max() + 1, bool)
        seen[values[:end]] = True
        return ~seen[values[end:]]

    found = {column.name: unseen(values) for column, values in codes.items()}
    for a, b in combinations(discrete, 2):
        if a.is_categorical or b.is_categorical:
            pair = codes[a] * (int(codes[b].max()) + 1) + codes[b]
            found[f"{a.name} × {b.name}"] = unseen(pd.factorize(pair)[0])
    return found


def _note(columns: pd.DataFrame) -> str:
    worst = columns.loc[(columns["value"] - columns["floor"]).idxmax()]
    if worst["value"] <= worst["floor"]:
        return "no combination is more often new than in real rows"
    return (
        f"worst: {worst['column']}, new in {100 * worst['value']:.2g} % of the rows, "
        f"in {100 * worst['floor']:.2g} % of real ones"
    )
