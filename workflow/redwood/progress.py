"""Progress that a person can follow: a live bar on a terminal, plain lines in a log."""

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class ProgressReport:
    """Reports how far a long loop is, with the time left.

    On a terminal this is a bar; elsewhere a line at most every `seconds`, and always the last.

    Example:
        with ProgressReport("training tvae", epochs, "epochs") as report:
            for epoch in range(epochs):
                report.advance(loss=train_epoch())
    """

    def __init__(self, what: str, total: int, unit: str, seconds: float = 10.0) -> None:
        self._what, self._total, self._unit, self._seconds = what, total, unit, seconds
        self._done = self._done_before = 0
        self._bar: Progress | None = None

    def __enter__(self) -> "ProgressReport":
        self._begin = self._last_line = time.monotonic()
        if sys.stderr.isatty():
            # Not loaded where nobody looks on: it takes a tenth of what a simulation loads.
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[values]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task(self._what, total=self._total, values="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def resume(self, done: int) -> None:
        """Say that `done` units were done in an earlier run, from a checkpoint."""
        self._done = self._done_before = done
        if done and self._bar is None:
            print(f"{self._what}: goes on after {done} {self._unit}", file=sys.stderr, flush=True)
        if self._bar is not None:
            self._bar.update(self._task, completed=done)

    def advance(self, units: int = 1, **values: float) -> None:
        """Say that `units` more are done; `values` (a loss, say) are shown beside."""
        self._done += units
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, values=shown)
            return
        now = time.monotonic()
        complete = 0 < self._total <= self._done
        if now - self._last_line < self._seconds and not complete:
            return
        self._last_line = now
        pace = (now - self._begin) / max(1, self._done - self._done_before)
        left = pace * max(0, self._total - self._done)
        line = f"{self._what}: {self._done}/{self._total} {self._unit}  {shown}  {left:.0f} s left"
        print(line, file=sys.stderr, flush=True)
