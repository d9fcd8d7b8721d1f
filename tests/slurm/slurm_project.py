"""A copy of the project that runs through Slurm, and waiting for it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.project import Project
from tests.slurm.one_node import OneNodeSlurm

# Where to run, as one would write it for the test's Slurm.
CLUSTER = """
name: one node
cpu: {partition: cpu, hours: 1, memory_gb: 6}
gpu: {partition: gpu, model: a100, hours: 1, memory_gb: 6}
"""
# Quicker than the profile asks a real controller.
QUICK = ("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2")


class SlurmProject(Project):
    """A copy of the project that runs through Slurm."""

    def __init__(self, project: Project, folder: Path, slurm: OneNodeSlurm) -> None:
        """Copy `project` into `folder`, results and all."""
        shutil.copytree(project.folder, folder, symlinks=True)
        super().__init__(folder, project.configuration)
        (folder / "cluster.yaml").write_text(CLUSTER)
        self.slurm = slurm

    def submit(self, *arguments: str, retries: int = 3) -> subprocess.Popen:
        """Start `snakemake --profile slurm`."""
        return self.start(
            *("--profile", "slurm", *QUICK, "--retries", str(retries), *arguments),
            environment=self.slurm.environment,
        )

    def run(self, *arguments: str, retries: int = 3, code: int = 0) -> str:
        """Run `snakemake --profile slurm` to its end, with that exit status; its output."""
        return finished(self.submit(*arguments, retries=retries), code)

    def jobs(self, rule: str, states: str = "all") -> list[dict[str, str]]:
        """The Slurm jobs of a rule of this project."""
        return [job for job in self.all_jobs(states) if rule in job["comment"]]

    def wait_for_job(self, rule: str, state: str) -> dict[str, str]:
        """The newest Slurm job of a rule of this project that is in `state`, once there is one."""
        found: list[dict[str, str]] = []

        def is_there() -> bool:
            found[:] = self.jobs(rule, state)
            return bool(found)

        wait_until(is_there, f"a job of {rule} is {state}")
        return found[-1]

    def log(self, name: str) -> str:
        """A rule's log; empty as long as there is none."""
        path = self.folder / "results/mini/logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def all_jobs(self, states: str = "all") -> list[dict[str, str]]:
        """The Slurm jobs of this project."""
        return [job for job in self.slurm.jobs(states) if job["folder"] == str(self.folder)]


def finished(running: subprocess.Popen, code: int = 0, seconds: float = 900) -> str:
    """The output of a snakemake that ends, with that exit status."""
    try:
        text, _ = running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        text, _ = running.communicate()
        pytest.fail(f"snakemake did not end in {seconds} s:\n{text[-5000:]}")
    assert running.returncode == code, text[-5000:]
    return text


def wait_until(is_true: Callable[[], object], what: str, seconds: float = 300) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, f"not in {seconds:.0f} s: {what}"
        time.sleep(0.2)
