"""WD, as the paper's seems to be: the transport distance of whole rows, on a few of them.

The paper (arXiv 2410.07940, table 3) has .87 to 1.0 where two samples of one law differ per column
by .01, so its WD is no mean over columns; its text does not say what it is. What gives its numbers
is the Wasserstein distance W₁ between 500 synthetic and 500 real rows as points, numbers min-max
scaled and categories one-hot over √2: the least mean distance over all pairings π (solved exactly;
H. W. Kuhn, Naval Research Logistics 2 (1955) 83). Being that of few points in many dimensions it is
far from 0 for a perfect surrogate, too, and falls with m: it can only be compared at the same m.
All of this is inferred.
"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.pairing import over_draws
from redwood.tables import category_codes, scaled

TITLE = "WD, paper's scale"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "lower"
LIMIT = None
COSTLY_FLOOR = True
COSTLY_VALUE = False
ROWS = 500
DEFINITION = (
    f"W₁ between {ROWS} synthetic and {ROWS} real rows as points (numbers min-max scaled on their "
    "own scale, categories one-hot over √2), mean over 20 draws. That the paper's WD is this is "
    "inferred from its values; a perfect surrogate is far from 0 here."
)
EQUATION = r"\min_\pi \frac{1}{m} \sum_i \lVert \tilde{x}_i - x_{\pi(i)} \rVert"


def measure(samples: Samples) -> Result:
    """The mean cost of the best pairing of a few synthetic and real rows."""
    spans = {}
    for column in samples.description.numeric_features:
        values = scaled(samples.train, column)
        spans[column.name] = float(np.ptp(values)) or 1.0

    def cost(made: pd.DataFrame, real: pd.DataFrame) -> float:
        squared = np.zeros((len(made), len(real)))
        for column in samples.description.numeric_features:
            x, y = (scaled(f, column)[:, None] / spans[column.name] for f in (made, real))
            squared += cdist(x, y, "sqeuclidean")
        for column in samples.description.categorical_features:
            (x, y), _ = category_codes(column, made, real)
            squared += x[:, None] != y
        distances = np.sqrt(squared)
        return float(distances[linear_sum_assignment(distances)].mean())

    return over_draws(samples, "wd_paper", ROWS, cost)
