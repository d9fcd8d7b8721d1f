"""Damaged results: what reads one names it, the next run makes it again, no manifest has it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.project import Project
from tests.workflow.test_staleness import (
    AUDIT,
    DECIDE,
    EVALUATE,
    EVERYTHING,
    MANIFEST,
    PLANT,
    PLATFORM,
    SAMPLE,
    SIMULATE,
    TABLE1,
    TRAIN_SHADOW,
)

from redwood.outputs import CONTENTS, DIGESTS, writing_folder
from redwood.runs.checking import check
from redwood.runs.comparing import compare
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


def misread(content: bytes) -> bytes:
    """One bit of the last digit is another, which leaves JSON and CSV as valid as they were."""
    place = max(content.rfind(digit) for digit in b"0123456789")
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


# What is damaged, how, and a file or folder that is made from it.
CASES = [
    ("records/cleaned/jobs_01.csv.gz/candidates.parquet", "records/table.json", flipped),
    ("records/jobs/day=2024-01-01/jobs.parquet", "records/train.parquet", flipped),
    ("records/table.json", "evaluation/smote", misread),
    ("records/train.parquet", "evaluation/smote", emptied),
    ("surrogates/tvae/model/weights.safetensors", "surrogates/tvae/sample.parquet", flipped),
    ("surrogates/smote/sample.parquet", "evaluation/smote", flipped),
    ("release/shadow_models/smote/audit.json", "release/decisions/smote/decision.json", flipped),
    ("simulation/runs/recorded/as_recorded/seed-1/sites.parquet", "figures/grid.png", halved),
    ("simulation/outcomes.csv", "tables/table2.csv", flipped),
    # Last, since a simulation begins by taking away what it will write.
    ("simulation/platform.json", "simulation/runs/recorded/as_recorded", misread),
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
    assert said[0].endswith(" again"), said
    assert not any("Traceback" in line for line in log)


# What is damaged, and the rules that then run: what made it, and what follows.
AGAIN = [
    ("records/raw/generated/README", EVERYTHING),
    ("surrogates/smote/sample.parquet", SAMPLE | DECIDE),
    ("evaluation/smote/measures.json", EVALUATE),
    ("release/planted/canaries.parquet", PLANT),
    (f"release/planted/{CONTENTS}", PLANT),
    ("release/shadow_models/smote/model/model.json", TRAIN_SHADOW),
    ("release/shadow_models/smote/audit.json", AUDIT),
    ("release/decisions/smote/note.md", DECIDE),
    ("release/decisions/smote/published/NOTE.md", DECIDE),
    ("simulation/platform.json", PLATFORM),
    (
        "simulation/runs/recorded/as_recorded/seed-1/jobs.parquet",
        SIMULATE,
    ),
    ("tables/table1.md", TABLE1),
    ("figures/dcr.pdf", {"figure_dcr"} | MANIFEST),
    ("configuration.json", MANIFEST),
    ("ro-crate-metadata.json", MANIFEST),
]


@pytest.mark.parametrize(("damaged", "rules"), AGAIN, ids=[name for name, _ in AGAIN])
def test_a_damaged_result_is_made_again_with_what_follows(spare, damaged: str, rules: set[str]):
    path = spare.folder / RESULTS / damaged
    content, status = path.read_bytes(), path.stat()
    path.write_bytes(flipped(content))
    # The old date: to Snakemake nothing has changed.
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    try:
        stale = spare.stale_rules()
    finally:
        path.write_bytes(content)
    assert stale == rules


def test_all_that_rules_make_is_a_target_so_what_is_lost_is_made_again(spare):
    _, said = spare.dry_run("--forceall")
    made = {
        name for line in re.findall(r"^ +output: (.+)$", said, re.M) for name in line.split(", ")
    }
    [targets] = re.findall(r"^(?:local)?rule all:\n +input: (.+)$", said, re.M)
    assert made == set(targets.split(", "))
    # Whatever was damaged and put right before.
    assert spare.stale_rules() == set()


HARM = {
    "figures/dcr.png": emptied,
    "figures/dcr.json": lambda content: content + b" ",
    "tables/table1.md": flipped,
    "evaluation/smote/measures.json": halved,
    f"evaluation/tvae/{CONTENTS}": flipped,
}


def test_a_run_makes_again_what_is_damaged_and_removes_what_a_killed_one_left(spare_projects):
    project = spare_projects()
    results = project.folder / RESULTS
    for name, harm in HARM.items():
        (results / name).write_bytes(harm((results / name).read_bytes()))
    one, other = results / "tables/table2.csv", results / "tables/table2_ranking.csv"
    exchanged = one.read_bytes(), other.read_bytes()
    other.write_bytes(exchanged[0])
    one.write_bytes(exchanged[1])
    # A result that was moved elsewhere and linked is as it was.
    moved = (results / "tables/table1.tex").rename(project.folder / "moved.tex")
    (results / "tables/table1.tex").symlink_to(moved)
    (results / "figures/grid.pdf").unlink()
    (results / "figures/grid.pdf/mine").mkdir(parents=True)
    killed = os.fork()
    if killed == 0:
        os.chdir(project.folder)
        with writing_folder(Path(RESULTS, "evaluation/smote")):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(killed, 0)
    assert list(results.rglob("*.partial"))
    answer = project.snakemake("--nolock", "--cores", "2")
    assert answer.returncode == 0, answer.stdout
    for name, words in {
        **dict.fromkeys(HARM, "changed since it was made"),
        "figures/dcr.png": "empty",
        "figures/grid.pdf": "a folder, expected a file",
        "tables/table2.csv": "changed since it was made",
        "tables/table2_ranking.csv": "changed since it was made",
    }.items():
        assert f"\n{RESULTS}/{name}: {words}; to be made again\n" in answer.stdout
    assert "evaluation/.smote." in answer.stdout
    assert not list(results.rglob("*.partial"))
    assert (results / "figures/grid.pdf.set-aside/mine").is_dir()
    (results / "figures/grid.pdf.set-aside/mine").rmdir()
    (results / "figures/grid.pdf.set-aside").rmdir()
    assert compare(results, spare_projects().folder / RESULTS).same_bytes
    assert check(results).findings == []
    assert project.stale_jobs() == {}


def test_no_manifest_tells_of_damage_that_only_reading_all_shows_and_the_next_run_mends(
    spare_projects,
):
    project = spare_projects()
    results, name = project.folder / RESULTS, "tables/table2.md"
    content, status = (results / name).read_bytes(), (results / name).stat()
    (results / name).write_bytes(flipped(content))
    os.utime(results / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    seen = results / DIGESTS / "seen.json"
    noted, status = json.loads(seen.read_text()), (results / name).stat()
    noted[name][:3] = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    seen.write_text(json.dumps(noted))
    (results / "evaluation/smote/added.csv").write_text("1")
    assert project.stale_jobs() == {}
    answer = project.snakemake("--nolock", "--cores", "2", "--forcerun", "manifest")
    assert answer.returncode == 1
    assert f"redwood: {RESULTS}/{name}: changed since it was made; " in answer.stdout
    assert f"; {RESULTS}/evaluation/smote/added.csv: added to the folder" in answer.stdout
    (results / "evaluation/smote/added.csv").unlink()
    assert set(project.stale_jobs()) == {"table2"} | MANIFEST
    answer = project.snakemake("--nolock", "--cores", "2")
    assert answer.returncode == 0, answer.stdout
    assert (results / name).read_bytes() == content
    told = json.loads((results / "ro-crate-metadata.json").read_text())["@graph"]
    assert not [one for one in told if one.get("description", "").startswith("No digest was kept")]
