"""Membership inference and near copies: leaks are seen, rows of the same law are not accused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluation_rows import toy_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from redwood.evaluation.measures import attack_distance, near_copies
from redwood.evaluation.membership import RocCurve
from redwood.tables import Column, TableDescription


def test_the_curve_by_hand():
    curve = RocCurve.of_scores(np.array([3.0, 2.0, 1.0, 1.0]), np.array([2.5, 1.0]))
    # Thresholds 3, 2.5, 2, 1; at 1 two members and a non-member come together.
    assert curve.true_positives.tolist() == [0, 0.25, 0.25, 0.5, 1]
    assert curve.false_positives.tolist() == [0, 0, 0.5, 0.5, 1]
    assert [curve.true_positives_at(rate) for rate in (0, 0.25, 0.5, 0.75, 1)] == [
        0.25, 0.25, 0.5, 0.75, 1,
    ]  # fmt: skip
    table = curve.table(50)
    assert table.iloc[-1].tolist() == [1, 1]
    assert (np.diff(table["true_positive_rate"]) >= 0).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=20),
    st.lists(st.integers(0, 5), min_size=1, max_size=20),
)
def test_the_area_is_that_of_scikit_learn(members, others):
    curve = RocCurve.of_scores(np.array(members, float), np.array(others, float))
    labels = [1] * len(members) + [0] * len(others)
    assert curve.area == pytest.approx(roc_auc_score(labels, members + others))
    assert 0 <= curve.true_positives_at(0.01) <= curve.true_positives_at(0.5) <= 1


def test_of_equal_scores_chance_decides():
    curve = RocCurve.of_scores(np.zeros(7), np.zeros(5))
    assert [curve.true_positives_at(rate) for rate in (0.01, 0.3)] == pytest.approx([0.01, 0.3])
    assert curve.area == 0.5


@pytest.mark.parametrize("copied", [400, 1600, 4000])
def test_the_attack_finds_the_rows_that_were_copied(samples_of, copied):
    # All others are at the mercy of chance, of which few are nearer than 99 % of the holdout rows.
    result = attack_distance.measure(samples_of(toy_rows(4000, 1).iloc[:copied]))
    share = copied / 4000
    assert share <= result.value <= share + 0.03
    assert result.details["roc_distance"]["true_positive_rate"].iloc[0] == pytest.approx(share)


def test_the_attack_learns_nothing_from_rows_of_the_same_law(samples_of):
    result = attack_distance.measure(samples_of(toy_rows(4000, 8)))
    assert result.low < 0.01 < result.high
    assert result.floor == pytest.approx(0.01, abs=0.015)


def test_one_copied_row_in_a_hundred_is_seen(samples_of):
    rows = toy_rows(4000, 8)
    leaking = rows.copy()
    leaking.iloc[::100] = toy_rows(4000, 1).iloc[:40].to_numpy()
    leaking = leaking.astype(rows.dtypes)
    fresh, leak = (near_copies.measure(samples_of(frame)) for frame in (rows, leaking))
    assert fresh.low < 0.01 < fresh.high
    assert leak.low > fresh.value + 0.005
    assert leak.note.startswith("equal to a training row: 40 of 4000 rows, 0 of 1500 holdout rows")


def test_near_copies_by_hand(samples_of):
    # Holdout rows at distances 1, 2, … 100 of the only training row: 1 % fall short of 1 or are it.
    line = TableDescription("line", (Column("x", "numeric"),))
    real = pd.DataFrame({"x": np.arange(1.0, 101)})
    synthetic = pd.DataFrame({"x": [0.5, 1.0, 1.5, 3.0] * 10})
    samples = replace(
        samples_of(synthetic, line), train=pd.DataFrame({"x": np.zeros(5)}), holdout=real
    )
    assert near_copies.measure(samples).value == pytest.approx(0.5)


def test_a_table_whose_rows_are_all_alike_has_the_floor(samples_of):
    states = TableDescription("states", (Column("state", "categorical"),))
    result = near_copies.measure(samples_of(toy_rows(3000, 8), states))
    assert result.value == pytest.approx(result.floor)
    assert attack_distance.measure(samples_of(toy_rows(300, 8), states)).value == pytest.approx(
        0.01
    )


def test_neither_depends_on_the_order_of_rows_or_the_names_of_categories(samples_of):
    samples = samples_of(toy_rows(1000, 8))
    order = np.random.default_rng(0).permutation(1000)
    mixed = replace(samples, synthetic=samples.synthetic.iloc[order].reset_index(drop=True))
    renamed = replace(
        samples,
        **{
            name: getattr(samples, name).assign(site="s-" + getattr(samples, name)["site"])
            for name in ("train", "holdout", "synthetic")
        },
    )
    for measure in (near_copies.measure, attack_distance.measure):
        assert measure(mixed).value == measure(samples).value == measure(renamed).value
