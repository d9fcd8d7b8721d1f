"""A command many times over: each in a fork of a process that has imported what it needs."""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from typing import NamedTuple


class Answer(NamedTuple):
    """The exit status, minus the signal if one ended it; all that was said; the peak memory."""

    status: int
    said: str
    peak_bytes: int


class Forks:
    """The process that forks; a fork of the caller's own would share its threads.

    Args:
        main: the module of the command's function `main`.
        modules: what else it imports.
    """

    def __init__(self, main: str, *modules: str) -> None:
        self._modules = (main, *modules)

    @cached_property
    def _server(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-P", __file__, *self._modules],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path, folder: Path = Path(), limit_s: int = 0) -> Answer:
        """Run the command in a folder, for so many seconds at most unless they are 0.

        Its environment is the caller's of now, of which it sees what it reads once it runs.
        """
        with tempfile.NamedTemporaryFile("r", errors="replace") as said:
            rest = [said.name, str(folder), limit_s, *map(str, arguments)]
            asked = [_environment(), *rest]
            print(json.dumps(asked), file=self._server.stdin, flush=True)
            status, peak = json.loads(self._server.stdout.readline())
            return Answer(status, said.read(), peak)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def _serve(main: str, *modules: str) -> None:
    command, *_ = map(importlib.import_module, (main, *modules))
    for line in sys.stdin:
        environment, said, folder, limit_s, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            _redirect(said)
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            signal.alarm(limit_s)
            sys.argv = [main, *arguments]
            sys.exit(command.main())
        _, status, usage = os.wait4(child, 0)
        print(json.dumps([os.waitstatus_to_exitcode(status), 1024 * usage.ru_maxrss]), flush=True)


def _redirect(output: str) -> None:
    with open(output, "w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())


if __name__ == "__main__":
    _serve(*sys.argv[1:])
