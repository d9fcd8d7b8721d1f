"""C2ST in sequence: how well a classifier tells synthetic rows from real ones by their order, too.

As `c2st`, but each row also shows what it has to do with the rows before it: how long ago they
were, whether they share its categories, how far its numbers are from those of the last row of its
kind (see `redwood.evaluation.sequence`). Rows that are each faithful but come in another order, or
without the bursts in which real ones come, are told apart here and not there. Of the time itself
only hour and weekday are shown, and whole stretches of it are scored at once by what was learned
from the others: bursts need not come when they came in reality, but as they come. The samples are
equally dense in time. The paper (arXiv 2410.07940) has no such measure.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Result, Samples
from redwood.evaluation.detection import detection_result, row_features
from redwood.evaluation.sequence import (
    ROWS_BEFORE,
    entity_column,
    in_sequence,
    sequence_features,
    time_column,
)
from redwood.seeds import generator

TITLE = "C2ST in sequence"
UNIT = "1"
ASPECT = "time"
DIRECTION = "lower"
LIMIT = 0.5
COSTLY_FLOOR = True
DEFINITION = (
    f"As C2ST, each row together with its gap to the row before, how many of the {ROWS_BEFORE} "
    "rows before share each of its categories, and what changed since the last row of the same "
    "kind: the categorical feature with the most categories."
)
EQUATION = (
    r"\mathrm{AUC} = P(f(\tilde{x}_t \mid \tilde{x}_{t-1}, \ldots) > f(x_t \mid x_{t-1}, \ldots))"
    r" + \tfrac{1}{2} P(=)"
)


def measure(samples: Samples) -> Result:
    """The AUC of synthetic against holdout rows, each sorted by the first timestamp."""
    description = samples.description
    time = time_column(description)
    entity = entity_column(samples)
    random = generator(samples.seed, "c2st_sequence")

    def features(frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        rows = in_sequence(frame, description, random)
        by_row = row_features(rows, description)
        times = by_row.pop(time.name).to_numpy()
        return by_row.join(sequence_features(rows, description, entity)), times

    by_sample, times = zip(*map(features, samples.equally_many.values()), strict=True)
    result = detection_result(samples, "c2st_sequence", by_sample, times)
    kind = f"; series by {entity.name}" if entity is not None else ""
    return replace(result, note=result.note + kind)
