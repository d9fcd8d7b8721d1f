"""The network without SimGrid: the same links and the same model, made for a grid that is full.

SimGrid shares links among transfers, and each end makes it share them anew; here routes share them
(`sharing.py`), so that thousands of transfers on a few routes cost no more than a few transfers.
Dates agree with SimGrid's to the precision of its solver.
"""

from collections import deque
from heapq import heappop, heappush
from math import inf

from redwood.simulation.environment import Environment
from redwood.simulation.network import Transfer
from redwood.simulation.routes import find_routes, latencies, narrowest, window
from redwood.simulation.sharing import Sharing

_READ, _WRITE, _COPY = range(3)


class FluidNetwork:
    """Does what `network.Network` does, any number of them in a process.

    Promise: every end is dated exactly, however far the clock is moved; a caller that moves it no
    further than `horizon` learns of every end before anything that follows can start a transfer.

    Where limits are given, transfers between sites beyond them wait, as those of FTS and Rucio do.
    A transfer that ends is followed by the next between the same two sites; if there is none, by
    the one that has waited longest among those that then can begin.

    Args:
        environment, tcp_gamma: as of `network.Network`.
        per_link: the most transfers from one site to one other at once; any number if `None`.
        per_site: the most transfers from a site to others, and the most to it, at once.

    Attributes:
        bandwidth: bytes/s that one transfer reaches alone: [source][destination].
        pending: empty if nothing is on its way; else begins with a tuple whose first number is a
            date before which nothing ends.
    """

    def __init__(
        self,
        environment: Environment,
        tcp_gamma: float = 0.0,
        per_link: int | None = None,
        per_site: int | None = None,
    ) -> None:
        self._paths = find_routes(environment)
        self.bandwidth = narrowest(environment, self._paths, tcp_gamma)
        self._latency = latencies(self._paths)
        self._tcp_gamma = tcp_gamma
        capacities: list[float] = []

        def link(bandwidth: float | None) -> int:
            if bandwidth is None:
                return -1
            capacities.append(bandwidth)
            return len(capacities) - 1

        self._reads = [link(site.read_bandwidth) for site in environment.sites]
        self._writes = [link(site.write_bandwidth) for site in environment.sites]
        ways = {hop.link: hop for row in self._paths for path in row for hop in path}
        self._ways = {
            (name, up): link(hop.bandwidth) for name, hop in ways.items() for up in (True, False)
        }
        self._sharing = Sharing(capacities)
        self._routes: dict[tuple[int, int, int], int] = {}
        # Of each route its transfers by the clock of the route at which they end (heaps).
        self._under_way: list[list[tuple[float, int, Transfer]]] = []
        self._queue = None
        if per_link is not None or per_site is not None:
            self._queue = _Queue(len(environment.sites), per_link or inf, per_site or inf)
        self.pending: list[tuple[float]] = []
        self._alive = self._started = 0
        self._clock, self._earliest, self._next = 0.0, inf, -1
        self._ended: list[Transfer] = []
        # Finding rates is put off: what changes at one moment is settled together.
        self._unsettled = False

    def read(self, date: float, transfer: Transfer) -> bool:
        """As `network.Network.read`."""
        if transfer.source == transfer.destination and self._reads[transfer.source] < 0:
            return False
        self._start(date, transfer, _READ)
        return True

    def write(self, date: float, transfer: Transfer) -> bool:
        """As `network.Network.write`."""
        if transfer.source == transfer.destination and self._writes[transfer.source] < 0:
            return False
        self._start(date, transfer, _WRITE)
        return True

    def copy(self, date: float, transfer: Transfer) -> None:
        """As `network.Network.copy`."""
        self._start(date, transfer, _COPY)

    def hasten(self, transfer: Transfer, reaction: float) -> None:
        """Nothing to do: whatever follows from an end, the end is met."""

    def horizon(self, until: float) -> float:
        """How far the clock may be moved at once, at most to `until`: to the next end."""
        earliest = self._settle()
        return until if until < earliest else earliest

    def advance(self, until: float) -> list[Transfer]:
        """Move to `until`; return the transfers that have ended since the last call."""
        while self._settle() <= until:
            self._end_first()
        if until > self._clock:
            self._clock = until
        ended, self._ended = self._ended, []
        self._tell()
        return ended

    def cut(self, date: float, transfer: Transfer) -> bool:
        """As `network.Network.cut`."""
        self._move_to(date)
        self._tell()
        if transfer.ended != inf:
            return False
        if transfer.comm is None:
            # It still waits.
            transfer.ended, transfer.ok = date, False
            return True
        route, goal = transfer.comm
        left = self._sharing.left(route, goal, date)
        transfer.moved = min(transfer.size, max(0, round(transfer.size - left)))
        transfer.ended, transfer.ok = date, False
        self._leave(route, 1, ended=False)
        self._follow(transfer)
        self._tell()
        return True

    def close(self) -> None:
        """Nothing to do."""

    def _start(self, date: float, transfer: Transfer, kind: int) -> None:
        self._move_to(date)
        if (
            self._queue is not None
            and transfer.source != transfer.destination
            and not self._queue.admits(transfer, kind)
        ):
            transfer.comm = None
        else:
            self._begin(transfer, kind)
        self._tell()

    def _begin(self, transfer: Transfer, kind: int) -> None:
        key = (kind, transfer.source, transfer.destination)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = self._add(*key)
        transfer.begun = clock = self._clock
        goal = self._sharing.enter(route, transfer.size, clock)
        transfer.comm = (route, goal)
        self._started += 1
        heappush(self._under_way[route], (goal, self._started, transfer))
        self._alive += 1
        self._unsettled = True

    def _add(self, kind: int, source: int, destination: int) -> int:
        path = self._paths[source][destination] if source != destination else ()
        links = [self._ways[hop.link, hop.up] for hop in path]
        if kind != _WRITE:
            links.append(self._reads[source])
        if kind != _READ:
            links.append(self._writes[destination])
        self._under_way.append([])
        crossed = [link for link in links if link >= 0]
        return self._sharing.add(crossed, window(path, self._tcp_gamma))

    def _settle(self) -> float:
        """The date of the next end."""
        if self._unsettled:
            self._earliest, self._next = self._sharing.settle(self._clock)
            self._unsettled = False
        return self._earliest

    def _tell(self) -> None:
        """Say in `pending` when something may end, or has and is to be told."""
        if self._unsettled or self._ended:
            self.pending[:] = ((self._clock,),)
        else:
            self.pending[:] = ((self._earliest,),) if self._alive else ()

    def _end_first(self) -> None:
        """End the transfer that ends next, and those of the same route and goal."""
        self._clock = date = max(self._clock, self._earliest)
        route, ended = self._next, self._ended
        under_way = self._under_way[route]
        goal, before = under_way[0][0], len(ended)
        while under_way and under_way[0][0] <= goal:
            transfer = heappop(under_way)[2]
            if transfer.ended == inf:
                transfer.ended = date + self._latency[transfer.source][transfer.destination]
                transfer.moved, transfer.ok = transfer.size, not transfer.doomed
                ended.append(transfer)
        self._leave(route, len(ended) - before, ended=True)
        if self._queue is not None:
            for transfer in ended[before:]:
                self._follow(transfer)

    def _follow(self, gone: Transfer) -> None:
        """Begin what waited for a transfer to end."""
        if self._queue is not None and gone.source != gone.destination:
            for transfer, kind in self._queue.after(gone):
                self._begin(transfer, kind)

    def _move_to(self, date: float) -> None:
        """What ends before is ended, but told by `advance` only."""
        if date > self._clock:
            while self._settle() < date:
                self._end_first()
            self._clock = date

    def _leave(self, route: int, gone: int, *, ended: bool) -> None:
        """Transfers of a route have ended or been cut."""
        self._alive -= gone
        under_way = self._under_way[route]
        while under_way and under_way[0][2].ended != inf:
            heappop(under_way)
        goal = under_way[0][0] if under_way else inf
        self._sharing.leave(route, gone, goal, self._clock, ended=ended)
        self._unsettled = True


class _Queue:
    """Counts the transfers between sites and keeps those that have to wait, in their order.

    Args:
        sites: their number.
        per_link, per_site: see `FluidNetwork`.
    """

    def __init__(self, sites: int, per_link: float, per_site: float) -> None:
        self._per_link, self._per_site = per_link, per_site
        self._leaving, self._coming = [0] * sites, [0] * sites
        self._between: dict[tuple[int, int], int] = {}
        # What waits between two sites, with its number in the order of all; by either site, between
        # which ones something waits.
        self._waiting: dict[tuple[int, int], deque[tuple[int, Transfer, int]]] = {}
        self._from: list[set[int]] = [set() for _ in range(sites)]
        self._to: list[set[int]] = [set() for _ in range(sites)]
        self._number = 0

    def admits(self, transfer: Transfer, kind: int) -> bool:
        """Whether a transfer may begin; if it may not, it waits."""
        source, destination = pair = transfer.source, transfer.destination
        if pair not in self._waiting and self._has_room(pair):
            self._count(pair, 1)
            return True
        self._number += 1
        self._waiting.setdefault(pair, deque()).append((self._number, transfer, kind))
        self._from[source].add(destination)
        self._to[destination].add(source)
        return False

    def after(self, gone: Transfer) -> list[tuple[Transfer, int]]:
        """What may begin now that a transfer is gone."""
        source, destination = pair = gone.source, gone.destination
        self._count(pair, -1)
        begun: list[tuple[Transfer, int]] = []
        while pair in self._waiting and self._has_room(pair):
            self._take(pair, begun)
        while True:
            pairs = [(source, other) for other in self._from[source]]
            pairs += [(other, destination) for other in self._to[destination]]
            ready = [pair for pair in pairs if self._has_room(pair)]
            if not ready:
                return begun
            self._take(min(ready, key=lambda pair: self._waiting[pair][0][0]), begun)

    def _has_room(self, pair: tuple[int, int]) -> bool:
        return (
            self._between.get(pair, 0) < self._per_link
            and self._leaving[pair[0]] < self._per_site
            and self._coming[pair[1]] < self._per_site
        )

    def _take(self, pair: tuple[int, int], begun: list[tuple[Transfer, int]]) -> None:
        """The first that waits between two sites begins, unless it has been cut."""
        waiting = self._waiting[pair]
        _, transfer, kind = waiting.popleft()
        if not waiting:
            del self._waiting[pair]
            self._from[pair[0]].discard(pair[1])
            self._to[pair[1]].discard(pair[0])
        if transfer.ended == inf:
            self._count(pair, 1)
            begun.append((transfer, kind))

    def _count(self, pair: tuple[int, int], more: int) -> None:
        self._between[pair] = self._between.get(pair, 0) + more
        self._leaving[pair[0]] += more
        self._coming[pair[1]] += more
