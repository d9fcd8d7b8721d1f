import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.evaluation.association import Associations, correlation_ratio, pairs, pearson, theils_u


def test_pearson_by_hand():
    assert pearson(np.array([1.0, 2, 3]), np.array([2.0, 4, 6])) == pytest.approx(1)
    # Deviations (-1, 0, 1) and (-1, 1, 0): 1 / √(2·2).
    assert pearson(np.array([1.0, 2, 3]), np.array([0.0, 2, 1])) == pytest.approx(0.5)
    assert pearson(np.array([1.0, 1, 1]), np.array([0.0, 2, 1])) == 0


def test_columns_that_do_not_vary_are_associated_with_nothing():
    # The mean of 12,001 times 0.1 is not 0.1, so that a rounding error is left of each value.
    constant, other = np.full(12_001, 0.1), np.full(12_001, np.log1p(7.0))
    assert (constant - constant.mean()).any()
    assert pearson(constant, other) == 0
    assert correlation_ratio(np.arange(12_001) % 3, constant) == 0


def test_theils_u_by_hand():
    x, y = np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3])
    # y determines x; x leaves y one bit of its two.
    assert theils_u(x, y) == pytest.approx(1)
    assert theils_u(y, x) == pytest.approx(0.5)
    assert theils_u(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == pytest.approx(0)
    assert theils_u(np.zeros(4, int), y) == 0


def test_theils_u_of_many_categories_takes_memory_for_the_pairs_that_occur_only():
    x = np.random.default_rng(1).permutation(30_000)
    tracemalloc.start()
    assert theils_u(x, np.arange(30_000)) == pytest.approx(1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_correlation_ratio_by_hand():
    # Group means 1 and 3 around 2; squares between 4·1, in all 4·1 + 4·1: η² = 1/2.
    categories, values = np.array([0, 0, 1, 1]), np.array([0.0, 2, 2, 4])
    assert correlation_ratio(categories, values) == pytest.approx(np.sqrt(0.5))
    assert correlation_ratio(categories, np.array([1.0, 1, 3, 3])) == pytest.approx(1)
    assert correlation_ratio(categories, np.ones(4)) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=50))
def test_associations_of_categories_stay_in_their_range(rows):
    x, y = np.array(rows).T
    assert 0 <= theils_u(x, y) <= 1
    assert 0 <= correlation_ratio(x, y.astype(float)) <= 1
    if len(set(x)) > 1:
        assert theils_u(x, x) == pytest.approx(1)


def test_every_ordered_pair_has_its_own_kind():
    kinds = {(a, b): kind for a, b, kind in pairs(DESCRIPTION)}
    assert len(kinds) == 5 * 4
    assert kinds["when", "size"] == "pearson"
    assert kinds["site", "state"] == "theils_u"
    assert kinds["site", "size"] == kinds["size", "site"] == "correlation_ratio"


def test_subsets_of_rows_are_what_the_rows_alone_would_give():
    frame = toy_rows(500, 1)
    mask = np.arange(500) % 3 != 0
    alone = frame[mask].reset_index(drop=True)
    expected = Associations(alone, DESCRIPTION).values(np.ones(len(alone), bool))
    np.testing.assert_allclose(Associations(frame, DESCRIPTION).values(mask), expected)
