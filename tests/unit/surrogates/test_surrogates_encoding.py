"""Encoding: what goes in comes back, and nothing comes back that was not there."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood.errors import InputError
from redwood.surrogates.encoding import CategoryEncoding, NumericEncoding, TableEncoding, check_rows
from redwood.tables import Column, TableDescription

SIZE = Column("size", "integer", "bytes", "log")
LOAD = Column("load", "numeric")
TIME = Column("time", "timestamp")
SITE = Column("site", "categorical")


def test_numbers_are_standardised_on_the_columns_scale():
    values = pd.Series([0, 9, 99, 999])  # log(1 + x): 0, 1, 2, 3 times ln 10
    encoded = NumericEncoding.fit(values, SIZE).encode(values, SIZE)
    expected = (np.arange(4) - 1.5) / np.sqrt(1.25)
    assert encoded == pytest.approx(expected)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
def test_integers_on_a_logarithmic_scale_come_back_exactly(integers):
    values = pd.Series(integers, dtype=np.int64)
    encoding = NumericEncoding.fit(values, SIZE)
    decoded = encoding.decode(encoding.encode(values, SIZE), SIZE)
    assert decoded.dtype == np.int64
    assert decoded.tolist() == integers


@given(st.lists(st.floats(-1e140, 1e140, allow_subnormal=True), min_size=1, max_size=30))
def test_wild_numbers_come_back_within_rounding(numbers):
    values = pd.Series(numbers, dtype=np.float64)
    encoding = NumericEncoding.fit(values, LOAD)
    decoded = encoding.decode(encoding.encode(values, LOAD), LOAD)
    assert decoded.to_numpy() == pytest.approx(numbers, abs=1e-12 * max(map(abs, numbers)) + 1e-6)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_decoding_anything_stays_within_the_support_of_training(encoded):
    values = pd.Series([0.25, 3.5, 1e6])
    column = Column("workload", "numeric", scale="log")
    decoded = NumericEncoding.fit(values, column).decode(np.array(encoded), column)
    assert decoded.between(0.25, 1e6).all()


def test_decimals_are_those_of_the_training_values():
    encoding = NumericEncoding.fit(pd.Series([0.25, 1.5, 2.0]), LOAD)
    decoded = encoding.decode(np.array([-0.5, 0.1234, 0.3]), LOAD)
    assert np.array_equal(np.round(decoded, 2), decoded)
    continuous = NumericEncoding.fit(pd.Series([1 / 3, np.pi, np.e]), LOAD)
    assert continuous.decimals is None


def test_timestamps_come_back_to_the_second():
    values = pd.Series(pd.to_datetime(["2024-01-01 00:00:01", "2024-02-29 23:59:59"], utc=True))
    values = values.astype("datetime64[us, UTC]")
    encoding = NumericEncoding.fit(values, TIME)
    pd.testing.assert_series_equal(
        encoding.decode(encoding.encode(values, TIME), TIME), values, check_names=False
    )
    between = encoding.decode(np.array([0.123456]), TIME)
    assert between.dt.microsecond.tolist() == [0]


@given(
    st.sampled_from([1, 60, 900, 3600, 86_400]),
    st.integers(0, 10**9),
    st.lists(st.integers(0, 1000), min_size=2, max_size=20, unique=True),
    st.lists(st.floats(-3, 3), min_size=1, max_size=20),
)
def test_times_come_back_on_the_grid_of_training(step, low, places, encoded):
    """Whatever the first time of the grid is; training may happen to have a coarser one."""
    seconds = low + step * np.array(places)
    values = pd.Series(pd.to_datetime(seconds, unit="s", utc=True).astype("datetime64[us, UTC]"))
    encoding = NumericEncoding.fit(values, TIME)
    assert encoding.step % step == 0
    assert encoding.step == step * np.gcd.reduce(np.subtract(places, min(places)))
    decoded = encoding.decode(np.array(encoded), TIME)
    of_decoded = decoded.astype("int64").to_numpy() // 10**6
    assert ((of_decoded - low) % step == 0).all()
    assert decoded.between(values.min(), values.max()).all()
    again = encoding.decode(encoding.encode(values, TIME), TIME)
    pd.testing.assert_series_equal(again, values, check_names=False)


def test_an_encoding_of_an_earlier_version_has_times_to_the_second():
    content = {"column": "time", "low": 0.0, "high": 1e6, "decimals": 0, "mean": 5e5}
    encoding = NumericEncoding(**content, deviation=1e5)
    assert encoding.decode(np.array([0.00001]), TIME)[0] == pd.Timestamp(
        500_001, unit="s", tz="UTC"
    )


def test_categories_unseen_in_training_are_minus_one():
    encoding = CategoryEncoding.fit(pd.Series(["b", "a", "b"]), SITE)
    assert encoding.encode(pd.Series(["a", "b", "c"])).tolist() == [0, 1, -1]
    assert encoding.decode(np.array([1, 0])).tolist() == ["b", "a"]


def test_a_table_comes_back_with_its_constant_columns_and_its_order(jobs, train):
    encoding = TableEncoding.fit(train, jobs)
    numbers, codes = encoding.numbers(train), encoding.codes(train)
    assert numbers.shape == (300, 5)  # without priority, which is constant
    assert codes.shape == (300, 2)  # without project
    assert numbers.mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-9)
    assert numbers.std(axis=0) == pytest.approx(np.ones(5))
    pd.testing.assert_frame_equal(encoding.decode(numbers, codes), train)


def test_json_holds_an_encoding_exactly(jobs, train):
    encoding = TableEncoding.fit(train, jobs)
    content = json.loads(json.dumps(encoding.to_json()))
    assert TableEncoding.from_json(content, jobs) == encoding


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (LOAD, np.inf, "data row 2: load is inf, expected a finite number"),
        (LOAD, -np.inf, "data row 2: load is -inf, expected a finite number"),
        (LOAD, np.nan, "data row 2: load is nan, expected a finite number"),
        (LOAD, 1e200, "data row 2: load is 1e.200, expected a finite number below 1e150"),
        (SIZE, -1, "data row 2: size is -1, expected no negative value on a logarithmic scale"),
        (SIZE, 2**53 + 2, "data row 2: size is 9007199254740994, expected an integer of at most 2"),
    ],
)
def test_rows_that_no_model_can_learn_are_refused(column, value, message):
    frame = pd.DataFrame({column.name: [1, value]})
    with pytest.raises(InputError, match=rf"^rows\.parquet: {message}"):
        check_rows(frame, TableDescription("t", (column,)), "rows.parquet")


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="has no rows"):
        check_rows(pd.DataFrame({"load": []}), TableDescription("t", (LOAD,)), "rows.parquet")
