"""Max-min fair sharing of links among routes, compiled.

Transfers over the same route have the same rate, so that a route with n of them is one variable of
weight n. It has a clock of its own, which counts the bytes that each of its transfers has moved: a
transfer that begins when the clock shows v ends when it shows v + its size. Rates change only where
the number of transfers on a route does, and on what shares links with it; settling them costs
routes, not transfers.

Rates are found by progressive filling (D. Bertsekas, R. Gallager, Data Networks, 2nd edition,
section 6.5.2): the link that has the least for each of its transfers gives them that much, and so
on with what the other links have left.
"""

from heapq import heapify, heappop, heapreplace
from math import inf

import numpy as np
from numba import njit

# Columns of what is kept of a route: transfers, bytes/s that none exceeds, bytes/s that each has,
# the date of `MOVED`, what the clock showed then, what it shows when the next transfer ends, date
# of that end, transfers for which rates were found.
WEIGHT, CAP, RATE, SINCE, MOVED, GOAL, END, _SETTLED = range(8)
# And of a link: bytes/s, what is left of it and the transfers without a rate while rates are found.
_CAPACITY, _LEFT, _OPEN = range(3)
# Of a route in whole numbers: where its hops begin and end, its place among the routes that have
# transfers (-1: it has none), the last search that met it, the last in which it got its rate.
_FIRST, _LAST, _PLACE, _MET, _FIXED = range(5)
# Of a hop: its link, its route, the next and the previous hop of the link's routes with transfers.
_LINK, _ROUTE, _NEXT, _PREVIOUS = range(4)
# Of a link: the first of these hops, the last search that met it.
_HEAD, _SEEN = range(2)
# How many there are: routes with transfers, routes that have changed, searches.
_ACTIVE, _CHANGED, _SEARCHES = range(3)


class Sharing:
    """Links, routes over them, and how fast transfers on each route are.

    Args:
        capacities: bytes/s of each link.

    Attributes:
        routes: float64 [routes or more, 8], see the columns above.
    """

    def __init__(self, capacities: list[float]) -> None:
        self._links = np.zeros((len(capacities), 3))
        self._links[:, _CAPACITY] = capacities
        self._heads = np.full((len(capacities), 2), -1, np.int64)
        self.routes = np.zeros((0, 8))
        self._numbers = np.zeros((0, 5), np.int64)
        self._hops = np.zeros((0, 4), np.int64)
        # The routes that have transfers; those whose transfers have changed; the numbers of both,
        # and that of searches.
        self._active, self._changed = np.zeros(0, np.int64), np.zeros(64, np.int64)
        self._counts = np.zeros(3, np.int64)
        self._size = self._crossed = 0

    def add(self, links: list[int], cap: float = inf) -> int:
        """Add a route, without a transfer; return its number.

        Args:
            links: those that it crosses, at least one.
            cap: bytes/s that none of its transfers exceeds.
        """
        number, crossed = self._size, self._crossed
        self._size, self._crossed = number + 1, crossed + len(links)
        if self._size > len(self.routes):
            self.routes = _longer(self.routes)
            self._active = _longer(self._active)
            self._numbers = _longer(self._numbers)
        if self._crossed > len(self._hops):
            self._hops = _longer(self._hops)
        self.routes[number] = 0.0, cap, 0.0, 0.0, 0.0, inf, inf, 0.0
        self._hops[crossed : self._crossed] = [(link, number, -1, -1) for link in links]
        self._numbers[number] = crossed, self._crossed, -1, 0, 0
        return number

    def shown(self, route: int, date: float) -> float:
        """What the clock of a route shows, bytes."""
        _, _, rate, since, moved, _, _, _ = self.routes[route].tolist()
        return moved + rate * (date - since)

    def change(self, route: int) -> None:
        """Say that the transfers of a route are not those for which rates were found."""
        number = int(self._counts[_CHANGED])
        if number == len(self._changed):
            self._changed = _longer(self._changed)
        self._changed[number] = route
        self._counts[_CHANGED] = number + 1

    def settle(self, now: float) -> tuple[float, int]:
        """Find the rates after changes, which all happened `now`.

        Returns:
            The date of the next end, and a route on which it is; infinite and -1 if there is none.
        """
        return _settle(
            now, self._changed, self.routes, self._numbers, self._hops, self._links, self._heads,
            self._active, self._counts,
        )  # fmt: skip


def _longer(array: np.ndarray) -> np.ndarray:
    more = np.zeros((max(64, len(array)), *array.shape[1:]), array.dtype)
    return np.concatenate([array, more])


@njit(cache=True)
def _settle(
    now: float,
    changed: np.ndarray,
    routes: np.ndarray,
    numbers: np.ndarray,
    hops: np.ndarray,
    links: np.ndarray,
    heads: np.ndarray,
    active: np.ndarray,
    counts: np.ndarray,
) -> tuple[float, int]:
    counts[_SEARCHES] += 1
    search = counts[_SEARCHES]
    stack = [0]
    stack.pop()
    found = [0]
    found.pop()
    narrowest = [(inf, -1)]
    narrowest.pop()
    for r in changed[: counts[_CHANGED]]:
        if routes[r, WEIGHT] == routes[r, _SETTLED]:
            # One transfer has taken the place of another, and nobody has more or less.
            if routes[r, RATE] > 0:
                _find_end(r, now, routes)
            continue
        routes[r, _SETTLED] = routes[r, WEIGHT]
        if routes[r, WEIGHT] == 0:
            routes[r, RATE] = 0.0
        _enter_or_leave(r, routes, numbers, hops, heads, active, counts)
        for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
            link = hops[h, _LINK]
            if heads[link, _SEEN] != search:
                heads[link, _SEEN] = search
                stack.append(link)
    # All links and routes that these are joined to, and the weight on each link.
    capped = False
    while stack:
        link = stack.pop()
        weight = 0.0
        h = heads[link, _HEAD]
        while h >= 0:
            r = hops[h, _ROUTE]
            weight += routes[r, WEIGHT]
            if numbers[r, _MET] != search:
                numbers[r, _MET] = search
                found.append(r)
                capped |= routes[r, CAP] < inf
                for other in range(numbers[r, _FIRST], numbers[r, _LAST]):
                    o = hops[other, _LINK]
                    if heads[o, _SEEN] != search:
                        heads[o, _SEEN] = search
                        stack.append(o)
            h = hops[h, _NEXT]
        if weight > 0:
            links[link, _LEFT], links[link, _OPEN] = links[link, _CAPACITY], weight
            narrowest.append((links[link, _CAPACITY] / weight, link))
    heapify(narrowest)
    todo = len(found)
    while todo > 0:
        least, link = narrowest[0]
        if links[link, _OPEN] < 0.5:
            heappop(narrowest)
            continue
        # What a link has for each of its transfers only grows as others get theirs.
        fair = links[link, _LEFT] / links[link, _OPEN]
        if fair > least:
            heapreplace(narrowest, (fair, link))
            continue
        alone = -1
        if capped:
            for r in found:
                if numbers[r, _FIXED] != search and routes[r, CAP] < least:
                    alone, least = r, routes[r, CAP]
        if alone >= 0:
            _fix(alone, least, now, search, routes, numbers, hops, links)
            todo -= 1
            continue
        h = heads[link, _HEAD]
        while h >= 0:
            r = hops[h, _ROUTE]
            if numbers[r, _FIXED] != search:
                _fix(r, least, now, search, routes, numbers, hops, links)
                todo -= 1
            h = hops[h, _NEXT]
    counts[_CHANGED] = 0
    earliest, ending = inf, -1
    for place in range(counts[_ACTIVE]):
        r = active[place]
        if routes[r, END] < earliest:
            earliest, ending = routes[r, END], r
    return earliest, ending


@njit(cache=True)
def _enter_or_leave(
    r: int,
    routes: np.ndarray,
    numbers: np.ndarray,
    hops: np.ndarray,
    heads: np.ndarray,
    active: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Make the links know a route that has transfers, and forget one that has none."""
    place = numbers[r, _PLACE]
    if (routes[r, WEIGHT] > 0) == (place >= 0):
        return
    if place < 0:
        numbers[r, _PLACE] = counts[_ACTIVE]
        active[counts[_ACTIVE]] = r
        counts[_ACTIVE] += 1
        for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
            link = hops[h, _LINK]
            following = heads[link, _HEAD]
            hops[h, _NEXT], hops[h, _PREVIOUS] = following, -1
            if following >= 0:
                hops[following, _PREVIOUS] = h
            heads[link, _HEAD] = h
        return
    counts[_ACTIVE] -= 1
    last = active[counts[_ACTIVE]]
    active[place] = last
    numbers[last, _PLACE] = place
    numbers[r, _PLACE] = -1
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        following, previous = hops[h, _NEXT], hops[h, _PREVIOUS]
        if following >= 0:
            hops[following, _PREVIOUS] = previous
        if previous >= 0:
            hops[previous, _NEXT] = following
        else:
            heads[hops[h, _LINK], _HEAD] = following


@njit(cache=True)
def _fix(
    r: int,
    rate: float,
    now: float,
    search: int,
    routes: np.ndarray,
    numbers: np.ndarray,
    hops: np.ndarray,
    links: np.ndarray,
) -> None:
    """Give each transfer of a route its rate, and take it from the route's links."""
    numbers[r, _FIXED] = search
    weight = routes[r, WEIGHT]
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        link = hops[h, _LINK]
        links[link, _LEFT] = max(links[link, _LEFT] - rate * weight, 0.0)
        links[link, _OPEN] -= weight
    if routes[r, RATE] != rate:
        routes[r, MOVED] += routes[r, RATE] * (now - routes[r, SINCE])
        routes[r, SINCE] = now
        routes[r, RATE] = rate
    _find_end(r, now, routes)


@njit(cache=True)
def _find_end(r: int, now: float, routes: np.ndarray) -> None:
    left = routes[r, GOAL] - routes[r, MOVED]
    routes[r, END] = max(now, routes[r, SINCE] + left / routes[r, RATE])
