"""Progress of a whole run: jobs done and the time left, beside Snakemake's own lines.

Snakemake says what happens by structured records, as its logger plug-ins get them; nothing that it
prints is parsed. A plug-in would have to be named on the command line and be on the path of every
`snakemake`; a handler of the same records is simply there.
"""

import csv
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from redwood.runs.cost_scales import COST_SCALES
from redwood.runs.plan_table import duration
from redwood.runs.requests import Requests
from redwood.runs.time_left import Step, TimeLeft

# Where there is no terminal: at most a line in so many seconds.
_BETWEEN_LINES_S = 60.0
_BAR_CELLS = 20


class Job(Protocol):
    """Of a job of Snakemake's what matters here."""

    jobid: int
    rule: Any
    wildcards_dict: dict[str, str]
    benchmark: Any


def show_progress(workflow: Any, requests: Requests) -> None:
    """Show the progress of a run from now on, until Snakemake ends it.

    On a terminal one line is kept up to date below Snakemake's; elsewhere, and in Snakemake's own
    log, there is a line now and then. `--quiet` without more, or with `progress` or `all`, has
    none.

    Args:
        workflow: Snakemake's, its jobs known.
        requests: what they are expected to take.
    """
    from snakemake.logging import logger
    from snakemake.settings.enums import Quietness

    if {Quietness.ALL, Quietness.PROGRESS} & set(workflow.output_settings.quiet or ()):
        return
    needed = set(workflow.dag.needrun_jobs(exclude_finished=False))
    jobs = [job for level in workflow.dag.toposorted(needed) for job in level]
    positions = {job: position for position, job in enumerate(jobs)}
    steps = [
        Step(
            job.rule.name,
            tuple(positions[one] for one in workflow.dag.job_dependencies(job) if one in positions),
        )
        for job in jobs
    ]
    expectations = Expectations(jobs, requests)
    at_once = workflow.nodes if workflow.non_local_exec else workflow.cores
    left = TimeLeft(steps, expectations.seconds(), max(1, int(at_once or 1)))
    logger.addHandler(RunProgress(left, jobs, expectations, logger))


class Expectations:
    """What the jobs of a run are expected to take.

    What the last run measured here counts by how many times the cost of its rows it was, and of
    jobs that it did not measure by how many times that was of all.

    Args:
        jobs: the run's.
        requests: tell the costs, by the rows that are known when they are asked.
    """

    def __init__(self, jobs: Sequence[Job], requests: Requests) -> None:
        self._jobs, self._requests, self._rows = jobs, requests, requests.rows
        by_cost = self._by_cost()
        before = [_measured_before(job) for job in jobs]
        pairs = [(s, cost) for s, cost in zip(before, by_cost, strict=True) if s and cost]
        of_all = sum(s for s, _ in pairs) / sum(cost for _, cost in pairs) if pairs else 1.0
        self._factors = [
            s / cost if s and cost else of_all for s, cost in zip(before, by_cost, strict=True)
        ]

    @property
    def are_others_now(self) -> bool:
        """Whether rows have been counted since they were asked for."""
        return self._requests.rows != self._rows

    def seconds(self) -> list[float]:
        """Seconds of each job."""
        self._rows = self._requests.rows
        return [f * cost for f, cost in zip(self._factors, self._by_cost(), strict=True)]

    def _by_cost(self) -> list[float]:
        return [
            3600 * self._requests.expected(job.rule.name, job.wildcards_dict).hours
            if job.rule.name in COST_SCALES
            else 0.0
            for job in self._jobs
        ]


class RunProgress(logging.Handler):
    """Takes Snakemake's records and shows how far the run is. It prints none of them.

    Args:
        left: tells the time left.
        jobs: the run's, in the order of `left`.
        expectations: what jobs take, which may change when rows have been counted.
        logger: Snakemake's.
        clock: seconds, of any beginning.
    """

    def __init__(
        self,
        left: TimeLeft,
        jobs: Sequence[Job],
        expectations: Expectations,
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(logging.INFO)
        self._left, self._names = left, [_name(job) for job in jobs]
        self._places = {job.jobid: place for place, job in enumerate(jobs)}
        self._expectations, self._logger, self._clock = expectations, logger, clock
        self._done, self._total = 0, len(jobs)
        self._began = self._told = clock()
        # Of the display's thread and Snakemake's.
        self._changing = threading.Lock()
        self._display = _display(logger, self._line)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._take(record)
        except Exception as error:
            # Whatever is wrong here, the run goes on.
            self._logger.removeHandler(self)
            self.close()
            self._logger.warning(f"progress is no longer shown: {type(error).__name__}: {error}")

    def close(self) -> None:
        """Take the line off the terminal."""
        if self._display is not None:
            self._display.stop()
            self._display = None
        super().close()

    def _take(self, record: logging.LogRecord) -> None:
        from snakemake_interface_logger_plugins.common import LogEvent

        told, now = record.__dict__, self._clock()
        with self._changing:
            match told.get("event"):
                case LogEvent.JOB_STARTED:
                    for place in self._known(told["jobs"]):
                        self._left.start(place, now)
                case LogEvent.GROUP_INFO:
                    for place in self._known(job.jobid for job in told["jobs"]):
                        self._left.start(place, now, alone=False)
                case LogEvent.JOB_FINISHED:
                    for place in self._known([told["job_id"]]):
                        self._left.finish(place, now)
                    if self._expectations.are_others_now:
                        self._left.expect(self._expectations.seconds())
                case LogEvent.JOB_ERROR:
                    for place in self._known([told["jobid"]]):
                        self._left.fail(place)
                case LogEvent.GROUP_ERROR:
                    for place in self._known(one["jobid"] for one in told["job_error_info"]):
                        self._left.fail(place)
                case LogEvent.PROGRESS:
                    self._done, self._total = told["done"], told["total"]
                case _:
                    return
        if told["event"] != LogEvent.PROGRESS:
            return
        if self._done >= self._total:
            self.close()
        elif self._display is None and now - self._told >= _BETWEEN_LINES_S:
            self._told = now
            self._logger.info(self._words(self._seconds_left()))

    def _known(self, numbers: Iterable[int]) -> Iterator[int]:
        """The positions of those of some jobs that were known when the run began."""
        return (self._places[number] for number in numbers if number in self._places)

    def _seconds_left(self) -> float:
        with self._changing:
            return self._left.seconds(self._clock())

    def _words(self, seconds: float) -> str:
        end = datetime.now() + timedelta(seconds=seconds)
        return (
            f"{self._done} of {self._total} jobs done, about {duration(_rounded(seconds) / 3600)} "
            f"left, until {end:%H:%M}"
        )

    def _line(self) -> Table:
        """What stands on the terminal."""
        seconds, age = self._seconds_left(), self._clock() - self._began
        with self._changing:
            running = [self._names[place] for place in self._left.running]
        # What is running gets the room that is left.
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(no_wrap=True)
        line.add_column(no_wrap=True)
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        line.add_row(
            ProgressBar(total=max(age + seconds, 1e-9), completed=age, width=_BAR_CELLS),
            Text(self._words(seconds), style="bold"),
            Text(", ".join(running), style="dim"),
        )
        return line


class _Terminal(Console):
    """A terminal whose cursor stays: a run that is killed could not bring it back."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class _Above:
    """A stream whose lines come above the one that is kept up to date."""

    def __init__(self, terminal: Console, stream: TextIO) -> None:
        self._terminal, self._stream, self._held = terminal, stream, ""

    def write(self, text: str) -> None:
        # Snakemake writes a message in pieces and then flushes.
        self._held += text

    def flush(self) -> None:
        if self._held.endswith("\n"):
            text, self._held = self._held, ""
            self._terminal.out(text, highlight=False, end="")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Display:
    """A line at the end of the terminal that Snakemake writes to."""

    def __init__(self, handler: logging.StreamHandler, line: Callable[[], Table]) -> None:
        self._handler, self._stream = handler, handler.stream
        terminal = _Terminal(file=self._stream, force_terminal=True)
        self._live = Live(
            console=terminal,
            get_renderable=line,
            refresh_per_second=1,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        handler.stream = _Above(terminal, self._stream)

    def stop(self) -> None:
        self._handler.stream = self._stream
        # A terminal that has gone away needs no tidying.
        with suppress(OSError):
            self._live.stop()


def _display(logger: logging.Logger, line: Callable[[], Table]) -> _Display | None:
    """The display on the terminal that Snakemake writes to; `None` if it writes to none."""
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and _is_ours(handler.stream):
            return _Display(handler, line)
    return None


def _is_ours(stream: Any) -> bool:
    """Whether a stream is a terminal that can move its cursor, and this process is in front."""
    try:
        return (
            stream.isatty()
            and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
            and os.tcgetpgrp(stream.fileno()) == os.getpgrp()
        )
    except (AttributeError, OSError, ValueError):
        return False


def _name(job: Job) -> str:
    """`evaluate grove`: a rule and the values of its wildcards but the dataset."""
    values = (value for name, value in job.wildcards_dict.items() if name != "dataset")
    return " ".join([job.rule.name, *filter(None, values)])


def _measured_before(job: Job) -> float | None:
    """Seconds that the last run of the same job took here; `None` if there was none."""
    try:
        with open(str(job.benchmark), encoding="utf-8", newline="") as stream:
            return float(list(csv.DictReader(stream, delimiter="\t"))[-1]["s"])
    except (OSError, IndexError, KeyError, TypeError, ValueError):
        return None


def _rounded(seconds: float) -> float:
    """To ten seconds: more than an estimate can tell."""
    return max(10.0, 10 * round(seconds / 10))
