"""C2ST: how well a classifier tells synthetic rows from real ones, row by row.

The AUC of gradient-boosted trees, each row scored out of fold (see `redwood.evaluation.detection`;
D. Lopez-Paz and M. Oquab, ICLR 2017). 1/2 means indistinguishable, and real rows of a second sample
come as close to that as their number allows. It sees any difference of single rows, in one feature
or in many together, and none in how rows follow each other. The paper (arXiv 2410.07940) has no
such measure.
"""

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.detection import detection_result, row_features

TITLE = "C2ST"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "lower"
LIMIT = 0.5
COSTLY_FLOOR = True
DEFINITION = (
    "Classifier two-sample test: area under the ROC curve of gradient-boosted trees that tell "
    "synthetic from as many holdout rows, each row scored out of fold; 0.5 is indistinguishable, 1 "
    "told without error."
)
EQUATION = r"\mathrm{AUC} = P(f(\tilde{x}) > f(x)) + \tfrac{1}{2} P(f(\tilde{x}) = f(x))"


def measure(samples: Samples) -> Result:
    """The AUC of synthetic against holdout rows."""
    features = [row_features(frame, samples.description) for frame in samples.equally_many.values()]
    return detection_result(samples, "c2st", features)
