"""Snakemake's reasons in words that a user understands."""

import json
from dataclasses import replace

import pytest
from snakemake.jobs import Reason
from snakemake.persistence import ParamsChange

from redwood.environment_digest import environment_digest
from redwood.runs.dry_run import PlannedJob
from redwood.runs.snakemake_records import SnakemakeRecords, record_file
from redwood.runs.status import changed_options, render

SAMPLE = "results/mini/surrogates/tvae/sample.parquet"
FOLDER = "results/mini/evaluation/tvae"
COMMAND = "python -m redwood evaluate --seed 1 --options '{\"groups\": 5}' --output " + FOLDER
REWRITTEN = "its command line is written in another way"


@pytest.fixture
def records(tmp_path):
    """Snakemake's records after `evaluate tvae` has run with `COMMAND`."""
    path = record_file(tmp_path / "metadata", FOLDER)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"shellcmd": COMMAND, "input": [SAMPLE]}))
    return SnakemakeRecords(tmp_path)


def why(**facts) -> Reason:
    """A reason of Snakemake's."""
    reason = Reason()
    for name, value in facts.items():
        if isinstance(value, set):
            getattr(reason, name).update(value)
        else:
            setattr(reason, name, value)
    return reason


def job(reason, rule="evaluate", names="tvae", outputs=(FOLDER,), **other):
    given = {"inputs": (SAMPLE,), "command": COMMAND, "threads": 1, "after": (), **other}
    wildcards = {"dataset": "mini"} | dict(enumerate(names.split()))
    return PlannedJob(rule, wildcards, outputs=outputs, reason=reason, **given)


def said(jobs, records) -> list[str]:
    """What is said of a plan, without the number of jobs."""
    first, *lines = render(jobs, records).splitlines()
    assert first.endswith(" would run")
    return lines


def parameters(new: str) -> ParamsChange:
    return ParamsChange({"'0123456789abcdef'"}, {new}, {FOLDER})


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (why(forced=True), "it is asked for, whether needed or not"),
        (why(missing_output={FOLDER}), f"its result is missing: {FOLDER}"),
        (why(incomplete_output={FOLDER}), f"its result is missing: {FOLDER}"),
        (why(updated_input={"sites.csv"}), "what it reads has changed: sites.csv"),
        (why(updated_input=set("abcd")), "what it reads has changed: a and 3 more"),
        (why(code_changed=True), REWRITTEN),
        (why(software_stack_changed=True), "its software environment has changed"),
        (why(params_changed=parameters("'fedcba9876543210'")), "its code has changed"),
        (
            why(params_changed=parameters(f"'{environment_digest('evaluation')}'")),
            "a pin of its environment has changed",
        ),
        (why(params_changed=parameters("1")), "its parameters have changed"),
        (why(pipe=True), "Output file is a pipe and has to be filled for consuming job."),
    ],
)
def test_each_reason_has_its_words(records, reason, words):
    assert render([job(reason)], records) == f"1 job would run\nevaluate tvae: {words}"


def test_an_option_is_named_with_its_values(records):
    command = COMMAND.replace("5", "6").replace("--seed 1", "--seed 7")
    changed = job(why(params_changed=parameters("6")), command=command)
    assert said([changed], records) == [
        "evaluate tvae: the option seed was 1, is 7",
        "evaluate tvae: the option groups was 5, is 6",
    ]


def test_what_is_damaged_is_said(records):
    damaged = replace(job(why(forced=True)), damage=(f"{FOLDER}/measures.json: empty",))
    assert said([damaged], records) == [
        f"evaluate tvae: its result is damaged: {FOLDER}/measures.json: empty"
    ]


def test_a_job_without_a_record_has_never_run(tmp_path):
    never = job(why(missing_output={FOLDER}))
    assert said([never], SnakemakeRecords(tmp_path)) == ["evaluate tvae: it has never run"]


def test_a_job_that_was_killed_is_told_from_one_that_is_asked_for(records):
    marker = record_file(records.folder / "incomplete", FOLDER)
    marker.parent.mkdir()
    marker.write_text("{}")
    assert said([job(why(forced=True))], records) == [
        "evaluate tvae: a run that was killed left it incomplete"
    ]


def test_further_and_fewer_files_are_named(records):
    assert said([job(why(input_changed=True), inputs=("table.json",))], records) == [
        "evaluate tvae: it reads what it did not read before: table.json",
        f"evaluate tvae: it no longer reads {SAMPLE}",
    ]


def test_several_reasons_are_said_one_by_one(records):
    both = why(params_changed=parameters("2"), code_changed=True)
    assert said([job(both)], records) == [
        f"evaluate tvae: {REWRITTEN}",
        "evaluate tvae: its parameters have changed",
    ]


def test_causes_stand_first_and_jobs_of_a_rule_together(records):
    changed, gathers = why(code_changed=True), job(why(), "all", "", (), command="")
    follows = why(updated_input_run={FOLDER, "x"}, updated_input={FOLDER})
    plan = [
        job(follows, "table1", "", ("table1.md",)),
        *(job(changed, names=model, outputs=(model,)) for model in "abcd"),
        job(changed),
        gathers,
        *(job(changed, "simulate", f"{run} random", (run,)) for run in "12"),
    ]
    assert render(plan, records).splitlines() == [
        "8 jobs would run",
        f"evaluate (5 jobs): {REWRITTEN}",
        f"simulate 1 random, 2 random: {REWRITTEN}",
        "table1: what it reads is made again: evaluate",
    ]
    assert render([gathers], records) == "nothing to be done: all results are there and up to date"


@pytest.mark.parametrize(
    ("before", "now", "phrases"),
    [
        ("x --rows 5", "x --rows 5", []),
        ("x --rows 5", "x", ["rows was 5, is not given any more"]),
        (
            "x --like a.parquet",
            "x --rows 5",
            ["like was a.parquet, is not given any more", "rows was not given, is 5"],
        ),
        ("x --level a", "x --level a --level b", ["level was a, is a b"]),
        ("x --quick", "x --quick --all", ["all was not given, is on"]),
        (
            'x \'{"a": {"b": [1]}, "c": null}\'',
            'x \'{"a": {"b": [2]}, "c": null}\'',
            ["a.b was [1], is [2]"],
        ),
        ("x folder/1 --seed 1", "x folder/2 --seed 1", []),
        ("x '{broken'", "x '{broken2'", []),
    ],
)
def test_options_that_differ(before, now, phrases):
    assert changed_options(before, now) == phrases
