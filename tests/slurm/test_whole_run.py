"""The tiny configuration through Slurm, from nothing to its last figure."""

import re
from pathlib import Path

import pytest

from tests.project import ROOT, Project
from tests.slurm.slurm_project import SlurmProject, finished


@pytest.fixture(scope="module")
def local_results() -> Path:
    """The results of the tiny configuration on this machine without Slurm, made if need be."""
    answer = Project(ROOT, "config/test.yaml").snakemake("--cores", "2", "--nolock")
    assert answer.returncode == 0, answer.stdout[-5000:]
    return ROOT / "results/tiny"


@pytest.fixture(scope="module")
def run(tiny_run) -> SlurmProject:
    project, running = tiny_run
    finished(running, seconds=1500)
    return project


def test_every_result_has_the_same_bytes_as_without_slurm(run, local_results):
    through_slurm = digests(run.folder / "results/tiny")
    locally = digests(local_results)
    assert set(through_slurm) >= EXPECTED
    differing = [path for path in through_slurm if through_slurm[path] != locally.get(path)]
    assert not differing
    assert set(locally) >= set(through_slurm)


def test_nothing_is_left_to_do(run):
    assert run.stale_rules() == set()


def test_models_that_use_a_gpu_get_one_and_the_others_go_elsewhere(run):
    partitions = {
        (job["comment"], job["partition"]) for job in run.slurm.jobs("all") if run.has(job)
    }
    on_gpu = {comment for comment, partition in partitions if partition == "gpu"}
    assert on_gpu
    assert all(re.search(r"_(train|sample|score)", comment) for comment in on_gpu)
    models = {"tvae", "ctabganplus", "tabddpm", "sequoia"}
    assert {model for model in models if any(model in comment for comment in on_gpu)} == models
    assert not any(re.search("smote|copy|independent", comment) for comment in on_gpu)


def test_each_training_sees_one_gpu_and_two_train_at_once(run):
    logs = run.folder / "results/tiny/logs"
    seen = [
        re.search(r"CUDA_VISIBLE_DEVICES=(\S*)\)", path.read_text())[1]
        for path in logs.glob("surrogates_train_*.log")
        if path.stem.removeprefix("surrogates_train_") in ("tvae", "ctabganplus", "tabddpm")
    ]
    # The GPUs are pretended ones: the log says that the model trains on the CPU for want of CUDA.
    assert set(seen) == {"0", "1"}
    assert "computing on the CPU: no CUDA GPU" in (logs / "surrogates_train_tvae.log").read_text()


def test_dumps_are_an_array_and_simulations_share_jobs(run):
    jobs = [job for job in run.slurm.jobs("all") if run.has(job)]
    cleaning = [job for job in jobs if "records_clean_file" in job["comment"]]
    assert len({job["id"].split("_")[0] for job in cleaning}) == 1
    assert len(cleaning) == 5
    assert 4 <= sum("simulations" in job["comment"] for job in jobs) <= 8


def test_the_logs_of_slurm_are_kept(run):
    jobs = [job for job in run.slurm.jobs("all") if run.has(job)]
    logs = list((run.folder / "results/slurm").rglob("*.log"))
    assert len(logs) >= len(jobs)
