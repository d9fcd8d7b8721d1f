"""What makes nothing stale: another run, another place, another machine, another cluster."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.project import COPIED, Project

pytestmark = pytest.mark.workflow


def scramble_times(folder: Path, seed: int) -> None:
    """Give files and folders times that say nothing of their order, as some copies do."""
    times = random.Random(seed)
    for path in [folder, *folder.rglob("*")]:
        moment = time.time() - times.uniform(0, 1000)
        os.utime(path, (moment, moment), follow_symlinks=False)


@pytest.fixture
def moved(project, tmp_path) -> Project:
    """A copy of the finished project in another place, whose files' times are lost."""
    copy = tmp_path / "another place" / "copy"
    shutil.copytree(project.folder, copy, symlinks=True, copy_function=shutil.copy)
    return Project(copy)


def test_a_finished_run_has_nothing_to_do_and_left_its_report(project):
    assert project.stale_jobs() == {}
    report = (project.folder / "results/report.html").read_text()
    assert "Table I" in report


@pytest.mark.parametrize("seed", [1, 2])
def test_a_copy_elsewhere_whose_times_are_lost_has_nothing_to_do(moved, seed):
    scramble_times(moved.folder, seed)
    assert moved.stale_jobs() == {}


def test_what_has_changed_in_a_copy_is_still_seen(moved):
    scramble_times(moved.folder, 3)
    moved.edit("resources/network.csv", "T3,10,10,", "T3,11,10,")
    assert {"simulation_platform", "simulate"} <= set(moved.stale_jobs())


def test_touching_every_file_makes_nothing_stale(moved):
    for path in sorted(moved.folder.rglob("*")):
        if ".snakemake" not in path.parts and not path.is_symlink():
            path.touch()
    assert moved.stale_jobs() == {}


def test_a_clone_with_copied_results_has_nothing_to_do(project, tmp_path):
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    for name in (*COPIED, "mini.yaml"):
        source = project.folder / name
        if source.is_dir() and not source.is_symlink():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, origin / name, ignore=ignored, symlinks=True)
        else:
            shutil.copy(source, origin / name, follow_symlinks=False)
    git = ("git", "-c", "user.name=Someone", "-c", "user.email=someone@example.org")
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "All")):
        subprocess.run([*git, "-C", str(origin), *command], check=True)
    subprocess.run([*git, "clone", "--quiet", str(origin), str(clone)], check=True)
    for name in ("results", ".snakemake"):
        shutil.copytree(project.folder / name, clone / name, copy_function=shutil.copy)
    assert Project(clone).stale_jobs() == {}


def test_another_machine_has_nothing_to_do(project, tmp_path):
    machine = {
        "HOME": str(tmp_path),
        "USER": "someone-else",
        "HOSTNAME": "login07",
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "LANG": "C",
        "LC_ALL": "C",
        "TZ": "Asia/Tokyo",
        "TMPDIR": str(tmp_path),
        "OMP_NUM_THREADS": "7",
        "CUDA_VISIBLE_DEVICES": "",
    }
    assert project.stale_jobs("--cores", "1", environment=machine) == {}
    assert project.stale_jobs("--cores", "64", environment=machine) == {}


def test_a_cluster_has_nothing_to_do(project, tmp_path):
    # Slurm's programs may be installed here without a controller that answers.
    scontrol = tmp_path / "scontrol"
    scontrol.write_text("#!/bin/sh\nexit 1\n")
    scontrol.chmod(0o755)
    cluster = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "REDWOOD_CPU_PARTITION": "long",
        "REDWOOD_GPU_MODEL": "a100",
        "REDWOOD_CPU_MEMORY_GB": "8",
    }
    assert project.stale_jobs("--profile", "slurm", environment=cluster) == {}


@pytest.mark.skipif(shutil.which("conda") is None, reason="there is no conda here")
def test_conda_has_nothing_to_do(project):
    assert project.stale_jobs("--software-deployment-method", "conda") == {}
