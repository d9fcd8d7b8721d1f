"""Every model on tables that are hardly tables: it learns them right or says what is wrong."""

import numpy as np
import pandas as pd
import pytest
from test_surrogates_models import QUICK, every_model

from redwood import plugins
from redwood.errors import InputError
from redwood.surrogates.contract import MODELS, new_surrogate
from redwood.surrogates.training import train_model
from redwood.tables import Column, TableDescription, write_table

COLUMNS = {
    "numeric": (Column("x", "numeric"), [0.5, 1.25, 2.0, 7.75]),
    "log": (Column("x", "numeric", scale="log"), [0.0, 10.0, 1e6, 1e12]),
    "integer": (Column("x", "integer"), [-3, 0, 4, 2**40]),
    "categorical": (Column("x", "categorical"), ["", "a", "b\x00", "é"]),
    "timestamp": (
        Column("x", "timestamp"),
        list(pd.to_datetime(["1999-12-31", "2024-02-29", "2024-03-01", "2030-01-01"], utc=True)),
    ),
}


def table_of(column: Column, values: list) -> tuple[TableDescription, pd.DataFrame]:
    series = pd.Series(values)
    kinds = {
        "numeric": "float64",
        "integer": "int64",
        "categorical": object,
        "timestamp": "datetime64[us, UTC]",
    }
    frame = pd.DataFrame({column.name: series.astype(kinds[column.kind])})
    return TableDescription("odd", (column,)), frame


def learned(model: str, description: TableDescription, train: pd.DataFrame, rows: int, **options):
    """A sample of the model, or the message with which it refuses the table."""
    surrogate = new_surrogate(model, description, {**QUICK.get(model, {}), **options}, 1)
    try:
        surrogate.fit(train, train)
        return surrogate.sample(rows, 2)
    except InputError as error:
        return str(error)


@every_model
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_table_of_one_column(model, kind):
    description, frame = table_of(*COLUMNS[kind])
    train = pd.concat([frame] * 15, ignore_index=True)
    sample = learned(model, description, train, 40)
    if isinstance(sample, str):
        assert model in sample
        assert "\n" not in sample
        return
    assert sample.dtypes.to_dict() == train.dtypes.to_dict()
    assert len(sample) == 40
    if kind == "categorical":
        assert set(sample["x"]) <= set(train["x"])
    else:
        assert sample["x"].between(train["x"].min(), train["x"].max()).all()


@every_model
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_table_of_one_row(model, kind):
    description, frame = table_of(*COLUMNS[kind])
    sample = learned(model, description, frame[:1], 3)
    if isinstance(sample, str):
        assert model in sample
    else:
        assert sample["x"].tolist() == frame["x"].tolist()[:1] * 3


@every_model
def test_ten_thousand_categories(model):
    rng = np.random.default_rng(0)
    train = pd.DataFrame(
        {
            "name": np.array([f"c{i:05}" for i in range(10_000)], dtype=object),
            "x": rng.normal(size=10_000),
        }
    )
    description = TableDescription("wide", (Column("name", "categorical"), Column("x", "numeric")))
    has_batches = "batch_size" in plugins.load(MODELS, model).Options.model_fields
    large = {"batch_size": 2500} if has_batches else {}
    sample = learned(model, description, train, 300, **large)
    assert not isinstance(sample, str), sample
    assert set(sample["name"]) <= set(train["name"])
    # Each is as frequent as any other: hardly one should come more than a few times.
    assert sample["name"].nunique() > 30


@every_model
@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_infinities_are_named(model, value, tmp_path):
    description = TableDescription("t", (Column("x", "numeric"), Column("y", "categorical")))
    frame = pd.DataFrame({"x": [1.0, 2.0, value, 4.0], "y": np.array(list("abab"), dtype=object)})
    description.save(tmp_path / "table.json")
    write_table(frame, tmp_path / "rows.parquet", description)
    rows = tmp_path / "rows.parquet"
    with pytest.raises(InputError, match=r"rows\.parquet: row 2: x is .*, expected a finite"):
        train_model(model, tmp_path / "table.json", rows, rows, tmp_path / "model", {}, 1)
    assert not (tmp_path / "model").exists()


@every_model
def test_validation_rows_with_categories_of_their_own_are_no_harm(model, jobs, train, validation):
    changed = validation.copy()
    changed.loc[:9, "computingsite"] = "elsewhere"
    surrogate = new_surrogate(model, jobs, QUICK.get(model, {}), 1)
    surrogate.fit(train, changed)
    assert "elsewhere" not in set(surrogate.sample(200, 1)["computingsite"])
