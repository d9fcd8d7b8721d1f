"""A simulation needs a process of its own: SimGrid's engine is a singleton without a reset."""

import multiprocessing
from collections.abc import Callable
from typing import Any

import pytest


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
