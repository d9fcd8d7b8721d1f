"""Runs that are killed, cut off or run out of room: the next run ends with the same bytes."""

import os
import random
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.journal import Outcome
from tests.project import Project

from redwood.outputs import file_digest
from redwood.runs.checking import MANIFEST, check

SURVIVED = (
    "no process of the run is left 10 s later, the next run, started at once, ends with exit "
    "status 0, and in the end every file has the bytes of an undisturbed run, none is missing and "
    "none left over; a job that has no room says so without a traceback"
)
# In the environment of every process of a run: its name.
MARK: Final = "REDWOOD_FAULTS_RUN"
PATIENCE_S = 600
GRACE_S = 10
# A run is struck when it has ended so many jobs at most, and then some seconds later.
_MOST_JOBS, _LATEST_S = 8, 3
# As ./run calls it: its own lock, unlike Snakemake's, ends with the run.
AS_RUN = ("--nolock", "--cores", "2")
RESULTS: Final = "results/mini"
# What tells of times.
_OF_TIMES = ("logs/", "benchmarks/", MANIFEST, f".digests/{MANIFEST}", ".digests/seen.json")


@dataclass
class Run:
    """A run of snakemake in a session of its own, where it puts what it says, whether it hung."""

    name: str
    process: subprocess.Popen
    said: Path
    hung: bool = False

    @classmethod
    def of(cls, project: Project, *targets: str, largest_file: int | None = None) -> "Run":
        """Start one; no process of it may write more than so many bytes to a file."""
        name, said = f"{project.folder}-{time.monotonic_ns()}", project.folder / "said.log"

        def prepare() -> None:
            # What a shell starts in the background ignores Ctrl-C, and so do its children.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if largest_file:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        with said.open("w") as stream:
            process = subprocess.Popen(
                project.command(*AS_RUN, *targets),
                cwd=project.folder,
                # As ./run does: a run ends with who started it.
                env={**os.environ, MARK: name, "REDWOOD_END_WITH_PARENT": str(os.getpid())},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=prepare,
            )
        return cls(name, process, said)

    def wait(self) -> int:
        """Wait for its end; its exit status. One that does not end is killed."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(PATIENCE_S)
        self.hung = True
        for process in self.processes():
            sent(process, signal.SIGKILL)
        return self.process.wait()

    def proceed(self, jobs: int, seconds: float) -> None:
        """Wait until it has ended so many jobs, and so much longer, or is at its end."""
        while self.process.poll() is None and self.said.read_text().count("\nFinished job") < jobs:
            time.sleep(0.05)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def processes(self) -> dict[int, int]:
        """Its living processes, also those that have left its session → their parents."""
        found = {}
        mark = f"{MARK}={self.name}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                    found[int(folder.name)] = int(fields[1])
        return found

    def jobs(self) -> list[int]:
        return [one for one, parent in self.processes().items() if parent == self.process.pid]

    def children_of_jobs(self) -> list[int]:
        jobs = self.jobs()
        return [one for one, parent in self.processes().items() if parent in jobs]

    def stage(self) -> str:
        """What it is doing."""
        commands = [" ".join(_words(job)[3:]) for job in self.jobs()]
        return " and ".join(re.split(r" [-{/]| \w+/", some)[0] for some in commands) or "no job"

    def left(self) -> list[str]:
        """The command lines of what is left of it after a while."""
        end = time.monotonic() + GRACE_S
        while (there := self.processes()) and time.monotonic() < end:
            time.sleep(0.1)
        return [" ".join(_words(process)) for process in there]


def _words(process: int) -> list[str]:
    """A process's command line."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/cmdline").read_text().split("\0")
    return []


def sent(process: int, number: int) -> bool:
    """Send a signal to a process, or to minus a group; whether it was there."""
    with suppress(ProcessLookupError):
        os.kill(process, number)
        return True
    return False


def _one_of(
    chosen: Callable[[Run], list[int]], number: int
) -> Callable[[Run, random.Random], bool]:
    def strike(run: Run, chance: random.Random) -> bool:
        while run.process.poll() is None:
            if there := chosen(run):
                return sent(chance.choice(there), number)
            time.sleep(0.01)
        return False

    return strike


NO_ROOM: Final = "no room: no file may grow beyond a random size"
# Their lines in the table, and what strikes a run; `False` where there was nothing to strike.
KINDS: Final[dict[str, Callable[[Run, random.Random], bool]]] = {
    "`kill -9` of snakemake": lambda run, chance: sent(run.process.pid, signal.SIGKILL),
    "`kill -9` of a job": _one_of(Run.jobs, signal.SIGKILL),
    "`kill -9` of a child of a job": _one_of(Run.children_of_jobs, signal.SIGKILL),
    "`kill -9` of all at once": lambda run, chance: sent(-run.process.pid, signal.SIGKILL),
    "SIGTERM to snakemake": lambda run, chance: sent(run.process.pid, signal.SIGTERM),
    "SIGTERM to all at once": lambda run, chance: sent(-run.process.pid, signal.SIGTERM),
    "Ctrl-C": lambda run, chance: sent(-run.process.pid, signal.SIGINT),
    NO_ROOM: lambda run, chance: run.wait() != 0,
}


def life(
    project: Project,
    undisturbed: Mapping[str, str],
    chance: random.Random,
    kinds: list[str],
    *targets: str,
) -> list[Outcome]:
    """Run a project to its end, with faults on the way; what is wrong then is put to each of them.

    Args:
        project: where nothing, or only a part, is made yet.
        undisturbed: digests of the results of a run without faults.
        chance: source of randomness.
        kinds: of faults, one after the other.
        targets: what is to be made; all if none are given.
    """
    struck: list[tuple[str, str]] = []
    lost: list[str] = []
    before, status = None, -1
    for kind in [*kinds, None]:
        largest = chance.randrange(1 << 12, 1 << 17) if kind == NO_ROOM else None
        begin = time.time()
        run = Run.of(project, *targets, largest_file=largest)
        lost += [f"left over: {line}" for line in before.left()] if before else []
        if kind is not None:
            run.proceed(chance.randrange(_MOST_JOBS), chance.uniform(0, _LATEST_S))
            stage = run.stage()
            if run.process.poll() is None and KINDS[kind](run, chance):
                struck.append((kind, stage))
        before, status = run, run.wait()
        if run.hung:
            lost.append(f"hung for {PATIENCE_S} s after {kind}: {run.said.read_text()[-300:]}")
        if kind == NO_ROOM:
            lost += _tracebacks(project.folder / RESULTS / "logs", begin)
        if status == 0:
            break
    lost += [f"left over: {line}" for line in run.left()]
    if status != 0:
        lost.append(f"the last run ended with {status}: {run.said.read_text()[-800:]}")
    lost += wrong(project, undisturbed)
    return [Outcome(kind, stage, "; ".join(lost)) for kind, stage in struck]


def _tracebacks(logs: Path, since: float) -> list[str]:
    """The ends of logs written since a time that hold a traceback."""
    texts = (log.read_text() for log in logs.rglob("*.log") if log.stat().st_mtime >= since)
    return [f"a traceback: {text[-300:]}" for text in texts if "Traceback" in text]


def digests(project: Project) -> dict[str, str]:
    """Path → digest of all results, hidden ones too."""
    folder = project.folder / RESULTS
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: file_digest(path)
        for name, path in sorted(paths.items())
        if not name.startswith(_OF_TIMES)
    }


def wrong(project: Project, undisturbed: Mapping[str, str]) -> list[str]:
    """A line for each file that is not as it should be."""
    now = digests(project)
    return [
        *(f"{name}: missing" for name in undisturbed.keys() - now.keys()),
        *(f"{name}: left over" for name in now.keys() - undisturbed.keys()),
        *(f"{name}: other bytes" for name in now if now[name] != undisturbed.get(name, now[name])),
        *check(project.folder / RESULTS).findings,
    ]
