"""Simulations in the background: processes of `redwood simulate`, so many at a time."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

from redwood.errors import InputError
from redwood.processes import END_WITH

State = Literal["waiting", "running", "done", "failed", "cancelled"]
# From asking a process to end until it is made to, s.
_GRACE_S = 3.0
# What of its last lines is shown.
_MOST_SHOWN = 600


class Run:
    """A simulation that is to be made, is being made, or was.

    Attributes:
        state: how far it is; it ends as `done`, `failed` or `cancelled`.
        folder: what `redwood simulate` writes.
        error: why it failed, as `redwood simulate` said it.
    """

    def __init__(self, owner: str, scenario: str, seed: int, folder: Path) -> None:
        self.owner, self.folder = owner, folder
        self.state: State = "waiting"
        self.error = ""
        self._scenario, self._seed = scenario, seed
        self._process: subprocess.Popen[bytes] | None = None
        # In memory, as the disk may be full.
        self._said = os.memfd_create("redwood-explore")

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def results(self) -> Path:
        """The folder of its seed."""
        return self.folder / f"seed-{self._seed}"

    def progress(self) -> tuple[int, int] | None:
        """Jobs that have ended, and all; `None` until that is known."""
        path = self.folder.with_name(f".{self.folder.name}.partial") / self.results.name
        try:
            found = json.loads((path / "progress.json").read_text(encoding="utf-8"))
            return int(found["jobs_ended"]), int(found["jobs"])
        except (OSError, ValueError, KeyError):
            return None

    def start(self) -> None:
        """To be called in the main thread: with the thread that starts it, the process ends."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        scenario = self.folder.with_suffix(".json")
        scenario.write_text(self._scenario, encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "redwood", "simulate", str(scenario),
             "--output", str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            env=os.environ | {END_WITH: str(os.getpid()), "PYTHONHASHSEED": "0"},
            start_new_session=True,
        )  # fmt: skip
        self.state = "running"

    def look(self) -> None:
        """Find out whether it has ended."""
        if self._process is None or self.over or (status := self._process.poll()) is None:
            return
        self.state = "done" if status == 0 else "failed"
        if status:
            text = os.pread(self._said, 1 << 20, 0).decode(errors="replace")
            said = [line for line in text.splitlines() if line.startswith("redwood: ")]
            last = said[-1].removeprefix("redwood: ") if said else text[-_MOST_SHOWN:].strip()
            how = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
            self.error = last or f"the simulation {how}"

    def cancel(self) -> None:
        """End it, with all processes that it has started, and remove what it wrote."""
        if self.over:
            return
        if self._process is not None:
            _end(self._process)
        self.state = "cancelled"
        self.remove()

    def remove(self) -> None:
        """Remove what it wrote."""
        for path in self.folder.parent.glob(f"*{self.folder.name}*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._said)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group; those that it watches end with it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    # What is left of its group, a policy's own processes say.
    until = time.monotonic() + _GRACE_S
    with suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(process.pid, 0)
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Background:
    """Runs simulations for the sessions of a page, in a folder that ends with it.

    Args:
        most: so many are under way at once; further ones wait, in the order they were asked for.
        most_kept: results that a session keeps; the oldest is removed for the next.
    """

    def __init__(self, most: int, most_kept: int = 20) -> None:
        self._most, self._most_kept = most, most_kept
        self._folder = Path(tempfile.mkdtemp(prefix="redwood-explore-"))
        self._runs: list[Run] = []
        self._number = 0

    def ask(self, owner: str, scenario: str, seed: int) -> Run:
        """A run, which begins as soon as fewer than `most` are under way.

        Args:
            owner: the session that asks; it can have one under way.
            scenario: as `redwood simulate` takes it.
            seed: its seed.

        Raises:
            InputError: the session's last one is not over yet.
        """
        if any(run.owner == owner and not run.over for run in self._runs):
            raise InputError("a run of yours is under way: cancel it, or wait for its end")
        self._number += 1
        run = Run(owner, scenario, seed, self._folder / f"run-{self._number:05d}")
        self._runs.append(run)
        kept = [old for old in self._runs if old.owner == owner and old.over]
        for old in kept[: max(0, len(kept) - self._most_kept)]:
            self._forget(old)
        self.look()
        return run

    def ahead(self, run: Run) -> int:
        """How many are to end before a waiting one begins."""
        before = self._runs[: self._runs.index(run)]
        return max(1, sum(not other.over for other in before) - self._most + 1)

    def look(self) -> None:
        """Find out what has ended, and start what waits."""
        for run in self._runs:
            run.look()
        for run in self._runs:
            if sum(other.state == "running" for other in self._runs) >= self._most:
                return
            if run.state == "waiting":
                try:
                    run.start()
                except OSError as error:
                    run.state, run.error = "failed", f"{error.filename}: {error.strerror}"

    def leave(self, owner: str) -> None:
        """A session has ended: end its runs, and remove what they wrote."""
        for run in [run for run in self._runs if run.owner == owner]:
            run.cancel()
            self._forget(run)
        self.look()

    def close(self) -> None:
        """End all, and remove the folder."""
        for run in self._runs:
            run.cancel()
            run.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _forget(self, run: Run) -> None:
        run.remove()
        run.close()
        self._runs.remove(run)
