"""Membership inference and near copies: leaks are seen, rows of the same law are not accused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from tests.unit.evaluation.evaluation_rows import toy_rows

from redwood.evaluation.contract import Inapplicable
from redwood.evaluation.measures import (
    attack_density,
    attack_distance,
    attack_likelihood,
    near_copies,
    nndr,
)
from redwood.roc import RocCurve
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


ATTACKS = pytest.mark.parametrize(
    ("attack", "name"), [(attack_distance, "distance"), (attack_density, "density")]
)


@pytest.mark.parametrize("copied", [400, 1600, 4000])
@ATTACKS
def test_an_attack_finds_the_rows_that_were_copied(samples_of, attack, name, copied):
    # All others are at the mercy of chance, of which few are nearer than 99 % of the holdout rows.
    result = attack.measure(samples_of(toy_rows(4000, 1).iloc[:copied]))
    share = copied / 4000
    assert share <= result.value <= share + 0.03
    curve = result.details[f"roc_{name}"]
    assert curve["true_positive_rate"].iloc[0] == pytest.approx(share)
    assert set(curve["attack"]) == {name}


@ATTACKS
def test_an_attack_learns_nothing_from_rows_of_the_same_law(samples_of, attack, name):
    result = attack.measure(samples_of(toy_rows(4000, 8)))
    assert result.low < 0.01 < result.high
    assert result.floor == pytest.approx(0.01, abs=0.01)
    assert result.floor == pytest.approx(np.mean(result.floor_draws))


@ATTACKS
def test_an_attacker_uses_earlier_releases(samples_of, attack, name):
    fresh = samples_of(toy_rows(1000, 8))
    released = replace(fresh, earlier=toy_rows(4000, 1).iloc[:400])
    assert attack.measure(fresh).value < 0.03 < 0.1 < attack.measure(released).value


def test_who_has_the_model_is_told_by_its_densities(samples_of):
    known = samples_of(toy_rows(500, 8))
    members, others = known.densities
    assert attack_likelihood.measure(known).value == pytest.approx(0.01, abs=0.01)
    # The 99 % quantile of a standard normal is 2.326: Φ(2 − 2.326) = 0.372 of the members pass.
    overfitted = replace(known, densities=(members + 2, others))
    assert attack_likelihood.measure(overfitted).value == pytest.approx(0.372, abs=0.08)
    impossible = replace(known, densities=(members, np.full(1500, -np.inf)))
    assert attack_likelihood.measure(impossible).value == 1.0
    nothing = replace(known, densities=(np.full(4000, -np.inf), np.full(1500, -np.inf)))
    assert attack_likelihood.measure(nothing).value == pytest.approx(0.01)
    with pytest.raises(Inapplicable, match="no likelihood"):
        attack_likelihood.measure(replace(known, densities=None))


def apart(rows: int, seed: int) -> pd.DataFrame:
    """Rows whose columns have nothing to do with each other: no row is close to a real one."""
    random = np.random.default_rng(seed)
    frame = toy_rows(rows, seed)
    return frame.apply(lambda column: column.iloc[random.permutation(rows)].to_numpy())


def jittered(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows set off by some seconds and parts in ten thousand."""
    random = np.random.default_rng(6)
    return frame.assign(
        when=frame["when"] + pd.to_timedelta(random.integers(1, 30, len(frame)), unit="s"),
        work=frame["work"] * random.normal(1, 1e-4, len(frame)),
    )


@pytest.mark.parametrize("others", [toy_rows, apart])
@pytest.mark.parametrize("copied", [lambda frame: frame, jittered])
def test_one_copied_row_in_a_hundred_is_seen(samples_of, others, copied):
    rows = others(4000, 8).astype(toy_rows(1, 0).dtypes)
    leaking = pd.concat([rows.iloc[40:], copied(toy_rows(4000, 1).iloc[:40])], ignore_index=True)
    fresh, leak = (near_copies.measure(samples_of(frame)) for frame in (rows, leaking))
    assert fresh.low <= np.quantile(fresh.floor_draws, 0.8)
    assert leak.low > np.quantile(leak.floor_draws, 0.8)
    assert leak.value == pytest.approx(0.01, abs=0.006)
    # Whoever takes each row for as likely copied as any other does not see it.
    assert nndr.measure(samples_of(leaking)).value == pytest.approx(
        nndr.measure(samples_of(rows)).value, abs=0.02
    )


def test_equal_rows_are_counted(samples_of):
    rows = toy_rows(4000, 8)
    leaking = pd.concat([rows.iloc[40:], toy_rows(4000, 1).iloc[:40]])
    note = near_copies.measure(samples_of(leaking)).note
    assert note.startswith(
        "equal to a training row: 40 of 4000 rows; to another one: 0 of 4000 training rows"
    )


def test_near_copies_by_hand(samples_of):
    # A training row is 1 from another, two are 2 from each other, 97 by themselves are 9 apart.
    line = TableDescription("line", (Column("x", "numeric"),))
    train = np.array([0, 1, 100, 102, *range(1000, 1000 + 9 * 96, 9)], float)
    near, far = [100.5], [500.0]
    samples = replace(
        samples_of(pd.DataFrame({"x": [*near * 10, *far * 30]}), line),
        train=pd.DataFrame({"x": train}),
        holdout=pd.DataFrame({"x": [*near * 2, *far * 38]}),
    )
    # One in a hundred keeps 1: the two that do. A quarter of the synthetic rows is closer.
    assert near_copies.measure(samples).value == pytest.approx(0.25)
    none = replace(samples, synthetic=pd.DataFrame({"x": far * 40}))
    assert near_copies.measure(none).value == 0
    # Of runs of holdout rows half have those that are close, a tenth or none of the half's rows.
    floors = near_copies.measure(samples).floor_draws
    assert set(floors) <= {0.0, 0.05, 0.1}
    assert np.mean(floors) == pytest.approx(0.05)


def test_the_nearest_neighbour_distance_ratio_by_hand(samples_of):
    # Training rows at 0 and 10: 1 is 1 from the one and 9 from the other, and so on.
    line = TableDescription("line", (Column("x", "numeric"),))
    synthetic = pd.DataFrame({"x": [1.0, 2.0, 4.0] * 10})
    samples = replace(
        samples_of(synthetic, line),
        train=pd.DataFrame({"x": [0.0, 10.0]}),
        holdout=pd.DataFrame({"x": [5.0, 20.0, 5.0, 5.0]}),
    )
    result = nndr.measure(samples)
    assert result.value == pytest.approx(2 / 8)
    assert result.floor == pytest.approx(1)
    # Of two equal training rows none is singled out.
    twice = replace(samples, train=pd.DataFrame({"x": [0.0, 0.0, 10.0]}))
    assert nndr.measure(replace(twice, synthetic=twice.train.iloc[[0] * 20])).value == 1


def test_a_table_whose_rows_are_all_alike_has_the_floor(samples_of):
    states = TableDescription("states", (Column("state", "categorical"),))
    samples = samples_of(toy_rows(3000, 8), states)
    assert near_copies.measure(samples).value == 0
    assert nndr.measure(samples).value == 1
    for attack in (attack_distance, attack_density):
        assert attack.measure(samples).value == pytest.approx(0.01)
