"""The nearest rows of mixed tables are those of brute force and of imbalanced-learn."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood import nearest
from redwood.nearest import MixedRows, closest_distances, distance_to_closest, smallest, tuple_ids
from redwood.tables import Column, TableDescription, scaled


def by_brute_force(numbers, codes, mismatch, k):
    """Row numbers and squared distances; of equal ones first those with equal categories."""
    squared = np.zeros((len(numbers), len(numbers)))
    for column in numbers.T:
        squared += (column[:, None] - column) ** 2
    mismatches = (codes[:, None] != codes).sum(axis=2)
    squared += mismatch * mismatches
    np.fill_diagonal(squared, np.inf)
    order = np.lexsort((mismatches > 0, squared), axis=1)[:, :k]
    return order, np.take_along_axis(squared, order, 1)


@pytest.fixture
def only_groups(monkeypatch):
    """However few rows there are, they are looked up in trees."""
    monkeypatch.setattr(nearest, "_QUERIES_PER_GROUPING", 0)
    monkeypatch.setattr(nearest, "_ROWS_PER_LOOK_UP", 0)


@pytest.fixture
def only_comparison(monkeypatch):
    """Every row is compared with every other, and the best are chosen in each block."""
    monkeypatch.setattr(nearest, "_QUERIES_PER_GROUPING", 10**9)
    monkeypatch.setattr(nearest, "_MANY", 0)


@st.composite
def mixed_tables(draw):
    """Numbers on a grid, where distances tie, or anywhere; few categories or very many."""
    rows = draw(st.integers(2, 40))
    grid = st.integers(-3, 3).map(float)
    anywhere = st.floats(-4, 4, allow_subnormal=False)
    values = draw(st.sampled_from([grid, anywhere]))
    numbers = draw(arrays(float, (rows, draw(st.integers(0, 5))), elements=values))
    most = draw(st.sampled_from([1, 3, 1000]))
    codes = draw(arrays(np.int64, (rows, draw(st.integers(0, 4))), elements=st.integers(0, most)))
    mismatch = draw(st.sampled_from([0.0, 1e-3, 1.0, 2.0, 50.0]))
    return numbers, codes, mismatch, draw(st.integers(1, rows - 1))


def agrees_with_brute_force(table):
    numbers, codes, mismatch, k = table
    queries = np.arange(len(numbers))[::-2]
    rows, squared = MixedRows(numbers, codes, mismatch).nearest(queries, k)
    expected_rows, expected_squared = by_brute_force(numbers, codes, mismatch, k)
    np.testing.assert_allclose(squared, expected_squared[queries], rtol=1e-12, atol=1e-30)
    # Where rounding parts equal distances, either order is right.
    if (numbers == np.round(numbers)).all() and mismatch in (0, 1, 2, 50):
        np.testing.assert_array_equal(rows, expected_rows[queries])


@settings(max_examples=200, deadline=None)
@given(table=mixed_tables())
@example(table=(np.array([[1e-300], [0.0]]), np.empty((2, 0), np.int64), 0.0, 1))
def test_groups_find_what_brute_force_finds(table):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_QUERIES_PER_GROUPING", 0)
        patch.setattr(nearest, "_ROWS_PER_LOOK_UP", 0)
        agrees_with_brute_force(table)


@settings(max_examples=60, deadline=None)
@given(table=mixed_tables(), block=st.integers(1, 9), many=st.sampled_from([0, 4]))
def test_comparison_finds_what_brute_force_finds(table, block, many):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_QUERIES_PER_GROUPING", 10**9)
        patch.setattr(nearest, "_COMPARED", (block, 2 * block))
        patch.setattr(nearest, "_MANY", many)
        agrees_with_brute_force(table)


@settings(max_examples=60, deadline=None)
@given(table=mixed_tables())
def test_distances_are_those_of_imbalanced_learn(table):
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    from sklearn.neighbors import NearestNeighbors

    encoded = {}

    class Recorded(over_sampling.SMOTENC):
        def _make_samples(self, X, *arguments, **more):
            encoded["rows"] = X.toarray()
            return super()._make_samples(X, *arguments, **more)

    numbers, codes, _, k = table
    if not numbers.shape[1] or not codes.shape[1]:
        return
    rows = np.column_stack([numbers, codes])
    # One row more, of another class, for the sampler refuses a single one.
    Recorded(
        list(range(numbers.shape[1], rows.shape[1])),
        sampling_strategy={0: len(rows) + 1},
        k_neighbors=k,
    ).fit_resample(np.vstack([rows, rows[:1]]), np.append(np.zeros(len(rows), int), 1))
    # Its own search takes differences of squares, which is wrong by 1e-8.
    search = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(encoded["rows"])
    theirs, _ = search.kneighbors()
    mismatch = np.median(numbers.std(axis=0)) ** 2
    _, ours = MixedRows(numbers, codes, mismatch).nearest(np.arange(len(rows)), k)
    np.testing.assert_allclose(np.sqrt(ours), theirs, rtol=1e-12, atol=1e-12)


def many_groups(rows, seed):
    """Numbers and codes of jobs of tasks: groups of all sizes, 1 included, and repeated points."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 3))
    numbers[:, 0] = np.round(numbers[:, 0], 1)
    codes = np.column_stack([np.minimum(rng.zipf(1.3, rows), 500), rng.integers(0, 6, rows)])
    again = rng.integers(0, rows, rows // 4)
    numbers[: len(again)], codes[: len(again)] = numbers[again], codes[again]
    return numbers, codes


def test_hundreds_of_groups_are_kept_apart_and_progress_counts_every_query(only_groups):
    numbers, codes = many_groups(1500, seed=0)
    told = []
    rows, squared = MixedRows(numbers, codes, 0.3).nearest(np.arange(1500), 7, told.append)
    expected_rows, expected_squared = by_brute_force(numbers, codes, 0.3, 7)
    np.testing.assert_allclose(squared, expected_squared, rtol=1e-12)
    np.testing.assert_array_equal(rows, expected_rows)
    assert sum(told) == 1500


def test_of_equally_near_rows_the_first_are_taken(only_groups):
    # All but itself at distance 1 of the origin: more rows than are looked up at first.
    corners = np.vstack([np.eye(12), -np.eye(12), np.zeros((1, 12))])
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(25)
        table = MixedRows(corners[order], np.zeros((25, 0), int), 0)
        origin = np.flatnonzero(order == 24)
        rows, squared = table.nearest(origin, 5)
        np.testing.assert_array_equal(rows, [np.setdiff1d(np.arange(25), origin)[:5]])
        np.testing.assert_array_equal(squared, np.ones((1, 5)))


def test_distances_that_differ_by_rounding_are_in_their_order(only_groups):
    # The same squares, added in other orders, by the tree in yet another.
    rng = np.random.default_rng(0)
    values = rng.lognormal(size=20)
    points = np.array([rng.permutation(values) for _ in range(300)] + [np.zeros(20)])
    codes = np.zeros((len(points), 0), int)
    table = MixedRows(points, codes, 0)
    expected_rows, expected_squared = by_brute_force(points, codes, 0, 30)
    assert len(np.unique(expected_squared[-1])) > 1
    np.testing.assert_allclose(expected_squared[-1], (values**2).sum())
    rows, squared = table.nearest(np.arange(len(points)), 30)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(squared, expected_squared)


@pytest.mark.parametrize("block", [1, 100])
def test_blocks_change_nothing(only_groups, monkeypatch, block):
    table = MixedRows(*many_groups(400, seed=1), 0.3)
    whole = table.nearest(np.arange(400), 4)
    monkeypatch.setattr(nearest, "_BLOCK", block)
    np.testing.assert_array_equal(table.nearest(np.arange(400), 4), whole)


@pytest.mark.parametrize("search", ["only_groups", "only_comparison"])
def test_the_number_of_threads_changes_nothing(search, request, monkeypatch):
    request.getfixturevalue(search)
    table = MixedRows(*many_groups(2000, seed=2), 0.3)
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(table.nearest(np.arange(2000), 5))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("case", "expected"),
    [("equal numbers", 0), ("repeated rows", 0), ("a category for each row", 2)],
)
def test_tables_that_no_tree_divides_take_no_quadratic_time(case, expected):
    rows = 60_000
    row = np.arange(rows)
    numbers, codes, mismatch = {
        "equal numbers": (np.ones((rows, 2)), row[:, None] % 10_000, 0.0),
        "repeated rows": (np.column_stack([row % 50, row % 7]) * 1.0, row[:, None] % 5, 1.0),
        # Every user's other rows, or every site's, differ in two categories.
        "a category for each row": (
            (row[:, None] % 2) * 1.0,
            np.column_stack([row, row % 83, row % 10_000]),
            1.0,
        ),
    }[case]
    begin = time.process_time()
    found, squared = MixedRows(numbers, codes, mismatch).nearest(row, 5)
    # Comparing all pairs takes more than half a minute.
    assert time.process_time() - begin < 10
    assert (found != row[:, None]).all()
    assert (squared == expected).all()


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbours_than_other_rows_are_refused(k):
    with pytest.raises(ValueError, match=f"k is {k}, expected 1 to 3 for 4 rows"):
        MixedRows(np.zeros((4, 1)), np.zeros((4, 0), int), 1.0).nearest(np.array([0]), k)


def test_smallest_takes_the_first_of_equals():
    values = np.array([[3, 1, 1, 1, 0], [2, 2, 2, 2, 2]])
    expected = [[False, True, True, False, True], [True, True, True, False, False]]
    np.testing.assert_array_equal(smallest(values, 3), expected)
    assert smallest(values, 5).all()


def test_tuple_ids_count_in_order_of_appearance():
    columns = [np.array([5.0, 5.0, -1.0, 5.0]), np.array([1, 2, 1, 1])]
    np.testing.assert_array_equal(tuple_ids(columns, 4), [0, 1, 2, 0])
    np.testing.assert_array_equal(tuple_ids([], 3), [0, 0, 0])


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


# Groupings to the end; comparisons only.
@pytest.mark.parametrize("per_grouping", [0, 10**9])
@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from([1, 2, 15]),
)
def test_distances_to_another_table_are_exact_on_any_mixture(
    per_grouping, seed, categories, nominal, numeric, count
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
        patch.setattr(nearest, "_QUERIES_PER_GROUPING", per_grouping)
        patch.setattr(nearest, "_ROWS_PER_LOOK_UP", per_grouping)
        patch.setattr(nearest, "_COMPARED", (7, 4))
        found = closest_distances(queries, reference, description, count)
    expected = np.sort(all_distances(queries, reference, description), axis=1)[:, :count]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_table_with_many_categories_does_not_try_all_ways_to_agree(monkeypatch):
    width = 20  # 2²⁰ ways
    description = TableDescription(
        "wide", tuple(Column(f"c{i}", "categorical") for i in range(width))
    )

    def rows(n, seed):
        random = np.random.default_rng(seed)
        codes = random.integers(0, 9, (n, width)).astype(str).astype(object)
        return pd.DataFrame(codes, columns=[f"c{i}" for i in range(width)])

    group, calls = MixedRows._search_groups, []

    def counted(*given):
        calls.append(given)
        assert len(calls) == 1
        return group(*given)

    monkeypatch.setattr(MixedRows, "_search_groups", counted)
    queries, reference = rows(200, 1), rows(300, 2)
    found = distance_to_closest(queries, reference, description)
    np.testing.assert_allclose(found, all_distances(queries, reference, description).min(axis=1))


def test_rows_far_apart_in_all_categories_are_found_too_and_copies_are_at_distance_zero():
    queries, reference = toy_rows(50, 1), toy_rows(200, 2)
    queries = queries.assign(site="nowhere", state="never")
    found = distance_to_closest(queries, reference, DESCRIPTION)
    assert found.min() >= np.sqrt(2)
    np.testing.assert_allclose(found, all_distances(queries, reference, DESCRIPTION).min(axis=1))
    assert (distance_to_closest(reference, reference, DESCRIPTION) == 0).all()
