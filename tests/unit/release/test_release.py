"""The release gate: canaries, the audit, the decision; it fails closed."""

import json
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
from redwood.release.audit import audit
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
from redwood.release.decision import decide
from redwood.tables import (
    Column,
    TableDescription,
    read_table,
    table_columns,
    table_digest,
    write_table,
)

TASK = Column("task", "categorical", role="auxiliary", meaning="the task of the job")
USER = Column("user", "categorical", role="auxiliary", meaning="whose job it is")
TABLE = TableDescription("toy", (*DESCRIPTION.columns, TASK), units=("task",))
FEATURES = [column.name for column in DESCRIPTION.columns]
PLANTING = Planting(("record", "task", "user"), units=160, sizes=(1, 4, 6))


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


def audited(folder, sample, name="sample"):
    write_table(sample, folder / f"{name}.parquet", DESCRIPTION)
    names = ("table.json", "train.parquet", "planted/canaries.parquet", f"{name}.parquet")
    audit(*(folder / name for name in names), 1, folder / "audit.json")
    return read_json(folder / "audit.json", "audit")["levels"]


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


def test_one_of_four_is_planted_of_each_size_within_a_tenth_of_the_rows(folder):
    canaries = canaries_of(folder)
    levels = read_json(folder / "planted" / "planting.json", "planting")["levels"]
    assert (levels["record"]["units"], levels["record"]["planted"]) == (160, 40)
    assert (levels["user"]["units"], levels["user"]["planted"]) == (0, 0)
    assert (canaries[PLANTED.name] == 1).sum() <= 0.1 * 4000
    units = canaries.groupby([LEVEL.name, GROUP.name, CANARY.name]).agg(
        rows=("when", "size"), planted=(PLANTED.name, "first"), kind=(KIND.name, "first")
    )
    groups = units.groupby([LEVEL.name, GROUP.name])
    assert (groups["planted"].agg(["sum", "size"]) == [1, 4]).all(axis=None)
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
    place = units["planted"].to_numpy().reshape(-1, 4).argmax(axis=1)
    assert set(place) == {0, 1, 2, 3}


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=6, unique=True).map(sorted),
    st.integers(0, 300),
    st.integers(0, 5000),
)
def test_units_of_all_sizes_share_the_rows(sizes, wanted, rows):
    planted = allocate(sizes, wanted, rows)
    assert sum(size * units for size, units in planted.items()) <= rows
    assert sum(planted.values()) <= wanted
    # Smaller units are never fewer, and where there is room all that are wanted are planted.
    assert sorted(planted.values(), reverse=True)[0] <= -(-wanted // len(sizes))
    if rows >= sum(sizes) * -(-wanted // len(sizes)):
        assert sum(planted.values()) == wanted


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
    planting = Planting(("record", "task", "user"), units=80, sizes=(1, 5, 20))
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
    planting = Planting(("task",), units=80, sizes=(3,))
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
    assert others <= 2 < 40 < whole


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


def test_one_row_of_each_task_is_enough_to_be_found(folder):
    canaries = canaries_of(folder)
    planted = canaries[(canaries[PLANTED.name] == 1) & (canaries[LEVEL.name] == "task")]
    leaked = planted.groupby(CANARY.name).first()[[c.name for c in DESCRIPTION.columns]]
    sample = pd.concat([toy_rows(3000, 9), leaked], ignore_index=True)
    assert audited(folder, sample.astype(toy_rows(1, 1).dtypes))["task"]["found"] > 0.9


def test_the_last_lines_say_of_which_level_nothing_was_tried(folder):
    words = [f"--table={folder / 'table.json'}", f"--train={folder / 'train.parquet'}"]
    levels = ["--level=record", "--level=user", "--units=40"]
    output = folder / "by_command"
    done = CliRunner().invoke(app, ["plant", *words, *levels, f"--output={output}"])
    assert done.stdout.splitlines()[-1] == (
        f"{output}: canaries planted: record 10 of 40, user 0 of 0; fewer than the 40 asked for of "
        "user: the table does not tell them apart, or has too few rows"
    )
    canaries = [f"--canaries={output / 'canaries.parquet'}", f"--output={folder / 'audit.json'}"]
    sample = f"--synthetic={output / 'train.parquet'}"
    done = CliRunner().invoke(app, ["audit", *words, *canaries, sample])
    assert done.stdout.splitlines()[-1] == (
        f"{folder / 'audit.json'}: record 100 % of 10 planted found, at most 100 %"
    )


def test_few_canaries_prove_little(folder):
    few = Planting(("record",), units=8)
    plant(folder / "table.json", folder / "train.parquet", few, 5, folder / "planted")
    assert audited(folder, toy_rows(4000, 9))["record"]["at_most"] > 0.3


def evaluation_of(folder, passes=True):
    evaluation = folder / "evaluation"
    evaluation.mkdir(exist_ok=True)
    measure = {"title": "C2ST", "value": 0.51, "low": 0.5, "high": 0.52, "floor": 0.5}
    measure["aspect"] = "fidelity"
    content = {
        "privacy": {"passes": passes, "words": "passes | what was tried"},
        "digests": {"synthetic": table_digest(folder / "sample.parquet")},
        "measures": {
            "c2st": measure | {"definition": "Trees tell <rows> apart."},
            "mine": measure | {"title": "My own", "definition": "-", "low": None, "floor": None},
            "mia_x": measure | {"title": "My attack", "definition": "-", "aspect": "privacy"},
        },
    }
    (evaluation / "measures.json").write_text(json.dumps(content))
    return evaluation


def audit_of(folder, **at_most):
    levels = {
        level: {"planted": 50, "others": 50, "found": 0.12, "at_most": bound, "attack": "mean"}
        for level, bound in at_most.items()
    }
    (folder / "audit.json").write_text(json.dumps({"false_alarms": 0.1, "levels": levels}))
    return folder / "audit.json"


def decide_on(folder, evaluation, audit_file, levels):
    rows = (folder / "table.json", folder / "sample.parquet")
    return decide(*rows, evaluation, audit_file, "model", levels, folder / "release")


def decided(folder, passes=True, levels=("record", "task"), **at_most):
    write_table(toy_rows(300, 9), folder / "sample.parquet", DESCRIPTION)
    released = decide_on(folder, evaluation_of(folder, passes), audit_of(folder, **at_most), levels)
    return released, read_json(folder / "release" / "decision.json", "decision")


def test_columns_that_nobody_judged_are_not_published(folder):
    sample = folder / "sample.parquet"
    toy_rows(300, 9).assign(owner="a name").to_parquet(sample)
    assert decide_on(folder, evaluation_of(folder), audit_of(folder, record=0.2), ["record"])
    published = folder / "release" / "published" / "sample.parquet"
    assert table_columns(published) == [column.name for column in DESCRIPTION.features]
    decision = read_json(folder / "release" / "decision.json", "decision")
    assert decision["sample"]["sha256"] == table_digest(published) != table_digest(sample)


def test_a_sample_that_meets_every_check_is_released(folder):
    released, decision = decided(folder, record=0.2, task=0.3)
    assert released is decision["released"] is True
    published = folder / "release" / "published"
    assert (published / "sample.parquet").read_bytes() == (folder / "sample.parquet").read_bytes()
    assert TableDescription.load(published / "table.json") == DESCRIPTION
    note = (published / "NOTE.md").read_text()
    assert "the sample may be published" in note
    assert "12 % of 50 planted tasks are found" in note
    assert "passes \\| what was tried" in note
    page = (folder / "release" / "note.html").read_text()
    assert "Trees tell &lt;rows&gt; apart." in page
    assert "| My own | 0.51 | - |" in note
    assert "My attack" not in note


@pytest.mark.parametrize(
    ("broken", "name", "key", "words"),
    [
        ({"passes": False}, "privacy of the sample", ("privacy", None), "passes"),
        ({"passes": None}, "privacy of the sample", ("privacy", None), "passes"),
        (
            {"task": 0.31},
            "planted tasks",
            ("canaries", "task"),
            "at most 31 % with 95 % confidence, 30 % allowed",
        ),
        (
            {"levels": ("record", "user")},
            "planted users",
            ("canaries", "user"),
            "has no column 'user'",
        ),
        ({"levels": ()}, "canaries", ("canaries", None), "no level was asked for"),
    ],
)
def test_one_check_that_fails_withholds_the_sample(folder, broken, name, key, words):
    decided(folder, record=0.2, task=0.2)
    released, decision = decided(folder, **{"record": 0.2, "task": 0.2} | broken)
    assert released is decision["released"] is False
    (failed,) = (check for check in decision["checks"] if not check["passed"])
    assert (failed["kind"], failed["level"]) == key
    assert words in failed["text"]
    published = folder / "release" / "published"
    # What an earlier decision released is gone, too.
    assert [file.name for file in published.iterdir()] == ["NOTE.md"]
    assert f"What failed: {name}." in (published / "NOTE.md").read_text()


@pytest.mark.parametrize(
    ("levels", "found", "released"),
    [
        (("record", "task"), {"record": 0.2, "task": 0.2}, True),
        (("record", "task"), {"record": 0.4, "task": 0.2}, False),
        # Nobody has judged single records.
        (("task",), {"record": 0.2, "task": 0.2}, False),
    ],
)
def test_what_the_holdout_cannot_judge_is_left_to_planted_records(folder, levels, found, released):
    write_table(toy_rows(300, 9), folder / "sample.parquet", DESCRIPTION)
    evaluation = evaluation_of(folder, None)
    content = json.loads((evaluation / "measures.json").read_text())
    content["privacy"]["left_to_canaries"] = True
    (evaluation / "measures.json").write_text(json.dumps(content))
    assert decide_on(folder, evaluation, audit_of(folder, **found), levels) is released


def test_what_was_not_tried_does_not_pass(folder):
    released, decision = decided(folder, record=0.2)
    assert not released
    assert "too few rows to plant tasks" in decision["checks"][-1]["text"]


def test_an_evaluation_of_another_sample_is_refused(folder):
    decided(folder, record=0.2, task=0.2)
    write_table(toy_rows(300, 10), folder / "sample.parquet", DESCRIPTION)
    with pytest.raises(InputError, match="evaluate it first"):
        decide_on(folder, folder / "evaluation", folder / "audit.json", ("record",))
