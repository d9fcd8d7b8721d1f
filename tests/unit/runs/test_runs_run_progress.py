"""Progress of a run on a terminal and without one, by records as Snakemake gives them."""

import logging
import os
import pty
import re
import threading
from types import SimpleNamespace

import pytest
from snakemake.logging import ColorizingTextHandler
from snakemake_interface_logger_plugins.common import LogEvent

from redwood.runs import run_progress
from redwood.runs.run_progress import Expectations, RunProgress
from redwood.runs.time_left import Step, TimeLeft

NAMES = ("evaluate", "grove"), ("evaluate", "smote"), ("table1", "")


class Requests:
    """Each job takes half a minute, after the rows are counted a whole one."""

    rows = "guessed"

    def expected(self, rule, wildcards):
        return SimpleNamespace(hours=(30 if self.rows == "guessed" else 60) / 3600)


def jobs_of(folder):
    return [
        SimpleNamespace(
            jobid=10 + place,
            rule=SimpleNamespace(name=rule),
            wildcards_dict={"dataset": "embedded", "model": model},
            benchmark=folder / f"{rule}_{model}.tsv",
        )
        for place, (rule, model) in enumerate(NAMES)
    ]


class Run:
    """Snakemake's logger with a stream, the records of a run of three jobs, and a clock."""

    def __init__(self, stream, folder) -> None:
        self.now, self.requests = 0.0, Requests()
        self.logger = logging.Logger("snakemake")
        self.logger.addHandler(ColorizingTextHandler(nocolor=True, stream=stream))
        jobs = jobs_of(folder)
        expectations = Expectations(jobs, self.requests)
        steps = [Step("evaluate", ()), Step("evaluate", ()), Step("table1", (0, 1))]
        left = TimeLeft(steps, expectations.seconds(), 1)
        self.progress = RunProgress(left, jobs, expectations, self.logger, clock=lambda: self.now)
        self.logger.addHandler(self.progress)

    def say(self, event, seconds=0.0, **told) -> None:
        self.now += seconds
        words = told.pop("msg", "")
        self.logger.info(words, extra={"event": event, **told})

    def job(self, number, seconds, done) -> None:
        self.say(LogEvent.JOB_STARTED, jobs=[number], msg=f"Execute {number}")
        self.say(LogEvent.JOB_FINISHED, seconds, job_id=number, msg=f"Finished {number}")
        self.say(LogEvent.PROGRESS, done=done, total=3)


@pytest.fixture
def log(tmp_path):
    with open(tmp_path / "log", "w+") as stream:
        yield stream


def lines(log) -> list[str]:
    log.seek(0)
    return [line for line in log.read().splitlines() if "jobs done" in line]


def test_without_a_terminal_there_is_a_line_at_most_once_a_minute(log, tmp_path):
    run = Run(log, tmp_path)
    run.job(10, 30, done=1)
    assert lines(log) == []
    run.job(11, 30, done=2)
    assert len(lines(log)) == 1
    assert re.fullmatch(r"2 of 3 jobs done, about 30 s left, until \d\d:\d\d", lines(log)[0])
    run.job(12, 100, done=3)
    # The last would say that nothing is left, as Snakemake does.
    assert len(lines(log)) == 1


def test_rows_that_were_counted_meanwhile_count(log, tmp_path):
    run = Run(log, tmp_path)
    run.requests.rows = "counted"
    run.job(10, 60, done=1)
    assert "about 2 min left" in lines(log)[0]


def test_what_the_last_run_measured_here_is_expected_of_the_same_job_and_by_and_large_of_others(
    tmp_path,
):
    (tmp_path / "evaluate_grove.tsv").write_text("s\th:m:s\n90.0\t0:01:30\n")
    (tmp_path / "evaluate_smote.tsv").write_text("s\n")
    assert Expectations(jobs_of(tmp_path), Requests()).seconds() == [90, 90, 90]
    (tmp_path / "evaluate_smote.tsv").write_text("s\th:m:s\n30.0\t0:00:30\n")
    assert Expectations(jobs_of(tmp_path), Requests()).seconds() == [90, 30, 60]


def test_a_fault_of_ours_ends_the_progress_and_not_the_run(log, tmp_path):
    run = Run(log, tmp_path)
    run.say(LogEvent.PROGRESS, done="one", total=3)
    run.job(10, 100, done=1)
    log.seek(0)
    said = log.read().splitlines()
    assert [line for line in said if "progress is no longer shown: TypeError" in line]
    assert "Finished 10" in said
    assert run.progress not in run.logger.handlers


def test_jobs_that_nobody_knew_of_and_groups_and_failures_are_taken(log, tmp_path):
    run = Run(log, tmp_path)
    run.say(LogEvent.JOB_STARTED, jobs=["a-group", 99])
    run.say(LogEvent.GROUP_INFO, jobs=[SimpleNamespace(jobid=10), SimpleNamespace(jobid=99)])
    run.say(LogEvent.GROUP_ERROR, job_error_info=[{"jobid": 10}], aux_logs=[], msg=None)
    run.say(LogEvent.JOB_FINISHED, job_id=99)
    run.job(11, 61, done=1)
    # What waits for the failed job does not count.
    assert "about 10 s left" in lines(log)[0]


@pytest.fixture
def terminal(monkeypatch):
    """The end of a pseudo-terminal that programs write to; what came out at the other so far."""
    monkeypatch.setenv("TERM", "xterm")
    # Of tests in the background: whether they are in front does not matter here.
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp())
    ours, theirs = pty.openpty()
    came: list[bytes] = []

    def read() -> None:
        with open(ours, "rb", buffering=0) as stream:
            try:
                while block := stream.read(1 << 16):
                    came.append(block)
            except OSError:  # its other end is closed
                return

    reader = threading.Thread(target=read)
    reader.start()
    with open(theirs, "w") as stream:

        def all_that_came() -> str:
            stream.close()
            reader.join(10)
            return b"".join(came).decode()

        yield stream, all_that_came


def test_on_a_terminal_one_line_stands_below_snakemakes_and_goes_at_the_end(
    terminal, tmp_path, monkeypatch
):
    stream, all_that_came = terminal
    monkeypatch.setenv("COLUMNS", "110")
    run = Run(stream, tmp_path)
    run.say(LogEvent.JOB_STARTED, jobs=[10], msg="Execute 10")
    run.progress._display._live.refresh()
    run.say(None, msg="a command " + "that is long " * 20)
    run.job(10, 40, done=1)
    run.job(11, 40, done=2)
    run.job(12, 40, done=3)
    run.say(None, msg="Complete log")
    came = all_that_came()
    assert re.search(r"0 of 3 jobs done, about 2 min left, until \d\d:\d\d.*evaluate grove", came)
    # Snakemake's lines come whole, and after the last one the terminal is Snakemake's alone.
    assert "that is long " * 20 in came
    assert came.endswith("Complete log\r\n")
    assert "jobs done" not in came.rpartition("\x1b[2K")[2]
    assert "\x1b[?25l" not in came
    assert run.progress._display is None


@pytest.mark.parametrize("variable", ["dumb", "unknown", None])
def test_a_terminal_that_cannot_move_its_cursor_is_none(terminal, tmp_path, monkeypatch, variable):
    stream, all_that_came = terminal
    if variable is None:
        monkeypatch.delenv("TERM")
    else:
        monkeypatch.setenv("TERM", variable)
    assert Run(stream, tmp_path).progress._display is None
    assert all_that_came() == ""


@pytest.mark.parametrize(
    ("quiet", "shown"), [({"PROGRESS"}, 0), ({"ALL"}, 0), ({"RULES"}, 1), (None, 1)]
)
def test_a_quiet_run_shows_none(monkeypatch, quiet, shown):
    from snakemake.logging import logger
    from snakemake.settings.enums import Quietness

    added = []
    monkeypatch.setattr(logger, "addHandler", added.append)
    workflow = SimpleNamespace(
        output_settings=SimpleNamespace(quiet=quiet and {Quietness[name] for name in quiet}),
        dag=SimpleNamespace(needrun_jobs=lambda **_: (), toposorted=lambda jobs: ()),
        non_local_exec=False,
        cores=2,
    )
    run_progress.show_progress(workflow, Requests())
    assert len(added) == shown
