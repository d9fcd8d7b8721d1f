"""Shares that are found, their bounds, and what the best of several attackers finds by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm

from redwood.release.shares import (
    Share,
    best_by_chance,
    joined,
    share_alone,
    share_found,
    standings,
)


def test_the_bound_is_jeffreys_where_the_threshold_is_known():
    share = Share(40, 280, 0.1, np.full(10, 4))
    assert share.at_most() == pytest.approx(beta.ppf(0.95, 4.5, 36.5), abs=1e-9)
    assert share.at_most(0.0125) == pytest.approx(beta.ppf(0.9875, 4.5, 36.5), abs=1e-9)
    assert Share(40, 280, 1.0, np.full(10, 40)).at_most() == 1


def test_the_bound_holds_in_19_of_20_audits_and_chance_mostly_passes():
    random = np.random.default_rng(1)
    planted = np.arange(320) < 40
    bounds = {}
    for true in (0.1, 0.3):
        shift = norm.ppf(0.9) - norm.ppf(1 - true)
        scores = random.normal(size=(200, 320)) + shift * planted
        bounds[true] = np.array([share_found(one, planted, random).at_most() for one in scores])
        assert (bounds[true] < true).mean() < 0.08
    assert (bounds[0.1] <= 0.3).mean() > 0.85
    assert (bounds[0.3] <= 0.3).mean() < 0.08


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.data())
def test_ties_are_found_as_often_as_false_alarms_are_raised(scores, data):
    planted = np.array(data.draw(st.permutations([True, *[False] * (len(scores) - 1)])))
    found = share_found(np.array(scores, float), planted, np.random.default_rng(1))
    assert 0 <= found.found <= 1
    assert 0 <= found.thresholds.min() <= found.thresholds.max() <= 1
    alike = share_found(np.zeros(len(scores)), planted, np.random.default_rng(1))
    assert alike.found == pytest.approx(0.1)
    assert alike.thresholds == pytest.approx(0.1)


def test_scores_are_compared_among_units_of_about_the_same_size():
    random = np.random.default_rng(2)
    stratum = np.repeat([0, 1], 400)
    planted = np.tile(np.arange(8) == 0, 100)
    # Of large units scores are small; planted ones among them are above the others.
    score = random.normal(size=800) * np.where(stratum == 1, 0.1, 10) + 0.5 * (
        planted & (stratum == 1)
    )
    places = standings(score[:, None], stratum, planted, random)[:, 0]
    assert share_alone(score[stratum == 1], planted[stratum == 1]) > 0.9
    assert share_alone(score, planted) < 0.2
    assert share_alone(places, planted) > 0.5


@pytest.mark.parametrize(
    ("counts", "groups"),
    [
        ({1: 25, 5: 50, 20: 42, 50: 6, 200: 1}, [[1, 5], [20, 50, 200]]),
        ({1: 40, 5: 40, 20: 0}, [[1], [5]]),
        ({1: 3, 5: 4}, [[1, 5]]),
        ({}, []),
    ],
)
def test_sizes_with_few_canaries_are_joined_with_their_neighbours(counts, groups):
    assert joined(counts, 40) == groups


def test_the_best_of_many_attackers_finds_more_by_chance_and_a_leak_more_than_that():
    random = np.random.default_rng(3)
    group, planted = np.repeat(np.arange(50), 8), np.tile(np.arange(8) == 0, 50)
    blind = random.random((400, 30))
    found, drawn = best_by_chance(blind, group, planted, random)
    one, _ = best_by_chance(blind[:, :1], group, planted, random)
    assert np.median(drawn) > 0.15
    assert found >= one
    assert (drawn >= found).mean() > 0.02
    seeing = blind.copy()
    seeing[planted, 7] += 0.5
    found, drawn = best_by_chance(seeing, group, planted, random)
    assert found > drawn.max()


@pytest.mark.parametrize("values", [2, 5, 1000])
def test_few_others_and_equal_scores_do_not_find_more_by_chance(values):
    """Strata of thirty others each, and many more planted units than others."""
    random = np.random.default_rng(4)
    stratum, planted = np.repeat(np.arange(5), 180), np.tile(np.arange(180) < 150, 5)
    shares = []
    for _ in range(30):
        score = random.integers(0, values, (900, 1)).astype(float)
        shares.append(share_alone(standings(score, stratum, planted, random)[:, 0], planted))
    assert np.mean(shares) == pytest.approx(0.1, abs=0.02)
