"""What happens to jobs on a cluster, and that a run gets over it."""

import os
import signal
import time
from pathlib import Path

from tests.slurm.slurm_project import SlurmProject, finished, wait_until

MODEL = "results/mini/surrogates/tvae/model"
SAMPLE = "results/mini/surrogates/tvae/sample.parquet"
CHECKPOINT = "results/mini/surrogates/tvae/model.checkpoint.safetensors"
TRAINING = "surrogates_train_tvae"
UNENDED = "PENDING,RUNNING,COMPLETING"


def train_long(project: SlurmProject, seconds: int) -> None:
    """Let the training take so long on any machine, which waits instead of computing."""
    epochs = 2 * seconds
    options = f"epochs: {epochs}, patience: {epochs}, checkpoint_epochs: 2"
    project.edit("mini.yaml", "epochs: 1", options)
    loop, step = "workflow/redwood/surrogates/training_loop.py", "epoch = len(losses)\n"
    project.edit(loop, step, f'{step}            __import__("time").sleep(0.5)\n')


def test_a_job_that_dies_of_memory_is_sent_again_with_more(project):
    output = project.run(MODEL, "--set-resources", "surrogates_train:mem_mb=attempt*450")
    jobs = project.jobs("surrogates_train")
    assert [job["memory"] for job in jobs[:2]] == ["450M", "900M"]
    assert jobs[-1]["state"] == "COMPLETED"
    assert "Exceeded job memory limit" in slurm_logs(project)
    assert "surrogates_train" in output
    assert (project.folder / MODEL / "model.json").exists()


def test_a_cancelled_training_goes_on_from_its_checkpoint_when_run_again(project):
    train_long(project, 30)
    running = project.submit(MODEL, retries=0)
    job = project.wait_for_job("surrogates_train", "RUNNING")
    wait_until((project.folder / CHECKPOINT).exists, "a checkpoint")
    project.slurm.run("scancel", job["id"])
    output = finished(running, code=1)
    assert "Error in rule surrogates_train" in output
    assert f"results/mini/logs/{TRAINING}.log" in output
    # Wildcards: the dataset, no further training, the model.
    assert f"results/slurm/rule_surrogates_train/mini__tvae/{job['id']}.log" in output
    assert project.all_jobs(UNENDED) == []

    project.run(MODEL)
    assert went_on(project) > 0


def test_ctrl_c_leaves_no_job_behind(project):
    train_long(project, 1000)
    running = project.submit(MODEL)
    project.wait_for_job("surrogates_train", "RUNNING")
    os.killpg(running.pid, signal.SIGINT)
    finished(running, code=1, seconds=180)
    wait_until(lambda: not project.all_jobs(UNENDED), "no job", seconds=60)
    assert not (project.folder / MODEL).exists()


def test_the_controller_restarts_while_a_job_runs(project):
    train_long(project, 30)
    running = project.submit(SAMPLE)
    # Its job step has begun, which the controller is needed for.
    wait_until(lambda: project.log(TRAINING), "the training speaks")
    project.slurm.stop_controller()
    stopped = time.time()
    try:
        wait_until(lambda: written(project.folder / CHECKPOINT) > stopped, "the training goes on")
    finally:
        project.slurm.start_controller()
    finished(running)
    assert (project.folder / SAMPLE).exists()
    assert [job["state"] for job in project.jobs("surrogates_train")] == ["COMPLETED"]


def test_jobs_wait_while_the_node_is_drained(project):
    node = project.slurm.node
    train_long(project, 15)
    running = project.submit(SAMPLE)
    wait_until(lambda: project.log(TRAINING), "the training speaks")
    project.slurm.run("scontrol", "update", f"node={node}", "state=drain", "reason=test")
    try:
        project.wait_for_job("surrogates_sample", "PENDING")
    finally:
        project.slurm.run("scontrol", "update", f"node={node}", "state=resume")
    finished(running)
    assert (project.folder / SAMPLE).exists()


def test_a_training_past_its_time_limit_goes_on_in_a_second_job(project):
    # Slurm looks for time that is up twice a minute.
    train_long(project, 100)
    running = project.submit(MODEL, "--set-resources", "surrogates_train:runtime=10*attempt")
    job = project.wait_for_job("surrogates_train", "RUNNING")
    wait_until((project.folder / CHECKPOINT).exists, "a checkpoint")
    # A minute, the least that Slurm knows.
    project.slurm.run("scontrol", "update", f"job={job['id']}", "timelimit=1")
    output = finished(running)
    jobs = project.jobs("surrogates_train")
    assert [job["state"] for job in jobs] == ["TIMEOUT", "COMPLETED"]
    assert [job["limit"] for job in jobs] == ["1:00", "20:00"]
    assert "SLURM status is: 'TIMEOUT'" in output
    assert went_on(project) > 0


def test_two_runs_in_two_folders_at_once(project, split_project, shared_files):
    other = SlurmProject(split_project, shared_files / "other", project.slurm)
    both = [project.submit(SAMPLE), other.submit(SAMPLE)]
    for running in both:
        finished(running)
    assert len(project.jobs("surrogates_sample")) == len(other.jobs("surrogates_sample")) == 1
    first, second = ((run.folder / SAMPLE).read_bytes() for run in (project, other))
    assert first == second


def test_a_file_system_that_shows_results_late(project):
    # The other side sees a result five seconds after its job has ended.
    late = project.folder / MODEL
    project.slurm.replace_srun(
        f'if [ -e "{late}" ]; then mv "{late}" "{late}.hidden"; '
        f'(sleep 5; mv "{late}.hidden" "{late}") >/dev/null 2>&1 & fi'
    )
    try:
        project.run(MODEL, retries=0)
    finally:
        project.slurm.replace_srun("")
    assert (late / "model.json").exists()
    assert len(project.jobs("surrogates_train")) == 1


def test_more_jobs_than_may_run_at_once(project):
    project.run("--until", "records_gather", "--forcerun", "records_clean_file", "--jobs", "1")
    cleaning = project.jobs("dumps")
    assert len(cleaning) == 2
    assert {job["state"] for job in cleaning} == {"COMPLETED"}


def went_on(project: SlurmProject) -> int:
    """The epochs that the last training did not have to do again."""
    lines = project.log(TRAINING).splitlines()
    return int(next(line for line in lines if "goes on" in line).split()[-2])


def written(path: Path) -> float:
    """When a file was last written; 0 if it is not there."""
    return path.stat().st_mtime if path.exists() else 0


def slurm_logs(project: SlurmProject) -> str:
    logs = Path(project.folder, "results/slurm").rglob("*.log")
    return "".join(path.read_text() for path in logs)
