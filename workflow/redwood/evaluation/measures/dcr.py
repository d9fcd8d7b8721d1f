"""DCR: the distance of synthetic rows to the closest training row.

The median over the synthetic rows of the exact Euclidean distance to the closest row of `train`,
numbers min-max scaled, categories one-hot over √2 (see `redwood.nearest`). The paper
(arXiv 2410.07940, section 4) counts more as more private; but real rows that the surrogate never
saw have a DCR too, the floor here: far below it rows were copied, far above it they are not
realistic. By itself DCR proves no privacy ("The DCR Delusion", arXiv 2505.01524).
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.results import Floor, result
from redwood.nearest import distance_to_closest

TITLE = "DCR"
UNIT = "1"
ASPECT = "privacy"
DIRECTION = "near floor"
DEFINITION = (
    "Median distance of synthetic rows to the closest training row (numbers min-max scaled on "
    "their own scale, categories one-hot over √2). Floor: that of holdout rows. The paper counts "
    "more as better; here much less than the floor means copies, much more means unlike real rows."
)
EQUATION = (
    r"\underset{i}{\mathrm{median}} \, \min_{j \in \text{train}} \lVert \tilde{x}_i - x_j \rVert"
)


def measure(samples: Samples) -> Result:
    """The median distance of synthetic rows to training rows, and all distances."""
    synthetic = distance_to_closest(samples.synthetic, samples.train, samples.description)
    holdout = distance_to_closest(samples.holdout, samples.train, samples.description)
    origin = ["synthetic"] * len(synthetic) + ["holdout"] * len(holdout)
    # Sorted, so that no distance can be traced to a row.
    distances = pd.DataFrame(
        {"origin": origin, "distance": np.concatenate([np.sort(synthetic), np.sort(holdout)])}
    )
    return result(
        np.median,
        (synthetic,),
        samples.groups,
        real=Floor(np.median, (holdout,)),
        details={"dcr": distances},
    )
