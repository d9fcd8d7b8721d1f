"""What Sequoia hides: units of up to so many rows are made anew, larger ones stay."""

import numpy as np
import pandas as pd
import pytest
from event_rows import EVENTS, make_events

pytest.importorskip("torch")

from redwood.errors import InputError
from redwood.surrogates.contract import new_surrogate
from redwood.surrogates.models.sequoia import skeleton
from redwood.surrogates.models.sequoia.units import Units
from redwood.surrogates.streams.stream import Scheme, Stream
from redwood.tables import Column, TableDescription

QUICK = {"epochs": 2, "hidden": 16, "bins": 8, "batch_size": 256}
MOST = 10

TABLE = TableDescription(
    "events",
    (*EVENTS.columns, Column("task", "categorical", role="auxiliary")),
    units=("task",),
)


def with_tasks(rows: int, seed: int) -> pd.DataFrame:
    """Bursts, each a task; and task `odd` of five jobs, like no other in site, limit and work."""
    frame = make_events(rows, seed)
    ordered = frame.sort_values("time", kind="stable")
    begins = (ordered["user"] != ordered["user"].shift()) | (
        ordered["time"].diff() > pd.Timedelta("5min")
    )
    frame["task"] = begins.cumsum().astype(str).astype(object)
    odd = frame.iloc[:5].assign(site="SECRET", limit=777, work=1e6, task="odd")
    odd["time"] = odd["time"].iloc[0] + pd.to_timedelta(np.arange(5), unit="s")
    return pd.concat([frame, odd], ignore_index=True).astype({"time": "datetime64[us, UTC]"})


TRAIN, VALIDATION = with_tasks(2400, 1), make_events(400, 2)


def fitted(train: pd.DataFrame, description: TableDescription = TABLE, **options):
    surrogate = new_surrogate("sequoia", description, {**QUICK, **options}, 1)
    return surrogate, surrogate.fit(train, VALIDATION)


def kept(surrogate) -> pd.DataFrame:
    """The rows that samples start from."""
    return surrogate._scheme.decode(surrogate._background.stream)


@pytest.fixture(scope="module")
def hiding():
    return fitted(TRAIN, protects=MOST)


def test_rows_of_larger_units_stay_and_those_of_small_ones_do_not(hiding):
    surrogate, _ = hiding
    names = [column.name for column in EVENTS.columns]
    small = TRAIN.groupby("task")["task"].transform("size") <= MOST
    assert 0.2 < small.mean() < 0.9
    after = kept(surrogate)
    pd.testing.assert_frame_equal(after[~small], TRAIN.loc[~small, names], rtol=1e-6)
    assert len(after[small].merge(TRAIN.loc[small, names])) < 0.02 * small.sum()


def test_what_only_a_small_unit_has_is_nowhere_in_the_stream(hiding):
    surrogate, _ = hiding
    after = kept(surrogate)
    assert (after["limit"] == 777).sum() == 0
    assert (after["work"] > 1e5).sum() == 0
    assert (kept(fitted(TRAIN)[0])["limit"] == 777).sum() == 5


def test_the_load_over_time_stays(hiding):
    surrogate, _ = hiding
    days = [
        np.bincount((frame["time"] - TRAIN["time"].min()).dt.days, minlength=15)
        for frame in (TRAIN, kept(surrogate))
    ]
    assert np.abs(days[0] - days[1]).sum() < 0.15 * len(TRAIN)


def test_the_fit_says_up_to_which_size_units_are_hidden(hiding):
    surrogate, summary = hiding
    small = TRAIN.groupby("task")["task"].transform("size") <= MOST
    assert summary["protects"] == MOST
    assert summary["units"] == ["task"]
    assert summary["rows_made_anew"] == small.sum()
    assert 5 <= summary["rows_drawn_from_nothing"] <= small.sum()
    assert "Hides units of up to 10 rows" in surrogate.privacy
    open_, summary = fitted(TRAIN)
    assert summary["protects"] == 0
    assert "Hides" not in open_.privacy


def test_without_protection_unit_columns_change_nothing():
    names = [column.name for column in EVENTS.columns]
    samples = [fitted(train)[0].sample(200, 3) for train in (TRAIN, TRAIN[names])]
    pd.testing.assert_frame_equal(*samples)


def test_same_seed_same_rows(hiding):
    again, _ = fitted(TRAIN, protects=MOST)
    pd.testing.assert_frame_equal(hiding[0].sample(100, 4), again.sample(100, 4))


def test_without_columns_that_name_units_bursts_are_hidden():
    surrogate, summary = fitted(TRAIN.drop(columns="task"), EVENTS, protects=MOST)
    assert summary["units"] == []
    assert 0 < summary["rows_made_anew"] < len(TRAIN)
    assert "bursts" in surrogate.privacy


def test_a_unit_that_is_a_feature_is_hidden_too():
    columns = tuple(column for column in EVENTS.columns)
    table = TableDescription("events", columns, units=("user",))
    train = TRAIN.drop(columns="task").copy()
    train.loc[train.index[-5:], "user"] = "hermit"
    surrogate, summary = fitted(train, table, protects=MOST)
    assert summary["rows_made_anew"] == 5
    assert "hermit" not in set(kept(surrogate)["user"])


def test_where_nothing_is_shared_nothing_is_drawn():
    table = TableDescription("events", EVENTS.columns, units=("user",))
    few = TRAIN.drop(columns="task").iloc[:40].assign(user=list("abcde" * 8))
    with pytest.raises(InputError, match="protects is 1000"):
        fitted(few, table, protects=1000)


def test_rows_without_a_time_are_hidden_by_their_values():
    columns = EVENTS.columns[1:]
    table = TableDescription("events", columns)
    surrogate = new_surrogate("sequoia", table, {**QUICK, "protects": MOST}, 1)
    names = [column.name for column in columns]
    summary = surrogate.fit(TRAIN[names], VALIDATION[names])
    assert summary["rows_made_anew"] == len(TRAIN)
    assert (kept(surrogate)["limit"] == 777).sum() == 0
    assert len(surrogate.sample(50, 1)) == 50


def units_of(tasks: list, most: int) -> tuple[Units, pd.DataFrame]:
    frame = make_events(len(tasks), 3).assign(task=tasks)
    scheme = Scheme.fit(frame, EVENTS, 8)
    return Units.find(frame, ["task"], scheme.encode(frame), most), frame


def test_what_enough_others_share_says_nothing_of_a_unit():
    # Twelve tasks of two rows, one of thirty.
    tasks = [f"t{i // 2}" for i in range(24)] + ["large"] * 30
    units, _ = units_of(tasks, 5)
    assert units.stays.tolist() == [False] * 24 + [True] * 30
    keys = np.array([0] * 12 + [1] * 6 + [2] * 2 + [3] * 2 + [4] * 2 + [4] * 30)
    # Key 0: six units, ten other rows; 1: three units; 2, 3: themselves; 4: the large one's too.
    assert units.share(keys).tolist() == [True] * 12 + [False] * 10 + [True] * 32
    # Without the first two tasks' rows four units have key 0.
    among = np.arange(54) > 3
    assert not units.share(keys, among)[:12].any()


def test_a_unit_needs_a_crowd_of_several_times_its_rows():
    tasks = ["small"] * 5 + ["large"] * 30
    units, _ = units_of(tasks, 5)
    for others, hidden in ((20, False), (21, True)):
        keys = np.array([0] * 5 + [0] * others + [1] * (30 - others))
        assert units.share(keys)[:5].all() == hidden


def test_rows_of_unknown_units_are_taken_by_bursts():
    units, _ = units_of([None] * 300, 1000)
    assert not units.stays.any()
    assert len(np.unique(units.small)) > 5


def test_starts_are_exchanged_within_reach():
    random = np.random.default_rng(1)
    own, reach = random.uniform(0, 1e6, 500), random.uniform(0, 5e4, 500)
    origin = skeleton._exchanged(own, reach, random)
    assert np.array_equal(np.sort(origin), np.arange(500))
    assert (np.abs(own[origin] - own) <= reach).all()
    assert np.median(np.abs(own[origin] - own)) > 1e3


def regular(most: int) -> tuple[Stream, Units, skeleton.Sessions]:
    """A row every hour, each a session of the large task but for every hundredth's small one."""
    rows = 4001
    task = np.where(np.arange(rows) % 100 == 50, np.arange(rows), -1)
    stream = Stream(
        np.arange(rows) * 3600.0,
        np.zeros((rows, 1), np.int64),
        np.zeros((rows, 0), np.int64),
        np.zeros((rows, 0)),
    )
    small = np.where(task >= 0, pd.factorize(task)[0] - 1, -1)
    units = Units(small, np.arange(rows), most)
    return (
        stream,
        units,
        skeleton.Sessions.of(units.sessions, stream.times, np.flatnonzero(small >= 0)),
    )


def test_a_start_is_moved_as_far_as_more_starts_of_others_than_a_small_unit_has():
    stream, units, sessions = regular(9)
    same = np.arange(len(sessions))
    own = stream.times[sessions.first]
    random = np.random.default_rng(1)
    moved = np.array(
        [skeleton._moved(stream, units, sessions, same, random) - own for _ in range(100)]
    )
    # The tenth nearest of the others is five hours away.
    assert np.abs(moved).max() <= 5 * 3600
    assert moved.std() == pytest.approx(5 * 3600 / np.sqrt(3), rel=0.02)


def test_neither_the_unit_that_a_start_was_of_nor_the_one_it_is_of_now_counts():
    # Unit 0 at noon, unit 1 around it, then a larger unit's rows, ten hours from each other.
    hours = np.array([0, -2, -1, 1, *range(-100, 0, 10), *range(10, 110, 10)], np.float64)
    small = np.array([0, 1, 1, 1] + [-1] * 20)
    bare = np.zeros((24, 0))
    stream = Stream(hours * 3600, np.zeros((24, 1), np.int64), bare.astype(np.int64), bare)
    units = Units(small, np.arange(24), 3)
    sessions = skeleton.Sessions.of(units.sessions, stream.times, np.arange(4))
    # The first two exchange their starts.
    origin, random = np.array([1, 0, 2, 3]), np.random.default_rng(1)
    own = stream.times[sessions.first]
    moved = [
        skeleton._moved(stream, units, sessions, origin, random) - own[origin] for _ in range(300)
    ]
    furthest = np.abs(moved).max(axis=0) / 3600
    # The fourth nearest row of the larger unit is 20 hours from noon, 22 from two hours before.
    assert furthest[1] == pytest.approx(20, rel=0.03)
    assert furthest[0] == pytest.approx(22, rel=0.03)


def test_a_window_holds_a_crowd_of_others():
    stream, units, sessions = regular(9)
    reach = skeleton._windows(stream, units, sessions, stream.entity[sessions.first])
    # Ten others: five on each side.
    assert reach.tolist() == [5 * 3600] * len(sessions)
    few = Units(units.small, units.sessions, 1)
    # Five others, four for a unit's one row and one more: the fifth nearest is three hours away.
    assert (
        skeleton._windows(stream, few, sessions, stream.entity[sessions.first]) == 3 * 3600
    ).all()


def test_an_entity_that_may_not_stay_keeps_what_is_rare_of_it():
    # A small unit has (rare, odd); of the others a tenth is (rare, 0), the rest (common, 1).
    rows, common, rare, odd = 101, 0, 1, 2
    entity = np.array([[rare, 0] if row % 10 == 0 else [common, 1] for row in range(rows)])
    entity[50] = [rare, odd]
    stream = Stream(
        np.arange(rows) * 3600.0, entity, np.zeros((rows, 0), np.int64), np.zeros((rows, 0))
    )
    small = np.full(rows, -1)
    small[50] = 0
    units = Units(small, np.arange(rows), 5)
    sessions = skeleton.Sessions.of(units.sessions, stream.times, np.array([50]))
    may_stay = units.share(stream.entity_keys)
    assert not may_stay[50]
    for odd_is in (1, odd):
        stream.entity[50] = [rare, odd_is]
        chosen = skeleton.choose_entities(
            stream, units, sessions, may_stay, np.random.default_rng(1)
        )
        assert chosen.tolist() == [[rare, 0]]
