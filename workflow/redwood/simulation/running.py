"""Running scenarios: each seed in a process of its own, and what comes of them as files."""

import io
import random
import resource
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from redwood.configuration import asks_policies
from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.intervals import mean_and_interval
from redwood.outputs import write_json, writing_folder
from redwood.programs import Program
from redwood.seeds import derive_seed
from redwood.simulation import engines
from redwood.simulation.account_tables import EVENT_TABLE, FLOW_TABLE, JOBS, SITES
from redwood.simulation.accounts import (
    Attempts,
    Run,
    check_interval,
    event_table,
    flow_table,
    job_table,
    site_table,
    summarise,
)
from redwood.simulation.asking import Policies
from redwood.simulation.case import LOG, Case
from redwood.simulation.choosing import choose_policies, load_shipped, with_objects
from redwood.simulation.datasets import place_replicas, read_catalogue
from redwood.simulation.engine import Engine
from redwood.simulation.engines import simgrid
from redwood.simulation.environment import Environment
from redwood.simulation.event_database import write_event_database
from redwood.simulation.job_table import describe_jobs, read_jobs
from redwood.simulation.log import Log
from redwood.simulation.outcomes import OUTCOMES, described
from redwood.simulation.scenario import Scenario
from redwood.simulation.shortfalls import (
    afterwards,
    foreseen,
    require_recorded_sites,
    require_some_that_ran,
)
from redwood.simulation.users import ClosedUsers, read_users, response_times
from redwood.simulation.watching import Question, run_watched
from redwood.simulation.workload import Workload, build_workload
from redwood.tables import TableDescription, table_columns, write_table

# With so many jobs it is tried whether policies of one's own do the same again.
_TRIED_JOBS = 1000


def run_scenario(
    scenario: Scenario,
    folder: str | Path,
    *,
    brokerage: Any = None,
    placement: Any = None,
    queue: Any = None,
    program: str | None = None,
    measured: list[dict[str, float]] | None = None,
) -> dict[str, Any]:
    """Run a scenario with each of its seeds, write what comes of it, and return the summary.

    Into `folder` go `scenario.json`, a folder `seed-1` and so on for each seed (see `write_run`),
    `summary.json` with the mean of each outcome and its 95 % interval over the seeds, and
    `_contents.sha256` with the digests of it all. It gets its name once all is done; while a seed
    runs, and if it is killed, `.NAME.partial/seed-1/` beside it has what came of the jobs so far.

    Every seed runs in a process of its own, since SimGrid can be started once in each, and is
    watched there, see `watching.run_watched`; what the scenario reads is read once, before they
    are forked. What does not happen as asked is said on standard
    error and in `remarks` of the summary, see `shortfalls`.

    Args:
        scenario: the scenario.
        folder: where its results go; an earlier run's are replaced.
        brokerage, placement, queue: policies as Python objects in place of those that the scenario
            names: a class of `simulation.contract` or an instance of one, or, as a brokerage, a
            function `choose(job, grid)`. Each seed gets a copy of its own.
        program: the program of the scenario's engine, if it needs one: a path or a container image
            in place of the one on the PATH.
        measured: gets what each seed took, `memory_bytes` and `seconds`.

    Returns:
        The content of `summary.json`.

    Raises:
        InputError: a file, a value in it, or a policy cannot be used, no job ran, or the engine's
            program is missing or has failed.
    """
    found = engines.require(scenario.engine, program)
    objects = {"brokerage": brokerage, "placement": placement, "queue": queue}
    objects = {kind: given for kind, given in objects.items() if given is not None}
    scenario = with_objects(scenario, objects)
    folder = Path(folder).absolute()
    so_far = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(so_far, ignore_errors=True)
    with writing_folder(folder) as written:
        scenario.save(written / "scenario.json")
        if found.program is not None:
            print(f"engine: {found}", file=sys.stderr, flush=True)
        given = Given.of(scenario)
        if asks_policies(scenario.engine):
            load_shipped(scenario.policies, given.environment)
        repeats = _try_twice(scenario, given, objects, found.program)
        done = [
            _in_own_process(scenario, given, seed, written, so_far, objects, found.program)
            for seed in scenario.seeds
        ]
        if timed := sum(one.timed for one in done):
            # No result: it differs from run to run.
            about = f"a decision of {scenario.policies.brokerage!r} takes"
            taken = sum(one.timed_s for one in done)
            print(f"{about} {taken / timed * 1e6:.1f} µs", file=sys.stderr, flush=True)
        if measured is not None:
            measured += [one.measured for one in done]
        engine = {"name": found.name, "version": found.version, "left_out": done[0].left_out}
        summary = gather(scenario, written, done[0].remarks) | repeats | {"engine": engine}
        write_json(written / "summary.json", summary)
    shutil.rmtree(so_far, ignore_errors=True)
    return summary


@dataclass(frozen=True)
class Given:
    """What a scenario reads, the same for all of its seeds.

    Attributes:
        environment: its environment.
        description: of the job table.
        columns: what the job table offers: its features, or all columns of a file that comes
            without a description.
        jobs: the job table.
        users: whose its rows are, see `users.read_users`; `None` if nobody waits.
    """

    environment: Environment
    description: TableDescription
    columns: list[str]
    jobs: pd.DataFrame
    users: pd.DataFrame | None = None

    @classmethod
    def of(cls, scenario: Scenario) -> "Given":
        """Read it.

        Raises:
            InputError: a file is not what it should be, or a value in it is impossible.
        """
        part = scenario.workload
        if part.table is not None:
            description = TableDescription.load(part.table)
            columns = [column.name for column in description.features]
        else:
            description, columns = describe_jobs(part.jobs), table_columns(part.jobs)
        jobs = read_jobs(part.jobs, description)
        users = None
        if scenario.users == "closed":
            users = read_users(part.jobs, description, columns)
        return cls(scenario.read_environment(), description, columns, jobs, users)


@dataclass(frozen=True)
class _Done:
    """What is to be told of a seed that was run.

    Attributes:
        remarks, left_out: what is known to be left out, by whatever engine and by this one; of the
            first seed.
        timed, timed_s: how many decisions of the brokerage were timed, and their wall-clock time.
        measured: see `run_scenario`.
    """

    remarks: list[str]
    left_out: list[str]
    timed: int
    timed_s: float
    measured: dict[str, float]


def _in_own_process(
    scenario: Scenario,
    given: Given,
    seed: int,
    folder: Path,
    so_far: Path,
    objects: Mapping[str, Any],
    program: Program | None,
) -> _Done:
    """Simulate with a seed; the first one says what is known to be left out."""
    name = f"seed-{seed}"
    question = Question(scenario.policies.chosen)

    def work() -> _Done:
        remarks, left_out = [], []
        if seed == scenario.seed:
            remarks = foreseen(scenario, given.environment, given.columns, given.jobs)
            left_out = engines.load(scenario.engine).left_out(scenario, given.environment)
        for remark in [*remarks, *left_out]:
            print(f"{scenario.workload.jobs}: {remark}", file=sys.stderr, flush=True)
        measured: dict[str, float] = {}
        begin = time.perf_counter()
        at = so_far / name, objects, question, None, program, measured
        run = run_seed(scenario, given, seed, *at)
        measured["seconds"] = time.perf_counter() - begin
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        measured["memory_bytes"] = max(own, measured.get("memory_bytes", 0))
        write_run(run, folder / name)
        if scenario.event_database:
            attempts = Attempts(run.log.attempts())
            write_event_database(run, attempts, folder / name / "events.sqlite")
        if (log := so_far / name / LOG).exists():
            shutil.copyfile(log, folder / name / LOG)
        return _Done(remarks, left_out, run.log.timed, run.log.timed_s, measured)

    done: _Done = run_watched(work, question, scenario.patience_s, _what(scenario, seed))
    return done


def _try_twice(
    scenario: Scenario, given: Given, objects: Mapping[str, Any], program: Program | None
) -> dict[str, bool]:
    """`repeats`: whether policies of one's own do the same with the first jobs again."""
    if not (scenario.policies.files or objects):
        return {}
    question = Question(scenario.policies.chosen)
    what = _what(scenario, scenario.seed)

    def work() -> list[str]:
        # What is said here will be said once more.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            at = None, objects, question, _TRIED_JOBS, program
            run = run_seed(scenario, given, scenario.seed, *at)
        return job_table(run, Attempts(run.log.attempts())).to_csv(index=False).splitlines()[1:]

    once, again = (run_watched(work, question, scenario.patience_s, what) for _ in range(2))
    differ = [row for row, (one, other) in enumerate(zip(once, again, strict=True)) if one != other]
    if differ:
        print(
            f"{what}: job {differ[0]} does not go the same way again: a policy draws random "
            "numbers without a seed, or goes by the time; take them from `grid.random`",
            file=sys.stderr,
        )
    return {"repeats": not differ}


def _what(scenario: Scenario, seed: int) -> str:
    return f"policies {scenario.policies.label!r}, seed {seed}"


def run_seed(
    scenario: Scenario,
    given: Given,
    seed: int,
    folder: Path | None = None,
    objects: Mapping[str, Any] = MappingProxyType({}),
    question: Question | None = None,
    most_jobs: int | None = None,
    program: Program | None = None,
    measured: dict[str, float] | None = None,
) -> Run:
    """Simulate with one seed. A process can do this once, see `network.Network`.

    Python's and NumPy's global random numbers begin with the seed, for policies that draw them.

    Args:
        scenario: the scenario.
        given: what it reads.
        seed: the seed.
        folder: where partial results go, and the log of the engine's program; nowhere if `None`.
        objects: policies as Python objects, by kind.
        question: where it is said which policy is asked what.
        most_jobs: so many of the first rows of the job table; all if `None`.
        program: of the scenario's engine, if it needs one.
        measured: gets what the engine measures of its program.
    """

    def policies() -> Policies:
        random.seed(derive_seed(seed, "simulation", "global"))
        np.random.seed(derive_seed(seed, "simulation", "global"))  # noqa: NPY002
        chosen = choose_policies(scenario.policies, question, objects)
        if chosen.replays:
            require_recorded_sites(scenario, given.environment, given.jobs)
        return chosen

    users = None if given.users is None else given.users[:most_jobs]
    jobs = given.jobs[:most_jobs]
    with TemporaryDirectory(prefix="redwood-") as scratch:
        case = replace(
            case_of(scenario, given, jobs, seed, policies, users, folder),
            folder=Path(scratch) if folder is None else folder,
            program=program,
            measured={} if measured is None else measured,
        )
        log = engines.load(scenario.engine).simulate(case)
    return replace(case.run, log=log)


def prepare(
    scenario: Scenario,
    given: Given,
    jobs: pd.DataFrame,
    seed: int,
    policies: Callable[[], Policies],
    users: pd.DataFrame | None,
) -> tuple[Engine, Run]:
    """Our own engine that is to run, and the run, whose log is empty until then; see `case_of`."""
    case = case_of(scenario, given, jobs, seed, policies, users)
    engine = simgrid.engine_of(case)
    return engine, replace(case.run, log=engine.log)


def case_of(
    scenario: Scenario,
    given: Given,
    jobs: pd.DataFrame,
    seed: int,
    policies: Callable[[], Policies],
    users: pd.DataFrame | None,
    folder: Path | None = None,
) -> Case:
    """One seed of a scenario, to be run.

    Args:
        scenario: the scenario.
        given: what it reads.
        jobs: its jobs, or others with the same columns.
        seed: the seed.
        policies: makes the policies, once all files have been read.
        users: whose the jobs are, if users wait for theirs, as `Given` has it of all.
        folder: where partial results go; nowhere if `None`.
    """
    environment, labels = given.environment, {**scenario.labels, "seed": seed}
    workload = build_workload(
        jobs,
        given.description,
        seed,
        scenario.load_factor,
        scenario.output_share,
        scenario.jobs_per_dataset,
    )
    check_interval(environment, workload, scenario.interval_s)
    replicas = _replicas(scenario, environment, workload, seed)
    closed = None
    if users is not None:
        response = response_times(users, workload, environment)
        closed = ClosedUsers(
            workload, users["user"], response, scenario.load_factor, scenario.session_gap_s
        )
    short = 0
    if scenario.workload.catalogue is None:
        short = sum(len(sites) < scenario.replicas for sites in replicas)
    run = Run(
        labels,
        environment,
        workload,
        scenario.interval_s,
        Log(False),
        short,
        scenario.watts_per_core,
        None if closed is None else closed.submitted,
    )
    checkpoints = None
    if folder is not None:
        checkpoints = Checkpoints(folder, run, scenario.checkpoint_s)
    return Case(scenario, run, replicas, policies(), seed, closed, checkpoints)


def _replicas(
    scenario: Scenario, environment: Environment, workload: Workload, seed: int
) -> list[set[int]]:
    sizes, catalogue = workload.dataset_bytes, scenario.workload.catalogue
    if catalogue is None:
        return place_replicas(environment, sizes, scenario.replicas, seed)
    if workload.dataset_names is None:
        raise InputError(f"{catalogue}: the job table has no feature `dataset` to look up in it")
    replicas, sizes[:] = read_catalogue(catalogue, environment, workload.dataset_names, sizes)
    return replicas


class Checkpoints:
    """Writes what has come of the jobs so far, now and then, into a folder.

    `progress.json` says that the run is incomplete and how far it has come, and
    `jobs-00001.parquet` and so on hold the jobs that ended since the one before.
    """

    def __init__(self, folder: Path, run: Run, every_s: float) -> None:
        self._folder, self._run, self._every_s = folder, run, every_s
        self._last = time.monotonic()
        self._attempts = self._finals = self._parts = 0

    def __call__(self, log: Log, date: float, ended: int) -> None:
        if time.monotonic() - self._last < self._every_s:
            return
        attempts = Attempts(log.attempts()[self._attempts :].copy())
        run = replace(self._run, log=log)
        jobs = job_table(run, attempts, finals_from=self._finals)
        jobs = jobs[jobs["state"] != "unfinished"]
        self._attempts += len(attempts)
        self._finals = len(log.finals())
        self._parts += 1
        write_table(jobs, self._folder / f"jobs-{self._parts:05d}.parquet", JOBS)
        write_json(
            self._folder / "progress.json",
            {
                **run.labels,
                "complete": False,
                "meaning": "the simulation runs or ended early; the files hold the jobs that ended",
                "simulated_s": date,
                "jobs": len(run.workload),
                "jobs_ended": ended,
                "files": self._parts,
            },
        )
        self._last = time.monotonic()


def write_run(run: Run, folder: str | Path) -> None:
    """Write `jobs`, `sites`, `flows` and, if logged, `events.parquet`, and `summary.json`.

    Equal runs give equal bytes.
    """
    folder = Path(folder)
    attempts = Attempts(run.log.attempts())
    jobs = job_table(run, attempts)
    write_table(jobs, folder / "jobs.parquet", JOBS)
    # No job may have ended.
    end = np.fmax(jobs["end"].max(), jobs["submit"].max())
    write_table(site_table(run, attempts, float(end)), folder / "sites.parquet", SITES)
    write_table(flow_table(run, attempts), folder / "flows.parquet", FLOW_TABLE)
    if run.log.keeps_events:
        write_table(event_table(run), folder / "events.parquet", EVENT_TABLE)
    write_json(folder / "summary.json", summarise(run, jobs, attempts))


def gather(scenario: Scenario, folder: Path, remarks: list[str]) -> dict[str, Any]:
    """The summary of a scenario: each outcome's mean and 95 % interval over its seeds.

    Student's t interval of the mean, as far as the outcome can reach; none where fewer than two
    seeds define it.

    Args:
        scenario: the scenario.
        folder: with a folder for each seed.
        remarks: what was known beforehand that it leaves out.

    Raises:
        InputError: under one of the seeds no job ran.
    """
    runs = [
        read_json(folder / f"seed-{seed}" / "summary.json", "summary of a run")
        for seed in scenario.seeds
    ]
    for seed, run in zip(scenario.seeds, runs, strict=True):
        require_some_that_ran(run["jobs"], _what(scenario, seed))
    counts = {name: float(np.mean([run["jobs"][name] for run in runs])) for name in runs[0]["jobs"]}
    found = {name: [run["outcomes"][name]["value"] for run in runs] for name in runs[0]["outcomes"]}
    return {
        **scenario.labels,
        "seeds": list(scenario.seeds),
        "jobs": counts,
        "remarks": [*remarks, *afterwards(counts, runs)],
        "outcomes": described(
            {
                name: mean_and_interval(
                    [value for value in values if value is not None],
                    OUTCOMES[name].least,
                    OUTCOMES[name].most,
                )
                for name, values in found.items()
            }
        ),
    }
