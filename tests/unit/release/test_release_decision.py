"""The decision of the release gate: it fails closed, counts tries, and says what is protected."""

import json
import re

import numpy as np
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.release.decision import decide
from redwood.release.tries import risk_of_try
from redwood.tables import (
    Column,
    TableDescription,
    read_table,
    table_columns,
    table_digest,
    write_table,
)

TASK = Column("task", "categorical", role="auxiliary", meaning="the task of the job")
TABLE = TableDescription("toy", (*DESCRIPTION.columns, TASK), units=("task",))


@pytest.fixture
def folder(tmp_path):
    TABLE.save(tmp_path / "table.json")
    return tmp_path


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


def level_of(bounds, number=300, largest=40, beyond=0, reach=20):
    """What an audit says of a level: the bound of each group of sizes at the first try."""
    share = {"planted": 50, "others": 350, "found": 0.12}
    groups = [
        {"rows": rows, "judged": judged, **share, "at_most": bound}
        | {"at_most_of_try": [bound + 0.02 * n for n in range(10)]}
        for rows, judged, bound in bounds
    ]
    sizes = [
        {"size": rows[0], "rows": rows, **share, "at_most": bound} for rows, _, bound in bounds
    ]
    units = {"number": number, "rows": 4000, "largest": largest}
    return {
        **share,
        **{"at_most": 0.2, "attack": "rows, mean", "up_to_rows": reach, "groups": groups},
        **{"sizes": sizes, "kinds": {"rare": {"rows": [1, 5], **share, "at_most": 0.25}}},
        "attackers": {"rows, mean": 0.12, "time, max": 0.1},
        "best": {"found": 0.13, "by_chance": 0.12, "chance": 0.4},
        "units": units | {"beyond": beyond, "rows_beyond": 10 * beyond},
    }


def audit_of(folder, up_to_rows=None, canaries="c", **at_most):
    levels = {
        level: bound if isinstance(bound, dict) else level_of([([1, 1], True, bound)])
        for level, bound in at_most.items()
    }
    content = {
        **{"false_alarms": 0.1, "up_to_rows": up_to_rows, "levels": levels},
        "digests": {"train": "t", "canaries": [canaries, "d"], "synthetic": ["s", "t"]},
        "shadow_models": 2,
    }
    (folder / "audit.json").write_text(json.dumps(content))
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
    assert (
        "of 1 row: the attacker finds 12 % of 50 planted tasks, 95 % upper bound 30 %; limit 30 %"
        in note
    )
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
            "95 % upper bound 31 %; limit 30 %",
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
    assert "too few rows to plant tasks" in decision["checks"][-2]["text"]


def test_an_evaluation_of_another_sample_is_refused(folder):
    decided(folder, record=0.2, task=0.2)
    write_table(toy_rows(300, 10), folder / "sample.parquet", DESCRIPTION)
    with pytest.raises(InputError, match="evaluate it first"):
        decide_on(folder, folder / "evaluation", folder / "audit.json", ("record",))


SIZES = [([1, 5], True, 0.2), ([20, 24], True, 0.28), ([50, 60], False, 0.9)]


def test_the_note_says_what_is_protected_up_to_which_size_and_what_is_not(folder):
    task = level_of(SIZES, largest=900, beyond=60)
    released, decision = decided(folder, record=0.2, task=task)
    assert released
    assert decision["protects"][1] == {
        "level": "task",
        "up_to_rows": 20,
        "any_size": False,
        "text": "**tasks**: those of up to 20 rows are protected. Larger ones are not promised: 60 "
        "of 300, with 15 % of the rows; 50 such tasks were planted, of which about 6 are found",
    }
    note = (folder / "release" / "note.md").read_text()
    assert f"* {decision['protects'][1]['text']}\n" in note
    assert "* **records**: protected\n" in note
    assert "| tasks of 20 to 24 rows | 50 | 12 %; 95 % upper bound 28 % |" in note
    assert "| tasks, rare | 50 | 12 %; 95 % upper bound 25 % |" in note
    assert "| records, by the best of 2 attackers | 50 | 13 %; guessing 12 %, as much in" in note
    page = (folder / "release" / "note.html").read_text()
    assert "<li><strong>tasks</strong>: those of up to 20 rows are protected." in page


def test_the_note_draws_what_is_found_of_each_size_against_the_limit(folder):
    sizes = [([1, 1], False, 0.2), ([5, 6], False, 0.2), ([200, 233], False, 1.0)]
    task = level_of(sizes) | {"groups": level_of([([1, 6], True, 0.31)])["groups"]}
    decided(folder, record=0.2, task=task)
    page = (folder / "release" / "note.html").read_text()
    [picture] = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    label = re.search(r'aria-label="([^"]*)"', picture)[1]
    assert label.startswith("Share of the planted units that the attacker finds; limit 30 %")
    assert label.endswith("records 12 %, at most 20 %; tasks of 1 to 6 rows 12 %, at most 31 %.")
    lines = re.findall(r'<g class="([^"]*)">.*?end">([^<]*)</text>', picture, re.DOTALL)
    assert lines == [
        ("judged", "records"),
        ("judged far", "tasks of 1 to 6 rows"),
        ("part", "1 row"),
        ("part", "5 to 6 rows"),
        ("part", "tasks of 200 to 233 rows, not judged"),
    ]
    # What fails has another shape, too, and stands right of the limit's line.
    assert picture.count("<circle") == 4
    [limit] = re.findall(r'<line class="limit" x1="([\d.]+)"', picture)
    bound = re.search(r'judged far".*?x2="([\d.]+)"', picture, re.DOTALL)[1]
    assert float(bound) > float(limit)
    decided(folder, levels=())
    assert "<svg" not in (folder / "release" / "note.html").read_text()


def test_units_that_are_all_small_are_protected_whatever_their_size(folder):
    _, decision = decided(folder, record=0.2, task=level_of(SIZES[:2], largest=20))
    assert decision["protects"][1]["any_size"]
    assert decision["protects"][1]["text"] == "**tasks**: protected; the largest has 20 rows"


def test_one_group_of_sizes_that_is_found_withholds_the_sample(folder):
    found = [*SIZES[:1], ([20, 24], True, 0.31)]
    released, decision = decided(folder, record=0.2, task=level_of(found))
    assert not released
    assert (
        "of 20 to 24 rows: the attacker finds 12 % of 50 planted tasks, 95 % upper bound 31 %"
        in str(decision)
    )
    # The report draws by these.
    groups = {check["level"]: check["groups"] for check in decision["checks"]}
    assert [group["at_most"] for group in groups["task"]] == [0.2, 0.31]
    assert groups["task"][1]["rows"] == [20, 24]
    assert groups["task"][1]["planted"] == 50
    assert groups[None] == []
    assert (
        decision["protects"][1]["text"] == "**tasks**: not protected, of no size: found too often"
    )


def test_a_decision_on_small_units_says_so_first(folder):
    """What is larger is told, but not judged; too few canaries of the size do not pass."""
    write_table(toy_rows(300, 9), folder / "sample.parquet", DESCRIPTION)
    task = level_of(SIZES, largest=900, beyond=60)
    audit_file = audit_of(folder, up_to_rows=20, record=0.2, task=task)
    assert decide_on(folder, evaluation_of(folder), audit_file, ["record", "task"])
    lead = (folder / "release" / "note.md").read_text().splitlines()[2]
    assert lead.startswith("Judged for units of up to 20 rows only. ")
    few = level_of(SIZES, largest=900, reach=5)
    audit_file = audit_of(folder, up_to_rows=20, record=0.2, task=few)
    assert not decide_on(folder, evaluation_of(folder), audit_file, ["record", "task"])
    assert "too few canaries of 20 rows" in (folder / "release" / "decision.json").read_text()


def test_levels_that_were_not_asked_for_are_not_promised(folder):
    _, decision = decided(folder, record=0.2, levels=("record",))
    assert [(one["level"], one["up_to_rows"]) for one in decision["protects"]] == [
        *(("record", 1), ("task", 0))
    ]
    assert decision["protects"][1]["text"] == "**tasks**: not tried, nothing is promised"


def tried(folder, seed, bound, options=None):
    """A decision on a sample and an audit by other seeds."""
    write_table(toy_rows(300, seed), folder / "sample.parquet", DESCRIPTION)
    for name in ("surrogate", "shadow"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "model.json").write_text(json.dumps({"options": options or {"epochs": 1}}))
    rows = (folder / "table.json", folder / "sample.parquet")
    audit_file = audit_of(folder, canaries=str(seed), record=bound)
    folders = (folder / "release", folder / "surrogate", [folder / "shadow"] * 2)
    released = decide(*rows, evaluation_of(folder), audit_file, "model", ["record"], *folders)
    return released, read_json(folder / "release" / "decision.json", "decision")["tries"]


def test_a_release_that_is_tried_until_the_gate_opens_stays_shut(folder):
    # Bounds rise by 0.02 with each try, as the confidence that they have to hold with does.
    assert tried(folder, 1, 0.35) == (False, {"number": 1, "with_other_options": 0})
    assert tried(folder, 1, 0.35)[1]["number"] == 1
    assert tried(folder, 2, 0.29) == (False, {"number": 2, "with_other_options": 0})
    note = (folder / "release" / "note.md").read_text()
    assert "this is try 2 of this model with these options and training rows" in note
    assert "has to hold now with 98.75 %" in note
    assert tried(folder, 3, 0.20) == (True, {"number": 3, "with_other_options": 0})
    assert tried(folder, 4, 0.29, {"epochs": 2}) == (
        *(True, {"number": 1, "with_other_options": 3}),
    )
    for seed in range(5, 12):
        tried(folder, seed, 0.35)
    assert tried(folder, 13, 0.0) == (False, {"number": 11, "with_other_options": 1})
    assert "after 10 no further one counts" in (folder / "release" / "note.md").read_text()


def test_all_tries_together_risk_little_more_than_one():
    assert risk_of_try(1) == 0.05
    assert sum(risk_of_try(number) for number in range(1, 10_000)) < 0.05 * np.pi**2 / 6


def test_an_audit_of_other_options_or_of_an_earlier_version_is_refused(folder):
    tried(folder, 1, 0.2)
    (folder / "shadow" / "model.json").write_text(json.dumps({"options": {"epochs": 9}}))
    rows = (folder / "table.json", folder / "sample.parquet", folder / "evaluation")
    folders = (folder / "release", folder / "surrogate", [folder / "surrogate", folder / "shadow"])
    with pytest.raises(InputError, match=r"epochs is 9, expected 1, .* audit is of other options"):
        decide(*rows, folder / "audit.json", "model", ["record"], *folders)
    (folder / "audit.json").write_text(json.dumps({"levels": {}}))
    with pytest.raises(InputError, match="made again by `redwood release audit`"):
        decide(*rows, folder / "audit.json", "model", ["record"], folder / "release")


def test_names_of_units_are_made_anew_in_what_is_published(folder):
    """A name says that its unit was there; which rows are of one unit is kept."""
    table = TableDescription(
        "t", (*DESCRIPTION.columns, Column("user", "categorical")), units=("user",)
    )
    table.save(folder / "table.json")
    users = np.array([f"u{n}" for n in [7, 3, 7, 1] * 75], object)
    write_table(toy_rows(300, 9).assign(user=users), folder / "sample.parquet", table)
    audit_file = audit_of(folder, record=0.2)
    assert decide_on(folder, evaluation_of(folder), audit_file, ["record"])
    published = read_table(folder / "release" / "published" / "sample.parquet", table)
    assert published["user"].tolist() == ["user 1", "user 2", "user 1", "user 3"] * 75
