"""What every measure owes, whichever there are."""

import contextlib
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows
from threadpoolctl import threadpool_limits

from redwood import plugins
from redwood.evaluation.contract import Inapplicable, Result
from redwood.evaluation.evaluating import MEASURES
from redwood.tables import TableDescription

NAMES = plugins.names(MEASURES)
TABLES = [("when", "work"), ("site",), ("work",), ("site", "state"), ("when", "site", "work")]


def measured(name: str, samples) -> Result | None:
    with threadpool_limits(1), contextlib.suppress(Inapplicable):
        return plugins.load(MEASURES, name).measure(samples)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name):
    measure = plugins.load(MEASURES, name)
    assert measure.DIRECTION in ("lower", "higher", "near floor")
    assert measure.TITLE
    assert measure.UNIT
    assert measure.DEFINITION.endswith(".")
    assert "2410.07940" in measure.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_its_interval_holds_its_value_and_its_columns_are_tidy(samples_of, name):
    result = measured(name, samples_of(toy_rows(600, 8)))
    assert 0 <= result.low <= result.value <= result.high
    assert result.floor >= 0
    if result.columns is not None:
        assert list(result.columns) == ["column", "value", "floor"]
        assert result.columns["column"].is_unique
        assert result.columns.notna().all(axis=None)


@pytest.mark.parametrize(
    ("name", "columns"),
    [(name, columns) for name in NAMES for columns in TABLES],
)
def test_any_table_is_measured_or_told_why_not(samples_of, name, columns):
    description = TableDescription("t", tuple(DESCRIPTION[column] for column in columns))
    result = measured(name, samples_of(toy_rows(300, 8), description))
    if result is not None:
        assert np.isfinite([result.value, result.low, result.high, result.floor]).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_surrogate_that_repeats_one_row_is_measured_or_told_why_not(samples_of, name):
    repeated = toy_rows(4000, 1).iloc[np.full(300, 2000)]
    result = measured(name, samples_of(repeated))
    if result is not None:
        assert np.isfinite([result.value, result.low, result.high, result.floor]).all()
        assert result.low <= result.value <= result.high


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_result_and_leaves_the_samples_alone(samples_of, name):
    samples = samples_of(toy_rows(400, 8))
    first, second = measured(name, samples), measured(name, samples)
    numbers = ("value", "low", "high", "floor", "note")
    assert [asdict(first)[n] for n in numbers] == [asdict(second)[n] for n in numbers]
    pd.testing.assert_frame_equal(samples.synthetic, toy_rows(400, 8))
    pd.testing.assert_frame_equal(samples.train, toy_rows(4000, 1))
