import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.evaluation.sequence import entity_column, in_sequence, sequence_features
from redwood.tables import Column, TableDescription

NAN = np.nan

JOBS = TableDescription(
    "jobs",
    (
        Column("site", "categorical"),
        Column("work", "numeric", scale="log"),
        Column("when", "timestamp"),
        Column("user", "categorical"),
        Column("files", "integer"),
    ),
)


def six_jobs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "site": ["A", "A", "B", "A", "B", "B"],
            "work": np.expm1([1.0, 2.0, 1.5, 4.0, 2.5, 2.5]),
            "when": pd.to_datetime([0, 9, 9, 19, 118, 1117], unit="s", utc=True),
            "user": ["x", "y", "x", "y", "x", "z"],
            "files": [1, 2, 4, 2, 4, 9],
        }
    )


def test_six_rows_by_hand():
    expected = {
        "gap to the row before": np.log([NAN, 10, 1, 11, 100, 1000]),
        "site among the last 10": [0, 1, 0, 2, 1, 2],
        "user among the last 10": [0, 0, 1, 1, 2, 0],
        "gap of user": np.log([NAN, NAN, 10, 11, 110, NAN]),
        "change of work": [NAN, NAN, 0.5, 2.0, 1.0, NAN],
        "change of files": [NAN, NAN, 3, 0, 0, NAN],
        "same site": [NAN, NAN, 0, 1, 1, NAN],
    }
    found = sequence_features(six_jobs(), JOBS, JOBS["user"])
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_dtype=False)


def test_only_the_ten_rows_before_count():
    rows = toy_rows(300, 1)
    codes = rows["site"].to_numpy()
    by_loop = [np.sum(codes[max(0, i - 10) : i] == codes[i]) for i in range(len(rows))]
    found = sequence_features(rows, DESCRIPTION, None)
    assert found["site among the last 10"].tolist() == by_loop
    assert list(found) == [
        "gap to the row before",
        "site among the last 10",
        "state among the last 10",
    ]


def test_the_last_row_of_the_same_entity_is_the_one_of_a_loop():
    rows = toy_rows(300, 1)
    found = sequence_features(rows, DESCRIPTION, DESCRIPTION["site"])
    last: dict[str, int] = {}
    for i, (site, state) in enumerate(zip(rows["site"], rows["state"], strict=True)):
        if site in last:
            before = rows.iloc[last[site]]
            change = np.log1p(rows["work"][i]) - np.log1p(before["work"])
            assert found["change of work"][i] == pytest.approx(change)
            assert found["same state"][i] == (state == before["state"])
        else:
            assert np.isnan(found["change of work"][i])
            assert np.isnan(found["same state"][i])
        last[site] = i


def test_a_table_shorter_than_the_look_back_and_one_of_times_only():
    assert len(sequence_features(six_jobs().iloc[:1], JOBS, JOBS["user"])) == 1
    times = TableDescription("times", (Column("when", "timestamp"),))
    assert list(sequence_features(six_jobs(), times, None)) == ["gap to the row before"]


def test_the_entity_is_the_feature_with_most_categories_in_training(samples_of):
    samples = samples_of(toy_rows(100, 1))
    assert entity_column(samples).name == "site"
    samples = samples_of(toy_rows(100, 1), TableDescription("t", (Column("work", "numeric"),)))
    assert entity_column(samples) is None


def test_rows_of_the_same_time_stand_in_random_order():
    rows = toy_rows(1000, 1).assign(when=pd.Timestamp("2024-01-01", tz="UTC"))
    rows.loc[999, "when"] = pd.Timestamp("2023-01-01", tz="UTC")
    found = in_sequence(rows, DESCRIPTION, np.random.default_rng(1))
    assert found["work"][0] == rows["work"][999]
    assert sorted(found["work"]) == sorted(rows["work"])
    kept_places = np.mean(found["work"].to_numpy()[1:] == rows["work"].to_numpy()[:-1])
    assert kept_places < 0.02
