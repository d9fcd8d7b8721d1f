"""Programs of others: found on the PATH, at a path or in a container image; started, and ended.

Whatever a program does, no process of it is left and its output is kept in a log, whose last lines
are in the error: if it is missing, crashes, hangs or ends early.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from redwood.errors import InputError

# How an image is named, and what runs one without a daemon and without root.
_IMAGES = ("docker://", "oras://", "library://", ".sif")
_RUNNERS = ("apptainer", "singularity")
_TAIL_LINES, _TAIL_BYTES = 15, 4096
_LOOK_S = 0.02
# Ports that no system hands out by itself, and that programs that check theirs allow.
_PORTS = (20_000, 32_000)


@dataclass(frozen=True)
class Program:
    """An executable of another project.

    Attributes:
        name: of the executable.
        place: its path, or the container image that it is in.
        runner: what runs the image; `None` of an executable of this machine.
    """

    name: str
    place: str
    runner: str | None = None

    def command(self, *arguments: str, folder: str | Path | None = None) -> list[str]:
        """The words that start it; in a container it sees `folder`."""
        if self.runner is None:
            return [self.place, *arguments]
        bound = [] if folder is None else ["--bind", str(folder)]
        return [self.runner, "exec", *bound, self.place, self.name, *arguments]

    def said(self, *arguments: str, limit_s: float = 20.0) -> str:
        """What it prints, on both streams, when it is started with `arguments`; empty if nothing.

        It may end with any status, as programs do after `--version`; one that does not end within
        `limit_s` is ended.
        """
        try:
            done = subprocess.run(
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode(errors="replace")


def find_program(name: str, given: str | None = None) -> Program | None:
    """An executable: on the PATH, or what was named instead; `None` if it is not on the PATH.

    Args:
        name: of the executable.
        given: a path, or a container image (`FILE.sif`, `docker://…`), which Apptainer runs.

    Raises:
        InputError: what was named is no executable, or nothing runs the image.
    """
    if given is None:
        path = shutil.which(name)
        return None if path is None else Program(name, path)
    if given.startswith(_IMAGES[:-1]) or given.endswith(_IMAGES[-1]):
        runner = next(filter(None, map(shutil.which, _RUNNERS)), None)
        if runner is None:
            raise InputError(
                f"{name}: to run the container image {given} Apptainer is needed, and neither "
                f"{' nor '.join(_RUNNERS)} is on the PATH"
            )
        if "://" not in given and not Path(given).is_file():
            raise InputError(f"{name}: {given}: no such container image")
        return Program(name, given, runner)
    path = shutil.which(given) or shutil.which(name, path=given)
    if path is None:
        what = "is not executable" if Path(given).is_file() else "no such executable"
        raise InputError(f"{name}: {given}: {what}; expected its path, or a container image")
    return Program(name, path)


def run_program(
    program: Program,
    arguments: Sequence[str],
    *,
    folder: str | Path,
    log: str | Path,
    limit_s: float,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program to its end.

    Args:
        program: the program.
        arguments: its arguments.
        folder: where it runs.
        log: file for what it prints, on both streams.
        limit_s: wall-clock time that it may take, s.
        environment: variables that it gets besides those of this process.

    Raises:
        InputError: it could not be started, took longer, or ended with another status than 0; with
            the end of its log.
    """
    with started(program, arguments, folder=folder, log=log, environment=environment) as process:
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise failed(program, log, f"had not ended after {limit_s:g} s and was ended") from None
        if process.returncode:
            raise failed(program, log, how_it_ended(process.returncode))


@contextmanager
def started(
    program: Program,
    arguments: Sequence[str],
    *,
    folder: str | Path,
    log: str | Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen]:
    """A program that runs during the block, and of which no process is left after it.

    Raises:
        InputError: it cannot be started.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as stream:
        try:
            process = subprocess.Popen(
                program.command(*arguments, folder=folder),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                # A group of its own, so that all that it starts can be ended.
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(
                f"{program.place}: cannot be started: {error.strerror or error}"
            ) from None
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_ready(
    process: subprocess.Popen,
    program: Program,
    log: str | Path,
    ready: Callable[[], bool],
    limit_s: float,
) -> None:
    """Wait until a program that was `started` is ready.

    Raises:
        InputError: it has ended, or was not ready in time.
    """
    latest = time.monotonic() + limit_s
    while not ready():
        if process.poll() is not None:
            raise failed(program, log, f"{how_it_ended(process.returncode)} before it was ready")
        if time.monotonic() > latest:
            raise failed(program, log, f"was not ready after {limit_s:g} s and was ended")
        time.sleep(_LOOK_S)


def free_ports(number: int, taken: Sequence[int] = ()) -> list[int]:
    """Ports at which nothing listens on this machine, drawn anew each time."""
    random = Random(os.urandom(8))
    found: list[int] = []
    for port in random.sample(range(*_PORTS), 1000):
        if len(found) == number:
            break
        with socket.socket() as tried, suppress(OSError):
            if port not in taken:
                tried.bind(("", port))
                found.append(port)
    if len(found) < number:
        raise InputError(f"of 1000 ports from {_PORTS[0]} to {_PORTS[1]} none is free")
    return found


def answers(port: int) -> bool:
    """Whether something listens at a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def peak_memory(process: subprocess.Popen) -> int:
    """The most memory that one process of a program's group has held so far, bytes; 0: unknown."""
    most = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError, ValueError):
            if os.getpgid(int(status.parent.name)) == process.pid:
                lines = status.read_text(errors="replace").splitlines()
                held = next(line for line in lines if line.startswith("VmHWM:"))
                most = max(most, int(held.split()[1]) * 1024)
    return most


def how_it_ended(status: int) -> str:
    """How a process has ended, in words."""
    if status >= 0:
        return f"ended with status {status}"
    words = f"was ended by signal {-status} ({signal.strsignal(-status)})"
    return words + (", as a system does when memory runs out" if status == -signal.SIGKILL else "")


def failed(program: Program, log: str | Path, how: str) -> InputError:
    """An error that says how a program has failed, with the end of its log."""
    tail = tail_of(log)
    said = f"; the end of its log, {log}:\n{tail}" if tail else f"; its log, {log}, is empty"
    return InputError(f"{program.name} ({program.place}) {how}{said}")


def tail_of(log: str | Path) -> str:
    """The last lines of a log, indented; empty if it says nothing or is not there."""
    try:
        with open(log, "rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL_BYTES))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:])
