"""Runs that are killed, or whose machine is: another run goes on and ends with the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.project import ROOT, Project

from redwood.processes import _state_and_parent
from redwood.runs.snakemake_records import SnakemakeRecords

pytestmark = pytest.mark.workflow

TVAE = Path("results/mini/surrogates/tvae")
# As in rule `all` each step is a target: Snakemake makes again what is missing only if it is one.
TARGETS = (str(TVAE / "model"), str(TVAE / "sample.parquet"))
CHECKPOINT = TVAE / "model.checkpoint.safetensors"
# As ./run calls it: its own lock, unlike Snakemake's, ends with the run.
AS_RUN = ("--nolock", "--cores", "2", *TARGETS)
PATIENCE_S = 300
LONG = "tvae: {epochs: 30, patience: 30, checkpoint_epochs: 1}"


def lengthened(project: Project) -> Project:
    """Its training takes seconds and keeps its state after each epoch."""
    project.edit("mini.yaml", "tvae: {epochs: 1}", LONG)
    return project


def made(project: Project) -> dict[str, bytes]:
    """Path → content of the trained model and its sample."""
    folder = project.folder / TVAE
    files = [*(folder / "model").rglob("[!.]*"), folder / "sample.parquet", folder / "sample.json"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def contents(folder: Path) -> dict[str, bytes]:
    """Path → content of the files in a folder that have their names."""
    files = [path for path in folder.rglob("[!.]*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def wait_until(condition: Callable[[], bool], running: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def processes(session: int) -> dict[int, str]:
    """Process → command line of a session's living processes."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, *fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == session and state != "Z":
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def training(project: Project) -> subprocess.Popen:
    """A run in the midst of its training."""
    running = project.start(*AS_RUN)
    wait_until((project.folder / CHECKPOINT).exists, running)
    return running


def goes_on(project: Project) -> str:
    """Run again, to the end; what the log of the training says."""
    answer = project.snakemake(*AS_RUN)
    assert answer.returncode == 0, answer.stdout
    assert project.stale_jobs(*TARGETS) == {}
    return log_of_training(project)


def log_of_training(project: Project) -> str:
    log = project.folder / "results/mini/logs/surrogates_train_tvae.log"
    return log.read_text() if log.exists() else ""


@pytest.fixture(scope="module")
def undisturbed(spare_projects) -> dict[str, bytes]:
    project = lengthened(spare_projects())
    log = goes_on(project)
    assert "goes on after" not in log
    return made(project)


def test_snakemake_is_killed_then_a_worker_and_the_next_run_goes_on(spare_projects, undisturbed):
    project = lengthened(spare_projects())
    running = training(project)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    none_left(running.pid)
    running = project.start(*AS_RUN)
    wait_until(lambda: "training tvae: goes on after" in log_of_training(project), running)
    [worker] = [
        process
        for process, command in processes(running.pid).items()
        if "redwood surrogates train tvae" in command and "snakemake" not in command
    ]
    os.kill(worker, signal.SIGKILL)
    said, _ = running.communicate()
    assert running.returncode == 1
    assert "Error in rule surrogates_train" in said
    assert "results/mini/logs/surrogates_train_tvae.log" in said
    assert "Traceback" not in said
    assert not (project.folder / TVAE / "model").exists()
    assert "training tvae: goes on after" in goes_on(project)
    assert made(project) == undisturbed
    assert not (project.folder / CHECKPOINT).exists()


SLOW = """
import os, time

def choose(job, grid):
    time.sleep(float(os.environ.get("SLOW_S", "0")))
    return min(grid.able(job), key=lambda site: site.load, default=None)
"""
RUNS = "results/mini/simulation/runs/recorded/slow"


def family(running: subprocess.Popen) -> list[int]:
    """A run's snakemake, the command that it runs, the process that watches, and the simulation."""
    line = [running.pid]
    there = processes(running.pid)
    while below := [one for one in there if _state_and_parent(one)[1] == line[-1]]:
        line.append(below[0])
    return line


def none_left(session: int) -> None:
    end = time.monotonic() + 10
    while left := processes(session):
        assert time.monotonic() < end, f"orphans write on: {left}"
        time.sleep(0.1)


AS_RUN_OF_SLOW = ("--nolock", "--cores", "2", RUNS)


def with_slow_policy(project: Project) -> Project:
    (project.folder / "slow.py").write_text(SLOW)
    project.edit("mini.yaml", "policies: [", "policies: [{name: slow, brokerage: slow.py}, ")
    return project


def simulated(project: Project) -> dict[str, bytes]:
    """Run a simulation to its end; path → content of what it made."""
    answer = project.snakemake(*AS_RUN_OF_SLOW)
    assert answer.returncode == 0, answer.stdout
    return contents(project.folder / RUNS)


@pytest.fixture(scope="module")
def undisturbed_simulation(spare_projects) -> dict[str, bytes]:
    made = simulated(with_slow_policy(spare_projects()))
    assert {"summary.json", "seed-1/jobs.parquet"} <= set(made)
    return made


@pytest.mark.parametrize("victim", range(4), ids=["snakemake", "command", "watcher", "simulation"])
def test_no_simulation_outlives_what_is_killed_and_the_next_run_ends_well(
    spare_projects, undisturbed_simulation, victim
):
    project = with_slow_policy(spare_projects())
    running = project.start(*AS_RUN_OF_SLOW, environment={"SLOW_S": "0.2"})
    wait_until(lambda: len(family(running)) == 4, running)
    time.sleep(random.uniform(0, 2))
    os.kill(family(running)[victim], signal.SIGKILL)
    said, _ = running.communicate()
    none_left(running.pid)
    if victim:
        assert running.returncode == 1
        assert "Traceback" not in said
    if victim > 1:
        log = (project.folder / "results/mini/logs/simulate_recorded_slow.log").read_text()
        assert "redwood: polic" in log
        assert "'slow" in log
        assert "was ended by signal 9 (Killed)" in log
    assert simulated(project) == undisturbed_simulation


def cleaning(folder: Path, output: str) -> subprocess.Popen:
    """The command that cleans two dumps at once."""
    command = ["records", "clean", "1.csv", "2.csv", "--output", output, "--all-jobs"]
    return subprocess.Popen(
        [sys.executable, "-m", "redwood", *command, "--workers", "2",
         "--features", "creationtime,workload"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "REDWOOD_HASH_KEY": "of a test"},
        start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.parametrize("victim", ["command", "worker"])
def test_no_cleaning_outlives_what_is_killed_and_the_next_one_ends_well(tmp_path, victim):
    rows = [
        f"{number},2024-01-01 00:00:00,2024-01-01 01:00:00,CERN,finished,{number % 999 + 1}\n"
        for number in range(100_000)
    ]
    head = "PANDAID,CREATIONTIME,ENDTIME,COMPUTINGSITE,JOBSTATUS,CPUCONSUMPTIONTIME\n"
    for number in range(2):
        (tmp_path / f"{number + 1}.csv").write_text(head + "".join(rows[number::2]))
    undisturbed = cleaning(tmp_path, "undisturbed")
    assert undisturbed.wait() == 0
    running = cleaning(tmp_path, "made")

    def workers() -> list[int]:
        there = processes(running.pid)
        return [one for one, command in there.items() if "spawn_main" in command]

    wait_until(lambda: len(workers()) == 2, running)
    time.sleep(random.uniform(0, 1))
    os.kill(random.choice(workers()) if victim == "worker" else running.pid, signal.SIGKILL)
    said, _ = running.communicate()
    none_left(running.pid)
    if victim == "worker":
        assert running.returncode == 1
        assert "redwood: a process that cleaned a dump has ended too soon" in said
        assert "Traceback" not in said
    assert cleaning(tmp_path, "made").wait() == 0
    assert contents(tmp_path / "made") == contents(tmp_path / "undisturbed")


def test_a_run_ends_with_its_script(spare_projects):
    """Of ./run, too, nothing is left; its set-up is left out here."""
    project = lengthened(spare_projects())
    shutil.copy(ROOT / "run", project.folder)
    ready = f'export PATH="{Path(sys.executable).parent}:$PATH"\n'
    (project.folder / "workflow/setup/ready.sh").write_text(ready)
    running = subprocess.Popen(
        ["./run", "--configfile", "mini.yaml", *AS_RUN],
        cwd=project.folder, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    wait_until((project.folder / CHECKPOINT).exists, running)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    none_left(running.pid)


def lose(project: Project, since: float, rng: random.Random) -> list[str]:
    """Cut off, at random, what a crash may lose: what was written lately and not synced.

    That are Snakemake's own files, logs and what is half-written, but no result that has its name.
    """
    records = SnakemakeRecords(project.folder / ".snakemake")
    lost = []
    for path in sorted(project.folder.rglob("*")):
        name = str(path.relative_to(project.folder))
        if not path.is_file() or path.stat().st_mtime < since:
            continue
        result = name.startswith(str(TVAE)) and not path.name.startswith(".")
        of_model = str(TVAE / "model") if name.startswith(f"{TVAE}/model/") else name
        if result and path != project.folder / CHECKPOINT and not records.is_incomplete(of_model):
            continue
        if rng.random() < 0.6:
            left = rng.randrange(path.stat().st_size + 1)
            os.truncate(path, left)
            lost.append(f"{name}: {left} bytes left")
        # Starting a machine again takes more than a minute.
        before = time.time() - 100
        os.utime(path, (before, before))
    return lost


@pytest.mark.parametrize("moment", ["sampling", "done"])
def test_the_machine_crashes_and_the_next_run_ends_well(spare_projects, undisturbed, moment):
    seed = int(os.environ.get("REDWOOD_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"REDWOOD_TEST_SEED={seed}")
    rng = random.Random(f"{seed} {moment}")
    project = lengthened(spare_projects())
    since = time.time()
    running = project.start(*AS_RUN)
    folder = project.folder / TVAE
    old = {path: path.stat().st_mtime_ns for path in (folder / "model" / "model.json",
                                                      folder / "sample.parquet")}  # fmt: skip

    def is_new(path: Path) -> bool:
        return path.exists() and path.stat().st_mtime_ns != old[path]

    reached = {
        "sampling": lambda: is_new(folder / "model" / "model.json"),
        "done": lambda: is_new(folder / "sample.parquet"),
    }[moment]
    wait_until(reached, running)
    time.sleep(rng.uniform(0, 0.5))
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    print(*lose(project, since, rng), sep="\n")
    goes_on(project)
    assert made(project) == undisturbed
