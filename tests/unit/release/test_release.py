"""The release gate: canaries, the audit, the decision; it fails closed."""

import json

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows
from typer.testing import CliRunner

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.release.audit import audit
from redwood.release.canaries import CANARY, LEVEL, PLANTED, Planting, canary_description, plant
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
TABLE = TableDescription("toy", (*DESCRIPTION.columns, TASK))
PLANTING = Planting(("record", "task", "user"), units=80, most_rows=6)


@pytest.fixture
def folder(tmp_path):
    """A table of tasks of ten rows or more, and canaries planted in it."""
    rows = toy_rows(4000, 1)
    tasks = np.random.default_rng(2).integers(0, 300, len(rows)).astype(str).astype(object)
    rows = rows.assign(task=tasks)
    # A row of no task is of no unit.
    rows.loc[:9, "task"] = None
    TABLE.save(tmp_path / "table.json")
    write_table(rows, tmp_path / "train.parquet", TABLE)
    plant(tmp_path / "table.json", tmp_path / "train.parquet", PLANTING, 5, tmp_path / "planted")
    return tmp_path


def canaries_of(folder):
    return read_table(folder / "planted" / "canaries.parquet", canary_description(TABLE))


def audited(folder, sample, name="sample"):
    write_table(sample, folder / f"{name}.parquet", DESCRIPTION)
    names = ("table.json", "train.parquet", "planted/canaries.parquet", f"{name}.parquet")
    audit(*(folder / name for name in names), 1, folder / "audit.json")
    return read_json(folder / "audit.json", "audit")["levels"]


def test_planted_canaries_are_among_the_training_rows_and_the_others_are_not(folder):
    canaries = canaries_of(folder)
    features = [column.name for column in DESCRIPTION.columns]
    train = read_table(folder / "train.parquet", DESCRIPTION)
    together = read_table(folder / "planted" / "train.parquet", DESCRIPTION)
    planted = canaries[canaries[PLANTED.name] == 1]
    assert len(together) == len(train) + len(planted)
    # The shadow model's training rows are exactly those and the planted ones, in another order.
    expected = pd.concat([train, planted[features]]).sort_values(features, ignore_index=True)
    found = together.sort_values(features, ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert not np.array_equal(together["work"], pd.concat([train, planted])["work"])


def test_half_of_each_level_is_planted_within_a_tenth_of_the_rows(folder):
    canaries = canaries_of(folder)
    summary = read_json(folder / "planted" / "planting.json", "planting")
    assert summary["levels"]["record"] == {"units": 80, "rows": 80}
    assert summary["levels"]["user"] == {"units": 0, "rows": 0}
    assert summary["rows"]["planted"] <= 0.1 * 4000
    for _, of_level in canaries.groupby(LEVEL.name):
        units = of_level.groupby(CANARY.name)[PLANTED.name].agg(["first", "nunique"])
        assert (units["nunique"] == 1).all()
        assert units["first"].mean() == 0.5
    tasks = canaries[canaries[LEVEL.name] == "task"].groupby(CANARY.name).size()
    assert tasks.max() == 6
    assert tasks.min() >= 2


def test_a_canary_keeps_how_its_rows_belong_together(folder):
    rows = pd.DataFrame(
        {
            "when": pd.to_datetime([0, 10, 30, 10**6], unit="s", utc=True).as_unit("us"),
            "site": np.array(["a", "b", "a", "z"], object),
            "task": np.array(["t", "t", "t", None], object),
        }
    )
    described = TableDescription(
        "t", (Column("when", "timestamp"), Column("site", "categorical"), TASK)
    )
    described.save(folder / "small.json")
    write_table(rows, folder / "small.parquet", described)
    planting = Planting(("task",), units=40, most_rows=3)
    # Few rows allow no planted ones: a tenth of four.
    with pytest.raises(InputError, match="4 rows are too few for canaries of task"):
        plant(folder / "small.json", folder / "small.parquet", planting, 1, folder / "none")
    many = pd.concat([rows.iloc[:3], *[rows.iloc[3:]] * 1000], ignore_index=True)
    write_table(many, folder / "many.parquet", described)
    plant(folder / "small.json", folder / "many.parquet", planting, 1, folder / "many")
    canaries = read_table(folder / "many" / "canaries.parquet", canary_description(described))
    whole = 0
    for _, canary in canaries.groupby(CANARY.name):
        gaps = np.diff(canary["when"].to_numpy("datetime64[s]").astype(int))
        # One that goes over the end of the window goes on at its beginning.
        whole += gaps.tolist() == [10, 20]
        assert canary["site"].iloc[0] == canary["site"].iloc[2]
    assert whole >= len(canaries) / 3 - 2


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
        f"{output}: canaries: record 40, user 0; fewer than the 40 asked for of user: the table "
        "does not tell them apart, or has too few rows"
    )
    canaries = [f"--canaries={output / 'canaries.parquet'}", f"--output={folder / 'audit.json'}"]
    sample = f"--synthetic={output / 'train.parquet'}"
    done = CliRunner().invoke(app, ["audit", *words, *canaries, sample])
    assert done.stdout.splitlines()[-1] == (
        f"{folder / 'audit.json'}: record 100 % of 20 planted found, at most 100 %"
    )


def test_few_canaries_prove_little(folder):
    few = Planting(("record",), units=4, most_rows=1)
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


def test_what_was_not_tried_does_not_pass(folder):
    released, decision = decided(folder, record=0.2)
    assert not released
    assert "too few rows to plant tasks" in decision["checks"][-1]["text"]


def test_an_evaluation_of_another_sample_is_refused(folder):
    decided(folder, record=0.2, task=0.2)
    write_table(toy_rows(300, 10), folder / "sample.parquet", DESCRIPTION)
    with pytest.raises(InputError, match="evaluate it first"):
        decide_on(folder, folder / "evaluation", folder / "audit.json", ("record",))
