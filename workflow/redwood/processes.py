"""No process of ours outlives the one that started it, however that one ends (on Linux)."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# The process that one of ours ends with: ./run says it to snakemake, snakemake to its jobs.
END_WITH = "REDWOOD_END_WITH_PARENT"
_DEATH_SIGNAL, _SUBREAPER = 1, 36  # of prctl(2)
_LOOK_EVERY_S = 0.5


def end_with(process: int, by: int = signal.SIGKILL) -> None:
    """Let this process end when `process` ends, even if that is killed.

    The kernel sends the signal `by` when the parent has ended, to be exact: the thread of it that
    started this process. If `process` is not the parent but stands above it, since a shell lies
    between, a thread looks whether it is still there. No process ends with itself.
    """
    if sys.platform != "linux" or process == os.getpid():
        return
    _prctl(_DEATH_SIGNAL, by)
    # It may have ended before the kernel was told.
    above = os.getppid()
    if above == process:
        return
    while above > 1 and above != process:
        above = _state_and_parent(above)[1]
    if above != process:
        os.kill(os.getpid(), by)

    def look() -> None:
        while _state_and_parent(process)[0] not in "ZX":
            time.sleep(_LOOK_EVERY_S)
        os.kill(os.getpid(), by)

    threading.Thread(target=look, daemon=True).start()


def adopt_orphans() -> None:
    """Let what descends from this process become its child when the process between has ended."""
    if sys.platform == "linux":
        _prctl(_SUBREAPER, 1)


def end_children() -> None:
    """Kill all children of this process, and those that it adopts by that, and await their ends."""
    while True:
        for path in Path("/proc").glob("[0-9]*"):
            if _state_and_parent(int(path.name))[1] == os.getpid():
                with suppress(ProcessLookupError):
                    os.kill(int(path.name), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def queued_s(process: int) -> float:
    """How long a process could have run but others had the processor, s; 0 where none counts it."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


@contextmanager
def safe_path() -> Iterator[None]:
    """Let Python processes that the block starts import nothing from the working folder.

    A file there called `random.py` would stand in for the standard library's.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value}) failed")


def _state_and_parent(process: int) -> tuple[str, int]:
    """A process' state, a letter, and its parent; `X` and 0 of one that is gone."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "X", 0
    state, parent, *_ = status.rpartition(")")[2].split()
    return state, int(parent)
