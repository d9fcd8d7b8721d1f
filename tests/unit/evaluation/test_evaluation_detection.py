import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.evaluation.detection import detect, row_features
from redwood.roc import area_under_curve


def table(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": random.normal(shift, 1, rows),
            "noise": random.normal(0, 1, rows),
            "name": random.integers(0, 20, rows).astype(str).astype(object),
        }
    )


def deviation(rows: int) -> float:
    """The standard deviation of the AUC of scores that say nothing, with as many rows of both."""
    return np.sqrt((2 * rows + 1) / (12 * rows**2))


def test_area_under_curve_by_hand():
    # Of the four pairs three are in order and one is equal.
    assert area_under_curve(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == 3.5 / 4
    assert area_under_curve(np.ones(3), np.ones(5)) == 0.5
    assert area_under_curve(np.zeros(3), np.ones(5)) == 0


def test_two_normal_laws_one_deviation_apart_are_told_nearly_as_well_as_can_be():
    # The best possible is P(x > y) = Φ(1/√2) = 0.760.
    auc = detect(table(4000, 1, shift=1), table(4000, 2), 1).auc()
    best = norm.cdf(1 / np.sqrt(2))
    assert best - 0.03 < auc < best + 4 * deviation(4000)


def test_features_that_differ_only_together_are_told():
    left, right = table(1500, 1), table(1500, 2)
    left["noise"] = np.abs(left["noise"]) * np.sign(left["number"])
    found = detect(left, right, 1)
    # Half of the right rows have equal signs, too: P = 1 · ½ + ½ · ½.
    assert found.auc() == pytest.approx(0.75, abs=0.03)
    assert found.drops["number"] > 0.1
    assert found.drops["noise"] > 0.1
    assert abs(found.drops["name"]) < 0.02


def test_a_number_that_misses_its_few_values_by_a_hair_is_told():
    random = np.random.default_rng(1)
    left, right = table(2000, 1), table(2000, 2)
    values = np.exp(np.linspace(0, 10, 150))
    left["number"], right["number"] = random.choice(values, 2000), random.choice(values, 2000)
    assert detect(left, right, 1).auc() == pytest.approx(0.5, abs=4 * deviation(2000))
    right["number"] += random.normal(0, 1e-9, 2000)
    assert detect(left, right, 1).auc() > 0.98


def test_missing_numbers_and_very_many_categories_are_taken():
    left, right = table(800, 1), table(800, 2)
    for frame, seed in ((left, 3), (right, 4)):
        random = np.random.default_rng(seed)
        frame["name"] = random.integers(0, 5000, 800).astype(str).astype(object)
    assert detect(left, right, 1).auc() == pytest.approx(0.5, abs=4 * deviation(800))
    left.loc[::2, "number"] = np.nan
    # Rows that lack the number give themselves away, the others do not.
    assert detect(left, right, 1).auc() == pytest.approx(0.75, abs=0.04)


def test_each_row_is_scored_by_classifiers_that_do_not_know_it():
    # Each row has a number of its own, by which it could be told if its label had been seen.
    random = np.random.default_rng(1)
    left, right = (pd.DataFrame({"id": random.normal(size=1000)}) for _ in range(2))
    found = detect(left, right, 1)
    assert found.auc() == pytest.approx(0.5, abs=4 * deviation(1000))
    for folds in found.folds:
        assert np.bincount(folds).tolist() == [200] * 5


def test_the_hour_and_weekday_of_a_timestamp():
    rows = toy_rows(2, 1)
    rows["when"] = pd.to_datetime(["2024-01-01 06:30", "2024-01-07 23:45"], utc=True)
    features = row_features(rows, DESCRIPTION)
    assert features["hour of when"].tolist() == [6.5, 23.75]
    assert features["weekday of when"].tolist() == [0, 6]  # a Monday, a Sunday
    np.testing.assert_allclose(features["work"], np.log1p(rows["work"]))
    assert features["site"].dtype == object


def test_the_larger_samples_are_thinned_to_the_smallest(samples_of):
    samples = samples_of(toy_rows(700, 8))
    thinned = samples.equally_many
    assert list(thinned) == ["synthetic", "holdout", "fresh", "other 0"]
    assert {len(frame) for frame in thinned.values()} == {700}
    holdout = thinned["holdout"]
    assert holdout["when"].is_monotonic_increasing
    # Over all of the time, not its beginning.
    assert holdout["when"].max() > samples.holdout["when"].iloc[-30]
    assert set(holdout.index) <= set(samples.holdout.index)
    pd.testing.assert_frame_equal(thinned["synthetic"], samples.synthetic)
