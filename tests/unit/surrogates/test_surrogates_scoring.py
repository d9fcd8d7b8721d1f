"""Scoring rows by a trained model, and the control that leaks."""

import numpy as np
import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.surrogates.contract import new_surrogate, save_surrogate
from redwood.surrogates.scoring import score_rows
from redwood.tables import DENSITIES, Column, TableDescription, read_table, write_table

QUICK = {"epochs": 1, "hidden": 8, "bins": 4}


@pytest.fixture
def files(jobs, train, validation, tmp_path):
    """Training and holdout rows as parquet files."""
    features = jobs.only_features()
    paths = tmp_path / "train.parquet", tmp_path / "holdout.parquet"
    for frame, path in zip((train, validation), paths, strict=True):
        write_table(frame, path, features)
    return paths


def saved(model, jobs, train, validation, folder, **options):
    surrogate = new_surrogate(model, jobs, options, 1)
    surrogate.fit(train, validation)
    folder.mkdir()
    save_surrogate(surrogate, folder, len(train))
    return surrogate


def test_each_row_of_both_files_has_its_log_density(jobs, train, validation, files, tmp_path):
    surrogate = saved("sequoia", jobs, train, validation, tmp_path / "model", **QUICK)
    assert score_rows(tmp_path / "model", *files, tmp_path / "densities.parquet") == len(
        train
    ) + len(validation)
    scored = read_table(tmp_path / "densities.parquet", DENSITIES)
    assert scored["origin"].value_counts().to_dict() == {
        "train": len(train),
        "holdout": len(validation),
    }
    np.testing.assert_allclose(
        scored.loc[scored["origin"] == "holdout", "log_density"],
        surrogate.log_density(validation),
        rtol=1e-5,
    )


def test_a_model_that_can_only_draw_rows_refuses(jobs, train, validation, files, tmp_path):
    saved("independent", jobs, train, validation, tmp_path / "model")
    with pytest.raises(InputError, match="independent: has no density: it can only draw rows"):
        score_rows(tmp_path / "model", *files, tmp_path / "densities.parquet")
    assert not (tmp_path / "densities.parquet").exists()


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
