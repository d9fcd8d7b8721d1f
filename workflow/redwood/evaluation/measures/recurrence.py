"""Recurrence: how often the next row is of the same kind.

For each categorical feature c the probability P_c that consecutive rows, in order of time, have the
same value, and |P_synthetic − P_real|, the mean over the features; in [0, 1]. Rows that come
independently have P = Σ_v p_v², with p_v the shares of the values (E. Simpson, Nature 163 (1949)
688); rows that come in runs have more. P is the recurrence rate of N. Marwan et al., Phys. Rep. 438
(2007) 237, along the first diagonal beside the main one. Rows of the same time are put in random
order, as their order in a file says nothing. All samples have as many rows, as a thinned table has
shorter runs. The paper (arXiv 2410.07940) has no such measure.
"""

import numpy as np

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.results import over_features
from redwood.evaluation.sequence import in_sequence, same_as_before
from redwood.seeds import generator

TITLE = "recurrence"
UNIT = "1"
ASPECT = "time"
DIRECTION = "lower"
OF_LAW = True
DEFINITION = (
    "|difference| of the probability that the next row in time has the same value of a categorical "
    "feature, synthetic against as many holdout rows; mean over the features."
)
EQUATION = (
    r"\frac{1}{C} \sum_c |\tilde{P}_c - P_c|, \quad"
    r" P_c = \frac{1}{n - 1} \sum_t 1[c_{t+1} = c_t]"
)


def measure(samples: Samples) -> Result:
    """The mean |difference|, that of each feature; the interval leaves out runs of rows."""
    features = samples.description.categorical_features
    if not features:
        raise Inapplicable("the table has no categorical feature")
    random = generator(samples.seed, "recurrence")
    same = [
        same_as_before(in_sequence(frame, samples.description, random), samples.description)
        for frame in samples.equally_many.values()
    ]
    synthetic, real = same[:2]
    if len(real) < 2:
        raise Inapplicable("a sample has fewer than three rows")
    note = "synthetic (real): " + ", ".join(
        f"{a:.3f} ({b:.3f}) {column.name}"
        for a, b, column in zip(synthetic.mean(axis=0), real.mean(axis=0), features, strict=True)
    )
    return over_features(
        samples,
        (
            (column.name, [of_sample[:, i] for of_sample in same], _difference)
            for i, column in enumerate(features)
        ),
        most=1.0,
        note=note,
    )


def _difference(made: np.ndarray, real: np.ndarray) -> float:
    return float(abs(made.mean() - real.mean()))
