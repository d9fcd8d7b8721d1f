"""The network in SimGrid: storage and links, and the transfers that share them.

SimGrid is driven from the program's own thread, without actors: transfers are started with
`Comm.sendto_async`, the clock is moved with `Engine.run_until`. Its Python bindings run every actor
in a thread of its own, which is some fifty times slower.

The model is SimGrid's fluid one (P. Velho et al., ACM TOMACS 23(4), 2013): concurrent transfers
share every link max-min fairly, and each ends its path's latency after its last byte was sent. Each
site has storage, which is read and written over a link each, and worker nodes; the path of a
transfer leads over those and the links between the sites. SimGrid would give flows of low latency
more of a link, as a single TCP stream gets; grid transfers use many streams, so that its links have
no latency here, and no TCP window caps a transfer unless `tcp_gamma` says so.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush, heapreplace
from math import inf
from typing import Any

from redwood.errors import InputError
from redwood.extras import explained
from redwood.simulation.environment import Environment
from redwood.simulation.routes import Hop, find_routes, latencies, narrowest, window

# The clock is never moved further at once while something is on its way, s.
_FAR = 600.0
# SimGrid's clock is no further than this from where it was told to go, s.
_ROUNDING = 1e-6


class Transfer:
    """Bytes on their way.

    Attributes:
        source, destination: indices of sites.
        size: bytes to be moved.
        reaction: s after its end at which something that follows from it can start a transfer.
        tag: whatever the sender wants to find there again.
        then: is called when it ends: `then(date, transfer)`.
        doomed: whether it counts as failed once it has ended.
        begun, ended: dates, s.
        limit: bytes/s that it can reach.
        comm: what the network keeps of it.
        moved: bytes moved, once it has ended.
        ok: whether it ended by itself and not by being cut.
    """

    begun: float
    limit: float
    comm: Any
    ended = inf
    moved = 0
    ok = True
    doomed = False

    def __init__(
        self,
        source: int,
        destination: int,
        size: int,
        reaction: float,
        then: Callable[[float, "Transfer"], None],
        tag: Any = None,
    ) -> None:
        self.source, self.destination, self.size = source, destination, size
        self.reaction, self.then, self.tag = reaction, then, tag


class Network:
    """The links of an environment and the transfers on them.

    A process can hold one: SimGrid's engine is a singleton that cannot be reset.

    Promise: the end of every transfer is dated exactly (to the 10⁻⁹ of SimGrid's own precision),
    however far the clock is moved. A transfer begins when it is told to if the clock has not passed
    that moment, else at the clock. A caller that moves the clock no further than `horizon` learns
    of every end before anything that follows from it can start a transfer, except for reactions
    shorter than `time_step`, which may be late by up to as much.

    Args:
        environment: its sites, whose order numbers them, and links.
        tcp_gamma: TCP window in bytes, which caps a transfer at window / (2 × path latency);
            0 lifts the cap.
        time_step: s.

    Raises:
        InputError: SimGrid is not installed, or cannot be loaded.
    """

    def __init__(
        self, environment: Environment, tcp_gamma: float = 0.0, time_step: float = 1.0
    ) -> None:
        self._simgrid = _import_simgrid()
        with _own_interrupt():
            self._engine = self._simgrid.Engine(
                [
                    "redwood",
                    "--log=root.thresh:warning",
                    "--cfg=network/model:CM02",
                    "--cfg=network/crosstraffic:0",
                    "--cfg=network/TCP-gamma:0",
                ]
            )
        routes = find_routes(environment)
        self.bandwidth = narrowest(environment, routes, tcp_gamma)
        self._latency = latencies(routes)
        self._reads = [site.read_bandwidth is not None for site in environment.sites]
        self._writes = [site.write_bandwidth is not None for site in environment.sites]
        self._read_limit = narrowest(environment, routes, tcp_gamma, writes=False)
        self._write_limit = narrowest(environment, routes, tcp_gamma, reads=False)
        self._storage: list[Any] = []
        self._nodes: list[Any] = []
        self._build(environment, routes, tcp_gamma)
        self._send = self._simgrid.Comm.sendto_async
        self._run_until = self._engine.run_until
        self._time_step = time_step
        self._clock = 0.0
        # Transfers under way, by the earliest moment at which each can have ended (a heap; no
        # transfer ends before its first entry), and by that at which something that follows can
        # start another.
        self.pending: list[tuple[float, int, Transfer]] = []
        self._reactions: list[tuple[float, int, Transfer]] = []
        self._cut: list[Any] = []
        self._started = 0

    def _build(
        self, environment: Environment, routes: list[list[tuple[Hop, ...]]], tcp_gamma: float
    ) -> None:
        zone = self._engine.netzone_root.add_netzone_full("grid")
        direction = self._simgrid.LinkInRoute.Direction
        ways: dict[tuple[str, bool], Any] = {}
        windows: dict[float, Any] = {}

        def add(name: str, bandwidth: float) -> None:
            link = zone.add_split_duplex_link(name, bandwidth).set_latency(0.0).seal()
            ways[name, True] = self._simgrid.LinkInRoute(link, direction.UP)
            ways[name, False] = self._simgrid.LinkInRoute(link, direction.DOWN)

        def capped(path: tuple[Hop, ...]) -> list[Any]:
            """A link that gives each transfer what its window lets through, shared by none."""
            most = window(path, tcp_gamma)
            if most == inf:
                return []
            if most not in windows:
                link = zone.add_link(f"window-{len(windows)}", most).set_latency(0.0)
                fatpipe = self._simgrid.Link.SharingPolicy.FATPIPE
                windows[most] = self._simgrid.LinkInRoute(
                    link.set_sharing_policy(fatpipe, None).seal()
                )
            return [windows[most]]

        def storage(index: int, site: Any, what: str) -> list[Any]:
            bandwidth = getattr(site, f"{what}_bandwidth")
            if bandwidth is None:
                return []
            link = zone.add_link(f"{what}-{index}", bandwidth).set_latency(0.0).seal()
            return [self._simgrid.LinkInRoute(link)]

        for index, site in enumerate(environment.sites):
            self._storage.append(zone.add_host(f"storage-{index}", 1.0))
            self._nodes.append(zone.add_host(f"nodes-{index}", 1.0))
            if site.bandwidth is not None:
                add(f"access-{index}", site.bandwidth)
        for index, link in enumerate(environment.links):
            add(f"link-{index}", link.bandwidth)
        reads = [storage(i, site, "read") for i, site in enumerate(environment.sites)]
        writes = [storage(i, site, "write") for i, site in enumerate(environment.sites)]
        for i, row in enumerate(routes):
            if reads[i]:
                zone.add_route(self._storage[i], self._nodes[i], reads[i], False)
            if writes[i]:
                zone.add_route(self._nodes[i], self._storage[i], writes[i], False)
            for j, path in enumerate(row):
                if i != j:
                    links = [ways[hop.link, hop.up] for hop in path] + capped(path)
                    zone.add_route(
                        self._storage[i], self._storage[j], reads[i] + links + writes[j], False
                    )
                    zone.add_route(self._storage[i], self._nodes[j], reads[i] + links, False)
                    zone.add_route(self._nodes[i], self._storage[j], links + writes[j], False)
        zone.seal()

    def read(self, date: float, transfer: Transfer) -> bool:
        """Begin to bring bytes from a site's storage to a site's worker nodes.

        False, and nothing begun, where that takes no time: at one site whose storage is no limit.
        """
        i, j = transfer.source, transfer.destination
        if i == j and not self._reads[i]:
            return False
        self._start(date, transfer, self._storage[i], self._nodes[j], self._read_limit[i][j])
        return True

    def write(self, date: float, transfer: Transfer) -> bool:
        """Begin to bring bytes from a site's worker nodes to a site's storage; as `read`."""
        i, j = transfer.source, transfer.destination
        if i == j and not self._writes[i]:
            return False
        self._start(date, transfer, self._nodes[i], self._storage[j], self._write_limit[i][j])
        return True

    def copy(self, date: float, transfer: Transfer) -> None:
        """Begin to bring bytes from storage to storage of another site."""
        i, j = transfer.source, transfer.destination
        self._start(date, transfer, self._storage[i], self._storage[j], self.bandwidth[i][j])

    def _start(
        self, date: float, transfer: Transfer, source: Any, destination: Any, limit: float
    ) -> None:
        if date > self._clock:
            if date - self._clock > _ROUNDING:
                self._run_until(date)
                self._clock = date
            else:
                self._move_to(date)
        clock = self._clock
        transfer.begun, transfer.limit = clock, limit
        transfer.comm = self._send(source, destination, transfer.size)
        self._started = number = self._started + 1
        earliest = clock + transfer.size / limit
        heappush(self.pending, (earliest, number, transfer))
        if transfer.reaction < _FAR:
            heappush(self._reactions, (earliest + transfer.reaction, number, transfer))

    def _move_to(self, date: float) -> None:
        # SimGrid's clock may stand a rounding error past the date that it was last moved to, and it
        # ends the process if it is then told to move to that date.
        self._run_until(max(date, self._engine.clock))
        self._clock = date

    def hasten(self, transfer: Transfer, reaction: float) -> None:
        """Say that something can follow from the end of a transfer sooner than it was told."""
        if transfer.ended == inf and reaction < min(transfer.reaction, _FAR):
            transfer.reaction = reaction
            self._started += 1
            earliest = self._clock + transfer.comm.remaining / transfer.limit
            heappush(self._reactions, (earliest + reaction, self._started, transfer))

    def horizon(self, until: float) -> float:
        """How far the clock may be moved at once, at most to `until`; see the promise above."""
        reactions = self._reactions
        if until > self._clock + _FAR:
            until = min(until, max(self._clock, self.pending[0][0]) + _FAR)
        while reactions and reactions[0][0] < until:
            _, number, transfer = reactions[0]
            if transfer.ended != inf:
                heappop(reactions)
                continue
            earliest = self._clock + transfer.comm.remaining / transfer.limit
            later = max(earliest + transfer.reaction, self._clock + self._time_step)
            if later <= reactions[0][0]:
                return later
            heapreplace(reactions, (later, number, transfer))
        return until

    def advance(self, until: float) -> list[Transfer]:
        """Move to `until`; return the transfers that have ended since the last call."""
        pending, latency = self.pending, self._latency
        ended: list[Transfer] = []
        if not pending:
            return ended
        if until > self._clock:
            if until - self._clock > _ROUNDING:
                self._run_until(until)
                self._clock = until
            else:
                self._move_to(until)
        while pending and pending[0][0] <= until:
            _, number, transfer = pending[0]
            if transfer.ended != inf:
                heappop(pending)
            elif transfer.comm.state_str == "FINISHED":
                transfer.ended = (
                    transfer.comm.finish_time + latency[transfer.source][transfer.destination]
                )
                transfer.moved = transfer.size
                transfer.ok = not transfer.doomed
                transfer.comm = None
                ended.append(transfer)
                heappop(pending)
            else:
                # It need not be seen again before it could end with its narrowest link to itself.
                earliest = until + transfer.comm.remaining / transfer.limit
                if earliest <= until:
                    earliest = _after(until)
                heapreplace(pending, (earliest, number, transfer))
        return ended

    def cut(self, date: float, transfer: Transfer) -> bool:
        """End a transfer before it is complete; False if it has ended already."""
        if transfer.ended != inf:
            return False
        if date > self._clock:
            self._move_to(date)
        transfer.moved = min(transfer.size, round(transfer.size - transfer.comm.remaining))
        transfer.comm.cancel()
        # SimGrid frees the bandwidth only with its next step, which may be of no length, and
        # crashes if nobody holds a cancelled transfer.
        self._move_to(date)
        self._cut.append(transfer.comm)
        transfer.ended, transfer.ok = date, False
        return True

    def close(self) -> None:
        """Cancel all transfers, for SimGrid crashes when the program ends before they do."""
        for _, _, transfer in self.pending:
            if transfer.ended == inf:
                transfer.comm.cancel()
        self.pending.clear()


def _after(moment: float) -> float:
    """A moment that SimGrid's clock, precise to 10⁻⁹ s or so, tells from the one before."""
    return moment + max(1e-6, moment * 1e-12)


def _import_simgrid() -> Any:
    try:
        with _without_start_message(), explained():
            import simgrid
    except ImportError as error:
        # As pip compiles it by itself, the module does not find its library.
        raise InputError(
            f"simgrid is installed but cannot be imported ({error}); to repair it: "
            "python -m redwood.setup_simgrid"
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
