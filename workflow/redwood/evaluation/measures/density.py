"""Density: how many of the synthetic rows lie where real rows are.

The number of balls of real rows x_i, which reach to the fifth nearest other real row, that a
synthetic row lies in, over the five that a real one is expected to lie in (M. F. Naeem et al., ICML
2020, arXiv 2002.09797, equation 3; metric and balls as in `redwood.evaluation.manifold`). At least
0; 1 in expectation for rows of the same law. Rows off the manifold lower it, as noise does and
features that were drawn independently. Rows that keep to where real ones are densest raise it above
1, which is as wrong. What `coverage` sees, kinds of rows that are missing, does not lower it. The
paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.intervals import jackknife_interval
from redwood.evaluation.manifold import NEAREST, balls

TITLE = "density"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "near floor"
COSTLY_FLOOR = True
DEFINITION = (
    f"In how many balls of holdout rows, each of the radius of its {NEAREST}th nearest holdout "
    f"row, a synthetic row lies on average, over {NEAREST} (metric and rows as for coverage): 1 "
    "for rows of the same law, less for rows where no real ones are, more for rows that crowd "
    "where real ones do."
)
EQUATION = r"\frac{1}{5 M} \sum_j \sum_i 1[\tilde{x}_j \in B(x_i, \mathrm{NND}_5(x_i))]"


def measure(samples: Samples) -> Result:
    """The mean number of balls over five; the interval is over all rows, balls as they are."""
    found = balls(samples)

    def without_group(group: int) -> float:
        kept = found.groups != group
        others = np.arange(samples.groups) != group
        inside = found.synthetic.by_ball[kept][:, others].sum()
        return float(inside / (NEAREST * kept.sum()) * len(kept) / kept.sum())

    def density(by_row: np.ndarray) -> float:
        return float(by_row.mean() / NEAREST)

    value = density(found.synthetic.by_row)
    low, high = jackknife_interval(value, without_group, samples.groups)
    outside = 100 * np.mean(found.synthetic.by_row == 0)
    real_outside = 100 * np.mean([draw.by_row == 0 for draw in found.draws])
    note = f"in no ball: {outside:.1f} % of the rows, {real_outside:.1f} % of real ones"
    floors = tuple(density(draw.by_row) for draw in found.draws)
    return Result(value, low, high, float(np.mean(floors)), note=note, floor_draws=floors)
