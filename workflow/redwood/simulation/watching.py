"""Policies are other people's code: a simulation runs in a process that another one watches.

Nothing that a policy does in its own process keeps the watching one from ending it, with whatever
it started, once an answer takes too long; nor from saying which policy was asked what when its
process ended by itself.
"""

import mmap
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import MappingProxyType
from typing import Any, NoReturn

from redwood.configuration import POLICIES
from redwood.errors import InputError
from redwood.processes import adopt_orphans, end_children, end_with, queued_s

BROKERAGE, PLACEMENT, QUEUE = range(1, 4)
# Instead of a job's row: nothing of a job, and what comes before the first question.
NO_JOB, IMPORT, MAKING = -1, -2, -3
_STAGES = {NO_JOB: "", IMPORT: "while it was imported: ", MAKING: "while it was made: "}
_LOOK_EVERY_S = 0.5


class Question:
    """What which policy is asked at the moment, in memory that forked processes share.

    Args:
        names: kind → what error messages call the policy; its kind where there is none.
    """

    def __init__(self, names: Mapping[str, str] = MappingProxyType({})) -> None:
        self._names = tuple(names.get(kind, kind) for kind in POLICIES)
        # A job's row, and a number that is never the same again, with the policy in its last bits;
        # 0 while none is asked.
        self.cells = memoryview(mmap.mmap(-1, 16)).cast("q")
        self.numbers = {policy: count(policy, 4) for policy in (BROKERAGE, PLACEMENT, QUEUE)}

    def ask(self, policy: int, row: int) -> None:
        """From now on a policy is asked about a job."""
        self.cells[0] = row
        self.cells[1] = next(self.numbers[policy])

    def answered(self) -> None:
        """From now on none is asked."""
        self.cells[1] = 0

    def __str__(self) -> str:
        """Which policy is asked about what, as errors begin; empty while none is."""
        row, number = self.cells
        if not number:
            return ""
        about = _STAGES[row] if row < 0 else f"job {row}: "
        return f"policy {self._names[number % 4 - 1]!r}: {about}"


def run_watched(work: Callable[[], Any], question: Question, patience_s: float, what: str) -> Any:
    """Do `work()` in a process of its own, and return what it returns, which must be picklable.

    Whatever it has started has ended, too, when this returns or raises.

    Args:
        work: asks policies, and says so by `question`.
        question: what is asked.
        patience_s: wall-clock time that an answer may take, s; waiting for a processor is free.
        what: what errors that are no policy's begin with.

    Raises:
        InputError: as `work` raised it; an answer took too long; or the process has ended.
        OSError: as `work` raised it.
        RuntimeError: `work` raised anything else, which it quotes.
    """

    def watch(sender: Connection, caller: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _leave)
        end_with(caller, signal.SIGTERM)
        adopt_orphans()
        try:
            answer = _watched(work, question, patience_s, what)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            end_children()
        sender.send(answer)

    process, receiver = _start(watch)
    try:
        answer = _received(process, receiver, _LOOK_EVERY_S)
    except BaseException:
        process.terminate()
        process.join()
        raise
    process.join()
    succeeded, value = answer or (False, _ended(question, what, process, "that watched it"))
    if not succeeded:
        raise value
    return value


def _watched(
    work: Callable[[], Any], question: Question, patience_s: float, what: str
) -> tuple[bool, Any]:
    """Whether `work()` succeeded in another process, and what it returned or raised."""
    process, receiver = _start(lambda sender, watcher: _do(work, what, sender, watcher))
    step = min(_LOOK_EVERY_S, patience_s / 4)
    seen, waited, off = 0, 0.0, 0.0

    def look() -> bool:
        nonlocal seen, waited, off
        number, before, off = question.cells[1], off, queued_s(process.pid or 0)
        # A busy machine is no policy's fault.
        waited = waited + max(0.0, step - (off - before)) if number == seen else 0.0
        seen = number
        return not seen or waited < patience_s

    answer = _received(process, receiver, step, look)
    if answer is None and process.is_alive():
        return False, InputError(f"{question}no answer within {patience_s:g} s")
    return answer or (False, _ended(question, what, process, "that simulated"))


def _do(work: Callable[[], Any], what: str, sender: Connection, watcher: int) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with(watcher)
    answer: tuple[bool, Any]
    try:
        answer = (True, work())
    except (InputError, OSError) as error:
        answer = (False, error)
    except BaseException as error:
        answer = (False, RuntimeError(f"{what}: {''.join(traceback.format_exception(error))}"))
    for stream in (sys.stdout, sys.stderr):
        # A policy may have closed it.
        with suppress(ValueError, AttributeError, OSError):
            stream.flush()
    sender.send(answer)
    # Not even a thread that a policy has left keeps the process.
    os._exit(0)


def _start(function: Callable[[Connection, int], None]) -> tuple[BaseProcess, Connection]:
    """Start a process that does `function(sender, this process)`; what it sends can be received."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=function, args=(sender, os.getpid()))
    process.start()
    sender.close()
    return process, receiver


def _received(
    process: BaseProcess,
    receiver: Connection,
    step: float,
    look: Callable[[], bool] = lambda: True,
) -> Any:
    """What a process sends; `None` if it ends without, or `look()`, every `step` s, is false."""
    while True:
        alive = process.is_alive()
        try:
            if receiver.poll(step if alive else 0):
                return receiver.recv()
        except EOFError:
            # It has ended, or a policy has closed the pipe. Joining would wait for its end.
            time.sleep(step if alive else 0)
        if not alive or not look():
            return None


def _ended(question: Question, what: str, process: BaseProcess, which: str) -> InputError:
    """An error that says how a process has ended that should not have."""
    status = process.exitcode or 0
    how = f"ended with status {status}"
    if status < 0:
        how = f"was ended by signal {-status} ({signal.strsignal(-status)})"
    if status == -signal.SIGKILL:
        how += ", as a system does when memory runs out"
    return InputError(f"{str(question) or f'{what}: '}the process {which} {how}")


def _leave(*_: object) -> NoReturn:
    sys.exit(1)
