"""Snakemake's reasons, as it says them, in words that a user understands."""

import json

import pytest

from redwood.environment_digest import environment_digest
from redwood.status.changes import changed_options
from redwood.status.planning import PlannedJob
from redwood.status.records import Records
from redwood.status.wording import render

SAMPLE = "results/mini/surrogates/tvae/sample.parquet"
FOLDER = "results/mini/evaluation/tvae"
COMMAND = "python -m redwood evaluate --seed 1 --options '{\"groups\": 5}' --output " + FOLDER


@pytest.fixture
def records(tmp_path):
    """Snakemake's folder after `evaluate tvae` has run with `COMMAND`."""
    folder = tmp_path / ".snakemake"
    records = Records(folder)
    path = records._path("metadata", FOLDER)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"shellcmd": COMMAND, "input": [SAMPLE]}))
    return records


def job(reason, rule="evaluate", wildcards=("tvae",), outputs=(FOLDER,), **other):
    given = {"inputs": (SAMPLE,), "command": COMMAND, **other}
    return PlannedJob(rule, wildcards, outputs=outputs, reason=reason, **given)


def line(job, records):
    """What is said of the only job of a plan."""
    first, said = render([job], records).splitlines()
    assert first == "1 job would run"
    return said


def params(only_old="", only_new=""):
    return (
        "Params have changed since last execution: Union of exclusive params before and now across "
        f"all output: before: {only_old} now: {only_new} "
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Forced execution", "it is asked for, whether needed or not"),
        (f"Missing output files: {FOLDER}", f"its result is missing: {FOLDER}"),
        (
            "Updated input files: resources/sites.csv",
            "what it reads has changed: resources/sites.csv",
        ),
        (
            "Updated input files: a, b, c, d",
            "what it reads has changed: a and 3 more",
        ),
        ("Code has changed since last execution", "its command line is written in another way"),
        (
            "Software environment definition has changed since last execution",
            "its software environment has changed",
        ),
        (params("'0123456789abcdef'", "'fedcba9876543210'"), "its code has changed"),
        (
            params("'0123456789abcdef'", f"'{environment_digest('evaluation')}'"),
            "a pin of its environment has changed",
        ),
        ("Something new", "Something new"),
    ],
)
def test_each_reason_has_its_words(records, reason, words):
    assert line(job(reason), records) == f"evaluate tvae: {words}"


def test_an_option_is_named_with_its_values(records):
    command = COMMAND.replace("5", "6").replace("--seed 1", "--seed 7")
    said = render([job(params("1,5", "7,6"), command=command)], records).splitlines()
    assert said[1:] == [
        "evaluate tvae: the option seed was 1, is 7",
        "evaluate tvae: the option groups was 5, is 6",
    ]


def test_a_job_without_a_record_has_never_run(tmp_path):
    said = line(job(f"Missing output files: {FOLDER}"), Records(tmp_path))
    assert said == "evaluate tvae: it has never run"


def test_a_job_that_was_killed_is_told_from_one_that_is_asked_for(records):
    marker = records._path("incomplete", FOLDER)
    marker.parent.mkdir()
    marker.write_text("{}")
    said = line(job("Forced execution"), records)
    assert said == "evaluate tvae: a run that was killed left it incomplete"


def test_further_and_fewer_files_are_named(records):
    reason = "Set of input files has changed since last execution"
    said = render([job(reason, inputs=("table.json",))], records).splitlines()
    assert said[1:] == [
        "evaluate tvae: it reads what it did not read before: table.json",
        f"evaluate tvae: it reads no more: {SAMPLE}",
    ]


def test_several_reasons_are_said_one_by_one(records):
    reason = f"{params('1', '2')}; Code has changed since last execution"
    said = render([job(reason)], records).splitlines()
    assert said[1:] == [
        "evaluate tvae: its parameters have changed",
        "evaluate tvae: its command line is written in another way",
    ]


def test_causes_stand_first_and_jobs_of_a_rule_together(records):
    changed = "Code has changed since last execution"
    plan = [
        job(f"Input files updated by another job: {FOLDER}, x", "table1", (), ("table1.md",)),
        *(job(changed, wildcards=(model,), outputs=(f"{model}",)) for model in "abcd"),
        job(changed, outputs=(FOLDER,)),
        job("", "all", (), (), command=""),
        *(job(changed, "simulate", (f"{run}", "random"), (f"{run}",)) for run in (1, 2)),
    ]
    assert render(plan, records).splitlines() == [
        "8 jobs would run",
        "evaluate (5 jobs): its command line is written in another way",
        "simulate 1 random, 2 random: its command line is written in another way",
        "table1: what it reads is made anew: evaluate",
    ]


def test_nothing_to_be_done_is_said(records):
    assert render([], records) == "nothing to be done: all results are there and up to date"
    only_gathers = job("Missing output files: x", "all", (), (), command="")
    assert render([only_gathers], records).startswith("nothing to be done")


@pytest.mark.parametrize(
    ("before", "now", "phrases"),
    [
        ("x --rows 5", "x --rows 5", []),
        ("x --rows 5", "x", ["rows was 5, is not given any more"]),
        ("x --like a.parquet", "x --rows 5",
         ["like was a.parquet, is not given any more", "rows was not given, is 5"]),
        ("x --level a", "x --level a --level b", ["level was a, is a b"]),
        ("x --quick", "x --quick --all", ["all was not given, is on"]),
        ("x '{\"a\": {\"b\": [1]}, \"c\": null}'", "x '{\"a\": {\"b\": [2]}, \"c\": null}'",
         ["a.b was [1], is [2]"]),
        ("x folder/1 --seed 1", "x folder/2 --seed 1", []),
        ("x '{broken'", "x '{broken2'", []),
    ],
)  # fmt: skip
def test_options_that_differ(before, now, phrases):
    assert changed_options(before, now) == phrases


def test_a_record_that_cannot_be_read_is_none(records):
    assert records.of(FOLDER).command == COMMAND
    records._path("metadata", FOLDER).write_text("")
    assert records.of(FOLDER) is None
