"""What makes nothing stale: another run, another place, another machine, another cluster."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.project import Project
from tests.unit.runs.made_up_run import git

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
    assert "Table I" in (project.folder / "results/workflow.html").read_text()
    pages = PdfReader(project.folder / "results/mini/paper/paper.pdf").pages
    said = " ".join(page.extract_text() for page in pages)
    assert "Table I." in said
    assert "Table II." in said
    assert 'href="mini/paper/paper.pdf"' in report


def test_a_copy_elsewhere_whose_times_are_lost_has_nothing_to_do_but_after_an_edit(moved):
    scramble_times(moved.folder, 1)
    assert moved.stale_jobs() == {}
    moved.edit("resources/network.csv", "T3,10,10,", "T3,11,10,")
    assert {"simulation_platform", "simulate"} <= set(moved.stale_jobs())


def test_a_clone_with_copied_results_has_nothing_to_do(project, tmp_path):
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    Project.copied(origin)
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "All")):
        git(origin, *command)
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
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


def test_files_in_the_projects_root_stand_in_for_no_module(spare_projects):
    """Such as policies, whose names are natural ones."""
    project = spare_projects()
    for name in ("random", "html", "json", "types", "socket", "typer", "numpy", "snakemake"):
        (project.folder / f"{name}.py").write_text("raise ImportError('of the root')")
    (project.folder / "queue.py").write_text(
        "from redwood.simulation.contract import QueueOrder\n\n\nclass Latest(QueueOrder):\n"
        "    def key(self, job, site):\n        return -job.submit\n"
    )
    project.edit("mini.yaml", "policies: [", "policies: [{name: latest, queue: queue.py}, ")
    answer = subprocess.run(
        [
            Path(sys.executable).with_name("snakemake"),
            *project.options("--nolock", "--cores", "1"),
            "results/mini/simulation/runs/recorded/latest",
        ],
        cwd=project.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert (project.folder / "results/mini/simulation/runs/recorded/latest/summary.json").exists()
