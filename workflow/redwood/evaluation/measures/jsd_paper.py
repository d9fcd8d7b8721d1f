"""JSD, as the paper's seems to be: that of the one-hot vectors of paired rows.

The paper (arXiv 2410.07940, table 3) has .80 for a surrogate whose categories are as frequent as
real ones, so its JSD is not that of frequencies; its text does not say what it is. A value of that
size results if synthetic and real rows are paired as they come and each pair's one-hot vectors are
taken for distributions. The Jensen-Shannon distance (base 2) of two of them is 0 if they are equal
and 1 if not, hence the share of unequal ones, which for two independent samples is 1 − Σ p q: it
tells of the categories' concentration, next to nothing of the surrogate. All of this is inferred.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.pairing import over_draws
from redwood.tables import category_codes

TITLE = "JSD, paper's scale"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "near floor"
COSTLY_FLOOR = True
COSTLY_VALUE = False
ROWS = 10_000
DEFINITION = (
    "Share of unequal categories between synthetic and real rows paired at random, mean over the "
    "categorical features. That this is the paper's JSD is inferred from its values; it says next "
    "to nothing of a surrogate."
)
EQUATION = r"\frac{1}{C} \sum_j \frac{1}{n} \sum_i 1[\tilde{x}_{ij} \ne x_{ij}]"


def measure(samples: Samples) -> Result:
    """The mean share of unequal categories of paired rows.

    Raises:
        Inapplicable: the table has no categorical feature.
    """
    columns = samples.description.categorical_features
    if not columns:
        raise Inapplicable("the table has no categorical feature")

    def unequal(made: pd.DataFrame, real: pd.DataFrame) -> float:
        shares = []
        for column in columns:
            (x, y), _ = category_codes(column, made, real)
            shares.append(np.mean(x != y))
        return float(np.mean(shares))

    return over_draws(samples, "jsd_paper", ROWS, unequal)
