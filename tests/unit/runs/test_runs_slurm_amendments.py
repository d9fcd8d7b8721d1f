import asyncio
import inspect
import os
import sys
import threading
from types import ModuleType, SimpleNamespace

import pytest
from tests.project import ROOT

from redwood.runs import slurm_amendments

JOBS = ["first", "second"]


class Executor:
    """As the plug-in's: it gives back the jobs that go on, none if no question was answered."""

    def __init__(self, answers: list[bool]) -> None:
        self._answers, self._status_query_calls = answers, 0
        self.submitted, self.cancelled = [], []
        self.run_uuid, self._submitted_job_clusters = "run-1", set()
        self.warnings = []
        self.logger = SimpleNamespace(warning=self.warnings.append)

    async def check_active_jobs(self, active_jobs):
        if active_jobs and self._answers.pop(0):
            self._status_query_calls += 1
            yield active_jobs[0]

    def run_job(self, job):
        self.submitted.append(job)

    def cancel_jobs(self, active_jobs):
        self.cancelled += active_jobs


@pytest.fixture
def untouched(monkeypatch) -> ModuleType:
    """A plug-in as it is installed."""
    module = ModuleType("snakemake_executor_plugin_slurm")
    module.Executor = type("Executor", (Executor,), dict(Executor.__dict__))
    ages = iter([None, 300, None])
    module.get_min_job_age = lambda: next(ages)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def plugin(untouched, monkeypatch) -> ModuleType:
    """A plug-in that has been amended."""
    monkeypatch.setattr(slurm_amendments, "version", lambda name: "2.8.0")
    slurm_amendments.amend_plugin()
    return untouched


def test_another_version_is_left_alone_and_what_is_lost_is_said(untouched, monkeypatch):
    monkeypatch.setattr(slurm_amendments, "version", lambda name: "2.9.1")
    before = dict(vars(untouched.Executor))
    slurm_amendments.amend_plugin()
    assert dict(vars(untouched.Executor)) == before
    said = slurm_amendments.what_is_lost()
    assert "plugin-slurm is of version 2.9.1; REDWOOD amends version 2.8.0 alone" in said
    assert "Ctrl-C may leave jobs in the queue" in said


def test_nothing_is_lost_with_the_amended_version_or_without_the_plug_in(plugin, monkeypatch):
    assert slurm_amendments.what_is_lost() == ""
    monkeypatch.delitem(sys.modules, plugin.__name__)
    assert slurm_amendments.what_is_lost() == ""


def test_the_version_that_is_amended_is_the_locked_one():
    version = slurm_amendments._AMENDED_VERSION
    assert (
        f"snakemake-executor-plugin-slurm=={version}\n" in (ROOT / "requirements.lock").read_text()
    )


def kept(executor, jobs: list[str] = JOBS) -> list[str]:
    async def collect():
        return [job async for job in executor.check_active_jobs(jobs)]

    return asyncio.run(collect())


def test_jobs_are_kept_only_in_cycles_without_an_answer(plugin):
    executor = plugin.Executor([True, False, True])
    assert [kept(executor) for _ in range(3)] == [["first"], JOBS, ["first"]]


def test_an_executor_in_the_making_has_no_jobs(plugin):
    assert kept(plugin.Executor.__new__(plugin.Executor), []) == []


def test_how_long_jobs_are_remembered_is_remembered(plugin):
    assert [plugin.get_min_job_age() for _ in range(3)] == [None, 300, 300]


def test_amending_twice_changes_nothing_more(plugin):
    before = plugin.Executor.run_job
    slurm_amendments.amend_plugin()
    assert plugin.Executor.run_job is before


def put_program(name, folder, monkeypatch, lines: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{lines}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def put_scontrol(folder, monkeypatch, status: str) -> None:
    """Let `scontrol ping` end so; $n counts the calls from 1."""
    count = f"n=$(($(cat {folder}/n 2>/dev/null || echo 0) + 1)); echo $n > {folder}/n"
    put_program("scontrol", folder, monkeypatch, f"{count}\nexit {status}")


def put_scancel(folder, monkeypatch) -> None:
    """Let `scancel` write down what it is asked."""
    put_program("scancel", folder, monkeypatch, f'echo "$@" >> {folder}/cancelled')


def test_jobs_are_submitted_once_the_controller_answers(plugin, tmp_path, monkeypatch):
    put_scontrol(tmp_path, monkeypatch, "$((n < 3))")
    said = []
    slurm_amendments.wait_for_controller(said.append, threading.Event(), pause_s=0)
    assert len(said) == 1
    assert (tmp_path / "n").read_text() == "3\n"


def test_cancelling_ends_the_wait_and_nothing_more_is_submitted(plugin, tmp_path, monkeypatch):
    put_scontrol(tmp_path, monkeypatch, "1")
    put_scancel(tmp_path, monkeypatch)
    executor = plugin.Executor([])
    submitting = threading.Thread(target=executor.run_job, args=("job",))
    submitting.start()
    executor.cancel_jobs(["job"])
    submitting.join(timeout=30)
    assert not submitting.is_alive()
    assert executor.cancelled == ["job"]
    executor.run_job("another")
    assert executor.submitted == []


def test_cancelling_takes_in_jobs_that_are_in_no_list(plugin, tmp_path, monkeypatch):
    put_scancel(tmp_path, monkeypatch)
    plugin.Executor([]).cancel_jobs([])
    assert (tmp_path / "cancelled").read_text() == "--name run-1\n"


def test_a_job_whose_submission_was_under_way_is_cancelled(plugin, tmp_path, monkeypatch):
    put_scontrol(tmp_path, monkeypatch, "0")
    put_scancel(tmp_path, monkeypatch)
    executor = plugin.Executor([])
    executor._submitted_job_clusters.add("far")

    class Submitted(list):
        def append(self, job):
            executor.cancel_jobs([])
            super().append(job)

    executor.submitted = Submitted()
    executor.run_job("job")
    cancelled = (tmp_path / "cancelled").read_text().splitlines()
    assert cancelled == ["--name run-1 --clusters=all"] * 2


def test_who_cannot_cancel_is_told_how(plugin, tmp_path, monkeypatch):
    put_program("scancel", tmp_path, monkeypatch, "echo no controller >&2; exit 1")
    executor = plugin.Executor([])
    executor.cancel_jobs([])
    assert executor.warnings == [
        "jobs may be left in the queue: no controller; cancel them by scancel --name run-1"
    ]


def test_the_plug_in_has_what_is_amended():
    plugin = pytest.importorskip("snakemake_executor_plugin_slurm")
    assert callable(plugin.get_min_job_age)
    assert all(
        hasattr(plugin.Executor, name) for name in ("check_active_jobs", "run_job", "cancel_jobs")
    )
    making = inspect.getsource(plugin.Executor)
    assert "self.run_uuid = " in making
    assert "self._submitted_job_clusters = " in making
