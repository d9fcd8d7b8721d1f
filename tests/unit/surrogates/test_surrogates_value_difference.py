"""The value difference metric is imbalanced-learn's, its nearest rows those of brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from redwood.surrogates.models.smote import value_difference
from redwood.surrogates.models.smote.value_difference import NominalRows


def squared_distances(codes, classes):
    """The definition, pair by pair of rows."""
    kinds = np.unique(classes)
    squared = np.zeros((len(codes), len(codes)))
    for column in codes.T:
        shares = np.array(
            [[(classes[column == code] == kind).mean() for kind in kinds] for code in column]
        )
        squared += np.abs(shares[:, None] - shares).sum(axis=2) ** 2
    return squared


def test_the_distances_are_those_of_the_published_example():
    # The example of imbalanced-learn's ValueDifferenceMetric: green, red, blue.
    codes = np.repeat([0, 1, 2], 10)[:, None]
    classes = np.array([1] * 8 + [0] * 5 + [1] * 7 + [0] * 9 + [1])
    kinds = np.array([[0], [1], [2]])
    found = NominalRows(codes, classes)._squared_distances(kinds, kinds)
    np.testing.assert_allclose(found, [[0, 0.04, 1.96], [0.04, 0, 1.44], [1.96, 1.44, 0]])


@st.composite
def nominal_tables(draw):
    rows, columns = draw(st.integers(2, 30)), draw(st.integers(1, 4))
    codes = draw(
        arrays(np.int64, (rows, columns), elements=st.integers(0, draw(st.integers(0, 9))))
    )
    classes = draw(arrays(np.int64, rows, elements=st.integers(0, 2)))
    classes[1] = classes[0]
    return codes, classes


@settings(max_examples=150, deadline=None)
@given(table=nominal_tables(), data=st.data())
def test_the_nearest_rows_are_those_of_brute_force(table, data):
    codes, classes = table
    members = np.flatnonzero(classes == classes[0])
    k = data.draw(st.integers(1, len(members) - 1))
    block = data.draw(st.sampled_from([1, 1 << 22]))
    queries = np.arange(len(members))[::-1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(value_difference, "_BLOCK", block)
        found = NominalRows(codes, classes).nearest(members, queries, k)
    apart = squared_distances(codes, classes)[np.ix_(members, members)]
    np.fill_diagonal(apart, np.inf)
    assert found.shape == (len(members), k)
    assert (found != queries[:, None]).all()
    assert all(len(set(row)) == k for row in found.tolist())
    np.testing.assert_allclose(
        np.take_along_axis(apart[queries], found, 1), np.sort(apart[queries])[:, :k], atol=1e-12
    )


def test_of_equally_near_rows_those_with_equal_categories_come_first_then_the_first():
    # All categories of the second column have the same shares: all rows of a class are at 0.
    codes = np.array(
        [[0, 0], [0, 1], [0, 1], [0, 0], [0, 2], [1, 0], [1, 1], [1, 1], [1, 0], [1, 2]]
    )
    found = NominalRows(codes, codes[:, 0]).nearest(np.arange(5), np.array([0, 3, 4]), 3)
    np.testing.assert_array_equal(found[:, 0], [3, 0, 0])
    np.testing.assert_array_equal(found[2], [0, 1, 2])


def test_progress_reaches_the_number_of_queries():
    rng = np.random.default_rng(0)
    told = []
    rows = NominalRows(rng.integers(0, 5, (300, 3)), rng.integers(0, 2, 300))
    rows.nearest(np.arange(100), np.array([0, 0, 7, 99]), 3, told.append)
    assert sum(told) == 4
