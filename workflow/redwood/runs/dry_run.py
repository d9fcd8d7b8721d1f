"""A dry run of Snakemake: the jobs that would run, what they wait for, and why they would run."""

import contextlib
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood.errors import InputError


@dataclass(frozen=True)
class PlannedJob:
    """A job that would run.

    Attributes:
        rule: its rule.
        wildcards: the values of its wildcards by name.
        inputs: the files that it reads.
        outputs: the files and folders that it makes.
        command: its shell line, empty for a rule that only gathers.
        threads: cores that it takes.
        after: the positions, in the plan, of the jobs that it waits for.
        reason: why it would run, as Snakemake has it (`snakemake.jobs.Reason`).
        damage: what is damaged of its outputs, in words.
        stage: the room of its rule: the name of the file that the rule is in.
    """

    rule: str
    wildcards: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    command: str
    threads: int
    after: tuple[int, ...]
    reason: Any
    damage: tuple[str, ...] = ()
    stage: str = ""


def planned_jobs(arguments: Sequence[str]) -> list[PlannedJob]:
    """The jobs that `snakemake` would run with these arguments here, each after those it waits for.

    Raises:
        InputError: Snakemake cannot plan.
    """
    from snakemake.cli import args_to_api, parse_args
    from snakemake.logging import logger

    from redwood.runs.preparing import damaged, prepared

    errors = _Errors()
    logger.addFilter(errors)
    try:
        # Standard error has the names of the profiles in use, the same at each run.
        with contextlib.redirect_stderr(io.StringIO()):
            parser, parsed = parse_args([*arguments, "--dry-run"])
        planned = args_to_api(parsed, parser)
    finally:
        logger.removeFilter(errors)
    if not planned:
        raise InputError(" ".join(["snakemake cannot plan a run:", *errors.words]))
    return _jobs(prepared[-1].dag, damaged)


def project_root() -> Path:
    """The folder with the Snakefile: the library's own project, or else where this runs.

    Raises:
        InputError: there is no Snakefile.
    """
    for folder in (Path(__file__).resolve().parents[3], Path.cwd()):
        if (folder / "Snakefile").is_file():
            return folder
    raise InputError(f"{Path.cwd()}: no Snakefile here; run this in the project's root")


def _jobs(dag: Any, damaged: Mapping[str, Sequence[str]]) -> list[PlannedJob]:
    """The jobs of a graph of Snakemake's that need to run, sorted by rule where they may be."""
    needed = set(dag.needrun_jobs(exclude_finished=False))
    ordered = [
        job
        for level in dag.toposorted(needed)
        for job in sorted(level, key=lambda job: (job.rule.name, str(job.wildcards_dict)))
    ]
    positions = {job: position for position, job in enumerate(ordered)}
    return [
        PlannedJob(
            job.rule.name,
            dict(job.wildcards_dict),
            tuple(map(str, job.input)),
            tuple(map(str, job.output)),
            job.shellcmd or "",
            job.threads,
            tuple(sorted(positions[one] for one in dag.job_dependencies(job) if one in positions)),
            dag.reason(job),
            tuple(sorted({line for one in job.output for line in damaged.get(one, ())})),
            Path(str(job.rule.snakefile)).stem,
        )
        for job in ordered
    ]


class _Errors(logging.Filter):
    """Keeps the errors that Snakemake logs, and lets nothing be printed."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            self.words += record.getMessage().split()
        return False
