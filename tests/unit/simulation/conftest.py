"""A simulation needs a process of its own: SimGrid's engine is a singleton without a reset."""

import functools
import multiprocessing
from collections.abc import Callable
from typing import Any

import pytest
from small_grids import simulate, write_facts


@pytest.fixture(scope="session")
def in_own_process() -> Callable[..., Any]:
    """Call `function(*arguments, **named)` in a forked process; return or raise what it does."""
    context = multiprocessing.get_context("fork")

    def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        receiver, sender = context.Pipe(duplex=False)

        def work() -> None:
            try:
                answer = (True, function(*arguments, **named))
            except BaseException as error:
                answer = (False, error)
            sender.send(answer)

        process = context.Process(target=work)
        process.start()
        sender.close()
        try:
            succeeded, value = receiver.recv()
        finally:
            process.join()
        if not succeeded:
            raise value
        return value

    return call


@pytest.fixture(scope="session")
def simulated(in_own_process):
    """`small_grids.simulate`, in a process of its own."""
    return functools.partial(in_own_process, simulate)


@pytest.fixture
def resources(tmp_path):
    """A folder of facts."""
    return write_facts(tmp_path)
