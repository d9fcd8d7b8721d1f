import numpy as np
import pandas as pd
import pytest

from redwood.outliers import collapsed, merging, sentinel, sentinels
from redwood.tables import Column, TableDescription

LINEAR = Column("x", "numeric")


def frame(*values, column="x"):
    return pd.DataFrame({column: values})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.4028234663852886e38, "largest 32-bit float"),
        (-3.4e38, "largest 32-bit float"),
        (1.7976931348623157e308, "largest 64-bit float"),
        (-999, "a fill value"),
        (1e20, "a fill value"),
        (9.96921e36, "netCDF"),
        (2**31 - 1, "largest 32-bit integer"),
        (-(2**31), "largest 32-bit integer"),
        (2**63 - 1, "largest 64-bit integer"),
        (-(2**63), "largest 64-bit integer"),
    ],
)
def test_what_stands_for_a_missing_value_is_known(value, words):
    assert words in sentinel(float(value))


@pytest.mark.parametrize("value", [0, -1, 999, 998, 2**31, 3.3e38, 1.1e20, -1000])
def test_other_numbers_stand_for_themselves(value):
    assert not sentinel(float(value)) or value == 2**31


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([10.0, 11.0, 12.0, -999.0], ["data row 4: x is -999, a fill value, which often stands"]),
        ([-999.0, 10.0, -999.0, 11.0], ["data row 1: x is -999, a fill value, which often"]),
        ([-999.0, -800.0, -500.0, -300.0, 0.0], []),
        ([-999.0, -999.0], []),
        (
            [1.0, 2.0, 1.7976931348623157e308],
            ["data row 3: x is 1.79769e+308, the largest 64-bit"],
        ),
    ],
)
def test_a_sentinel_is_told_where_it_stands_apart(values, found):
    told = list(map(str, sentinels(frame(*values), TableDescription("t", (LINEAR,)))))
    assert len(told) == len(found)
    assert all(map(str.startswith, told, found))
    assert all("(and in 1 more rows)" in one for one in told if values.count(-999.0) == 2)


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ([*np.linspace(5, 15, 359), 3.4e38], 359),
        ([10.0, 1e20, 11.0], 1),
        ([10.0, 11.0, 12.0, 1e6], None),
        (np.random.default_rng(1).standard_cauchy(10_000), None),
        (np.random.default_rng(1).lognormal(0, 4, 10_000), None),
        ([1.0, 1.0, 1e30], None),
        ([7.0], None),
        ([0.0, 1e-300], None),
        (1e12 + np.arange(1000.0), None),
    ],
)
def test_a_value_beside_which_all_others_are_one_is_found(values, row):
    found = merging(frame(*values), LINEAR)
    assert (found.row if found else None) == row


def test_times_of_years_to_the_second_do_not_merge_and_one_of_the_year_9999_merges_days():
    times = pd.date_range("2010-01-01", "2024-01-01", periods=50_000, unit="s", tz="UTC")
    column = Column("x", "timestamp")
    assert merging(pd.DataFrame({"x": times}), column) is None
    hours = pd.Series(pd.date_range("2024-01-01", periods=300, freq="s", unit="s", tz="UTC"))
    hours[7] = pd.Timestamp("9999-12-31", tz="UTC").as_unit("s")
    found = merging(pd.DataFrame({"x": hours}), column)
    assert str(found) == "data row 8: x is 9999-12-31 00:00:00+00:00"


def test_a_column_has_collapsed_if_it_has_a_tenth_of_the_values():
    assert collapsed({"a": 1, "b": 2, "c": 30}, {"a": 10, "b": 19, "c": 300}) == [
        "a has collapsed: 1 distinct values, real rows have 10",
        "c has collapsed: 30 distinct values, real rows have 300",
    ]
