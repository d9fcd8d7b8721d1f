import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows
from threadpoolctl import threadpool_limits

from redwood.evaluation.contract import Samples
from redwood.tables import TableDescription


def densities_of(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What a model that learned nothing by heart says of the training and the holdout rows."""
    random = np.random.default_rng(seed)
    return random.normal(0, 1, 4000), random.normal(0, 1, 1500)


@pytest.fixture(autouse=True)
def one_thread():
    """As evaluating has it."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def samples_of():
    """A function: the samples with the given synthetic rows against a fixed real table."""

    def build(synthetic: pd.DataFrame, description: TableDescription = DESCRIPTION) -> Samples:
        rows = len(synthetic)
        return Samples(
            description=description,
            train=toy_rows(4000, 1),
            holdout=toy_rows(1500, 2),
            synthetic=synthetic.reset_index(drop=True),
            fresh=toy_rows(rows, 3),
            others=(toy_rows(rows, 4),),
            target="work",
            target_class="state",
            conditionals=(("site", "state"), ("state", "size", "work")),
            groups=10,
            seed=5,
            densities=densities_of(1),
        )

    return build
