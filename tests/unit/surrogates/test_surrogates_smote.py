"""SMOTE: where its rows lie, which label they have, small classes, and imbalanced-learn's law."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from redwood.errors import InputError
from redwood.surrogates.contract import load_surrogate, new_surrogate, save_surrogate
from redwood.surrogates.models.smote import surrogate as smote
from redwood.surrogates.models.smote.surrogate import cost_of_a_mismatch
from redwood.tables import Column, TableDescription

# REDWOOD's and the reference.
ENGINES = ("own", "imbalanced-learn")
PLANE = TableDescription("plane", (Column("x", "numeric"), Column("y", "numeric")))
MIXED = TableDescription(
    "mixed", (Column("x", "numeric"), Column("y", "numeric"), Column("site", "categorical"))
)
LABELLED = TableDescription("labelled", (*PLANE.columns, Column("label", "categorical")))


def nominal(*columns):
    """A table of categories alone."""
    return TableDescription("names", tuple(Column(name, "categorical") for name in columns))


def fitted(description, frame, seed=1, **options):
    surrogate = new_surrogate("smote", description, options, seed)
    summary = surrogate.fit(frame, frame)
    return surrogate, summary


def two_sides(rows):
    """A fifth of the rows on the right, far from the others."""
    rng = np.random.default_rng(0)
    label = np.where(rng.random(rows) < 0.2, "right", "left").astype(object)
    x = np.where(label == "left", -10, 10) + rng.normal(size=rows)
    return pd.DataFrame({"x": x, "y": rng.normal(size=rows), "label": label})


def test_the_label_keeps_its_proportions_and_its_rows():
    frame = two_sides(500)
    surrogate, summary = fitted(LABELLED, frame)
    assert summary["label"] == "label"
    sample = surrogate.sample(4000, seed=3)
    assert ((sample["x"] > 0) == (sample["label"] == "right")).all()
    real = (frame["label"] == "right").mean()
    assert (sample["label"] == "right").mean() == pytest.approx(real, abs=0.03)


def test_the_order_of_rows_carries_no_class():
    frame = pd.DataFrame(
        {"x": np.arange(200.0), "y": np.arange(200.0), "label": ["a", "b"] * 100}, dtype=object
    ).astype({"x": float, "y": float})
    sample = fitted(LABELLED, frame)[0].sample(1000, seed=4)
    changes = (sample["label"] != sample["label"].shift()).mean()
    assert changes == pytest.approx(0.5, abs=0.06)


def test_small_classes_use_what_they_have_and_are_counted(capsys):
    rng = np.random.default_rng(0)
    label = ["many"] * 300 + ["two"] * 2 + ["one"]
    frame = pd.DataFrame({"x": rng.normal(size=303), "y": rng.normal(size=303), "label": label})
    surrogate, summary = fitted(LABELLED, frame, label="label")
    assert summary["classes_with_fewer_neighbours"] == 1
    assert summary["rows_in_classes_with_fewer_neighbours"] == 2
    assert summary["classes_of_one_row_repeated_as_it_is"] == 1
    sample = surrogate.sample(20_000, seed=6)
    assert "smote: 20000/20000 rows" in capsys.readouterr().err
    two = sample.loc[sample["label"] == "two", "x"]
    assert len(two) > 50
    assert two.between(*sorted(frame["x"][300:302])).all()
    one = sample.loc[sample["label"] == "one", ["x", "y"]].drop_duplicates()
    assert one.to_numpy() == pytest.approx(frame.loc[302:, ["x", "y"]].to_numpy(float))


def test_a_feature_with_many_small_classes_is_no_automatic_label():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60)})
    frame["label"] = [f"user{i // 3}" for i in range(60)]
    assert fitted(LABELLED, frame)[1]["label"] is None
    assert fitted(LABELLED, frame, neighbours=2)[1]["label"] == "label"


def test_max_rows_is_stated_and_kept():
    frame = pd.DataFrame({"x": np.arange(100.0), "y": np.arange(100.0)})
    surrogate, summary = fitted(PLANE, frame, max_rows=10)
    assert summary["variant"] == "SMOTE"
    assert summary["rows_interpolated_between"] == 10
    assert summary["rows_left_out_by_max_rows"] == 90
    assert surrogate.sample(20, seed=7)["x"].between(0, 99).all()


def test_categorical_tables_are_interpolated_within_a_label():
    rng = np.random.default_rng(0)
    description = nominal("site", "group", "user")
    site = rng.choice(["A", "B"], 300)
    frame = pd.DataFrame(
        {
            "site": site,
            "group": np.where(site == "A", "atlas", "cms"),
            "user": rng.choice(["u", "v", "w"], 300),
        },
        dtype=object,
    )
    surrogate, summary = fitted(description, frame)
    assert summary["variant"] == "SMOTEN"
    sample = surrogate.sample(200, seed=8)
    assert ((sample["site"] == "A") == (sample["group"] == "atlas")).all()
    with pytest.raises(InputError, match="set the option label"):
        fitted(description, frame, label=None)


def as_names(codes):
    return np.array([f"c{code}" for code in codes], dtype=object)


def mixed_rows(rows, seed):
    """Two clouds of different sites, which overlap: majorities of every size, and ties."""
    rng = np.random.default_rng(seed)
    site = rng.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    numbers = rng.normal(size=(rows, 2)) + 0.5 * site[:, None]
    return pd.DataFrame({"x": numbers[:, 0], "y": numbers[:, 1], "site": as_names(site)})


def frequencies(values, names):
    return [(values == name).sum() for name in names]


def test_mixed_rows_have_the_law_of_imbalanced_learn():
    frame, n = mixed_rows(40, seed=0), 6000
    ours, theirs = (
        fitted(MIXED, frame, label=None, neighbours=4, engine=engine)[0].sample(n, seed=1)
        for engine in ENGINES
    )
    assert fitted(MIXED, frame, label=None)[1]["variant"] == "SMOTENC"
    for name in ("x", "y"):
        assert stats.ks_2samp(ours[name], theirs[name]).pvalue > 1e-3, name
    # Of the rows of each site as well: the law is a joint one.
    names = sorted(set(frame["site"]))
    counts = [frequencies(table["site"], names) for table in (ours, theirs)]
    assert stats.chi2_contingency(counts).pvalue > 1e-3
    for name in names:
        mine, other = (table.loc[table["site"] == name, "x"] for table in (ours, theirs))
        assert stats.ks_2samp(mine, other).pvalue > 1e-3, name


def test_categorical_rows_have_the_law_of_imbalanced_learn():
    rng = np.random.default_rng(4)
    description = nominal("label", "site", "group")
    # Categories whose shares of the labels all differ: no distances tie but those of equal rows.
    site, group = rng.integers(0, 6, 90), rng.integers(0, 5, 90)
    label = (rng.random(90) < 0.15 * site).astype(int)
    frame = pd.DataFrame(
        {"label": as_names(label), "site": as_names(site), "group": as_names(group)}
    )
    n = 4000
    ours, theirs = (
        fitted(description, frame, label="label", neighbours=3, engine=engine)[0].sample(
            n, seed=1, given={"label": "c1"}
        )
        for engine in ENGINES
    )
    kinds = sorted(set(ours["site"] + ours["group"]) | set(theirs["site"] + theirs["group"]))
    counts = np.array([frequencies(t["site"] + t["group"], kinds) for t in (ours, theirs)])
    assert len(kinds) > 5
    assert stats.chi2_contingency(counts).pvalue > 1e-3


@pytest.mark.parametrize("scaling", ["standard", "min-max"])
@pytest.mark.parametrize("description", [PLANE, MIXED, LABELLED])
def test_both_engines_draw_between_the_same_neighbours(description, scaling):
    """Each row lies between a training row and one of its nearest, in each engine's sample."""
    # One number has a long tail: its range is large beside its deviation.
    frame = mixed_rows(30, seed=6).assign(label=as_names([0, 1] * 15))
    frame["y"] = np.exp(2 * frame["y"])
    frame = frame[[column.name for column in description.columns]]
    label = "label" if "label" in frame else None
    # Distances on the columns' scales, a mismatch at its cost, between rows of a class.
    scaled = frame[["x", "y"]].to_numpy()
    scaled /= scaled.std(axis=0) if scaling == "standard" else np.ptp(scaled, axis=0)
    classes = frame[label] if label else np.zeros(30)
    pairs = set()
    for value in np.unique(classes):
        members = np.flatnonzero(classes == value)
        squares = ((scaled[members, None] - scaled[members]) ** 2).sum(axis=2)
        if "site" in frame:
            site = frame["site"].to_numpy()[members]
            squares += (site[:, None] != site) * cost_of_a_mismatch(scaled[members])
        np.fill_diagonal(squares, np.inf)
        for row, nearest in enumerate(np.argsort(squares, axis=1)[:, :2]):
            pairs |= {(members[row], members[other]) for other in nearest}
    begins, ends = (frame[["x", "y"]].to_numpy()[list(side)] for side in zip(*pairs, strict=True))
    for engine in ENGINES:
        surrogate, _ = fitted(
            description, frame, label=label, neighbours=2, engine=engine, scaling=scaling
        )
        ways = ends - begins
        for row in surrogate.sample(200, seed=1)[["x", "y"]].to_numpy():
            share = ((row - begins) * ways).sum(axis=1) / (ways**2).sum(axis=1)
            missed = np.linalg.norm(begins + share.clip(0, 1)[:, None] * ways - row, axis=1)
            assert missed.min() < 1e-9, engine


def test_the_reference_repeats_lonely_rows_too_and_the_seed_alone_decides():
    frame = mixed_rows(40, seed=7).assign(label=as_names([0] * 30 + [1] * 9 + [2]))
    description = TableDescription("both", (*MIXED.columns, Column("label", "categorical")))
    options = {"label": "label", "engine": "imbalanced-learn"}
    surrogate, summary = fitted(description, frame, **options)
    assert summary["classes_of_one_row_repeated_as_it_is"] == 1
    sample = surrogate.sample(400, seed=1)
    pd.testing.assert_frame_equal(fitted(description, frame, **options)[0].sample(400, 1), sample)
    assert not surrogate.sample(400, seed=2).equals(sample)
    lonely = sample.loc[sample["label"] == "c2", ["x", "y", "site"]].drop_duplicates()
    assert len(lonely) == 1
    assert lonely["x"].item() == pytest.approx(frame["x"][39])
    assert lonely["site"].item() == frame["site"][39]


def test_steps_are_uniform_and_base_rows_drawn_evenly():
    frame = pd.DataFrame({"x": [0.0, np.pi], "y": [1.0, np.e]})
    sample = fitted(PLANE, frame)[0].sample(4000, seed=1)
    assert stats.kstest(sample["x"] / np.pi, "uniform").pvalue > 1e-3
    np.testing.assert_allclose(1 + sample["x"] / np.pi * (np.e - 1), sample["y"])


def test_a_given_label_gives_only_its_rows():
    frame = two_sides(300)
    surrogate, _ = fitted(LABELLED, frame)
    sample = surrogate.sample(200, seed=1, given={"label": "right"})
    assert (sample["label"] == "right").all()
    assert (sample["x"] > 0).all()
    assert len(sample) == 200
    for given, message in (
        ({"label": "up"}, "given label=up; the training rows have left, right"),
        ({"label": "left", "x": "1"}, "given x=1; its only condition is its label, label"),
    ):
        with pytest.raises(InputError, match=f"smote: cannot sample {message}"):
            surrogate.sample(5, seed=1, given=given)
    with pytest.raises(InputError, match="given label=left; without a label it has no condition"):
        fitted(LABELLED, frame, label=None)[0].sample(5, seed=1, given={"label": "left"})
    many = frame.assign(label=[f"c{i % 30:02}" for i in range(300)])
    with pytest.raises(InputError, match=r"rows have c00, c01, c02, c03, c04, c05, c06, c07, …$"):
        fitted(LABELLED, many)[0].sample(5, seed=1, given={"label": "left"})


def test_threads_and_blocks_change_no_row(monkeypatch):
    frame = mixed_rows(3000, seed=2)
    surrogate, _ = fitted(MIXED, frame, neighbours=3)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    expected = surrogate.sample(2000, seed=3)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    pd.testing.assert_frame_equal(surrogate.sample(2000, seed=3), expected)
    monkeypatch.setattr(smote, "_NEIGHBOURS_AT_ONCE", 500)
    pd.testing.assert_frame_equal(surrogate.sample(2000, seed=3), expected)


def test_all_rows_are_used_by_default_and_conditions_need_the_folder_alone(tmp_path):
    surrogate, summary = fitted(MIXED, mixed_rows(2000, seed=3))
    assert summary["rows_interpolated_between"] == 2000
    assert summary["rows_left_out_by_max_rows"] == 0
    save_surrogate(surrogate, tmp_path, 2000)
    given = {"site": "c1"}
    loaded = load_surrogate(tmp_path).sample(100, seed=2, given=given)
    pd.testing.assert_frame_equal(loaded, surrogate.sample(100, seed=2, given=given))


def test_categorical_tables_of_any_length_are_interpolated():
    description = nominal("site", "group")
    frame = pd.DataFrame({"site": ["A", "B"] * 90_000, "group": ["x", "y", "z"] * 60_000})
    counts = fitted(description, frame)[0].sample(1000, seed=1).value_counts()
    # Each row has k equal ones, which come first however near other groups are: it is repeated.
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 1e-3


def test_too_many_categories_times_classes_are_refused(monkeypatch):
    description = nominal("site", "group")
    frame = pd.DataFrame({"site": ["A", "B"] * 30, "group": ["x", "y", "z"] * 20})
    monkeypatch.setattr(smote, "_MOST_SHARES", 5)
    with pytest.raises(InputError, match=r"3 values of 'group' times 2 of the label 'site' are 6"):
        fitted(description, frame)


def test_more_categories_than_a_dense_encoding_would_hold():
    description = TableDescription("users", (Column("x", "numeric"), Column("user", "categorical")))
    frame = pd.DataFrame({"x": np.arange(9000.0), "user": [f"user{i}" for i in range(9000)]})
    sample = fitted(description, frame)[0].sample(20_000, seed=1)
    # Each neighbour's user is as frequent, and all neighbours are near.
    number = sample["user"].str.removeprefix("user").astype(int)
    assert (number - sample["x"]).abs().max() <= 6


def test_constant_numbers_of_a_class_take_no_part():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=100), "y": rng.normal(size=100)})
    frame["label"] = ["flat"] * 50 + ["free"] * 50
    frame.loc[frame["label"] == "flat", "y"] = 1 / 3
    sample = fitted(LABELLED, frame, label="label")[0].sample(500, seed=1)
    np.testing.assert_allclose(sample.loc[sample["label"] == "flat", "y"], 1 / 3, rtol=1e-12)


def test_a_mismatch_costs_the_squared_median_deviation():
    numbers = np.array([[0.0, 0.0, 1 / 3], [2.0, 6.0, 1 / 3]] * 25)
    assert cost_of_a_mismatch(numbers) == pytest.approx(1)
    assert cost_of_a_mismatch(numbers[:, [0, 1]]) == pytest.approx(4)
    assert numbers[:, 2].std() > 0, "by rounding"
    assert cost_of_a_mismatch(numbers[:, 2:]) == 0


@pytest.mark.parametrize(
    ("label", "message"),
    [("x", "label 'x' is numeric, expected a categorical"), ("z", "has no column 'z'")],
)
def test_a_wrong_label_is_named(label, message):
    frame = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0], "label": ["a", "b"]})
    with pytest.raises(InputError, match=message):
        fitted(LABELLED, frame, label=label)
