"""Multiples of the floor and marks."""

import math

import pytest

from redwood.paper.comparison import (
    compared_measures,
    floor_range,
    leaders,
    multiple,
    reaches_floor,
    typical_multiples,
)


def measure(value, low, high, direction="lower", floor=1.0, draws=None):
    record = {"value": value, "low": low, "high": high, "direction": direction, "floor": floor}
    record |= {"aspect": "fidelity", "limit": 0.0}
    return record | ({} if draws is None else {"floor_draws": draws})


def of_value(value, floor=1.0, direction="lower", **more):
    return measure(value, value, value, direction, floor) | more


def test_a_multiple_is_the_value_over_the_floor():
    assert multiple(of_value(3.0, floor=2.0)) == 1.5
    assert multiple(of_value(0.1, floor=0.2)) == 0.5
    assert multiple(of_value(0.0, floor=0.2)) == 0


@pytest.mark.parametrize(
    "record",
    [
        None,
        of_value(3.0, floor=0.0),
        of_value(3.0, floor=None),
        of_value(None),
        of_value(0.9, direction="higher"),
        of_value(0.9, direction="near floor"),
        of_value(0.8, floor=0.5, limit=0.5),
        of_value(0.9, floor=0.8, limit=None),
    ],
)
def test_what_does_not_tend_to_zero_or_is_not_known_has_no_multiple(record):
    assert multiple(record) is None


def test_the_typical_multiple_is_a_geometric_mean_and_counts_none_below_one():
    measured = {
        "a": {"wd": of_value(8.0, floor=2.0), "jsd": of_value(0.1), "gaps": of_value(2.0)},
        "b": {"wd": of_value(2.0, floor=2.0), "jsd": of_value(27.0), "gaps": of_value(1.0)},
    }
    # a: 4, 0.1 → 1, 2; b: 1, 27, 1
    assert typical_multiples(measured) == pytest.approx({"a": 2.0, "b": 3.0})


def test_what_is_of_privacy_or_simulation_is_not_typical_whatever_its_name():
    """A measure of privacy of one's own is known by its aspect."""
    others = {
        "mia_x": of_value(9.0, aspect="privacy"),
        "sim_x": of_value(9.0, aspect="simulation"),
        "tells": of_value(9.0, limit=0.5),
    }
    like_rows = {"attack_on_rows": of_value(2.0), "late": of_value(8.0, aspect="time")}
    assert compared_measures({"a": others | like_rows}) == ["attack_on_rows", "late"]
    assert typical_multiples({"a": others | like_rows}) == pytest.approx({"a": 4.0})
    assert typical_multiples({"a": others}) == {}


@pytest.mark.parametrize("of_b", [{}, {"jsd": of_value(5.0, floor=None)}])
def test_a_measure_that_one_model_lacks_is_left_out_for_all(of_b):
    measured = {
        "a": {"wd": of_value(2.0), "jsd": of_value(50.0)},
        "b": {"wd": of_value(3.0), **of_b},
    }
    assert typical_multiples(measured) == pytest.approx({"a": 2.0, "b": 3.0})


def test_the_range_of_the_floor():
    assert floor_range(measure(1, 0, 2, draws=[0.3, 0.1, 0.2])) == (0.1, 0.3)
    assert floor_range(measure(1, 0, 2, draws=[])) is None
    assert floor_range(measure(1, 0, 2)) is None


@pytest.mark.parametrize(
    ("direction", "low", "high", "draws", "reaches"),
    [
        ("lower", 1.1, 1.5, [], False),
        ("lower", 1.0, 1.5, [], True),
        ("lower", 0.1, 0.5, [], True),
        ("lower", 1.1, 1.5, [0.9, 1.1], True),
        ("lower", 1.2, 1.5, [0.9, 1.1], False),
        ("higher", 0.5, 0.9, [], False),
        ("higher", 0.5, 1.0, [], True),
        ("higher", 1.5, 2.0, [], True),
        ("higher", 0.5, 0.9, [0.9, 1.1], True),
        ("near floor", 1.1, 1.5, [], False),
        ("near floor", 0.5, 0.9, [], False),
        ("near floor", 0.9, 1.1, [], True),
        ("near floor", 1.1, 1.5, [0.9, 1.2], True),
        ("near floor", 0.5, 0.85, [0.8, 1.2], True),
        ("near floor", 0.5, 0.7, [0.8, 1.2], False),
    ],
)
def test_whether_the_interval_reaches_the_floor(direction, low, high, draws, reaches):
    assert reaches_floor(measure((low + high) / 2, low, high, direction, 1.0, draws)) is reaches


@pytest.mark.parametrize(
    ("direction", "difference", "reaches"),
    [
        ("near floor", [-0.1, 0.3], True),
        ("near floor", [0.1, 0.3], False),
        ("near floor", [-0.3, -0.1], False),
        ("lower", [0.1, 0.3], False),
        ("lower", [-0.3, -0.1], True),
        ("higher", [-0.3, -0.1], False),
        ("higher", [0.1, 0.3], True),
    ],
)
def test_a_floor_of_one_sample_is_reached_if_the_difference_may_be_0(
    direction, difference, reaches
):
    """Whatever the interval of the value alone says, and the range of further draws."""
    for low, high in ((0.0, 9.0), (1.19, 1.21)):
        record = measure(1.2, low, high, direction, 1.0, [0.9, 1.1])
        assert reaches_floor(record | {"difference": difference}) is reaches


def test_without_a_floor_or_a_value_nothing_reaches_it():
    assert not reaches_floor(of_value(1.0, floor=None))
    assert not reaches_floor(measure(None, None, None))


NEAR, FAR = "near floor", "higher"


@pytest.mark.parametrize(
    ("records", "leading"),
    [
        # Of halves that face each other, 3 up from the best and 4 down from the other: together 5.
        ({"a": measure(10, 9.9, 13), "b": measure(15, 11, 15.1)}, "ab"),
        ({"a": measure(10, 9.9, 13), "b": measure(15.1, 11.1, 99)}, "a"),
        # Where more is better the other halves count.
        ({"a": measure(20, 17, 20.1, FAR), "b": measure(15, 14.9, 19, FAR)}, "ab"),
        ({"a": measure(20, 17, 20.1, FAR), "b": measure(14.9, 0, 18.9, FAR)}, "a"),
        # 1 above and 6 below the floor: 5 apart, and the halves are 3 away from it and 4 to it.
        ({"a": measure(11, 10.9, 14, NEAR, 10), "b": measure(4, 3.9, 8, NEAR, 10)}, "ab"),
        ({"a": measure(11, 10.9, 14, NEAR, 10), "b": measure(3.9, 0, 7.9, NEAR, 10)}, "a"),
        ({"a": measure(1, 0, 2, NEAR, None)}, ""),
        # Models without a value do not lead, nor does any where no model has an interval: such are
        # means of equal values of the seeds, too, but for rounding.
        ({"a": measure(1, 0.5, 2), "b": measure(None, None, None)}, "a"),
        ({"a": measure(math.fsum([0.1] * 3) / 3, 0.1, 0.1), "b": of_value(2)}, ""),
        ({"a": of_value(1), "b": measure(5, 4, 6)}, "a"),
    ],
)
def test_leaders(records, leading):
    measured = {model: {"m": record} for model, record in records.items()}
    assert leaders("m", measured | {"without": {}}) == set(leading)
