"""JSD: the Jensen-Shannon distance of each categorical feature, on average.

Of category shares p (synthetic) and q (real) over the union of their categories, with logarithms
to base 2 (D. Endres and J. Schindelin, IEEE Trans.
Inf. Theory 49 (2003) 1858), the distance that SciPy computes. In [0, 1]. The paper (arXiv
2410.07940, section 4) reports a JSD on a scale that its text does not give and on which a perfect
sample scores about .80; values here are not comparable to it.
"""

from functools import partial

import numpy as np
from scipy.spatial.distance import jensenshannon

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.results import over_features
from redwood.tables import category_codes

TITLE = "JSD"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "lower"
DEFINITION = (
    "Jensen-Shannon distance (base 2, in [0, 1]) of each categorical feature over the union of its "
    "categories; mean over the features."
)
EQUATION = (
    r"\frac{1}{C} \sum_c \sqrt{\tfrac{1}{2} \mathrm{KL}(\tilde{p}_c \Vert m_c)"
    r" + \tfrac{1}{2} \mathrm{KL}(q_c \Vert m_c)}, \quad m_c = \tfrac{1}{2} (\tilde{p}_c + q_c)"
)


def measure(samples: Samples) -> Result:
    """The mean distance of synthetic against holdout rows."""
    features = samples.description.categorical_features
    if not features:
        raise Inapplicable("the table has no categorical feature")
    frames = (samples.synthetic, samples.holdout, *samples.real_draws)
    of_features = []
    for column in features:
        codes, categories = category_codes(column, *frames)
        of_features.append((column.name, codes, partial(_distance, categories=categories)))
    return over_features(samples, of_features)


def _distance(left: np.ndarray, right: np.ndarray, categories: int) -> float:
    shares = (np.bincount(codes, minlength=categories) for codes in (left, right))
    return float(jensenshannon(*shares, base=2))
