"""`redwood status` in a finished project: what it says of edits, and that it leaves no trace."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.workflow


@pytest.fixture
def status(project):
    """Runs `redwood status` in the project; the lines that it prints."""

    def run(*arguments: str, code: int = 0) -> list[str]:
        answer = subprocess.run(
            [*(sys.executable, "-m", "redwood", "status", "--configfile", "mini.yaml"), *arguments],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": str(project.folder / "workflow")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == code, answer.stderr
        return (answer.stdout if code == 0 else answer.stderr).splitlines()

    return run


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_finished_project_has_nothing_to_be_done_and_status_leaves_no_trace(project, status):
    kinds = (f".snakemake/{kind}" for kind in ("metadata", "incomplete", "locks"))
    folders = [project.folder / name for name in ("results", *kinds)]
    before = [files(folder) for folder in folders]
    assert status() == ["nothing to be done: all results are there and up to date"]
    assert [files(folder) for folder in folders] == before


def test_edits_are_said_in_words(project, status):
    project.edit("mini.yaml", "epochs: 1", "epochs: 3")
    project.edit("mini.yaml", "seeds: 1", "seeds: 2")
    project.edit("envs/surrogates.yaml", "rdt=", "rdt=0.")
    with open(project.folder / "workflow/redwood/release/canaries.py", "a") as module:
        module.write("\nEDITED = True\n")
    said = status()
    assert "surrogates_train tvae: the option epochs was 1, is 3" in said
    assert "surrogates_train smote, tvae: a pin of its environment has changed" in [
        line.replace("tvae, smote", "smote, tvae") for line in said
    ]
    # Two policies on recorded jobs and on those of the exact law; samples are drawn again.
    assert "simulate (4 of 8 jobs): the option repetitions was 1, is 2" in said
    assert "release_plant: its code has changed" in said
    assert "release_train smote: what it reads is made again: release_plant" in said


def test_a_changed_file_is_named(project, status):
    project.edit("resources/paper_table1.csv", "tvae", "TVAE")
    assert "table1: what it reads has changed: resources/paper_table1.csv" in status()


def test_what_is_missing_was_killed_or_never_ran_is_told_apart(project, status):
    results = project.folder / "results/mini"
    (results / "evaluation/smote").rename(results / "away")
    project.edit("mini.yaml", "[smote, tvae]", "[smote, tvae, copy]")
    try:
        said = status()
    finally:
        (results / "away").rename(results / "evaluation/smote")
    assert any(
        line.startswith("evaluate smote: its result is missing: results/mini/evaluation/smote")
        for line in said
    )
    assert "surrogates_train copy: it has never run" in said
    assert any("figure_arrivals: it reads what it did not read before" in line for line in said)


def test_a_wrong_configuration_is_one_clear_line(project, status):
    project.edit("mini.yaml", "load_factor: 1", "laod_factor: 1")
    said = "\n".join(status(code=1))
    assert "simulation.laod_factor: unknown key (value 1); allowed:" in said
    assert "Traceback" not in said
