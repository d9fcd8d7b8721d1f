"""The ε that an audit proves never exceeds that of a mechanism whose ε is known."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, norm

from redwood.release.least_epsilon import least_epsilon, proved

MEMBERS = 8


def gaussian_epsilon(deviation: float, delta: float) -> float:
    """The exact ε of normal noise on a count (Balle and Wang, arXiv 1805.06530, theorem 5)."""

    def surplus(epsilon):
        shift = 1 / (2 * deviation), epsilon * deviation
        below = np.exp(epsilon + norm.logcdf(-shift[0] - shift[1]))
        return norm.cdf(shift[0] - shift[1]) - below - delta

    return brentq(surplus, 0, 1000)


def proved_of_histograms(noise, audits: int, groups: int, random) -> np.ndarray:
    """What audits prove of histograms in whose bins one canary of each group was counted.

    A canary has a bin of its own, the worst case. Attackers see counts, and one sees nothing.
    """
    group = np.repeat(np.arange(groups), MEMBERS)
    epsilons = np.empty(audits)
    for audit in range(audits):
        planted = np.zeros((groups, MEMBERS), bool)
        planted[np.arange(groups), random.integers(0, MEMBERS, groups)] = True
        counts = planted.ravel() + noise(group.shape)
        scores = np.stack([counts, random.random(len(counts))], axis=1)
        epsilons[audit] = proved(scores, group, planted.ravel(), random)
    return epsilons


@pytest.mark.parametrize("epsilon", [0.5, 1, 2, 4])
def test_of_laplace_noise_of_known_epsilon_no_more_is_proved(epsilon):
    random = np.random.default_rng(int(10 * epsilon))
    found = proved_of_histograms(
        lambda shape: random.laplace(0, 1 / epsilon, shape), 400, 225, random
    )
    # The risk is one in twenty, and what the best attacker finds is below what ε allows.
    assert (found > epsilon).mean() <= 0.05
    assert found.max() < 1.05 * epsilon
    if epsilon >= 2:
        assert np.median(found) > 0.4 * epsilon, "the audit sees something"


@pytest.mark.parametrize("deviation", [0.5, 1, 2])
def test_of_normal_noise_of_known_epsilon_no_more_is_proved(deviation):
    random = np.random.default_rng(int(10 * deviation))
    found = proved_of_histograms(
        lambda shape: deviation * random.normal(size=shape), 400, 225, random
    )
    assert found.max() < gaussian_epsilon(deviation, 1e-5)
    assert np.median(found) > 0 or deviation > 1


def test_a_gaussian_of_known_epsilon():
    """One of deviation 1 has ε 4.377 at δ 1e-5: e.g. dp_accounting's Gaussian mechanism."""
    assert gaussian_epsilon(1.0, 1e-5) == pytest.approx(4.377, abs=2e-3)


def test_by_chance_nothing_is_proved_in_19_of_20_audits():
    random = np.random.default_rng(3)
    found = proved_of_histograms(lambda shape: 1e9 * random.normal(size=shape), 400, 225, random)
    assert (found > 0).mean() <= 0.08


@pytest.mark.parametrize(("correct", "groups"), [(1, 10), (60, 225), (225, 225)])
def test_the_bound_is_where_the_binomial_says(correct, groups):
    epsilon = least_epsilon(correct, groups, MEMBERS, 0.05)
    if epsilon:
        share = np.exp(2 * epsilon) / (np.exp(2 * epsilon) + MEMBERS - 1)
        assert binom.sf(correct - 1, groups, share) == pytest.approx(0.05, rel=1e-6)
    assert least_epsilon(0, groups, MEMBERS) == 0
