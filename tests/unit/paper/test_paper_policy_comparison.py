"""Policies against a reference: pairs, ranges, ranks, and how often intervals hold the truth."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcome_files import COLUMNS, read

from redwood.errors import InputError
from redwood.paper.policy_comparison import compare_policies, comparison_page, order_agreements


def outcomes(outcome="turnaround_mean", without=None, **workloads):
    """workload={policy: (a value a seed)}; `without`: (workload, policy, outcome) → values."""
    rows = [
        (workload, policy, seed, outcome, "s", float(value))
        for workload, policies in workloads.items()
        for policy, values in policies.items()
        for seed, value in enumerate(values, 1)
    ]
    found = read(pd.DataFrame(rows, columns=COLUMNS))
    return dataclasses.replace(found, without_group=without or {})


def row(found, policy, against="a", workload="w"):
    table = compare_policies(found, against).set_index(["workload", "policy"])
    return table.loc[(workload, policy)]


def test_what_seeds_share_falls_out_of_the_difference():
    """The luck of a seed is ten times the difference, which is the same in each."""
    luck = np.array([0.0, 100.0, -100.0, 50.0, -50.0])
    found = row(outcomes(w={"a": 500 + luck, "b": 510 + 1.01 * luck}), "b")
    assert found["difference"] == pytest.approx(10)
    assert 8.9 < found["difference_low"] < 10 < found["difference_high"] < 11.1
    assert found["high"] - found["low"] > 100


def test_what_has_no_luck_at_all_has_no_interval_and_what_is_the_same_is_the_same():
    """A makespan without failures, of three seeds: how sure it is nobody knows."""
    found = outcomes("makespan", w={"a": (500.0,) * 3, "b": (600.0,) * 3, "c": (500.0,) * 3})
    assert np.isnan(row(found, "b")[["low", "difference_low", "relative_low"]].astype(float)).all()
    assert row(found, "b")["relative"] == pytest.approx(0.2)
    assert (row(found, "c")[["difference_low", "difference_high"]] == 0).all()


def test_relative_differences_are_of_logarithms_and_cannot_say_less_than_nothing():
    found = row(outcomes(w={"a": (10, 20, 80), "b": (1, 2, 0.1)}), "b")
    assert -1 < found["relative_low"] < found["relative"] < found["relative_high"]
    assert found["difference_low"] < -100
    assert found["low"] == 0
    nothing = row(outcomes("queue_time_mean", w={"a": (0, 0, 0), "b": (1, 2, 3)}), "b")
    assert np.isnan(nothing["relative"])
    assert nothing["difference"] == pytest.approx(2)


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=4))
def test_no_interval_of_a_share_leaves_0_to_1(shares):
    found = outcomes("cache_hit_rate", w=dict(zip("abcd", shares, strict=False)))
    table = compare_policies(found, "a")
    known = table.dropna(subset="low")
    assert ((known["low"] >= 0) & (known["high"] <= 1)).all()
    assert (known["low"] <= known["value"] + 1e-12).all()
    assert (known["value"] <= known["high"] + 1e-12).all()
    assert (table["relative_low"].dropna() >= -1).all()


def test_ranks_are_certain_where_pairs_are_and_more_may_be_better():
    values = {"a": (10, 10.1, 9.9), "b": (20, 20.1, 19.9), "c": (20.05, 19.95, 20)}
    less = compare_policies(outcomes(w=values), "a").set_index("policy")
    assert less["rank"].tolist() == [1, 2, 2]
    assert less["rank_best"].tolist() == [1, 2, 2]
    assert less["rank_worst"].tolist() == [1, 3, 3]
    more = compare_policies(outcomes("throughput", w=values), "a").set_index("policy")
    assert more["rank_best"].tolist() == [3, 1, 1]
    neither = compare_policies(outcomes("wall_time_mean", w=values), "a")
    assert neither["rank"].isna().all()


def test_the_page_has_the_reference_and_differences_from_it():
    found = outcomes(
        w={"a": (600, 606, 594), "b": (300, 303, 297), "c": (60_000, 60_600, 59_400)},
        v={"a": (600, 606, 594), "b": (900, 909, 891), "c": (660, 666, 654)},
    )
    text = comparison_page(found, compare_policies(found, "a")).markdown()
    assert "| a | 2 | 10.0 |" in text
    assert "| b | 1 | −50 % |" in text
    assert "| c | 3 | 100× |" in text
    tau = order_agreements(found).iloc[0]
    assert (tau["workload"], tau["other"], tau["tau"]) == ("v", "w", pytest.approx(-1 / 3))


def test_intervals_of_seeds_and_jobs_hold_the_truth_in_95_of_100_cases():
    random, held, cases = np.random.default_rng(8), 0, 300
    for _ in range(cases):
        shared = random.normal(0, 30, 5)
        groups = {name: random.normal(truth, 20, 5) for name, truth in (("a", 500), ("b", 520))}
        seeds = {
            name: of_groups.mean() + shared + random.normal(0, 3, 5)
            for name, of_groups in groups.items()
        }
        without = {
            ("w", name, "turnaround_mean"): [
                np.delete(of_groups, group).mean() for group in range(5)
            ]
            for name, of_groups in groups.items()
        }
        found = row(outcomes(without=without, w=seeds), "b")
        held += found["difference_low"] <= 20 <= found["difference_high"]
    assert 0.92 < held / cases <= 1


def test_who_is_compared_with_whom_must_be_there():
    with pytest.raises(InputError, match="one policy only, 'a'"):
        compare_policies(outcomes(w={"a": (1, 2)}), "a")
    with pytest.raises(InputError, match="--against is 'x', expected one of a, b"):
        compare_policies(outcomes(w={"a": (1, 2), "b": (1, 2)}), "x")


def test_a_policy_that_is_missing_on_a_workload_is_said_and_leaves_the_others():
    found = outcomes(w={"a": (1, 2), "b": (2, 3), "c": (5, 7)}, v={"a": (1, 2), "b": (2, 3)})
    table = compare_policies(found, "a").set_index(["workload", "policy"])
    assert np.isnan(table.loc[("v", "c"), "value"])
    assert table.loc[("v", "b"), "rank"] == 2
    page = comparison_page(found, compare_policies(found, "a")).markdown()
    assert "There is no run of: v under c." in page
