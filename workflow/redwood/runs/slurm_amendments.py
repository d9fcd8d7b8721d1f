"""Amendments to Snakemake's plug-in for Slurm, for outages of the controller and for Ctrl-C.

Version 2.8.0 of `snakemake-executor-plugin-slurm` asks for the states of jobs in cycles. If no
question of a cycle is answered, it drops all jobs and waits for ever. If it is not told how long
`squeue` remembers ended jobs, it asks `sacct` instead, which knows nothing without accounting. A
job that cannot be submitted counts as failed. All three happen whenever a controller restarts.

Ctrl-C leaves jobs behind: those that a cycle is asking about, which are in no list meanwhile, and
those that wait to be submitted, which are still submitted.
"""

import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

_PLUGIN = "snakemake_executor_plugin_slurm"
# Another version may need other amendments, or none.
_AMENDED_VERSION = "2.8.0"
# Longer outages are for people to judge.
_LONGEST_S = 3600.0
_PAUSE_S = 10.0
# For an answer to one question.
_PATIENCE_S = 60


def amend_plugin() -> None:
    """Amend the plug-in once, if this process has loaded the version that this is written for."""
    plugin = sys.modules.get(_PLUGIN)
    if plugin is None or hasattr(plugin, "is_amended") or _version() != _AMENDED_VERSION:
        return
    plugin.is_amended = True  # type: ignore[attr-defined]
    plugin.get_min_job_age = last_answer(plugin.get_min_job_age)  # type: ignore[attr-defined]
    _keep_jobs_without_answer(plugin)
    _submit_unless_cancelled(plugin)


def what_is_lost() -> str:
    """In words, what a run lacks if the plug-in is of another version; empty if it is amended."""
    plugin = sys.modules.get(_PLUGIN)
    if plugin is None or hasattr(plugin, "is_amended"):
        return ""
    return (
        f"snakemake-executor-plugin-slurm is of version {_version()}; REDWOOD amends version "
        f"{_AMENDED_VERSION} alone. Without that, if Slurm's controller does not answer, jobs may "
        "count as failed or be waited for without end, and Ctrl-C may leave jobs in the queue. "
        f"To install that version: pip install snakemake-executor-plugin-slurm=={_AMENDED_VERSION}"
    )


def _version() -> str:
    try:
        return version(_PLUGIN.replace("_", "-"))
    except PackageNotFoundError:
        return "unknown"


def last_answer(ask: Callable[[], int | None]) -> Callable[[], int | None]:
    """A function that gives what `ask` last gave other than `None`."""
    answers: list[int] = []

    def remember() -> int | None:
        answer = ask()
        if answer is not None:
            answers[:] = [answer]
        return answers[0] if answers else None

    return remember


def _keep_jobs_without_answer(plugin: ModuleType) -> None:
    check = plugin.Executor.check_active_jobs

    def answers(executor: Any) -> int:
        # The first cycle begins while the executor is still being made.
        return getattr(executor, "_status_query_calls", 0)

    async def check_active_jobs(self: Any, active_jobs: list[Any]) -> AsyncIterator[Any]:
        before = answers(self)
        async for job in check(self, active_jobs):
            yield job
        if answers(self) == before:
            for job in active_jobs:
                yield job

    plugin.Executor.check_active_jobs = check_active_jobs


def _submit_unless_cancelled(plugin: ModuleType) -> None:
    submit, cancel = plugin.Executor.run_job, plugin.Executor.cancel_jobs
    cancelled = threading.Event()

    def run_job(self: Any, job: Any) -> None:
        wait_for_controller(self.logger.warning, cancelled)
        if cancelled.is_set():
            return
        submit(self, job)
        # Meanwhile all jobs but this one may have been cancelled.
        if cancelled.is_set():
            _cancel_run(self)

    def cancel_jobs(self: Any, active_jobs: list[Any]) -> None:
        cancelled.set()
        try:
            cancel(self, active_jobs)
        finally:
            _cancel_run(self)

    plugin.Executor.run_job, plugin.Executor.cancel_jobs = run_job, cancel_jobs


def _cancel_run(executor: Any) -> None:
    """Cancel all jobs of the run, whose identifier is their name."""
    clusters = ["--clusters=all"] if executor._submitted_job_clusters else []
    command = ["scancel", "--name", executor.run_uuid, *clusters]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        trouble = answer.stderr.strip() if answer.returncode else ""
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        trouble = str(error)
    if trouble:
        executor.logger.warning(
            f"jobs may be left in the queue: {trouble}; cancel them by {' '.join(command)}"
        )


def wait_for_controller(
    say: Callable[[str], None], cancelled: threading.Event, pause_s: float = _PAUSE_S
) -> None:
    """Wait until a controller answers, all is cancelled, or an hour has passed.

    Args:
        say: called once if there is something to wait for.
        cancelled: set once nobody wants to wait any more.
        pause_s: seconds between questions.
    """
    end, waits = time.monotonic() + _LONGEST_S, False
    while not _controller_answers() and time.monotonic() < end:
        if not waits:
            say("Slurm's controller does not answer: jobs are submitted once it does")
        waits = True
        if cancelled.wait(pause_s):
            return


def _controller_answers() -> bool:
    try:
        ping = subprocess.run(
            ["scontrol", "ping"], capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except FileNotFoundError:
        # The plug-in's own message says what is missing.
        return True
    except subprocess.TimeoutExpired:
        return False
    return ping.returncode == 0
