"""A simulation needs a process of its own: SimGrid's engine is a singleton without a reset."""

import functools
import multiprocessing
from collections.abc import Callable
from typing import Any

import pytest
from small_grids import simulate


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
    """A folder with the facts of sites and of the network that a platform needs."""
    (tmp_path / "sites.csv").write_text(
        "site,tier,core_power,cores,queues\nBNL,T1,20,200,ANALY_BNL_VP\nAGLT2,T2,,,AGLT2_SL6\n"
    )
    (tmp_path / "network.csv").write_text(
        "tier,bandwidth_gbps,storage_gbps,latency_ms,transfer_gbps,cores,storage_tb\n"
        "T0,80,80,10,1,100,1\nT1,80,160,10,1,100,2\nT2,8,8,20,1,100,3\nT3,1,1,10,1,100,4\n"
    )
    return tmp_path
