"""Joint distributions: how far pairs of features are from real ones, whatever their association.

For each pair of features the total variation distance of their joint distributions, synthetic p
against real q over the cells c of both (D. Levin and Y. Peres, Markov Chains and Mixing Times, 2nd
ed., AMS 2017, proposition 4.2), the share of rows that would have to move; in [0, 1], and the mean
over pairs. Numbers are put in bins between the deciles of training, and a decile that many rows
share, such as one core, is a bin of its own. Of categories those beyond the 30 most frequent in
training count as one, those that training does not have as another. Hence no more cells than rows
can fill; what remains of the distance that samples of n rows of one law have by chance, about Σ_c
√(q_c / (π n)), is the same in the floor, whose rows are as many. Unlike `diff_corr` it sees any
change of two features together. The paper (arXiv 2410.07940) has no such measure.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from redwood.evaluation.binning import decile_bins
from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.intervals import group_of_rows
from redwood.evaluation.results import mean_of_parts
from redwood.progress import ProgressReport
from redwood.tables import Column

TITLE = "joint"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "lower"
DEFINITION = (
    "Total variation distance of the joint distribution of two features, synthetic against "
    "holdout rows, with numbers between the deciles of training and its 30 most frequent "
    "categories, all others as one; mean over the pairs of features. In [0, 1]; what chance leaves "
    "is the floor."
)
EQUATION = (
    r"\frac{2}{J (J - 1)} \sum_{a < b} \frac{1}{2} \sum_c |\tilde{p}_c - q_c|,"
    r" \quad c: \text{cells of } (a, b)"
)

_CATEGORIES = 30
_WORST = 3


def measure(samples: Samples) -> Result:
    """The mean distance, that of each pair, and the worst pairs in words."""
    features = samples.description.features
    if len(features) < 2:
        raise Inapplicable("the table has fewer than two features")
    frames = (samples.synthetic, samples.holdout, *samples.real_draws)
    if min(map(len, frames)) < 2:
        raise Inapplicable("a sample has a single row, which has no distribution")
    cells = {column.name: _cells(column, samples.train, frames) for column in features}
    groups = [group_of_rows(len(frame), samples.groups) for frame in frames]
    pairs = list(combinations(cells, 2))
    values, floors, without = [], [], []
    with ProgressReport("pairs of features", len(pairs), "pairs") as report:
        for a, b in pairs:
            counts = _counts_by_group(cells[a], cells[b], groups, samples.groups)
            synthetic, real, *draws = (of_sample.sum(axis=0) for of_sample in counts)
            values.append(float(_distance(synthetic, real)))
            floors.append([float(_distance(draw, real)) for draw in draws])
            without.append(_distance(synthetic - counts[0], real - counts[1]))
            report.advance()
    names = [f"{a} × {b}" for a, b in pairs]
    found = mean_of_parts(names, values, floors, without, most=1.0)
    return replace(found, note=_note(found.columns))


def _cells(
    column: Column, train: pd.DataFrame, frames: tuple[pd.DataFrame, ...]
) -> list[np.ndarray]:
    """For each frame the number of the bin or category of each row: (rows,) int64."""
    if column.is_categorical:
        frequent = train[column.name].value_counts().index[:_CATEGORIES]
        seen = train[column.name].unique()
        cells = []
        for frame in frames:
            codes = frequent.get_indexer(frame[column.name])
            unseen = ~frame[column.name].isin(seen).to_numpy()
            cells.append(np.where(codes >= 0, codes, _CATEGORIES + unseen))
        return cells
    return decile_bins(column, train, frames)


def _counts_by_group(
    left: list[np.ndarray], right: list[np.ndarray], groups: list[np.ndarray], number: int
) -> list[np.ndarray]:
    """For each frame how many rows of each group lie in each cell of a pair: (groups, cells)."""
    width = 1 + max(int(cells.max()) for cells in right)
    pair = [a * width + b for a, b in zip(left, right, strict=True)]
    codes, cells = pd.factorize(np.concatenate(pair))
    by_frame = np.split(codes, np.cumsum([len(rows) for rows in pair])[:-1])
    size = len(cells)
    return [
        np.bincount(group * size + code, minlength=number * size).reshape(number, size)
        for group, code in zip(groups, by_frame, strict=True)
    ]


def _distance(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The total variation distance of counts, (…, cells), whatever their sums: (…)."""
    p, q = (counts / counts.sum(axis=-1, keepdims=True) for counts in (left, right))
    return np.abs(p - q).sum(axis=-1) / 2


def _note(columns: pd.DataFrame) -> str:
    worst = columns.assign(excess=columns["value"] - columns["floor"])
    worst = worst.sort_values("excess", ascending=False, kind="stable").head(_WORST)
    worst = worst[worst["excess"] > 0]
    if worst.empty:
        return "no pair is further than its floor"
    return "worst above the floor: " + ", ".join(
        f"{row.column} ({row.value:.3g}, floor {row.floor:.3g})" for row in worst.itertuples()
    )
