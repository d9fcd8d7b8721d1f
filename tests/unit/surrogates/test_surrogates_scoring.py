"""Scoring rows by a trained model, and the control that leaks."""

import numpy as np
import pandas as pd
import pytest
from test_surrogates_models import quick

from redwood.errors import InputError
from redwood.surrogates.contract import new_surrogate, save_surrogate
from redwood.surrogates.scoring import score_rows
from redwood.tables import DENSITIES, Column, TableDescription, read_table


def score(model, jobs, train, validation, tables):
    """Train on the tables' rows, and score them and the validation rows as holdout rows."""
    surrogate = quick(model, jobs)
    surrogate.fit(train, validation)
    (tables / "model").mkdir()
    save_surrogate(surrogate, tables / "model", len(train))
    rows = (tables / "train.parquet", tables / "validation.parquet")
    return surrogate, score_rows(tables / "model", *rows, tables / "densities.parquet")


def test_each_row_of_both_files_has_its_log_density(jobs, train, validation, tables):
    surrogate, rows = score("sequoia", jobs, train, validation, tables)
    assert rows == (400, 0)
    scored = read_table(tables / "densities.parquet", DENSITIES)
    assert scored["origin"].value_counts().to_dict() == {"train": 300, "holdout": 100}
    np.testing.assert_allclose(
        scored.loc[scored["origin"] == "holdout", "log_density"],
        surrogate.log_density(validation),
        rtol=1e-5,
    )


def test_a_model_that_can_only_draw_rows_refuses(jobs, train, validation, tables):
    with pytest.raises(InputError, match="independent: has no density: it can only draw rows"):
        score("independent", jobs, train, validation, tables)
    assert not (tables / "densities.parquet").exists()


@pytest.mark.parametrize(
    ("n", "share", "copies"), [(1000, 0.01, 10), (200, 0.05, 10), (30, 0.01, 0)]
)
def test_the_leak_copies_so_many_rows_and_no_others(n, share, copies):
    line = TableDescription("line", (Column("x", "numeric"), Column("y", "numeric")))
    numbers = np.arange(2000.0)
    train = pd.DataFrame({"x": numbers, "y": numbers})
    leak = new_surrogate("leak", line, {"share": share}, 1)
    leak.fit(train, train)
    sample = leak.sample(n, 3)
    assert len(sample) == n
    # By chance a row of two independent columns is a copy once in two thousand rows.
    assert copies <= (sample["x"] == sample["y"]).sum() <= copies + 3
    copied = sample[sample["x"] == sample["y"]]
    assert copied["x"].is_unique
