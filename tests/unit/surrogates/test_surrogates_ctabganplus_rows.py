"""CTAB-GAN+'s view of rows: modes, point masses, many categories, conditions."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.models.ctabganplus.conditions import Conditions, MatchingRows
from redwood.surrogates.models.ctabganplus.fidelity import Fidelity
from redwood.surrogates.models.ctabganplus.rows import CategoryPlaces, RowEncoder
from redwood.tables import Column, TableDescription


def encoder_of(frame: pd.DataFrame, *columns: Column, **changed) -> RowEncoder:
    settings = {
        "point_share": 0.1,
        "most_components": 5,
        "most_rows": 5000,
        "most_categories": 100,
        **changed,
    }
    description = TableDescription("t", columns)
    return RowEncoder.fit(frame, description, **settings, rng=np.random.default_rng(0))


def there_and_back(encoder: RowEncoder, frame: pd.DataFrame) -> pd.DataFrame:
    return encoder.decode(*encoder.encode(frame, np.random.default_rng(1)))


def test_frequent_values_are_modes_of_their_own_and_come_back_exactly():
    rng = np.random.default_rng(0)
    x = np.exp(rng.normal(5, 1, 1000))
    x[:300], x[300:450] = 0.0, 1 / 3
    frame = pd.DataFrame({"x": x})
    encoder = encoder_of(frame, Column("x", "numeric", scale="log"))
    modes = encoder.numbers[0]
    assert modes.values == (0.0, 1 / 3)  # noqa: PD011
    places, codes = encoder.encode(frame, rng)
    continuous = modes.components.components if modes.components.components > 1 else 1
    assert (codes[:300, 0] == continuous).all()
    assert (codes[300:450, 0] == continuous + 1).all()
    assert (codes[450:, 0] < continuous).all()
    assert (places[:450] == 0).all()
    decoded = there_and_back(encoder, frame)["x"].to_numpy()
    assert np.array_equal(decoded[:450], x[:450])
    assert decoded[450:] == pytest.approx(x[450:], rel=1e-4)


def test_a_column_of_few_values_has_modes_but_no_place():
    frame = pd.DataFrame({"n": np.repeat([1, 2, 7], [500, 450, 50])})
    encoder = encoder_of(frame, Column("n", "integer"))
    assert encoder.numbers[0].components is None, "a single other value is no continuous part"
    assert (encoder.layout.places, encoder.layout.blocks) == (0, (3,))
    assert there_and_back(encoder, frame).equals(frame)


def test_a_single_mode_is_scaled_between_its_extremes():
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(3, 2, 800)})
    encoder = encoder_of(frame, Column("x", "numeric"), most_components=1)
    assert (encoder.layout.places, encoder.layout.blocks) == (1, ())
    places, _ = encoder.encode(frame, np.random.default_rng(0))
    low, high = frame["x"].min(), frame["x"].max()
    expected = 2 * (frame["x"] - low) / (high - low) - 1
    assert places[:, 0] == pytest.approx(expected.to_numpy(), abs=1e-6)
    assert there_and_back(encoder, frame)["x"].to_numpy() == pytest.approx(
        frame["x"].to_numpy(), abs=1e-5
    )


def test_too_many_categories_are_one_number_in_proportion_to_their_rows():
    rng = np.random.default_rng(0)
    names = np.array([f"c{i:05d}" for i in range(10_000)], dtype=object)
    chosen = np.concatenate([np.arange(10_000), rng.zipf(1.5, 40_000) % 10_000])
    frame = pd.DataFrame({"c": names[chosen]})
    encoder = encoder_of(frame, Column("c", "categorical"))
    assert (encoder.layout.places, encoder.layout.blocks) == (1, ())
    places, _ = encoder.encode(frame, rng)
    assert np.histogram(places, bins=10, range=(-1, 1))[0] / len(frame) == pytest.approx(
        0.1, abs=0.01
    )
    # Single precision, which networks compute with, blurs the ends of intervals.
    assert (there_and_back(encoder, frame)["c"] == frame["c"]).mean() > 0.998


@given(counts=st.lists(st.integers(1, 50), min_size=1, max_size=30), seed=st.integers(0, 99))
def test_intervals_of_categories_come_back(counts, seed):
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    intervals = CategoryPlaces.fit(codes)
    places = intervals.encode(codes, np.random.default_rng(seed))
    assert np.array_equal(intervals.decode(places), codes)
    assert set(intervals.decode(np.array([-1.0, -2.0, 1.0, 2.0]))) <= set(codes)


def test_places_and_blocks_of_a_mixed_table_come_back_from_json():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "few": rng.choice(np.array(["a", "b"], dtype=object), 600),
            "constant": np.full(600, 5.0),
            "two": np.where(rng.random(600) < 0.5, -3, 3) + rng.normal(0, 0.1, 600),
            "many": np.array([f"m{i % 150}" for i in range(600)], dtype=object),
            "one": rng.normal(size=600),
            "flag": rng.integers(0, 2, 600),
        }
    )
    columns = (
        Column("few", "categorical"),
        Column("constant", "numeric"),
        Column("two", "numeric"),
        Column("many", "categorical"),
        Column("one", "numeric"),
        Column("flag", "integer"),
    )
    fitted = encoder_of(frame, *columns, most_components=2)
    encoder = RowEncoder.from_json(
        json.loads(json.dumps(fitted.to_json())), TableDescription("t", columns)
    )
    assert encoder.layout == fitted.layout
    assert encoder.where("two") == (0, 0)
    assert encoder.where("flag") == (None, 2 if fitted.layout.places == 3 else 1)
    assert encoder.where("many") == (encoder.layout.places - 1, None)
    assert encoder.where("few") == (None, len(encoder.layout.blocks) - 1)
    back = there_and_back(encoder, frame)
    for column in ("few", "constant", "many", "flag"):
        assert back[column].equals(frame[column]), column
    for column in ("two", "one"):
        # A value is lost where it lies beyond four deviations of the component drawn for it.
        close = np.isclose(back[column], frame[column], atol=0.02)
        assert close.mean() > 0.98, column


def test_conditions_follow_counts_or_their_logarithms():
    codes = np.array([[0, 0]] * 900 + [[1, 0]] * 99 + [[1, 1]])
    conditions = Conditions.fit(codes, (2, 2))
    rng = np.random.default_rng(0)
    by_count = np.bincount(conditions.draw(200_000, False, rng), minlength=4) / 200_000
    assert by_count == pytest.approx([0.45, 0.05, 0.4995, 0.0005], abs=0.005)
    weights = np.log1p([900, 100, 999, 1])
    expected = weights / np.repeat(weights.reshape(2, 2).sum(axis=1), 2) / 2
    balanced = np.bincount(conditions.draw(200_000, True, rng), minlength=4) / 200_000
    assert balanced == pytest.approx(expected, abs=0.005)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), rows=st.integers(1, 40))
def test_rows_drawn_for_conditions_meet_them(seed, rows):
    rng = np.random.default_rng(seed)
    blocks = tuple(rng.integers(2, 6, size=3).tolist())
    codes = np.column_stack([rng.integers(size, size=rows) for size in blocks])
    conditions = Conditions.fit(codes, blocks)
    categories = conditions.draw(200, True, rng)
    chosen = MatchingRows(codes, conditions).draw(categories, rng)
    block = np.searchsorted(conditions.starts, categories, side="right") - 1
    assert np.array_equal(conditions.starts[block] + codes[chosen, block], categories)
    assert np.array(conditions.counts)[categories].min() > 0, "none that no row has"


def test_distances_are_zero_for_the_same_rows_and_see_columns_and_pairs(jobs, train, validation):
    fidelity = Fidelity(TableEncoding.fit(train, jobs.only_features()), validation)
    assert fidelity.distance(validation) == 0
    fresh = fidelity.distance(train)
    # The same columns, each in another order.
    alone = pd.DataFrame(
        {c: train[c].sample(frac=1, random_state=i).to_numpy() for i, c in enumerate(train)}
    )
    assert fidelity.distance(alone.assign(workload=train["workload"] * 10)) > fresh + 0.05
    line = TableDescription("line", (Column("x", "numeric"), Column("y", "numeric")))
    frame = pd.DataFrame({"x": np.arange(1000.0), "y": np.arange(1000.0)})
    distances = Fidelity(TableEncoding.fit(frame, line), frame)
    assert distances.distance(frame.assign(y=frame["y"].to_numpy()[::-1])) > 0.8


def test_a_distance_to_a_shifted_number_is_the_shift():
    line = TableDescription("line", (Column("x", "numeric"),))
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(5, 2, 1000)})
    table = TableEncoding.fit(frame, line)
    shifted = frame + 2 * table.numeric[0].deviation
    assert Fidelity(table, frame).distance(shifted) == pytest.approx(2)


def test_categories_unseen_in_training_count_as_a_difference():
    column = TableDescription("c", (Column("c", "categorical"),))
    train = pd.DataFrame({"c": ["a", "b"] * 50})
    fidelity = Fidelity(TableEncoding.fit(train, column), pd.DataFrame({"c": ["a", "new"] * 50}))
    assert fidelity.distance(pd.DataFrame({"c": ["a", "a"] * 50})) > 0.4
    assert fidelity.distance(pd.DataFrame({"c": ["b"] * 100})) == pytest.approx(1)
