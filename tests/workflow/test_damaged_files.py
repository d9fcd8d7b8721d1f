"""Damaged results: the next rule says in one line which file it is and what to do."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.project import Project

from redwood.runs.snakemake_records import SnakemakeRecords

pytestmark = pytest.mark.workflow

RESULTS = "results/mini"
AS_RECORDED = f"{RESULTS}/simulation/runs/recorded/as_recorded"


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def emptied(content: bytes) -> bytes:
    return b""


def flipped(content: bytes) -> bytes:
    """One bit is another, where tables have the first columns."""
    place = len(content) // 10
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


# What is damaged, how, and a file or folder that is made from it. A digest is kept of what lies in
# stages' folders, and of pages of parquet files; of other JSON files a single bit may pass.
CASES = [
    ("records/cleaned/jobs_01.csv.gz/candidates.parquet", "records/table.json", flipped),
    ("records/jobs/day=2024-01-01/jobs.parquet", "records/train.parquet", flipped),
    ("records/table.json", "evaluation/smote", halved),
    ("records/train.parquet", "evaluation/smote", halved),
    ("records/train.parquet", "evaluation/smote", emptied),
    ("records/train.parquet", "evaluation/smote", flipped),
    ("surrogates/tvae/model/model.json", "surrogates/tvae/sample.parquet", flipped),
    ("surrogates/tvae/model/weights.safetensors", "surrogates/tvae/sample.parquet", flipped),
    ("surrogates/smote/sample.parquet", "evaluation/smote", flipped),
    ("evaluation/smote/measures.json", "tables/table1.csv", flipped),
    ("release/decisions/smote/decision.json", "tables/table1.csv", flipped),
    ("release/shadow_models/smote/audit.json", "release/decisions/smote/decision.json", halved),
    (
        "simulation/runs/recorded/as_recorded/seed-1/summary.json",
        "simulation/outcomes.csv",
        flipped,
    ),
    ("simulation/runs/recorded/as_recorded/seed-1/sites.parquet", "figures/grid.png", halved),
    ("simulation/outcomes.csv", "tables/table2.csv", flipped),
    ("simulation/outcomes.csv", "tables/table1.csv", emptied),
    # Last, since a simulation begins by taking away what it will write.
    ("simulation/platform.json", "simulation/runs/recorded/as_recorded", halved),
]


def rerun(project: Project, output: str) -> tuple[int, list[str]]:
    """Run the line again that made an output; its exit status and what is in its log."""
    command = SnakemakeRecords(project.folder / ".snakemake").of(output).command
    log = command.rpartition("2> ")[2]
    answer = subprocess.run(
        ["bash", "-c", command],
        cwd=project.folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(project.folder / "workflow"),
        },
        check=False,
    )
    return answer.returncode, (project.folder / log).read_text().splitlines()


@pytest.fixture(scope="module")
def spare(spare_projects) -> Project:
    return spare_projects()


@pytest.mark.parametrize(
    ("damaged", "output", "damage"),
    CASES,
    ids=[f"{damage.__name__} {damaged}" for damaged, _, damage in CASES],
)
def test_a_damaged_file_is_named(
    spare, damaged: str, output: str, damage: Callable[[bytes], bytes]
):
    name = f"{RESULTS}/{damaged}"
    path = spare.folder / name
    content = path.read_bytes()
    path.write_bytes(damage(content))
    try:
        code, log = rerun(spare, f"{RESULTS}/{output}")
    finally:
        path.write_bytes(content)
    assert code == 1
    said = [line for line in log if line.startswith("redwood: ")]
    assert len(said) == 1, log
    assert said[0].startswith(f"redwood: {name}: "), said
    assert said[0].endswith(" run again") or said[0].endswith(" make it again"), said
    assert not any("Traceback" in line for line in log)


def test_doing_what_is_said_heals_and_gives_the_same_bytes(spare):
    folder = spare.folder / RESULTS / "evaluation/smote"
    kept = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    measures = folder / "measures.json"
    measures.write_bytes(flipped(measures.read_bytes()))
    (spare.folder / RESULTS / "tables/table1.csv").unlink()
    arguments = ("--nolock", "--cores", "2", f"{RESULTS}/tables/table1.csv")
    answer = spare.snakemake(*arguments)
    assert answer.returncode == 1
    assert f"redwood: {RESULTS}/evaluation/smote/measures.json: damaged or edited" in answer.stdout
    assert "delete the folder results/mini/evaluation/smote and make it again" in answer.stdout
    subprocess.run(["rm", "-r", str(folder)], check=True)
    answer = spare.snakemake(*arguments)
    assert answer.returncode == 0, answer.stdout
    again = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    assert again == kept
    assert json.loads(measures.read_text())
