"""NNDR: whether synthetic rows keep to single training rows.

The nearest-neighbour distance ratio of a row is d₁/d₂, its distance to the closest training row
over that to the second closest, in [0, 1], in the metric of `redwood.nearest`. A row
among many alike has a ratio near 1; one that keeps to a single training row has a small one (Z.
Zhao et al., CTAB-GAN, arXiv 2102.08369, section 4.3, after D. G. Lowe, IJCV 60 (2004) 91, section
7.1). Where both are 0 no training row is singled out: the ratio is 1. What is measured is the
median over synthetic rows; the floor is that of holdout rows, and both less (rows made from single
ones) and more (rows far from all) is unlike them. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.results import Floor, result
from redwood.nearest import closest_distances

TITLE = "NNDR"
UNIT = "1"
ASPECT = "privacy"
DIRECTION = "near floor"
DEFINITION = (
    "Distance to the closest training row over that to the second closest (distances as for DCR), "
    "median over the synthetic rows; small if rows keep to single training rows. Floor: that of "
    "holdout rows."
)
EQUATION = r"\underset{i}{\mathrm{median}} \, \frac{d_1(\tilde{x}_i)}{d_2(\tilde{x}_i)}"

_QUANTILE = 0.05


def measure(samples: Samples) -> Result:
    """The median ratio; the interval is over synthetic rows."""
    if len(samples.train) < 2:
        raise Inapplicable("there is no second training row")
    synthetic, holdout = (_ratios(rows, samples) for rows in (samples.synthetic, samples.holdout))
    quantile, real_quantile = (float(np.quantile(r, _QUANTILE)) for r in (synthetic, holdout))
    note = f"5 % of the rows have less than {quantile:.2g}, of holdout rows {real_quantile:.2g}"
    real = Floor(np.median, (holdout,))
    return result(np.median, (synthetic,), samples.groups, real=real, most=1.0, note=note)


def _ratios(rows: pd.DataFrame, samples: Samples) -> np.ndarray:
    distances = closest_distances(rows, samples.train, samples.description, 2)
    first, second = distances.T
    return np.divide(first, second, out=np.ones_like(first), where=second > 0)
