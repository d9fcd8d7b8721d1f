import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood import nearest
from redwood.nearest import closest_rows, distance_to_closest
from redwood.tables import Column, TableDescription, scaled


def all_distances(queries, reference, description):
    squared = np.zeros((len(queries), len(reference)))
    for column in description.numeric_features:
        q, r = scaled(queries, column), scaled(reference, column)
        span = np.ptp(r) or 1.0
        squared += ((q[:, None] - r[None, :]) / span) ** 2
    for column in description.categorical_features:
        q, r = queries[column.name].to_numpy(), reference[column.name].to_numpy()
        squared += q[:, None] != r[None, :]
    return np.sqrt(squared)


def test_distances_by_hand():
    description = TableDescription("t", (Column("x", "numeric"), Column("c", "categorical")))
    reference = pd.DataFrame({"x": [0.0, 10.0], "c": ["a", "b"]})
    queries = pd.DataFrame({"x": [1.0, 1.0, 10.0, 5.0], "c": ["a", "b", "b", "z"]})
    # 0.1 in x; 0.9 with its own category, against √(1 + 0.01) with the other; itself; √(1 + 0.25).
    expected = [0.1, 0.9, 0.0, np.sqrt(1.25)]
    np.testing.assert_allclose(distance_to_closest(queries, reference, description), expected)


# Groupings to the end; comparisons only; from the one to the other as soon as few rows are open.
@pytest.mark.parametrize("rows_per_grouping", [0, 10**9, 3])
@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from([1, 2, 5, 20]),
)
def test_distances_are_exact_on_any_mixture(
    rows_per_grouping, seed, categories, nominal, numeric, count
):
    random = np.random.default_rng(seed)
    if nominal + numeric == 0:
        numeric = 1
    columns = [Column(f"c{i}", "categorical") for i in range(nominal)]
    columns += [Column(f"x{i}", "numeric") for i in range(numeric)]
    description = TableDescription("t", tuple(columns))

    def rows(n, spread):
        frame = {f"c{i}": random.integers(0, categories, n).astype(str) for i in range(nominal)}
        # Rounded, so that some are equal.
        frame |= {f"x{i}": random.normal(0, spread, n).round(1) for i in range(numeric)}
        return pd.DataFrame(frame)

    # Queries reach far out, where the closest row may be one with many other categories.
    queries, reference = rows(20, 12), rows(15, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_ROWS_PER_GROUPING", rows_per_grouping)
        patch.setattr(nearest, "_BLOCK", (7, 4))
        found, rows = closest_rows(queries, reference, description, count)
    distances = all_distances(queries, reference, description)
    known = min(count, len(reference))
    expected = np.sort(distances, axis=1)[:, :known]
    np.testing.assert_allclose(found[:, :known], expected, atol=1e-12)
    named = np.take_along_axis(distances, rows[:, :known], axis=1)
    np.testing.assert_allclose(named, expected, atol=1e-12)
    assert all(len(set(each)) == known for each in rows[:, :known])
    assert np.isinf(found[:, known:]).all()
    assert (rows[:, known:] == -1).all()


def test_a_table_with_many_categories_does_not_try_all_ways_to_agree(monkeypatch):
    width = 20  # 2²⁰ ways
    description = TableDescription(
        "wide", tuple(Column(f"c{i}", "categorical") for i in range(width))
    )

    def rows(n, seed):
        random = np.random.default_rng(seed)
        codes = random.integers(0, 9, (n, width)).astype(str).astype(object)
        return pd.DataFrame(codes, columns=[f"c{i}" for i in range(width)])

    group, calls = nearest._within_groups, []

    def counted(*given):
        calls.append(given)
        assert len(calls) == 1
        return group(*given)

    monkeypatch.setattr(nearest, "_within_groups", counted)
    queries, reference = rows(200, 1), rows(300, 2)
    found = distance_to_closest(queries, reference, description)
    assert calls
    np.testing.assert_allclose(found, all_distances(queries, reference, description).min(axis=1))


def test_rows_far_apart_in_all_categories_are_found_too():
    queries, reference = toy_rows(50, 1), toy_rows(200, 2)
    queries = queries.assign(site="nowhere", state="never")
    found = distance_to_closest(queries, reference, DESCRIPTION)
    assert found.min() >= np.sqrt(2)
    np.testing.assert_allclose(found, all_distances(queries, reference, DESCRIPTION).min(axis=1))


def test_a_copy_is_at_distance_zero():
    rows = toy_rows(100, 1)
    assert (distance_to_closest(rows, rows, DESCRIPTION) == 0).all()
