"""A full disk, one that only can be read, and clocks that jump."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.project import Project

pytestmark = pytest.mark.workflow

FOLDER = "results/mini/evaluation/smote"
HOUR_S = 3600


@contextmanager
def mounted(place: Path, *arguments: str) -> Iterator[None]:
    """Mount something at `place`; skip the test where that is not allowed, as it seldom is."""
    answer = subprocess.run(
        ["mount", *arguments, str(place)], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        pytest.skip(f"mounting is not allowed here: {answer.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def spare(spare_projects) -> Project:
    return spare_projects()


def test_a_full_disk_is_said_and_leaves_nothing_half_written(spare):
    results, before = spare.folder / "results", contents(spare.folder / FOLDER)
    kept = spare.folder / "kept"
    results.rename(kept)
    results.mkdir()
    with mounted(results, "-t", "tmpfs", "-o", "size=24m", "tmpfs"):
        subprocess.run(["cp", "-a", f"{kept}/.", str(results)], check=True)
        subprocess.run(["rm", "-r", str(spare.folder / FOLDER)], check=True)
        filler = results / "filler"
        # dd ends when there is no room left.
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], check=False)
        arguments = ("--nolock", "--cores", "2", FOLDER)
        answer = spare.snakemake(*arguments)
        assert answer.returncode == 1
        said = [line for line in answer.stdout.splitlines() if "No space left on device" in line]
        assert any(line.startswith("redwood: ") for line in said), answer.stdout
        assert "Error in rule evaluate" in answer.stdout
        assert "Traceback" not in answer.stdout
        assert not (spare.folder / FOLDER).exists()
        assert not list(results.rglob("*.partial"))
        filler.unlink()
        answer = spare.snakemake(*arguments)
        assert answer.returncode == 0, answer.stdout
        assert contents(spare.folder / FOLDER) == before


def test_results_that_only_can_be_read_are_read_and_said_to_be_so(spare):
    results = spare.folder / "results"
    with mounted(results, "--bind", str(results)):
        answer = subprocess.run(["mount", "-o", "remount,ro,bind", str(results)], check=False)
        if answer.returncode:
            pytest.skip("mounting for reading only is not allowed here")
        assert spare.stale_jobs() == {}
        spare.edit("mini.yaml", "groups: 5", "groups: 6")
        answer = spare.snakemake("--nolock", "--cores", "2", FOLDER)
        assert answer.returncode == 1
        # Which of the stale rules comes first is for Snakemake to choose.
        assert re.search(r"Write-protected output files for rule evaluat\w+", answer.stdout)
        assert re.search(r"affected files:\n +results/mini/\w+", answer.stdout)
        assert "Traceback" not in answer.stdout
    spare.edit("mini.yaml", "groups: 6", "groups: 5")
    assert spare.stale_jobs() == {}


@pytest.mark.parametrize("hours", [-48, 1])
def test_a_clock_that_was_wrong_makes_nothing_stale_and_nothing_fail(spare, hours):
    moment = time.time() + hours * HOUR_S
    for path in (spare.folder / "results/mini").rglob("*"):
        os.utime(path, (moment, moment))
    assert spare.stale_jobs() == {}
    # An edit by such a clock is seen, and once it has run there is no more to do.
    target = "results/mini/simulation/platform.json"
    spare.edit("resources/network.csv", "T3,10,10,", "T3,11,10,")
    moment = time.time() + abs(hours) * HOUR_S
    os.utime(spare.folder / "resources/network.csv", (moment, moment))
    assert set(spare.stale_jobs(target)) == {"simulation_platform"}
    answer = spare.snakemake("--nolock", "--cores", "2", target)
    assert answer.returncode == 0, answer.stdout
    assert spare.stale_jobs(target) == {}
