"""Sequoia: bursts stay, rows do not; conditions hold; training resumes; densities tell."""

import copy

import numpy as np
import pandas as pd
import pytest
from event_rows import EVENTS, make_events

pytest.importorskip("torch")

from redwood.errors import InputError
from redwood.surrogates.contract import load_surrogate, new_surrogate, save_surrogate
from redwood.surrogates.models.sequoia import surrogate as sequoia
from redwood.tables import Column, TableDescription, read_table

QUICK = {"epochs": 20, "hidden": 24, "bins": 16, "batch_size": 128}


ALL = make_events(4500, seed=1)
TRAIN, VALIDATION, TEST = ALL[:3000], ALL[3000:3600], ALL[3600:].reset_index(drop=True)


def trained(**options) -> sequoia.Surrogate:
    surrogate = new_surrogate("sequoia", EVENTS, {**QUICK, **options}, 1)
    surrogate.fit(TRAIN, VALIDATION)
    return surrogate


@pytest.fixture(scope="module")
def surrogate():
    return trained()


def same_user_next(frame: pd.DataFrame) -> float:
    user = frame.sort_values("time", kind="stable")["user"].to_numpy()
    return float(np.mean(user[1:] == user[:-1]))


def fano(frame: pd.DataFrame, seconds: int) -> float:
    counts = np.bincount(frame["time"].astype("int64").to_numpy() // (seconds * 10**6) % 10**7)
    counts = counts[np.flatnonzero(counts)[0] : np.flatnonzero(counts)[-1] + 1]
    return counts.var() / counts.mean()


def test_bursts_stay_as_they_are(surrogate):
    sample = surrogate.sample(len(TEST), 5)
    assert same_user_next(sample) == pytest.approx(same_user_next(TEST), abs=0.05)
    for seconds in (60, 3600):
        # Of arrivals that know nothing of each other F − 1 is 0.
        assert fano(sample, seconds) - 1 == pytest.approx(fano(TEST, seconds) - 1, rel=0.45)


def test_what_depends_on_the_burst_stays_so(surrogate):
    sample = surrogate.sample(len(TEST), 5)
    # The limit is the user's, without exception in training.
    limits = sample.groupby("user")["limit"].agg(lambda of_user: of_user.mode()[0])
    assert (sample["limit"] == sample["user"].map(limits)).mean() > 0.97
    ordered = sample.sort_values("time", kind="stable")
    change = np.diff(np.log(ordered["work"]))[
        ordered["user"].to_numpy()[1:] == ordered["user"].to_numpy()[:-1]
    ]
    spread = np.log(sample["work"]).std()
    assert np.median(np.abs(change)) < 0.5 * spread, "jobs of a burst are alike in work"


def test_no_row_is_a_training_row(surrogate):
    sample = surrogate.sample(3000, 5)
    assert len(sample.merge(TRAIN)) == 0


def test_a_redrawn_stream_holds_no_training_row_and_samples_from_it(surrogate, tmp_path):
    assert "contains its training rows" in surrogate.privacy
    surrogate = trained(sweeps=1, epochs=3)
    save_surrogate(surrogate, tmp_path, len(TRAIN))
    kept = read_table(tmp_path / "stream.parquet", EVENTS)
    assert len(kept) == len(TRAIN)
    assert len(kept.merge(TRAIN)) == 0
    assert "No training row is kept" in surrogate.privacy
    again = load_surrogate(tmp_path).sample(50, 3)
    pd.testing.assert_frame_equal(again, surrogate.sample(50, 3))


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"user": "b"}, lambda f: f["user"] == "b"),
        ({"site": "CERN"}, lambda f: f["site"] == "CERN"),
        ({"limit": "86400", "site": "BNL"}, lambda f: (f["limit"] == 86400) & (f["site"] == "BNL")),
        ({"work": "100..300"}, lambda f: f["work"].between(100, 300, inclusive="left")),
        ({"time": "2024-01-03"}, lambda f: f["time"].dt.strftime("%F") == "2024-01-03"),
        (
            {"time": "2024-01-03T06:00..2024-01-05"},
            lambda f: f["time"].between(
                pd.Timestamp("2024-01-03T06", tz="UTC"), pd.Timestamp("2024-01-05", tz="UTC")
            ),
        ),
    ],
)
def test_conditions_hold_in_every_row(surrogate, given, holds):
    sample = surrogate.sample(150, 2, given)
    assert len(sample) == 150
    assert holds(sample).all()


def test_a_condition_leaves_the_others_as_they_are_given_it(surrogate):
    sample = surrogate.sample(400, 2, {"site": "CERN"})
    real = TRAIN[TRAIN["site"] == "CERN"]
    shares = sample["user"].value_counts(normalize=True).reindex(list("abcdef"), fill_value=0)
    expected = real["user"].value_counts(normalize=True).reindex(list("abcdef"), fill_value=0)
    assert shares.to_numpy() == pytest.approx(expected.to_numpy(), abs=0.08)


def test_days_beyond_the_record_follow_days_of_the_same_weekday(surrogate):
    sample = surrogate.sample(300, 2, {"time": "2024-03-04..2024-03-11"})
    days = sample["time"].dt.strftime("%F")
    assert days.min() >= "2024-03-04"
    assert days.max() <= "2024-03-10"
    assert days.nunique() == 7


def test_load_beyond_the_recorded_makes_bursts_denser(surrogate):
    # As thinning takes from F − 1 what it takes from the rows, more rows add to it.
    once, twice = surrogate.sample(3000, 3), surrogate.sample(6000, 3)
    assert (fano(twice, 3600) - 1) / (fano(once, 3600) - 1) == pytest.approx(2, rel=0.15)


def test_the_expected_number_of_rows_is_that_of_the_record(surrogate):
    assert surrogate.expected_rows() == 3000
    assert surrogate.expected_rows({"user": "a"}) == (TRAIN["user"] == "a").sum()
    assert surrogate.expected_rows({"limit": "3600"}) == (TRAIN["limit"] == 3600).sum()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"user": "z"}, "user=z: no training row has this value; there are 6, such as a, b"),
        ({"work": "fast"}, "work=fast: expected a number"),
        ({"work": "9..3"}, "work=9..3: the first bound is not the lower one"),
        ({"work": "-8..-3"}, "work=-8..-3: training rows have"),
        ({"time": "tomorrow.."}, "time=tomorrow: expected a date, or two"),
    ],
)
def test_impossible_conditions_are_refused(surrogate, given, message):
    with pytest.raises(InputError, match=message.replace("..", r"\.\.")):
        surrogate.sample(10, 1, given)


def test_a_condition_that_next_to_no_row_fulfils_is_refused(surrogate, monkeypatch):
    monkeypatch.setattr(sequoia, "_LEAST_TRIED", 1000)
    with pytest.raises(InputError, match=r"of .* rows meet this; expected at least 1 in 10000"):
        surrogate.sample(10, 1, {"work": "777.123456"})


def test_rows_like_those_of_the_stream_are_likelier_than_others(surrogate):
    densities = surrogate.log_density(TEST)
    strange = TEST.assign(limit=90_000 - TEST["limit"])
    assert np.isfinite(densities).all()
    assert np.mean(densities > surrogate.log_density(strange)) > 0.9
    unknown = TEST.assign(site="Mars")
    assert np.isneginf(surrogate.log_density(unknown)).all()


def test_the_density_gives_few_training_rows_away_even_if_there_are_few():
    few = TRAIN[:600].reset_index(drop=True)
    surrogate = new_surrogate("sequoia", EVENTS, {"epochs": 40}, 1)
    surrogate.fit(few, VALIDATION)
    # A row of the stream that is judged as one more stands beside itself: leave it out.
    seen = [
        without(surrogate, few, row).log_density(few.iloc[[row]])[0] for row in range(0, 600, 4)
    ]
    unseen = surrogate.log_density(TEST[:600])
    attack = np.mean(np.array(seen)[:, None] > unseen)
    assert attack < 0.6, "half of the pairs by chance"


def without(surrogate: sequoia.Surrogate, rows: pd.DataFrame, row: int) -> sequoia.Surrogate:
    """The surrogate with a stream without one of its rows."""
    other = copy.copy(surrogate)
    other._keep(rows.drop(index=row).reset_index(drop=True))
    return other


def test_what_a_state_rules_out_is_not_taken_from_a_neighbour_in_another():
    rng = np.random.default_rng(4)
    description = TableDescription("jobs", (*EVENTS.columns, Column("state", "categorical")))
    state = np.where(rng.random(len(ALL)) < 0.5, "closed", "finished").astype(object)
    rows = ALL.assign(state=state, work=np.where(state == "closed", 0.0, ALL["work"]))
    surrogate = new_surrogate("sequoia", description, {**QUICK, "epochs": 32}, 1)
    surrogate.fit(rows[:3000], rows[3000:3600])
    sample = surrogate.sample(2000, 1)
    assert ((sample["work"] == 0) == (sample["state"] == "closed")).mean() > 0.93


def test_a_table_without_time_is_learned_by_its_columns_alone():
    description = TableDescription("rows", EVENTS.columns[1:])
    surrogate = new_surrogate("sequoia", description, QUICK, 1)
    rows = TRAIN.drop(columns="time")
    surrogate.fit(rows, VALIDATION.drop(columns="time"))
    sample = surrogate.sample(2000, 1)
    shares = sample.groupby("user").size().div(2000).reindex(list("abcdef")).to_numpy()
    expected = rows.groupby("user").size().div(3000).reindex(list("abcdef")).to_numpy()
    assert shares == pytest.approx(expected, abs=0.05)
    limits = rows.groupby("user")["limit"].first()
    assert (sample["limit"] == sample["user"].map(limits)).mean() > 0.9


def test_more_rows_than_allowed_are_thinned():
    surrogate = new_surrogate("sequoia", EVENTS, {**QUICK, "epochs": 1, "max_rows": 500}, 1)
    summary = surrogate.fit(TRAIN, VALIDATION)
    assert (summary["rows"], summary["rows_left_out_by_max_rows"]) == (500, 2500)
    assert surrogate.expected_rows() == 500
