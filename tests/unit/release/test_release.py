"""Canaries and the audit of the release gate."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows
from typer.testing import CliRunner

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.release.audit import Shadow, audit
from redwood.release.canaries import (
    CANARY,
    GROUP,
    KIND,
    LEVEL,
    PLANTED,
    Planting,
    allocate,
    canary_description,
    plant,
)
from redwood.release.commands import app
from redwood.tables import Column, TableDescription, read_table, write_table

TASK = Column("task", "categorical", role="auxiliary", meaning="the task of the job")
USER = Column("user", "categorical", role="auxiliary", meaning="whose job it is")
TABLE = TableDescription("toy", (*DESCRIPTION.columns, TASK), units=("task",))
FEATURES = [column.name for column in DESCRIPTION.columns]
PLANTING = Planting(("record", "task", "user"), units=480, sizes=(1, 4, 6))


@pytest.fixture
def folder(tmp_path):
    """A table of tasks of ten rows or so, and canaries planted in it."""
    rows = toy_rows(4000, 1)
    tasks = np.random.default_rng(2).integers(0, 300, len(rows)).astype(str).astype(object)
    rows = rows.assign(task=tasks)
    # A row of no task is of no unit.
    rows.loc[:9, "task"] = None
    TABLE.save(tmp_path / "table.json")
    write_table(rows, tmp_path / "train.parquet", TABLE)
    plant(tmp_path / "table.json", tmp_path / "train.parquet", PLANTING, 5, tmp_path / "planted")
    return tmp_path


def canaries_of(folder, table=TABLE):
    return read_table(folder / "planted" / "canaries.parquet", canary_description(table))


def audited(folder, sample, up_to_rows=None):
    write_table(sample, folder / "sample.parquet", DESCRIPTION)
    return audit_of(folder, up_to_rows)["levels"]


def audit_of(folder, up_to_rows=None, shadows=(("planted", "sample.parquet"),)):
    """The audit of samples of models that were trained with canaries, folders within `folder`."""
    tried = [
        Shadow(folder / planted / "canaries.parquet", folder / sample)
        for planted, sample in shadows
    ]
    files = (folder / "table.json", folder / "train.parquet")
    audit(*files, tried, 1, folder / "audit.json", up_to_rows)
    return read_json(folder / "audit.json", "audit")


def test_planted_canaries_are_among_the_training_rows_and_the_others_are_not(folder):
    canaries = canaries_of(folder)
    names = [*FEATURES, "task"]
    train = read_table(folder / "train.parquet", TABLE)
    together = read_table(folder / "planted" / "train.parquet", TABLE)
    planted = canaries[canaries[PLANTED.name] == 1]
    assert len(together) == len(train) + len(planted)
    # The shadow model's training rows are exactly those and the planted ones, in another order.
    expected = pd.concat([train, planted[names]]).sort_values(names, ignore_index=True)
    found = together.sort_values(names, ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert not np.array_equal(together["work"], pd.concat([train, planted])["work"])


def test_one_of_eight_is_planted_of_each_size_within_a_tenth_of_the_rows(folder):
    canaries = canaries_of(folder)
    levels = read_json(folder / "planted" / "planting.json", "planting")["levels"]
    assert (levels["record"]["units"], levels["record"]["planted"]) == (480, 60)
    assert (levels["user"]["units"], levels["user"]["planted"]) == (0, 0)
    assert (canaries[PLANTED.name] == 1).sum() <= 0.1 * 4000
    units = canaries.groupby([LEVEL.name, GROUP.name, CANARY.name]).agg(
        rows=("when", "size"), planted=(PLANTED.name, "first"), kind=(KIND.name, "first")
    )
    groups = units.groupby([LEVEL.name, GROUP.name])
    assert (groups["planted"].agg(["sum", "size"]) == [1, 8]).all(axis=None)
    assert not (groups["kind"].nunique() - 1).any()
    # Whole units differ in size; those of a group are as alike as there are.
    assert (groups["rows"].max() < 1.5 * groups["rows"].min() + 1).all()
    tasks = units.loc["task"]
    assert tasks.groupby("kind")["planted"].sum().to_dict() == levels["task"]["kinds"]
    assert set(levels["task"]["kinds"]) == {
        *("moved", "recombined", "rare", "light", "scattered", "whole")
    }
    sizes = tasks[tasks["kind"] != "whole"].groupby("rows")["planted"].sum()
    assert list(sizes.index) == [1, 4, 6]
    # Which one of a group is planted is drawn by lot.
    place = units["planted"].to_numpy().reshape(-1, 8).argmax(axis=1)
    assert set(place) == set(range(8))


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=6, unique=True).map(sorted),
    st.integers(0, 300),
    st.integers(0, 5000),
)
def test_units_of_all_sizes_share_the_rows(sizes, wanted, rows):
    planted = allocate(sizes, wanted, rows)
    assert sum(size * units for size, units in planted.items()) <= rows
    assert sum(planted.values()) <= wanted
    # Where there is room all that are wanted are planted.
    if rows >= sum(sizes) * wanted:
        assert sum(planted.values()) == wanted


def test_large_units_are_few_and_leave_enough_rows_for_those_of_twenty():
    planted = allocate((1, 5, 20, 50, 200), 225, 1674)
    assert planted == {1: 25, 5: 50, 20: 44, 50: 6, 200: 1}
    assert allocate((1, 5, 20, 50, 200), 225, 20_000) == {1: 25, 5: 50, 20: 50, 50: 50, 200: 50}
    assert allocate((1,), 225, 20_000) == {1: 225}


def of_users(rows, seed):
    """A table of users with three tasks of their own, each at one site but for one task."""
    random = np.random.default_rng(seed)
    user = np.sort(random.integers(0, rows // 60, rows))
    task = 3 * user + random.integers(0, 3, rows)
    frame = toy_rows(rows, seed).assign(
        user=np.char.add("u", user.astype(str)).astype(object),
        task=np.char.add("t", task.astype(str)).astype(object),
    )
    frame.loc[task % 5 == 0, "task"] = None
    return frame


@pytest.mark.parametrize("role", ["auxiliary", "feature"])
def test_canaries_have_new_names_of_their_own_and_of_what_is_within_them(tmp_path, role):
    """Also where users are a feature, as in the traces that have no other."""
    table = TableDescription(
        "t", (*DESCRIPTION.columns, TASK, replace(USER, role=role)), units=("user", "task")
    )
    rows = of_users(6000, 3)
    table.save(tmp_path / "table.json")
    write_table(rows, tmp_path / "train.parquet", table)
    planting = Planting(("record", "task", "user"), units=240, sizes=(1, 5, 20))
    plant(tmp_path / "table.json", tmp_path / "train.parquet", planting, 1, tmp_path / "planted")
    canaries = canaries_of(tmp_path, table)
    known = {name: set(rows[name].dropna()) for name in ("user", "task")}
    of_task = rows.dropna(subset="task").drop_duplicates("task").set_index("task")["user"]
    for (level, _), canary in canaries.groupby([LEVEL.name, CANARY.name]):
        new = {name: set(canary[name].dropna()) - known[name] for name in known}
        if level == "record":
            assert new == {"user": set(), "task": set()}
            assert (
                canary["task"].isna().all()
                or of_task[canary["task"]].eq(canary["user"].to_numpy()).all()
            )
        elif level == "task":
            assert (len(new["user"]), len(new["task"])) == (0, 1)
            assert canary["task"].nunique(dropna=False) == canary["user"].nunique() == 1
        else:
            assert (canary["user"].nunique(), len(new["user"])) == (1, 1)
            assert set(canary["task"].dropna()) == new["task"]
            assert canary["task"].nunique() <= 3
    names = canaries.loc[canaries[LEVEL.name] == "user", [CANARY.name, "user"]].drop_duplicates()
    assert names["user"].is_unique
    tasks = canaries.loc[canaries[LEVEL.name] != "record", [CANARY.name, "task"]].dropna()
    assert tasks.drop_duplicates()["task"].is_unique
    users = canaries[canaries[LEVEL.name] == "user"].groupby(CANARY.name)["task"].nunique()
    assert users.max() == 3


def test_a_canary_keeps_how_its_rows_belong_together(folder):
    rows = pd.DataFrame(
        {
            "when": pd.to_datetime([0, 10, 30, 10**6], unit="s", utc=True).as_unit("us"),
            "site": np.array(["a", "b", "a", "z"], object),
            "task": np.array(["t", "t", "t", None], object),
        }
    )
    described = TableDescription(
        "t", (Column("when", "timestamp"), Column("site", "categorical"), TASK), units=("task",)
    )
    described.save(folder / "small.json")
    write_table(rows, folder / "small.parquet", described)
    planting = Planting(("task",), units=320, sizes=(3,))
    # Few rows allow no planted ones: a tenth of four.
    with pytest.raises(InputError, match="4 rows are too few for canaries of task"):
        plant(folder / "small.json", folder / "small.parquet", planting, 1, folder / "none")
    many = pd.concat([rows.iloc[:3], *[rows.iloc[3:]] * 1000], ignore_index=True)
    write_table(many, folder / "many.parquet", described)
    plant(folder / "small.json", folder / "many.parquet", planting, 1, folder / "many")
    canaries = read_table(folder / "many" / "canaries.parquet", canary_description(described))
    whole = others = 0
    for kind, of_kind in canaries.groupby(KIND.name):
        for _, canary in of_kind.groupby(CANARY.name):
            gaps = np.diff(canary["when"].to_numpy("datetime64[s]").astype(int))
            assert len(canary) == 3
            if kind == "light":
                assert (gaps > 0).all()
                assert not np.array_equal(gaps, [10, 20])
                continue
            # One that goes over the end of the window goes on at its beginning.
            whole += gaps.tolist() == [10, 20]
            others += gaps.tolist() != [10, 20]
            if kind == "scattered":
                assert canary["site"].nunique() == 3
            else:
                assert canary["site"].iloc[0] == canary["site"].iloc[2]
    assert others <= 9 < 150 < whole


def test_light_units_last_and_rare_ones_are_rare(folder):
    rows = read_table(folder / "train.parquet", TABLE)
    canaries = canaries_of(folder)
    tasks = canaries[canaries[LEVEL.name] == "task"]
    span = rows["when"].max() - rows["when"].min()
    spans = tasks[tasks[KIND.name] == "light"].groupby(CANARY.name)["when"]
    # Of n even times the range has the mean (n − 1) / (n + 1) of the span.
    expected = np.mean([(n - 1) / (n + 1) for n in spans.size()])
    found = (spans.max() - spans.min()) / span
    assert found.mean() == pytest.approx(expected, abs=0.1)
    frequency = rows["site"].map(rows["site"].value_counts(normalize=True))
    of_site = dict(zip(rows["site"], frequency, strict=True))
    by_kind = canaries["site"].map(of_site).groupby(canaries[KIND.name]).mean()
    assert by_kind["rare"] < 0.8 * by_kind["moved"]


def test_the_same_seed_plants_the_same(folder):
    for seed, name in ((5, "again"), (6, "other")):
        plant(folder / "table.json", folder / "train.parquet", PLANTING, seed, folder / name)
    first, again, other = (
        (folder / name / "canaries.parquet").read_bytes() for name in ("planted", "again", "other")
    )
    assert first == again != other


def test_the_audit_finds_all_canaries_in_a_copy_and_none_by_more_than_chance_otherwise(folder):
    copied = read_table(folder / "planted" / "train.parquet", DESCRIPTION)
    for found in audited(folder, copied).values():
        assert found["found"] == found["at_most"] == 1
    blind = audited(folder, toy_rows(4000, 9))
    assert set(blind) == {"record", "task"}
    for found in blind.values():
        assert 0 <= found["found"] <= found["at_most"] <= 0.4
        assert found["found"] <= 0.25


def two_shadows(folder, first, second):
    """The audit of two samples, of models that were trained with different canaries."""
    files = (folder / "table.json", folder / "train.parquet")
    plant(*files, PLANTING, 6, folder / "others")
    for name, sample in (("first", first), ("second", second)):
        write_table(sample, folder / f"{name}.parquet", DESCRIPTION)
    return audit_of(folder, shadows=(("planted", "first.parquet"), ("others", "second.parquet")))


def test_canaries_of_several_shadow_models_are_judged_together(folder):
    """Each within the sample of its own model, however much the samples differ."""
    one = audited(folder, toy_rows(4000, 9))
    copied = read_table(folder / "planted" / "train.parquet", DESCRIPTION)
    both = two_shadows(folder, copied, toy_rows(300, 10))
    assert both["shadow_models"] == 2
    blind = two_shadows(folder, toy_rows(4000, 9), toy_rows(300, 10))["levels"]
    for level, found in one.items():
        assert blind[level]["planted"] == pytest.approx(2 * found["planted"], rel=0.05)
        assert blind[level]["found"] <= 0.2
        # The bound of a share that was found in n trials is as wide as 1/√n.
        widths = [one["at_most"] - one["found"] for one in (blind[level], found)]
        assert widths[0] < 0.9 * widths[1]
        assert both["levels"][level]["found"] == pytest.approx(0.55, abs=0.1)
        told = both["levels"][level]["combinations"]["planted"]
        assert told["rare"] > 1.5 * found["combinations"]["planted"]["rare"]


def test_the_same_canaries_do_not_count_twice(folder):
    write_table(toy_rows(400, 9), folder / "sample.parquet", DESCRIPTION)
    twice = [("planted", "sample.parquet")] * 2
    with pytest.raises(InputError, match=r"has the canaries of .*, expected others"):
        audit_of(folder, shadows=twice)


def test_one_row_of_each_task_is_enough_to_be_found(folder):
    canaries = canaries_of(folder)
    planted = canaries[(canaries[PLANTED.name] == 1) & (canaries[LEVEL.name] == "task")]
    leaked = planted.groupby(CANARY.name).first()[[c.name for c in DESCRIPTION.columns]]
    sample = pd.concat([toy_rows(3000, 9), leaked], ignore_index=True)
    levels = audited(folder, sample.astype(toy_rows(1, 1).dtypes))
    assert levels["task"]["found"] > 0.9
    assert levels["task"]["epsilon_at_least"] > 1.5, "no privacy, and as good as proved"
    assert levels["record"]["epsilon_at_least"] < 0.5


def test_the_last_lines_say_of_which_level_nothing_was_tried(folder):
    words = [f"--table={folder / 'table.json'}", f"--train={folder / 'train.parquet'}"]
    levels = ["--level=record", "--level=user", "--units=80"]
    output = folder / "by_command"
    done = CliRunner().invoke(app, ["plant", *words, *levels, f"--output={output}"])
    assert done.stdout.splitlines()[-1] == (
        f"{output}: canaries planted: record 10 of 80, user 0 of 0; fewer than the 80 asked for of "
        "user: the table does not tell them apart, or has too few rows"
    )
    canaries = [f"--canaries={output / 'canaries.parquet'}", f"--output={folder / 'audit.json'}"]
    sample = f"--synthetic={output / 'train.parquet'}"
    done = CliRunner().invoke(app, ["audit", *words, *canaries, sample])
    assert done.stdout.splitlines()[-1] == (
        f"{folder / 'audit.json'}: record 100 % of 10 planted found, at most 100 %"
    )


def test_few_canaries_prove_little(folder):
    few = Planting(("record",), units=16)
    plant(folder / "table.json", folder / "train.parquet", few, 5, folder / "planted")
    assert audited(folder, toy_rows(4000, 9))["record"]["at_most"] > 0.3


def leaking(canaries, which):
    """Other rows of the same law, and the planted canaries of which `which` says so."""
    planted = canaries[canaries[PLANTED.name] == 1]
    rows = planted.groupby(CANARY.name)[PLANTED.name].transform("size")
    leaked = planted.loc[which(planted, rows), FEATURES]
    return pd.concat([toy_rows(4000, 9), leaked], ignore_index=True).astype(toy_rows(1, 1).dtypes)


def test_what_hides_small_units_and_gives_away_large_ones_is_seen_by_size(folder):
    """Groups of sizes are judged each by itself, up to the size that is asked for."""
    # Some units of the size 4 have five rows: up to four rows these are not asked for.
    sample = leaking(canaries_of(folder), lambda _, rows: rows > 4)
    task = audited(folder, sample)["task"]
    found = {size["size"]: size["found"] for size in task["sizes"]}
    assert found[6] == 1
    assert found[1] < 0.35
    assert [group["judged"] for group in task["groups"]] == [True] * len(task["groups"])
    assert task["up_to_rows"] == 6
    assert (task["units"]["number"], task["units"]["rows"]) == (300, 3990)
    judged = audited(folder, sample, up_to_rows=4)["task"]
    assert judged["up_to_rows"] == 4
    assert judged["at_most"] < 0.35
    assert [(group["judged"], group["found"] > 0.9) for group in judged["groups"]] == [
        *((True, False), (False, True))
    ]
    # What has to hold at a further try is more.
    bounds = judged["groups"][0]["at_most_of_try"]
    assert bounds == sorted(bounds)
    assert bounds[0] == judged["groups"][0]["at_most"]


def test_a_kind_that_is_given_away_is_seen_by_kind(folder):
    sample = leaking(canaries_of(folder), lambda rows, _: rows[KIND.name] == "light")
    kinds = audited(folder, sample)["task"]["kinds"]
    assert kinds["light"]["found"] > 0.8
    assert max(kind["found"] for name, kind in kinds.items() if name != "light") < 0.5


def test_units_are_found_by_their_times_alone(folder):
    """All other columns are drawn anew, so that whole rows tell little."""
    planted = leaking(canaries_of(folder), lambda rows, _: rows[PLANTED.name] == 1).iloc[4000:]
    times = toy_rows(len(planted), 11).assign(when=planted["when"].to_numpy())
    sample = pd.concat([toy_rows(4000, 9), times], ignore_index=True)
    task = audited(folder, sample)["task"]
    assert task["attackers"]["time, mean"] > 0.9 > 0.4 > task["attackers"]["marks, mean"]
    assert task["found"] > 0.9


def test_names_of_units_are_not_looked_at(tmp_path):
    """What is published has other names: a new one tells nothing."""
    user = replace(USER, role="feature")
    table = TableDescription("t", (*DESCRIPTION.columns, user), units=("user",))
    table.save(tmp_path / "table.json")
    write_table(of_users(6000, 3), tmp_path / "train.parquet", table)
    planting = Planting(("user",), units=480, sizes=(1, 5))
    plant(tmp_path / "table.json", tmp_path / "train.parquet", planting, 1, tmp_path / "planted")
    canaries = canaries_of(tmp_path, table)
    names = canaries.loc[canaries[PLANTED.name] == 1, "user"].unique()
    sample = toy_rows(6000, 9).assign(user=np.resize(names, 6000))
    write_table(sample, tmp_path / "sample.parquet", table)
    found = audit_of(tmp_path)
    assert found["levels"]["user"]["found"] < 0.3


@pytest.mark.parametrize(
    "users",
    [
        pytest.param(["a", "b", "c"], id="three users"),
        pytest.param(["a"] * 9 + ["b"], id="one user has nearly all rows"),
        pytest.param(None, id="each row has a user of its own"),
    ],
)
def test_odd_tables_are_planted_and_audited(tmp_path, users):
    table = TableDescription("t", (*DESCRIPTION.columns, USER), units=("user",))
    table.save(tmp_path / "table.json")
    names = np.resize(users, 1000) if users else [f"u{n}" for n in range(1000)]
    rows = toy_rows(1000, 3).assign(user=np.array(names, object))
    write_table(rows, tmp_path / "train.parquet", table)
    plant(
        tmp_path / "table.json",
        tmp_path / "train.parquet",
        Planting(("record", "user"), 240),
        1,
        tmp_path / "planted",
    )
    write_table(toy_rows(1000, 9), tmp_path / "sample.parquet", DESCRIPTION)
    levels = audit_of(tmp_path)["levels"]
    assert set(levels) == {"record", "user"}
    assert all(found["planted"] > 0 and found["at_most"] < 1 for found in levels.values())
    assert levels["user"]["units"]["number"] == len(set(names))


def test_a_table_without_times_or_categories_has_canaries(tmp_path):
    for kept in (["site", "state", "size"], ["size", "work"], ["when"]):
        table = DESCRIPTION.only(kept)
        table.save(tmp_path / "table.json")
        write_table(toy_rows(1000, 3), tmp_path / "train.parquet", table)
        planted = plant(
            tmp_path / "table.json",
            tmp_path / "train.parquet",
            Planting(("record",), 240),
            1,
            tmp_path / "planted",
        )
        assert planted["levels"]["record"]["planted"] == 30
        write_table(toy_rows(1000, 9), tmp_path / "sample.parquet", table)
        found = audit_of(tmp_path)
        assert found["levels"]["record"]["found"] < 0.4
