"""What Snakemake plans: the jobs of a dry run and its reasons."""

import contextlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redwood.errors import InputError

_PROJECT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class PlannedJob:
    """A job that would run.

    Attributes:
        rule: its rule.
        wildcards: the values of its wildcards but the dataset's.
        inputs: the files that it reads.
        outputs: the files and folders that it makes.
        command: its shell line, empty for a rule that only gathers.
        reason: why it would run, as Snakemake says it.
    """

    rule: str
    wildcards: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    command: str
    reason: str


def planned_jobs(arguments: Sequence[str]) -> list[PlannedJob]:
    """The jobs that `snakemake` would run with these arguments here, in order.

    Raises:
        InputError: this is not the project's root, or Snakemake cannot plan.
    """
    from snakemake.cli import args_to_api, parse_args
    from snakemake.logging import logger

    if Path.cwd().resolve() != _PROJECT:
        raise InputError(f"{Path.cwd()}: not the project's root; run this in {_PROJECT}")
    plan = _Plan()
    logger.addFilter(plan)
    try:
        # The profiles that it uses are the same whenever it runs.
        with contextlib.redirect_stderr(io.StringIO()):
            parser, parsed = parse_args([*arguments, "--dry-run"])
        planned = args_to_api(parsed, parser)
    finally:
        logger.removeFilter(plan)
    if not planned:
        raise InputError(" ".join(["snakemake cannot plan a run:", *plan.errors]))
    return plan.jobs


class _Plan(logging.Filter):
    """Keeps the jobs and errors that Snakemake announces, and lets nothing be printed."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[PlannedJob] = []
        self.errors: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        from snakemake_interface_logger_plugins.common import LogEvent

        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            wildcards = record.wildcards or {}
            self.jobs.append(
                PlannedJob(
                    record.rule_name,
                    tuple(v for name, v in wildcards.items() if name != "dataset" and v),
                    tuple(map(str, record.input)),
                    tuple(map(str, record.output)),
                    record.shellcmd or "",
                    record.reason,
                )
            )
        if record.levelno >= logging.ERROR:
            self.errors += record.getMessage().split()
        return False
