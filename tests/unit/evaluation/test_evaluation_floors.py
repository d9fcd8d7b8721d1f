"""The floors of real rows in place of the synthetic ones: one for each draw of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import toy_rows

from redwood import plugins
from redwood.evaluation.contract import MEASURES
from redwood.evaluation.measures import impossible

# Training rows cannot stand for unseen ones where nearness to training rows is what is measured.
OF_PRIVACY = ("dcr", "dcr_share", "near_copies", "nndr")
NAMES = [
    name
    for name in plugins.names(MEASURES)
    if name not in OF_PRIVACY and not name.startswith("attack_")
]
PAIRS = ("diff_mlef", "diff_mlef_class")
# These draw nothing at random, so that a draw in the place of the synthetic rows has its floor.
EXACT = (
    "wd",
    "jsd",
    "diff_corr",
    "joint",
    "conditional",
    "c2st",
    "autocorrelation",
    "interarrival",
)


def measured(name, samples):
    return plugins.load(MEASURES, name).measure(samples)


def in_one_span(rows: int, seed: int) -> pd.DataFrame:
    """Rows of which the first and the last come when those of all samples do."""
    frame = toy_rows(rows, seed)
    ends = pd.to_datetime([1_704_067_200, 1_704_067_200 + 30 * 86400], unit="s", utc=True)
    frame.loc[[0, rows - 1], "when"] = ends.astype(frame["when"].dtype)
    return frame


@pytest.fixture
def samples(samples_of):
    """Samples in one span of time, as many rows of each."""
    holdout, fresh, other = (in_one_span(500, seed) for seed in (2, 3, 4))
    synthetic = samples_of(in_one_span(500, 8))
    return replace(synthetic, holdout=holdout, fresh=fresh, others=(other,))


@pytest.mark.parametrize("name", NAMES)
def test_the_floor_is_the_mean_of_those_of_all_draws(samples_of, name):
    samples = samples_of(toy_rows(400, 8))
    samples = replace(samples, others=(*samples.others, toy_rows(400, 12)))
    result = measured(name, samples)
    assert len(result.floor_draws) == 3  # of three draws there are three pairs, too
    assert result.floor == pytest.approx(np.mean(result.floor_draws), rel=1e-12)
    # The holdout has no combination of these few categories that training lacks, and no number
    # that comes twice.
    assert len(set(result.floor_draws)) > 1 or name in ("impossible", "repeats")


@pytest.mark.parametrize("name", EXACT)
def test_the_floor_of_a_draw_is_its_value_in_place_of_the_synthetic_rows(samples, name):
    expected = [measured(name, replace(samples, synthetic=d)).value for d in samples.real_draws]
    assert expected[0] != expected[1]
    result = measured(name, samples)
    np.testing.assert_allclose(result.floor_draws, expected, rtol=1e-12)
    assert result.floor == pytest.approx(np.mean(expected), rel=1e-12)


def broken_rows(rows: int) -> pd.DataFrame:
    """Rows of one site and state only, which all come on Mondays."""
    frame = in_one_span(rows, 4)
    seconds = (frame["when"] - frame["when"].iloc[0]).dt.total_seconds()
    week = 7 * 86400
    on_monday = pd.to_timedelta(seconds // week * week + seconds % week / 7, unit="s")
    when = (frame["when"].iloc[0] + on_monday).astype(frame["when"].dtype)
    when.iloc[-1] = frame["when"].iloc[-1]
    return frame.assign(when=when, site="RAL", state="finished", size=7, work=3.0)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("impossible", *PAIRS)])
def test_a_broken_draw_has_another_floor_and_leaves_that_of_the_other_alone(samples, name):
    sound = measured(name, samples).floor_draws
    floors = measured(name, replace(samples, others=(broken_rows(500),))).floor_draws
    assert abs(floors[1] - sound[1]) > 3 * abs(floors[0] - sound[0])
    assert abs(floors[1] - floors[0]) > 2 * abs(sound[1] - sound[0])


def test_the_pairs_of_draws_of_efficacy_are_named_one_by_one(samples_of):
    samples = samples_of(toy_rows(300, 8))
    for name in PAIRS:
        (alone,) = measured(name, samples).floor_draws
        three = replace(samples, others=(*samples.others, toy_rows(300, 12)))
        floors = measured(name, three).floor_draws
        assert floors[0] == alone
        # Of three numbers the largest difference is the sum of the other two.
        assert 2 * max(floors) == pytest.approx(sum(floors))


def test_the_floors_of_the_impossible_are_those_of_parts_of_the_holdout(samples_of):
    samples = samples_of(toy_rows(300, 8))
    holdout = samples.holdout.iloc[:1000]
    holdout = holdout.assign(site=np.where(np.arange(1000) < 100, "new", holdout["site"]))
    result = impossible.measure(replace(samples, holdout=holdout))
    assert result.floor == pytest.approx(0.1, abs=0.002)
    first, second = result.floor_draws
    assert first != second
    assert first + second == pytest.approx(2 * result.floor)
    assert first == pytest.approx(0.1, abs=0.05)
