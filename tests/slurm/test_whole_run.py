"""The tiny configuration through Slurm, from nothing to its last figure."""

import fcntl
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.project import ROOT, Project
from tests.slurm.slurm_project import QUICK, SlurmProject, finished

GPU_MODELS = {"tvae", "sequoia"}


@pytest.fixture(scope="module")
def local_results(tmp_path_factory) -> Path:
    """The results of the tiny configuration without Slurm: those that are there, or new ones."""
    project = Project(ROOT, "config/test.yaml")
    (ROOT / "results").mkdir(exist_ok=True)
    # One that is at work there, ./run, is waited for.
    with open(ROOT / "results" / ".lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    if project.stale_rules("--nolock"):
        project = Project.copied(tmp_path_factory.mktemp("locally"), "config/test.yaml")
        answer = project.snakemake("--cores", "2")
        assert answer.returncode == 0, answer.stdout[-5000:]
    return project.folder / "results/tiny"


@pytest.fixture(scope="module")
def run(slurm, shared_files) -> SlurmProject:
    """The tiny configuration, run through Slurm by who has activated no environment."""
    copied = Project.copied(shared_files / "copied", "config/test.yaml")
    project = SlurmProject(copied, shared_files / "whole", slurm)
    slurm_paths = slurm.environment["PATH"].split(":")
    system = [path for path in slurm_paths if ".venv" not in path]
    running = subprocess.Popen(
        [
            *(Path(sys.executable).with_name("snakemake"), "--profile", "slurm"),
            *("--configfile", project.configuration, *QUICK),
            # As the default profile says where the login node has GPUs.
            *("--resources", "gpu=1"),
        ],
        cwd=project.folder,
        env={"PATH": ":".join(system), "SLURM_CONF": slurm.environment["SLURM_CONF"], "HOME": "/"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    finished(running, seconds=1800)
    return project


def test_every_result_has_the_same_bytes_as_without_slurm(run, local_results):
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "redwood", "artefacts", "compare"),
            *(local_results, run.folder / "results/tiny"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_nothing_is_left_to_do(run):
    assert run.stale_rules() == set()


def test_models_that_use_a_gpu_get_one_and_the_others_go_elsewhere(run):
    partitions = {(job["comment"], job["partition"]) for job in run.all_jobs()}
    on_gpu = {comment for comment, partition in partitions if partition == "gpu"}
    assert all(re.search(r"_(train|sample|score)", comment) for comment in on_gpu)
    assert {model for model in GPU_MODELS if any(model in comment for comment in on_gpu)} == (
        GPU_MODELS
    )
    assert not any(re.search("smote", comment) for comment in on_gpu)


def test_each_training_sees_one_gpu_and_two_train_at_once(run):
    logs = run.folder / "results/tiny/logs"
    seen = [
        re.search(
            r"CUDA_VISIBLE_DEVICES=(\S*)\)", (logs / f"surrogates_train_{model}.log").read_text()
        )
        for model in sorted(GPU_MODELS)
    ]
    # The GPUs are pretended ones: the log says that the model trains on the CPU for want of CUDA.
    assert {match[1] for match in seen} == {"0", "1"}
    assert "computing on the CPU: no CUDA GPU" in (logs / "surrogates_train_tvae.log").read_text()


def test_short_jobs_share_one(run):
    jobs = run.all_jobs()
    dumps, simulations, figures = (
        sum(name in job["comment"] for job in jobs) for name in ("dumps", "simulations", "figures")
    )
    # Five dumps by four, ten simulations by eight, a dozen tables and figures by six.
    assert dumps == 2
    assert 2 <= simulations <= 7
    assert 2 <= figures <= 6


def test_the_logs_of_slurm_are_kept(run):
    logs = list((run.folder / "results/slurm").rglob("*.log"))
    assert len(logs) >= len(run.all_jobs())
