"""The network in SimGrid: sites on a star, transfers that share links and storage.

SimGrid is driven from the program's own thread, without actors: transfers are started with
`Comm.sendto_async`, the clock is moved with `Engine.run_until`. Its Python bindings run every actor
in a thread of its own, which is some fifty times slower.

The model is SimGrid's fluid one (`CM02`; P. Velho et al., ACM TOMACS 23(4), 2013): concurrent
transfers share each link max-min fairly, weighted by the inverse of their latencies. The path of a
transfer is storage and uplink of the source, then downlink and storage of the destination. Grid
transfers use many streams, so that no TCP window caps one unless `tcp_gamma` says so.
"""

import heapq
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redwood.errors import InputError
from redwood.simulation.platform import Platform


class Network:
    """The links of a platform and the transfers on them.

    A process can hold one: SimGrid's engine is a singleton that cannot be reset.

    Promise: `advance` dates the end of every transfer exactly, however far it moves the clock. A
    transfer begins when `start` says if no later moment has been passed to `advance` before.

    Args:
        platform: its sites, whose order numbers them.
        tcp_gamma: TCP window in bytes, which caps a transfer at window / (2 × path latency);
            0 lifts the cap.

    Raises:
        InputError: SimGrid is not installed.
    """

    def __init__(self, platform: Platform, tcp_gamma: float) -> None:
        self._simgrid = _import_simgrid()
        with _own_interrupt():
            self._engine = self._simgrid.Engine(
                [
                    "redwood",
                    "--log=root.thresh:warning",
                    "--cfg=network/model:CM02",
                    "--cfg=network/crosstraffic:0",
                    f"--cfg=network/TCP-gamma:{tcp_gamma:.17g}",
                ]
            )
        zone = self._engine.netzone_root.add_netzone_star("grid")
        self._hosts = [
            self._add_site(zone, index, site) for index, site in enumerate(platform.sites)
        ]
        zone.seal()
        self._limits = [min(site.bandwidth, site.storage_bandwidth) for site in platform.sites]
        # Transfers under way, by the earliest moment at which each can have ended.
        self._pending: list[tuple[float, int, Any, float, Any]] = []
        self._started = 0

    def _add_site(self, zone: Any, index: int, site: Any) -> Any:
        link_in_route = self._simgrid.LinkInRoute
        host = zone.add_host(f"site-{index}", 1.0)
        storage = zone.add_link(f"storage-{index}", site.storage_bandwidth)
        storage.set_latency(0.0)
        storage.seal()
        access = zone.add_split_duplex_link(f"access-{index}", site.bandwidth)
        access.set_latency(site.latency)
        access.seal()
        uplink = link_in_route(access, link_in_route.Direction.UP)
        zone.add_route(host, None, [link_in_route(storage), uplink], True)
        host.seal()
        return host

    def start(self, time: float, source: int, destination: int, size: int, tag: Any) -> None:
        """Begin to transfer `size` bytes (> 0) from site to site; `tag` comes back with its end."""
        if time > self._engine.clock:
            self._engine.run_until(time)
        limit = min(self._limits[source], self._limits[destination])
        comm = self._simgrid.Comm.sendto_async(self._hosts[source], self._hosts[destination], size)
        self._started += 1
        heapq.heappush(self._pending, (time + size / limit, self._started, comm, limit, tag))

    def advance(self, time: float) -> list[tuple[float, Any]]:
        """Move to `time`; return end and tag of each transfer that ended since the last call."""
        pending = self._pending
        if not pending or pending[0][0] > time:
            return []
        if time > self._engine.clock:
            self._engine.run_until(time)
        ended = []
        while pending and pending[0][0] <= time:
            _, number, comm, limit, tag = pending[0]
            if comm.state_str == "FINISHED":
                ended.append((comm.finish_time, tag))
                heapq.heappop(pending)
            else:
                # Not before it can end with its narrowest link to itself need it be seen again.
                earliest = max(time + comm.remaining / limit, math.nextafter(time, math.inf))
                heapq.heapreplace(pending, (earliest, number, comm, limit, tag))
        return ended

    def drain(self) -> Iterator[tuple[float, Any]]:
        """Let all transfers end; return the end and the tag of each."""
        step = 3600.0
        while self._pending:
            yield from self.advance(max(self._engine.clock, self._pending[0][0]) + step)
            step *= 2

    def abandon(self) -> None:
        """Cancel all transfers, without which SimGrid crashes when the program ends before them."""
        for _, _, comm, _, _ in self._pending:
            comm.cancel()
        self._pending.clear()


def _import_simgrid() -> Any:
    try:
        with _without_start_message():
            import simgrid
    except ImportError as error:
        raise InputError(
            f"the Python module of SimGrid cannot be imported ({error}); `./run` builds it, "
            "by hand `pip install simgrid==4.1` does, given a C++ compiler, cmake and Boost"
        ) from None
    return simgrid


@contextmanager
def _without_start_message() -> Iterator[None]:
    """Keep SimGrid's import from announcing on stderr that it configures itself."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def _own_interrupt() -> Iterator[None]:
    """Give Ctrl-C back to Python after SimGrid's engine has taken it for itself."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
