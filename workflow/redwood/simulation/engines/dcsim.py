"""DCSim, of HEPCompSim: simulates data centres and caches of high energy physics with WRENCH.

A program of its own, called and never linked. It is written a scenario as
`redwood.simulation.exports.dcsim` says, and its CSV is read. A job of DCSim gets its cores first,
then reads its input, computes and writes its output. So its queue time is from its submission
until it has cores; its stage-in and its wall time, in which it computes, come after that.
"""

import csv
import re
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redwood.errors import InputError
from redwood.programs import Program, failed, run_program
from redwood.simulation.case import LOG, Case
from redwood.simulation.environment import Environment
from redwood.simulation.exports import dcsim
from redwood.simulation.job_table import RECORDED_STATES
from redwood.simulation.log import CANCELLED, FINAL_STATES, FINISHED, NO_CAUSE, Log
from redwood.simulation.scenario import Scenario
from redwood.simulation.workload import CLOSED

TITLE = "DCSim"
LICENCE = "LGPL-3.0"
WHERE = "to build from https://github.com/HEPCompSim/DCSim, or its image mhorzela/dcsim"
EXECUTABLE = "dc-sim"
ASKS_POLICIES = False
VERSIONS = ("WRENCH 2.8",)

OUTPUT = "jobs.csv"
COLUMNS = (
    "job.tag", "machine.name", "hitrate", "job.start", "job.end", "job.computetime", "job.flops",
    "infiles.transfertime", "infiles.size", "outfiles.transfertime", "outfiles.size",
)  # fmt: skip
# It takes about 2 ms a job where nothing waits, and grows as the square of the jobs that do.
_LEAST_LIMIT_S, _LIMIT_S_PER_JOB = 600.0, 1.0
# Ports through which its parts talk: it needs more than one a job, and ends if they run out.
_LEAST_PORTS, _PORTS_PER_JOB = 5_000, 10
_DEADLOCK = "has deadlocked"
_OF_A_JOB = re.compile(r'\t|Assigning |"gaussian"')
_CANCELLED = RECORDED_STATES.index("cancelled")


def version(program: Program) -> str | None:
    """DCSim has none; that of the WRENCH that it was built with."""
    told = re.search(r"WRENCH version (\S+)", program.said("--wrench-version"))
    return None if told is None else f"WRENCH {told[1]}"


def left_out(scenario: Scenario, environment: Environment) -> list[str]:
    """What cannot be said to DCSim, and what it does not tell."""
    return [
        *dcsim.left_out(scenario, environment),
        "where outputs went is not told: they count as not moved between sites",
    ]


def arguments(case: Case) -> list[str]:
    """Of its command line. Physics of the network are those of REDWOOD's own engine."""
    jobs = len(case.run.workload)
    return [
        "--platform", dcsim.PLATFORM,
        "--workload-configurations", dcsim.JOBS,
        "--dataset-configurations", dcsim.INPUTS,
        "--output-file", OUTPUT,
        # Bytes flow from disk to disk; in parts of 1 MiB each, as by default, it takes ten times
        # as long.
        "--storage-buffer-size", "zero",
        "--no-caching",
        "--seed", str(case.seed),
        f"--wrench-commport-pool-size={max(_LEAST_PORTS, _PORTS_PER_JOB * jobs)}",
        "--cfg=network/model:CM02",
        "--cfg=network/crosstraffic:0",
        f"--cfg=network/TCP-gamma:{case.scenario.tcp_gamma:.15g}",
    ]  # fmt: skip


def simulate(case: Case) -> Log:
    """Run one seed.

    Raises:
        InputError: DCSim has failed, or what it wrote is not what is expected; with its log's end.
    """
    assert case.folder is not None
    assert case.program is not None
    dcsim.write(case, case.folder)
    limit = max(_LEAST_LIMIT_S, _LIMIT_S_PER_JOB * len(case.run.workload))
    words, log = arguments(case), case.folder / LOG
    begin = time.perf_counter()
    run_program(case.program, words, folder=case.folder, log=log, limit_s=limit)
    case.measured["program_s"] = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    case.measured["memory_bytes"] = float(used)
    if not (case.folder / OUTPUT).exists():
        raise failed(case.program, log, f"ended without having written {OUTPUT}")
    told = read_log(case, case.folder / OUTPUT)
    # It ends with status 0 whatever happens. What waits for ever it calls a deadlock.
    lost = int((told.finals()[:, 1] == FINAL_STATES.index("unfinished")).sum())
    said = log.read_text(encoding="utf-8", errors="replace")
    if lost and _DEADLOCK not in said:
        raise failed(case.program, log, f"ended and told nothing of {lost} jobs")
    # Six lines a job, with addresses in memory that differ from run to run.
    kept = [line for line in said.splitlines() if not _OF_A_JOB.match(line)]
    log.write_text("\n".join([*kept, ""]), encoding="utf-8")
    return told


def read_log(case: Case, path: Path) -> Log:
    """The log of a run, made of DCSim's CSV.

    Raises:
        InputError: it is missing or damaged.
    """
    environment, workload, log = case.run.environment, case.run.workload, Log()
    sources = dcsim.source_sites(case)
    machines = {
        dcsim.worker_name(environment, index): index for index in range(len(environment.sites))
    }
    asked = {row: at for at, row in dcsim.submitted(case)}
    waiting, date = dict(asked), 0.0
    for job in sorted(_jobs(path), key=lambda job: job.end):
        if job.row not in waiting or job.machine not in machines:
            raise InputError(
                f"{job.where}: job {job.row} on machine {job.machine!r} was not asked for, or is "
                "there twice"
            )
        at, site, date = waiting.pop(job.row), machines[job.machine], job.end
        submit, source = float(workload.submit[at]), int(sources[at])
        start, moves = max(job.start, submit) + job.read_s, source not in (-1, site)
        state = CANCELLED if workload.state[at] == _CANCELLED else FINISHED
        log.attempt(
            (
                job.row, 1, site, workload.cores[at], submit, submit + job.read_s, start,
                start + job.compute_s, job.end, state, NO_CAUSE, source if moves else -1, -1,
                workload.input_bytes[at] if moves else 0, 0, -1 if source < 0 else int(not moves),
            )
        )  # fmt: skip
    for at, row in enumerate(workload.row.tolist()):
        submit = float(workload.submit[at])
        if row in waiting:
            log.final(row, "unfinished", max(date, submit))
        elif row not in asked:
            log.final(row, "closed" if workload.state[at] == CLOSED else "unbrokered", submit)
    return log


@dataclass(frozen=True)
class _Job:
    """A line of DCSim's CSV; dates and times in s."""

    where: str
    row: int
    machine: str
    start: float
    end: float
    compute_s: float
    read_s: float


def _jobs(path: Path) -> Iterator[_Job]:
    """The lines of DCSim's CSV.

    Its `job.flops` counts each job twice, once for its run and once for its output, and is not
    used; `hitrate` is of caches, of which there are none.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            lines = csv.reader(stream, skipinitialspace=True)
            header = tuple(next(lines, ()))
            if header != COLUMNS:
                raise InputError(
                    f"{path}: line 1: not the CSV of DCSim: {','.join(header)!r}, expected the "
                    f"columns {', '.join(COLUMNS)}"
                )
            for line in lines:
                where = f"{path}: line {lines.line_num}"
                try:
                    told = dict(zip(COLUMNS, line, strict=True))
                    yield _Job(
                        where,
                        dcsim.row_of(told["job.tag"]),
                        told["machine.name"],
                        *(
                            float(told[name])
                            for name in (
                                "job.start", "job.end", "job.computetime", "infiles.transfertime",
                            )
                        ),
                    )  # fmt: skip
                except ValueError:
                    raise InputError(
                        f"{where}: {', '.join(line)!r} is no job of DCSim's, expected "
                        f"{len(COLUMNS)} values such as job_00000001_0, 0001-CERN, 0, 3.5, …; "
                        "DCSim may have been ended while it wrote"
                    ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not the CSV of DCSim: {error}") from None
