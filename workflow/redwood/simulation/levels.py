"""The levels of links after a change, compiled: see `sharing.py`, which calls it.

A route's rate is the least level of its links. A link's level follows from those of its routes
that have less elsewhere. Where a change comes in, levels are found anew, from the lowest on, until
each is what it follows from. This has one solution, which filling all links anew would find as
well, to the last bit (in its idea the distributed algorithm of A. Charny, D. D. Clark and R. Jain,
ICC 1995).

All that is compiled stands here together, since numba does not notice that a function or a constant
in another module has changed.
"""

from heapq import heappop, heappush
from math import inf

import numpy as np
from numba import njit

# Columns of what is kept of a route: transfers, bytes/s that none exceeds, bytes/s that each has,
# the date of `MOVED`, what the clock showed then, what it shows when the next transfer ends,
# transfers for which rates were found; bytes/s that each is to have, as far as is found; bytes/s
# that `_LOAD` counts for all of them.
WEIGHT, CAP, RATE, SINCE, MOVED, GOAL, _SETTLED, _FOUND, _FLOW = range(9)
# And of a link: bytes/s; bytes/s of all transfers on it; its level, infinite if it holds no
# transfer back; its turn among those whose level is to be found anew, infinite if it is not.
CAPACITY, _LOAD, LEVEL, TURN = range(4)
# Of a route in whole numbers: where its hops begin and end, its place among the routes that have
# transfers (-1: it has none), the last search that met it, the link that gives it its rate.
_FIRST, _LAST, PLACE, _MET, _GIVER = range(5)
# Of a hop: its link, its route, the next and the previous hop of the link's routes with transfers.
_LINK, _ROUTE, _NEXT, _PREVIOUS = range(4)
# How many there are: routes with transfers, routes that have changed, searches.
ACTIVE, CHANGED, _SEARCHES = range(3)
# Of a hop, while its link's level is found: what its route has by its other links, and by which.
_RATE, _BY = range(2)
# How much a level is guessed to grow at most, which saves the sorting of greater rates.
_GROWTH = 1.25
# A link with less than this share of its bandwidth in use holds nobody back, however sums round.
_ALMOST = 1 - 1e-7


@njit(cache=True)
def settle_levels(
    now: float,
    changed: np.ndarray,
    routes: np.ndarray,
    numbers: np.ndarray,
    hops: np.ndarray,
    links: np.ndarray,
    heads: np.ndarray,
    active: np.ndarray,
    ends: np.ndarray,
    counts: np.ndarray,
    others: np.ndarray,
    order: np.ndarray,
) -> tuple[float, int]:
    """Find the rates after changes; the arrays are those of `sharing.Sharing`.

    Returns:
        The date of the next end, and a route on which it is; infinite and -1 if there is none.
    """
    counts[_SEARCHES] += 1
    search = counts[_SEARCHES]
    # Routes whose rate may be another; links whose level may be, by turn.
    met = [0]
    met.pop()
    unsure = [(inf, -1)]
    unsure.pop()
    for r in changed[: counts[CHANGED]]:
        if routes[r, WEIGHT] == routes[r, _SETTLED]:
            # One transfer has taken the place of another, and nobody has more or less.
            if routes[r, RATE] > 0:
                ends[numbers[r, PLACE]] = _end(r, now, routes)
            continue
        routes[r, _SETTLED] = routes[r, WEIGHT]
        _enter_or_leave(r, routes, numbers, hops, heads, active, ends, counts)
        for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
            link = hops[h, _LINK]
            if heads[link] < 0:
                links[link, LEVEL] = inf
            if links[link, LEVEL] < inf:
                _doubt(link, 0.0, links, unsure)
        if routes[r, WEIGHT] == 0:
            routes[r, RATE] = 0.0
            _flow(r, 0.0, -1, 0.0, routes, numbers, hops, links, heads, unsure)
            continue
        numbers[r, _MET] = search
        met.append(r)
        rate, giver = _elsewhere(r, -1, routes, numbers, hops, links)
        routes[r, _FOUND], numbers[r, _GIVER] = rate, giver
        if rate < inf:
            flow = routes[r, WEIGHT] * rate
            _flow(r, flow, -1, 0.0, routes, numbers, hops, links, heads, unsure)
        else:
            _doubt(_nearest(r, numbers, hops, links), 0.0, links, unsure)
    while unsure:
        turn, link = heappop(unsure)
        if links[link, TURN] != turn:
            continue
        links[link, TURN] = inf
        before = links[link, LEVEL]
        level = _level(link, _GROWTH * before, routes, numbers, hops, links, heads, others, order)
        if level == before:
            continue
        links[link, LEVEL] = level
        lower = min(level, before)
        h = heads[link]
        while h >= 0:
            if others[h, _RATE] >= lower:
                r, rate, giver = hops[h, _ROUTE], others[h, _RATE], int(others[h, _BY])
                if level < rate or (level == rate and link < giver):
                    rate, giver = level, link
                if rate != routes[r, _FOUND] or giver != numbers[r, _GIVER]:
                    routes[r, _FOUND], numbers[r, _GIVER] = rate, giver
                    if numbers[r, _MET] != search:
                        numbers[r, _MET] = search
                        met.append(r)
                    flow = routes[r, WEIGHT] * rate
                    _flow(r, flow, link, lower, routes, numbers, hops, links, heads, unsure)
            h = hops[h, _NEXT]
    for r in met:
        rate = routes[r, _FOUND]
        if routes[r, RATE] != rate:
            routes[r, MOVED] += routes[r, RATE] * (now - routes[r, SINCE])
            routes[r, SINCE] = now
            routes[r, RATE] = rate
        ends[numbers[r, PLACE]] = _end(r, now, routes)
    counts[CHANGED] = 0
    earliest, first = inf, -1
    for place in range(counts[ACTIVE]):
        if ends[place] < earliest:
            earliest, first = ends[place], place
    return earliest, active[first] if first >= 0 else -1


@njit(cache=True)
def _doubt(link: int, since: float, links: np.ndarray, unsure: list[tuple[float, int]]) -> None:
    """Say that a link's level is to be found anew, as something has changed from a level on.

    Low levels take their turn first, since the others may follow from them.
    """
    turn = links[link, LEVEL] if links[link, LEVEL] < inf else since
    if turn < links[link, TURN]:
        links[link, TURN] = turn
        heappush(unsure, (turn, link))


@njit(cache=True)
def _flow(
    r: int,
    flow: float,
    but: int,
    since: float,
    routes: np.ndarray,
    numbers: np.ndarray,
    hops: np.ndarray,
    links: np.ndarray,
    heads: np.ndarray,
    unsure: list[tuple[float, int]],
) -> None:
    """All transfers of a route now have `flow`; doubt the levels of its links but one."""
    more = flow - routes[r, _FLOW]
    routes[r, _FLOW] = flow
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        link = hops[h, _LINK]
        links[link, _LOAD] += more
        if heads[link] < 0:
            # Nobody is left, nor what sums were rounded by.
            links[link, _LOAD] = 0.0
        elif link != but and (
            links[link, LEVEL] < inf
            or (more > 0 and links[link, _LOAD] > _ALMOST * links[link, CAPACITY])
        ):
            _doubt(link, since, links, unsure)


@njit(cache=True)
def _nearest(r: int, numbers: np.ndarray, hops: np.ndarray, links: np.ndarray) -> int:
    """Of a route's links the one with the least left."""
    nearest, least = -1, inf
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        link = hops[h, _LINK]
        left = links[link, CAPACITY] - links[link, _LOAD]
        if left < least:
            nearest, least = link, left
    return nearest


@njit(cache=True)
def _elsewhere(
    r: int,
    but: int,
    routes: np.ndarray,
    numbers: np.ndarray,
    hops: np.ndarray,
    links: np.ndarray,
) -> tuple[float, int]:
    """The rate that a route has by its links but one, and which of them gives it.

    By its cap, which counts as a link behind all others, if that is least.
    """
    least, by = routes[r, CAP], len(links)
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        link = hops[h, _LINK]
        level = links[link, LEVEL]
        if link != but and (level < least or (level == least and link < by)):
            least, by = level, link
    return least, by


@njit(cache=True)
def _level(
    link: int,
    most: float,
    routes: np.ndarray,
    numbers: np.ndarray,
    hops: np.ndarray,
    links: np.ndarray,
    heads: np.ndarray,
    others: np.ndarray,
    order: np.ndarray,
) -> float:
    """What a link gives to each of the transfers that have no less elsewhere.

    Infinite if all of them have. `most` is what it is guessed to be at most. Sums are in the order
    in which all links would be filled, links of equal levels in that of their numbers, so that they
    are the same whatever changed before.
    """
    all_transfers, count = 0.0, 0
    h = heads[link]
    while h >= 0:
        r = hops[h, _ROUTE]
        all_transfers += routes[r, WEIGHT]
        # Unless this link gives the route its rate, the route has elsewhere what it has.
        rate, by = routes[r, _FOUND], numbers[r, _GIVER]
        if by == link:
            rate, by = _elsewhere(r, link, routes, numbers, hops, links)
        others[h, _RATE], others[h, _BY] = rate, by
        if rate < most:
            count = _insert(h, count, others, order)
        h = hops[h, _NEXT]
    if all_transfers == 0:
        return inf
    while True:
        left, transfers, place = links[link, CAPACITY], all_transfers, 0
        level = left / transfers
        while True:
            if place < count:
                h = order[place]
                rate, weight = others[h, _RATE], routes[hops[h, _ROUTE], WEIGHT]
                if rate < level or (rate == level and others[h, _BY] < link):
                    left = max(left - rate * weight, 0.0)
                    transfers -= weight
                    place += 1
                    continue
            if transfers < 0.5:
                return inf
            # What is there for each of the transfers only grows as others get less.
            fair = left / transfers
            if fair <= level:
                break
            level = fair
        if level < most:
            return level
        most, count = inf, 0
        h = heads[link]
        while h >= 0:
            if others[h, _RATE] < inf:
                count = _insert(h, count, others, order)
            h = hops[h, _NEXT]


@njit(cache=True)
def _insert(h: int, count: int, others: np.ndarray, order: np.ndarray) -> int:
    """Insert a hop into the first `count` of `order`, by what its route has elsewhere."""
    rate, by, place = others[h, _RATE], others[h, _BY], count
    while place > 0:
        other = order[place - 1]
        if others[other, _RATE] < rate or (
            others[other, _RATE] == rate and others[other, _BY] <= by
        ):
            break
        order[place] = other
        place -= 1
    order[place] = h
    return count + 1


@njit(cache=True)
def _enter_or_leave(
    r: int,
    routes: np.ndarray,
    numbers: np.ndarray,
    hops: np.ndarray,
    heads: np.ndarray,
    active: np.ndarray,
    ends: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Make the links know a route that has transfers, and forget one that has none."""
    place = numbers[r, PLACE]
    if (routes[r, WEIGHT] > 0) == (place >= 0):
        return
    if place < 0:
        numbers[r, PLACE] = counts[ACTIVE]
        active[counts[ACTIVE]] = r
        counts[ACTIVE] += 1
        for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
            link = hops[h, _LINK]
            following = heads[link]
            hops[h, _NEXT], hops[h, _PREVIOUS] = following, -1
            if following >= 0:
                hops[following, _PREVIOUS] = h
            heads[link] = h
        return
    counts[ACTIVE] -= 1
    last = active[counts[ACTIVE]]
    active[place], ends[place] = last, ends[counts[ACTIVE]]
    numbers[last, PLACE] = place
    numbers[r, PLACE] = -1
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        following, previous = hops[h, _NEXT], hops[h, _PREVIOUS]
        if following >= 0:
            hops[following, _PREVIOUS] = previous
        if previous >= 0:
            hops[previous, _NEXT] = following
        else:
            heads[hops[h, _LINK]] = following


@njit(cache=True)
def _end(r: int, now: float, routes: np.ndarray) -> float:
    """The date of a route's next end."""
    left = routes[r, GOAL] - routes[r, MOVED]
    return max(now, routes[r, SINCE] + left / routes[r, RATE])


@njit(cache=True)
def _change(r: int, changed: np.ndarray, counts: np.ndarray) -> None:
    """The transfers of a route are not those for which rates were found."""
    changed[counts[CHANGED]] = r
    counts[CHANGED] += 1


@njit(cache=True)
def enter(
    r: int, size: float, now: float, changed: np.ndarray, routes: np.ndarray, counts: np.ndarray
) -> float:
    """A transfer of so many bytes begins on a route.

    Returns:
        What the route's clock shows when it ends.
    """
    goal = routes[r, MOVED] + routes[r, RATE] * (now - routes[r, SINCE]) + size
    routes[r, WEIGHT] += 1
    routes[r, GOAL] = min(routes[r, GOAL], goal)
    _change(r, changed, counts)
    return goal


@njit(cache=True)
def leave(
    r: int,
    gone: int,
    ended: bool,
    goal: float,
    now: float,
    changed: np.ndarray,
    routes: np.ndarray,
    counts: np.ndarray,
) -> None:
    """So many transfers leave a route, since they are the next that end or are cut.

    The next of the others ends at `goal`, infinite if there is none.
    """
    if ended:
        routes[r, MOVED], routes[r, SINCE] = routes[r, GOAL], now
    routes[r, WEIGHT] -= gone
    routes[r, GOAL] = goal
    if goal == inf:
        # Its clock begins anew, which keeps it exact.
        routes[r, WEIGHT] = routes[r, MOVED] = 0.0
        routes[r, SINCE] = now
    _change(r, changed, counts)
