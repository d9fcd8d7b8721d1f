"""SMOTE: where its rows lie, which label they have, and small classes."""

import numpy as np
import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.surrogates.contract import new_surrogate
from redwood.tables import Column, TableDescription

pytest.importorskip("imblearn")

PLANE = TableDescription("plane", (Column("x", "numeric"), Column("y", "numeric")))
LABELLED = TableDescription("labelled", (*PLANE.columns, Column("label", "categorical")))


def fitted(description, frame, seed=1, **options):
    surrogate = new_surrogate("smote", description, options, seed)
    summary = surrogate.fit(frame, frame)
    return surrogate, summary


def test_rows_lie_between_a_row_and_one_of_its_neighbours():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 2)) * [1, 1000]
    surrogate, summary = fitted(PLANE, pd.DataFrame(points, columns=["x", "y"]), neighbours=3)
    assert summary["engine"] == "SMOTE"
    # Scaled columns decide who is a neighbour, so look at standardised points.
    scale = points.std(axis=0)
    standard = points / scale
    distances = np.linalg.norm(standard[:, None] - standard, axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1:4]
    begins = np.repeat(standard, 3, axis=0)
    ways = standard[nearest.ravel()] - begins
    for row in surrogate.sample(50, seed=2).to_numpy() / scale:
        share = ((row - begins) * ways).sum(axis=1) / (ways**2).sum(axis=1)
        missed = np.linalg.norm(begins + share.clip(0, 1)[:, None] * ways - row, axis=1)
        assert missed.min() < 1e-9


def test_the_label_keeps_its_proportions_and_its_rows():
    rng = np.random.default_rng(0)
    label = np.array(["left", "right"], dtype=object)[(rng.random(500) < 0.2).astype(int)]
    x = np.where(label == "left", -10, 10) + rng.normal(size=500)
    frame = pd.DataFrame({"x": x, "y": rng.normal(size=500), "label": label})
    surrogate, summary = fitted(LABELLED, frame)
    assert summary["label"] == "label"
    sample = surrogate.sample(4000, seed=3)
    assert ((sample["x"] > 0) == (sample["label"] == "right")).all()
    real = (label == "right").mean()
    assert (sample["label"] == "right").mean() == pytest.approx(real, abs=0.03)


def test_the_order_of_rows_carries_no_class():
    frame = pd.DataFrame(
        {"x": np.arange(200.0), "y": np.arange(200.0), "label": ["a", "b"] * 100}, dtype=object
    ).astype({"x": float, "y": float})
    sample = fitted(LABELLED, frame)[0].sample(1000, seed=4)
    changes = (sample["label"] != sample["label"].shift()).mean()
    assert changes == pytest.approx(0.5, abs=0.06)


def test_categories_are_the_majority_among_the_neighbours():
    description = TableDescription("sites", (Column("x", "numeric"), Column("site", "categorical")))
    x = np.concatenate([np.linspace(0, 1, 50), np.linspace(100, 101, 50)])
    frame = pd.DataFrame({"x": x, "site": ["near"] * 50 + ["far"] * 50})
    surrogate, summary = fitted(description, frame, label=None)
    assert (summary["engine"], summary["label"]) == ("SMOTENC", None)
    sample = surrogate.sample(300, seed=5)
    assert ((sample["x"] > 50) == (sample["site"] == "far")).all()


def test_small_classes_use_what_they_have_and_are_counted():
    rng = np.random.default_rng(0)
    label = ["many"] * 300 + ["two"] * 2 + ["one"]
    frame = pd.DataFrame({"x": rng.normal(size=303), "y": rng.normal(size=303), "label": label})
    surrogate, summary = fitted(LABELLED, frame, label="label")
    assert summary["classes_with_fewer_neighbours"] == 1
    assert summary["rows_in_classes_with_fewer_neighbours"] == 2
    assert summary["classes_of_one_row_repeated_as_it_is"] == 1
    sample = surrogate.sample(20_000, seed=6)
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
    assert summary["rows_interpolated_between"] == 10
    assert summary["rows_left_out_by_max_rows"] == 90
    assert surrogate.sample(20, seed=7)["x"].between(0, 99).all()


def test_categorical_tables_are_interpolated_within_a_label():
    rng = np.random.default_rng(0)
    description = TableDescription(
        "names", tuple(Column(name, "categorical") for name in ("site", "group", "user"))
    )
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
    assert summary["engine"] == "SMOTEN"
    sample = surrogate.sample(200, seed=8)
    assert ((sample["site"] == "A") == (sample["group"] == "atlas")).all()
    with pytest.raises(InputError, match="set the option label"):
        fitted(description, frame, label=None)


def test_categorical_tables_too_large_for_memory_are_refused():
    description = TableDescription(
        "names", tuple(Column(name, "categorical") for name in ("site", "group"))
    )
    frame = pd.DataFrame({"site": ["A", "B"] * 9000, "group": ["x", "y", "z"] * 6000})
    with pytest.raises(InputError, match=r"9000 rows share one site.*lower the option max_rows"):
        fitted(description, frame)
    assert fitted(description, frame, max_rows=500)[1]["engine"] == "SMOTEN"


def test_more_categories_than_memory_holds_are_refused():
    description = TableDescription("users", (Column("x", "numeric"), Column("user", "categorical")))
    frame = pd.DataFrame({"x": np.arange(9000.0), "user": [f"user{i}" for i in range(9000)]})
    surrogate, _ = fitted(description, frame)
    with pytest.raises(InputError, match=r"9000 categories of 9001 rows .* need 7\.3 GiB"):
        surrogate.sample(20_000, seed=1)


@pytest.mark.parametrize(
    ("label", "message"),
    [("x", "label 'x' is numeric, expected a categorical"), ("z", "has no column 'z'")],
)
def test_a_wrong_label_is_named(label, message):
    frame = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0], "label": ["a", "b"]})
    with pytest.raises(InputError, match=message):
        fitted(LABELLED, frame, label=label)
