"""The paths between the sites of a grid, and what limits a transfer on each."""

import heapq
from dataclasses import dataclass
from math import inf

from redwood.simulation.environment import Environment

_WAN = -1


@dataclass(frozen=True)
class Hop:
    """One link of a path.

    Attributes:
        link: `access-3` of site 3, or `link-0`, the environment's first.
        up: whether it is crossed from its first to its second end; an access link's first end is
            its site.
        bandwidth: bytes/s.
        latency: s.
    """

    link: str
    up: bool
    bandwidth: float
    latency: float


def find_routes(environment: Environment) -> list[list[tuple[Hop, ...]]]:
    """The path of least latency from every site to every other: [source][destination].

    Sites are joined by their access links to the wide area network, which is no limit itself, and
    by links of their own. Of equal latencies the path of fewer links is taken. A path from a site
    to itself is empty.
    """
    edges = _edges(environment)
    count = len(environment.sites)
    return [_paths_from(source, count, edges) for source in range(count)]


def latencies(routes: list[list[tuple[Hop, ...]]]) -> list[list[float]]:
    """Seconds that a byte takes: [source][destination]."""
    return [[sum(hop.latency for hop in path) for path in row] for row in routes]


def narrowest(
    environment: Environment,
    routes: list[list[tuple[Hop, ...]]],
    tcp_gamma: float = 0.0,
    *,
    reads: bool = True,
    writes: bool = True,
) -> list[list[float]]:
    """Bytes/s that one transfer reaches alone: [source][destination].

    Args:
        environment: the sites.
        routes: as `find_routes` finds them.
        tcp_gamma: see `window`.
        reads: whether it is read from the source's storage; else it comes from worker nodes.
        writes: whether it is written to the destination's storage; on the diagonal it never is if
            it is read, for what is read at the site itself goes to its worker nodes.
    """
    read = [(site.read_bandwidth if reads else None) or inf for site in environment.sites]
    write = [(site.write_bandwidth if writes else None) or inf for site in environment.sites]
    return [
        [
            min(read[i], window(path, tcp_gamma), *(hop.bandwidth for hop in path), write[j])
            if i != j
            else (read[i] if reads else write[i])
            for j, path in enumerate(row)
        ]
        for i, row in enumerate(routes)
    ]


def window(path: tuple[Hop, ...], tcp_gamma: float) -> float:
    """Bytes/s that a TCP window of `tcp_gamma` bytes lets through; infinite if that is 0."""
    latency = sum(hop.latency for hop in path) if tcp_gamma else 0.0
    return tcp_gamma / (2 * latency) if latency else inf


def _edges(environment: Environment) -> dict[int, list[tuple[int, float, Hop]]]:
    index = {site.name: number for number, site in enumerate(environment.sites)}
    edges: dict[int, list[tuple[int, float, Hop]]] = {_WAN: [], **{i: [] for i in index.values()}}

    def join(a: int, b: int, name: str, latency: float, bandwidth: float) -> None:
        edges[a].append((b, latency, Hop(name, True, bandwidth, latency)))
        edges[b].append((a, latency, Hop(name, False, bandwidth, latency)))

    for number, site in enumerate(environment.sites):
        if site.bandwidth is not None:
            join(number, _WAN, f"access-{number}", site.latency, site.bandwidth)
    for number, link in enumerate(environment.links):
        a, b = (index[name] for name in link.between)
        join(a, b, f"link-{number}", link.latency, link.bandwidth)
    return edges


def _paths_from(
    source: int, count: int, edges: dict[int, list[tuple[int, float, Hop]]]
) -> list[tuple[Hop, ...]]:
    """Dijkstra's algorithm."""
    found: dict[int, tuple[Hop, ...]] = {}
    heap: list[tuple[float, int, int, int, tuple[Hop, ...]]] = [(0.0, 0, 0, source, ())]
    pushed = 0
    while heap:
        latency, length, _, node, path = heapq.heappop(heap)
        if node in found:
            continue
        found[node] = path
        for other, more, hop in edges[node]:
            if other not in found:
                pushed += 1
                entry = (latency + more, length + 1, pushed, other, (*path, hop))
                heapq.heappush(heap, entry)
    return [found[number] for number in range(count)]
