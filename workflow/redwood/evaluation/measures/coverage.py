"""Coverage: how much of reality the synthetic rows reach.

The share of real rows x_i in whose ball, which reaches to the fifth nearest other real row, there
is a synthetic row (M. F. Naeem et al., ICML 2020, arXiv 2002.09797, equation 4; metric and balls as
in `redwood.evaluation.manifold`). In [0, 1]; kinds of rows that are missing lower it, and so do
rows that cluster where there should be more variety. Of as many rows of the same law as there are
real ones, n, it is 1 − Π_{i=1…5} (n − i)/(2n − i) on average, 0.969 where n is large: a ball is
empty if of all other rows the five nearest are real. What `density` sees, rows where no real ones
are, does not lower it. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.intervals import jackknife_interval
from redwood.evaluation.manifold import MOST_ROWS, NEAREST, Hits, balls
from redwood.tables import TableDescription

TITLE = "coverage"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "higher"
COSTLY_FLOOR = True
DEFINITION = (
    f"Share of holdout rows with a synthetic row within the distance of their {NEAREST}th nearest "
    "holdout row (numbers in [0, 1] by the range of training, different categories 1 apart; as "
    f"many rows of each, at most {MOST_ROWS:,}): 0.969 for rows of the same law, less where kinds "
    "of rows are missing."
)
EQUATION = r"\frac{1}{N} \sum_i 1[\exists j: \tilde{x}_j \in B(x_i, \mathrm{NND}_5(x_i))]"

# A category's loss of coverage beyond that of all rows is worth a mention if, times the root of its
# rows, it is above this: by chance the share of n rows varies by less than 1 / √n.
_NOTEWORTHY = 3.0


def measure(samples: Samples) -> Result:
    """The share of balls with a synthetic row; the interval is over all rows, balls as they are."""
    found = balls(samples)

    def without_group(group: int) -> float:
        others = np.arange(samples.groups) != group
        rows = found.synthetic.by_ball[found.groups != group][:, others]
        return float(rows.any(axis=1).mean())

    covered = _covered(found.synthetic)
    by_draws = np.array([_covered(draw) for draw in found.draws])
    value = float(covered.mean())
    low, high = jackknife_interval(value, without_group, samples.groups)
    note = _note(found.real, samples.description, covered, by_draws.mean(axis=0))
    floors = tuple(by_draws.mean(axis=1))
    return Result(value, low, min(high, 1.0), np.mean(floors), note=note, floor_draws=floors)


def _covered(hits: Hits) -> np.ndarray:
    return np.count_nonzero(hits.by_ball, axis=1) > 0


def _note(
    real: pd.DataFrame, description: TableDescription, covered: np.ndarray, by_real: np.ndarray
) -> str:
    """The category whose real rows lose more coverage than others do, and most beyond chance.

    Args:
        covered: (real rows,) whether a synthetic row is in the ball.
        by_real: (real rows,) in which share of the draws a real one is.
    """
    shares = pd.DataFrame({"synthetic": covered, "real": by_real})
    of_all = by_real.mean() - covered.mean()
    losses = []
    for column in description.categorical_features:
        by_category = shares.groupby(real[column.name].to_numpy(), sort=True)
        means = by_category.mean().assign(rows=by_category.size())
        losses += [
            (np.sqrt(rows) * (known - made - of_all), f"{column.name} = {category}", made, known)
            for category, made, known, rows in means.itertuples()
        ]
    loss, name, made, known = max(losses, key=lambda row: row[0], default=(0.0, "", 0.0, 0.0))
    if loss < _NOTEWORTHY:
        return "no category loses more coverage than the others"
    return (
        f"least covered: {name}, {100 * made:.0f} % of its rows, {100 * known:.0f} % by real ones"
    )
