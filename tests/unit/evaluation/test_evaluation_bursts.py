"""Measures of bursts and entities, of which any realisation of a law is at the floor."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.evaluation.order_rows import ORDERS, orders

from redwood import plugins
from redwood.evaluation.bursts import entity_features, histories, levels, longest_gap, steps
from redwood.evaluation.contract import MEASURES, Inapplicable, Samples
from redwood.evaluation.measures import (
    activity,
    burst_levels,
    burst_pace,
    burst_size,
    burst_steps,
    burst_variety,
    repeats,
    runs,
    switching,
)

LAW = [
    burst_pace, burst_size, burst_steps, burst_levels, burst_variety,
    switching, runs, repeats, activity,
]  # fmt: skip


def samples(synthetic: pd.DataFrame, seed: int = 1) -> Samples:
    """A sample beside real rows of which each table has customers of its own."""
    train = orders(2000, 10 * seed)
    return Samples(
        description=ORDERS,
        train=train,
        holdout=orders(1000, 10 * seed + 1),
        synthetic=synthetic,
        fresh=orders(1000, 10 * seed + 2),
        others=(orders(1000, 10 * seed + 3),),
        target="price",
        groups=10,
        seed=3,
        train_units=train[["customer"]],
    )


def at(seconds: list[float], **columns: object) -> pd.DataFrame:
    when = pd.to_datetime(np.array(seconds) + 1_704_067_200, unit="s", utc=True)
    frame = pd.DataFrame({"when": when, **columns})
    return frame.astype({name: object for name in columns if name != "price"})


TWO = at(
    # Two entities: a at 0, 10, 20 and 5000 s, b at 5, 15 and 9000 s; gaps of 10 s and of an hour.
    [0, 5, 10, 15, 20, 5000, 9000] * 1,
    article=list("ababaab"),
    shop=list("xxyxyyx"),
    state=list("ffdfddd"),
    price=[1.0, 2.0, 1.0, 4.0, 8.0, 3.0, 2.0],
)


def two() -> Samples:
    """The seven rows against themselves, which are many enough by being there twice."""
    later = TWO.assign(when=TWO["when"] + pd.Timedelta(days=2))
    rows = pd.concat([TWO, later], ignore_index=True)
    return Samples(
        ORDERS, rows, rows, rows, rows, (), target="price", groups=2, seed=1,
        train_units=rows[["article"]].rename(columns={"article": "unit"}),
    )  # fmt: skip


def test_bursts_by_hand():
    found = histories(two())
    assert [column.name for column in found.entity] == ["article"]
    assert [column.name for column in found.others] == ["shop", "state"]
    assert 10 <= found.bound_s < 4980
    one = found.real
    assert one.before[:7].tolist() == [-1, -1, 0, 1, 2, 4, 3]
    assert one.gaps[2:7].tolist() == [10, 10, 10, 4980, 8985]
    assert one.burst[:7].tolist() == [0, 1, 0, 1, 0, 2, 3]
    assert one.sizes[:4].tolist() == [3, 2, 1, 1]
    assert one.lengths[:4].tolist() == [20, 10, 0, 0]
    assert one.follows[:7].tolist() == [False, False, True, True, True, False, False]
    price = ORDERS["price"]
    expected = np.log1p([1.0, 4, 8]) - np.log1p([1.0, 2, 1])
    np.testing.assert_allclose(steps(one, price, 2.0)[:3], expected / 2)
    mean = np.log1p([1.0, 1, 8]).mean()
    assert levels(one, price, 1.0)[0] == pytest.approx(mean)


@pytest.mark.parametrize("measure", LAW, ids=lambda module: module.TITLE)
def test_real_rows_against_themselves_are_no_distance_away(measure):
    result = measure.measure(two())
    assert result.value == result.floor == 0


def test_the_bound_lies_between_two_kinds_of_gaps():
    random = np.random.default_rng(1)
    gaps = np.concatenate([random.exponential(30, 3000), random.exponential(1e6, 500)])
    assert 200 < longest_gap(gaps) < 2e4
    with pytest.raises(Inapplicable, match="next to no row"):
        longest_gap(gaps[:5])


@given(st.lists(st.floats(0, 1e9), min_size=10, max_size=60))
@example([0.0] * 9 + [5e-324])
@example([1e8] * 9 + [1e8 + 1e-6])
def test_whatever_the_gaps_the_bound_is_one_of_them_or_between_them(gaps):
    bound = longest_gap(np.array(gaps))
    assert np.isfinite(bound)
    assert bound <= max(gaps) * (1 + 1e-9) + 1


def test_the_entity_is_what_stays_the_same_within_units():
    one = samples(orders(500, 5))
    assert [column.name for column in entity_features(one)] == ["article"]
    # Without units it is the categorical feature with most values.
    assert [c.name for c in entity_features(replace(one, train_units=None))] == ["article"]
    # A column that is nearly always the same by itself says nothing of units.
    often = one.train.assign(state="done")
    assert [c.name for c in entity_features(replace(one, train=often))] == ["article"]
    # Rows without a unit do not count.
    units = one.train_units.assign(
        customer=one.train_units["customer"].where(np.arange(len(one.train)) % 2 == 0)
    )
    assert [c.name for c in entity_features(replace(one, train_units=units))] == ["article"]
    nothing = replace(one, train_units=units.where(units.isna()))
    assert [c.name for c in entity_features(nothing)] == ["article"]


@pytest.mark.parametrize("measure", LAW, ids=lambda module: module.TITLE)
def test_new_customers_of_the_same_law_are_at_the_floor(measure):
    multiples = []
    for seed in range(1, 6):
        result = measure.measure(samples(orders(1000, 10 * seed + 5), seed))
        multiples.append((result.value, result.floor))
    values, floors = np.mean(multiples, axis=0)
    assert 0.6 < values / floors < 1.7


# What is wrong with a sample, and the measures that have to see it.
FAULTS = [
    ({"pace_s": 180}, {burst_pace, burst_size}),
    ({"mean_size": 9}, {burst_size}),
    ({"switches": 0.8}, {switching, runs, burst_variety}),
    ({"fails": 0.35}, {switching, runs}),
    ({"spread": 0.8}, {burst_steps}),
    ({"repeated": 0.05}, {repeats, burst_steps}),
]


@pytest.mark.parametrize(("changed", "seen"), FAULTS, ids=lambda value: str(value)[:20])
def test_a_sample_that_behaves_otherwise_is_told(changed, seen):
    one = samples(orders(1000, 15, **changed))
    for measure in seen:
        result = measure.measure(one)
        assert result.low > 1.5 * max(result.floor_draws), measure.TITLE


def test_levels_see_customers_that_differ_less():
    rows = orders(1000, 15)
    flat = rows.assign(price=np.expm1(0.3 * np.log1p(rows["price"]) + 2))
    result = burst_levels.measure(samples(flat))
    assert result.low > 3 * max(result.floor_draws)


def test_rows_without_dependence_are_told_by_all_but_levels():
    rows = orders(1000, 15)
    random = np.random.default_rng(1)
    shuffled = {name: random.permutation(rows[name]) for name in rows.columns}
    rows = pd.DataFrame(shuffled).astype(rows.dtypes.to_dict()).sort_values("when")
    one = samples(rows.reset_index(drop=True))
    for measure in LAW:
        if measure is not burst_levels:
            result = measure.measure(one)
            assert result.low > 1.5 * max(result.floor_draws), measure.TITLE


def test_failures_in_a_row_are_runs_of_their_own_value():
    # As many failures and switches; in one all are alone, in the other they come in twos.
    rows = pd.concat([TWO] * 20, ignore_index=True)
    rows["article"] = np.where(np.arange(len(rows)) < len(rows) / 2, "a", "b").astype(object)
    when = pd.to_datetime(1_704_067_200 + 60.0 * np.arange(len(rows)), unit="s", utc=True)
    single = rows.assign(when=when, state=(list("fddddd") * 30)[: len(rows)])
    double = rows.assign(when=when, state=(list("ffdddddddddd") * 30)[: len(rows)])
    one = Samples(
        ORDERS, single, single, double, single, (), target="price", groups=5, seed=1,
        train_units=single[["article"]],
    )  # fmt: skip
    found = runs.measure(one).columns.set_index("column")["value"]
    # Half of the runs are of failures, ln 2 longer; the others ln(10 / 5), but for the ends.
    assert found["state"] == pytest.approx(np.log(2), abs=0.06)


def test_what_a_table_lacks_is_said():
    one = samples(orders(300, 5))
    only = replace(one, description=ORDERS.only(["when", "article", "price"]))
    for measure in (burst_variety, switching, runs):
        with pytest.raises(Inapplicable, match=r"no categorical feature changes within .*article"):
            measure.measure(only)
    numberless = replace(one, description=ORDERS.only(["when", "article", "shop"]))
    for measure in (burst_steps, burst_levels, repeats):
        with pytest.raises(Inapplicable, match="no number"):
            measure.measure(numberless)
    with pytest.raises(Inapplicable, match="no timestamp"):
        burst_pace.measure(replace(one, description=ORDERS.only(["article", "price"])))


def test_measures_of_the_law_say_so():
    assert {module.ASPECT for module in LAW} == {"law"}
    known = set(plugins.names(MEASURES))
    assert {module.__name__.rpartition(".")[2] for module in LAW} <= known
