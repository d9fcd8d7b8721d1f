"""`redwood` many times over: each in a fork of a process that has imported it, within bounds."""

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# A small dump takes a second or two.
LIMIT_S = 60


class Answer(NamedTuple):
    """The exit status, minus the signal if one ended it, all that was said, and the peak memory."""

    status: int
    said: str
    peak_bytes: int


class Server:
    """The process that forks; a fork of the caller's own would share its threads."""

    def __init__(self, said: Path) -> None:
        """Put what is said into the file `said`, one command after the other."""
        self._said = said
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name], stdin=-1, stdout=-1, text=True
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, *arguments: str | Path) -> Answer:
        """Run `redwood` with these arguments."""
        print(
            json.dumps([str(self._said), *map(str, arguments)]),
            file=self._process.stdin,
            flush=True,
        )
        status, peak = json.loads(self._process.stdout.readline())
        return Answer(status, self._said.read_text(errors="replace"), peak)


def _serve() -> None:
    for name in ("api", "card.page", "records.cleaning"):
        importlib.import_module(f"redwood.{name}")
    importlib.import_module("matplotlib.backends.backend_svg")
    for line in sys.stdin:
        said, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(said, arguments)
        _, status, usage = os.wait4(child, 0)
        print(json.dumps([os.waitstatus_to_exitcode(status), 1024 * usage.ru_maxrss]), flush=True)


def _run(said: str, arguments: Sequence[str]) -> None:
    from redwood.command_line import main

    with open(said, "w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.environ.pop("REDWOOD_HASH_KEY", None)
    signal.alarm(LIMIT_S)
    sys.argv = ["redwood", *arguments]
    main()
    sys.exit()


if __name__ == "__main__":
    _serve()
