"""The levels of links after a change, compiled: see `sharing.py`, which calls it.

A route's rate is the least level of its links. A link's level follows from those of its routes
that have less elsewhere. Where a change comes in, levels are found anew, from the lowest on, until
each is what it follows from. This has one solution, which filling all links anew would find as
well, to the last bit (in its idea the distributed algorithm of A. Charny, D. D. Clark and R. Jain,
ICC 1995).

All that is compiled stands here together, since numba does not notice that a function or a constant
in another module has changed.
"""

from math import inf

import numpy as np
from numba import njit

# Columns of what is kept of a route: transfers; bytes/s that each is to have, as far as is found,
# and the link that gives it that; bytes/s that `_LOAD` counts for all of them; bytes/s that each
# has, the date of `MOVED`, what the clock showed then, what it shows when the next transfer ends;
# bytes/s that none exceeds; transfers for which rates were found; 1 if it is listed as changed.
WEIGHT, _FOUND, _GIVER, _FLOW, RATE, SINCE, MOVED, GOAL, CAP, _SETTLED, _LISTED = range(11)
# And of a link: bytes/s; bytes/s of all transfers on it; its level, infinite if it holds no
# transfer back; its turn among those whose level is to be found anew, infinite if it is not.
CAPACITY, _LOAD, LEVEL, TURN = range(4)
# Of a route in whole numbers: where its links begin and end, its place among the routes that have
# transfers (-1: it has none), the last search that met it, when it came among them.
_FIRST, _LAST, PLACE, _MET, _CAME = range(5)
# Of a link in whole numbers: where its routes with transfers begin, how many there are, and for how
# many there is room.
BEGIN, _MEMBERS, ROOM = range(3)
# Lists, each a column: routes with transfers, routes that have changed, routes whose rate may be
# another, links whose level may be.
ACTIVE, _CHANGED, _DOUBTED, _UNSURE = range(4)
# How many there are: of each list, searches, comings of a route.
_SEARCHES, _COMINGS = range(4, 6)
# Of a link's routes, while its level is found: what each has by its other links, and by which; its
# transfers.
_RATE, _BY, _TRANSFERS = range(3)
# How much a level is guessed to grow at most, which saves the sorting of greater rates.
_GROWTH = 1.25
# A link with less than this share of its bandwidth in use holds nobody back, however sums round.
_ALMOST = 1 - 1e-7

# Nothing is allocated here, so that no references need be counted: numba would count those to each
# array at each call, which would take more time than all the rest.
compiled = njit(cache=True, error_model="numpy", _nrt=False)  # type: ignore[call-overload]


@compiled
def settle_levels(
    now: float,
    routes: np.ndarray,
    numbers: np.ndarray,
    crossed: np.ndarray,
    links: np.ndarray,
    spans: np.ndarray,
    members: np.ndarray,
    ends: np.ndarray,
    others: np.ndarray,
    lists: np.ndarray,
    counts: np.ndarray,
) -> tuple[float, int]:
    """Find the rates after changes; the arrays are those of `sharing.Sharing`.

    Returns:
        The date of the next end, and a route on which it is; infinite and -1 if there is none.
    """
    counts[_SEARCHES] += 1
    search = counts[_SEARCHES]
    for place in range(counts[_CHANGED]):
        r = lists[place, _CHANGED]
        routes[r, _LISTED] = 0
        if routes[r, WEIGHT] == routes[r, _SETTLED]:
            # One transfer has taken the place of another, and nobody has more or less.
            if routes[r, RATE] > 0:
                ends[numbers[r, PLACE]] = _end(r, now, routes)
            continue
        routes[r, _SETTLED] = routes[r, WEIGHT]
        _enter_or_leave(r, routes, numbers, crossed, spans, members, ends, lists, counts)
        for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
            link = crossed[h]
            if spans[link, _MEMBERS] == 0:
                links[link, LEVEL] = inf
            if links[link, LEVEL] < inf:
                _doubt(link, 0.0, links, lists, counts)
        if routes[r, WEIGHT] == 0:
            routes[r, RATE] = 0.0
            _flow(r, 0.0, -1, 0.0, routes, numbers, crossed, links, spans, lists, counts)
            continue
        _meet(r, search, numbers, lists, counts)
        rate, giver = _elsewhere(r, -1, routes, numbers, crossed, links)
        routes[r, _FOUND], routes[r, _GIVER] = rate, giver
        if rate < inf:
            flow = routes[r, WEIGHT] * rate
            _flow(r, flow, -1, 0.0, routes, numbers, crossed, links, spans, lists, counts)
        else:
            _doubt(_nearest(r, numbers, crossed, links), 0.0, links, lists, counts)
    while counts[_UNSURE] > 0:
        link = _lowest(links, lists, counts)
        before = links[link, LEVEL]
        guess = _GROWTH * before
        level = _level(link, guess, routes, numbers, crossed, links, spans, members, others)
        if level == before:
            continue
        links[link, LEVEL] = level
        lower = min(level, before)
        begin = spans[link, BEGIN]
        for place in range(spans[link, _MEMBERS] - 1, -1, -1):
            rate, giver = others[place, _RATE], int(others[place, _BY])
            if rate < lower:
                # So have all before it.
                break
            r = members[begin + place]
            if level < rate or (level == rate and link < giver):
                rate, giver = level, link
            if rate != routes[r, _FOUND] or giver != routes[r, _GIVER]:
                routes[r, _FOUND], routes[r, _GIVER] = rate, giver
                _meet(r, search, numbers, lists, counts)
                flow = routes[r, WEIGHT] * rate
                _flow(r, flow, link, lower, routes, numbers, crossed, links, spans, lists, counts)
    for place in range(counts[_DOUBTED]):
        r = lists[place, _DOUBTED]
        rate = routes[r, _FOUND]
        if routes[r, RATE] != rate:
            routes[r, MOVED] += routes[r, RATE] * (now - routes[r, SINCE])
            routes[r, SINCE] = now
            routes[r, RATE] = rate
        ends[numbers[r, PLACE]] = _end(r, now, routes)
    counts[_CHANGED] = counts[_DOUBTED] = 0
    earliest, first = inf, -1
    for place in range(counts[ACTIVE]):
        if ends[place] < earliest:
            earliest, first = ends[place], place
    return earliest, lists[first, ACTIVE] if first >= 0 else -1


@compiled
def _meet(r: int, search: int, numbers: np.ndarray, lists: np.ndarray, counts: np.ndarray) -> None:
    """Say that a route's rate may be another."""
    if numbers[r, _MET] != search:
        numbers[r, _MET] = search
        _append(_DOUBTED, r, lists, counts)


@compiled
def _append(of: int, number: int, lists: np.ndarray, counts: np.ndarray) -> None:
    """Append a route or a link to one of the lists."""
    lists[counts[of], of] = number
    counts[of] += 1


@compiled
def _doubt(
    link: int, since: float, links: np.ndarray, lists: np.ndarray, counts: np.ndarray
) -> None:
    """Say that a link's level is to be found anew, as something has changed from a level on."""
    turn = links[link, LEVEL] if links[link, LEVEL] < inf else since
    if turn < links[link, TURN]:
        if links[link, TURN] == inf:
            _append(_UNSURE, link, lists, counts)
        links[link, TURN] = turn


@compiled
def _lowest(links: np.ndarray, lists: np.ndarray, counts: np.ndarray) -> int:
    """Take the link whose turn it is: low levels first, since the others may follow from them."""
    at, turn = 0, inf
    for place in range(counts[_UNSURE]):
        link = lists[place, _UNSURE]
        if links[link, TURN] < turn or (links[link, TURN] == turn and link < lists[at, _UNSURE]):
            at, turn = place, links[link, TURN]
    link = lists[at, _UNSURE]
    links[link, TURN] = inf
    counts[_UNSURE] -= 1
    lists[at, _UNSURE] = lists[counts[_UNSURE], _UNSURE]
    return link


@compiled
def _flow(
    r: int,
    flow: float,
    but: int,
    since: float,
    routes: np.ndarray,
    numbers: np.ndarray,
    crossed: np.ndarray,
    links: np.ndarray,
    spans: np.ndarray,
    lists: np.ndarray,
    counts: np.ndarray,
) -> None:
    """All transfers of a route now have `flow`; doubt the levels of its links but one."""
    more = flow - routes[r, _FLOW]
    routes[r, _FLOW] = flow
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        link = crossed[h]
        links[link, _LOAD] += more
        if spans[link, _MEMBERS] == 0:
            # Nobody is left, nor what sums were rounded by.
            links[link, _LOAD] = 0.0
        elif link != but and (
            links[link, LEVEL] < inf
            or (more > 0 and links[link, _LOAD] > _ALMOST * links[link, CAPACITY])
        ):
            _doubt(link, since, links, lists, counts)


@compiled
def _nearest(r: int, numbers: np.ndarray, crossed: np.ndarray, links: np.ndarray) -> int:
    """Of a route's links the one with the least left."""
    nearest, least = -1, inf
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        link = crossed[h]
        left = links[link, CAPACITY] - links[link, _LOAD]
        if left < least:
            nearest, least = link, left
    return nearest


@compiled
def _elsewhere(
    r: int,
    but: int,
    routes: np.ndarray,
    numbers: np.ndarray,
    crossed: np.ndarray,
    links: np.ndarray,
) -> tuple[float, int]:
    """The rate that a route has by its links but one, and which of them gives it.

    By its cap, which counts as a link behind all others, if that is least.
    """
    least, by = routes[r, CAP], len(links)
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        link = crossed[h]
        level = links[link, LEVEL]
        if link != but and (level < least or (level == least and link < by)):
            least, by = level, link
    return least, by


@compiled
def _level(
    link: int,
    most: float,
    routes: np.ndarray,
    numbers: np.ndarray,
    crossed: np.ndarray,
    links: np.ndarray,
    spans: np.ndarray,
    members: np.ndarray,
    others: np.ndarray,
) -> float:
    """What a link gives to each of the transfers that have no less elsewhere.

    Infinite if all of them have. `most` is what it is guessed to be at most. Sums are in the order
    in which all links would be filled, links of equal levels in that of their numbers, so that they
    are the same whatever changed before.
    """
    while True:
        all_transfers = _sort(link, most, routes, numbers, crossed, links, spans, members, others)
        if all_transfers == 0:
            return inf
        left, transfers, place = links[link, CAPACITY], all_transfers, 0
        level = left / transfers
        while True:
            if place < spans[link, _MEMBERS]:
                rate, weight = others[place, _RATE], others[place, _TRANSFERS]
                if rate < most and (rate < level or (rate == level and others[place, _BY] < link)):
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
        most = inf


@compiled
def _sort(
    link: int,
    most: float,
    routes: np.ndarray,
    numbers: np.ndarray,
    crossed: np.ndarray,
    links: np.ndarray,
    spans: np.ndarray,
    members: np.ndarray,
    others: np.ndarray,
) -> float:
    """Fill `others`, sorted by what routes have elsewhere, as far as that is less than `most`.

    The link's routes are left in that order, in which they nearly are the next time. Of equals the
    last to come is first.

    Returns:
        How many transfers there are.
    """
    transfers, begin = 0.0, spans[link, BEGIN]
    for end in range(spans[link, _MEMBERS]):
        r = members[begin + end]
        weight = routes[r, WEIGHT]
        transfers += weight
        # Unless this link gives the route its rate, the route has elsewhere what it has.
        rate, by = routes[r, _FOUND], int(routes[r, _GIVER])
        if by == link:
            rate, by = _elsewhere(r, link, routes, numbers, crossed, links)
        place = end
        while place > 0 and rate < most and rate <= others[place - 1, _RATE]:
            if rate == others[place - 1, _RATE]:
                other = others[place - 1, _BY]
                came = numbers[members[begin + place - 1], _CAME]
                if other < by or (other == by and came > numbers[r, _CAME]):
                    break
            for column in range(3):
                others[place, column] = others[place - 1, column]
            members[begin + place] = members[begin + place - 1]
            place -= 1
        others[place, _RATE], others[place, _BY], others[place, _TRANSFERS] = rate, by, weight
        members[begin + place] = r
    return transfers


@compiled
def _enter_or_leave(
    r: int,
    routes: np.ndarray,
    numbers: np.ndarray,
    crossed: np.ndarray,
    spans: np.ndarray,
    members: np.ndarray,
    ends: np.ndarray,
    lists: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Make the links know a route that has transfers, and forget one that has none."""
    place = numbers[r, PLACE]
    if (routes[r, WEIGHT] > 0) == (place >= 0):
        return
    if place < 0:
        numbers[r, PLACE] = counts[ACTIVE]
        _append(ACTIVE, r, lists, counts)
        counts[_COMINGS] += 1
        numbers[r, _CAME] = counts[_COMINGS]
        for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
            link = crossed[h]
            members[spans[link, BEGIN] + spans[link, _MEMBERS]] = r
            spans[link, _MEMBERS] += 1
        return
    counts[ACTIVE] -= 1
    last = lists[counts[ACTIVE], ACTIVE]
    lists[place, ACTIVE], ends[place] = last, ends[counts[ACTIVE]]
    numbers[last, PLACE] = place
    numbers[r, PLACE] = -1
    for h in range(numbers[r, _FIRST], numbers[r, _LAST]):
        link = crossed[h]
        spans[link, _MEMBERS] -= 1
        at, end = spans[link, BEGIN], spans[link, BEGIN] + spans[link, _MEMBERS]
        while members[at] != r:
            at += 1
        for following in range(at, end):
            members[following] = members[following + 1]


@compiled
def _end(r: int, now: float, routes: np.ndarray) -> float:
    """The date of a route's next end."""
    left = routes[r, GOAL] - routes[r, MOVED]
    return max(now, routes[r, SINCE] + left / routes[r, RATE])


@compiled
def _change(r: int, routes: np.ndarray, lists: np.ndarray, counts: np.ndarray) -> None:
    """The transfers of a route are not those for which rates were found."""
    if routes[r, _LISTED] == 0:
        routes[r, _LISTED] = 1
        _append(_CHANGED, r, lists, counts)


@compiled
def enter(
    r: int, size: float, now: float, routes: np.ndarray, lists: np.ndarray, counts: np.ndarray
) -> float:
    """A transfer of so many bytes begins on a route.

    Returns:
        What the route's clock shows when it ends.
    """
    goal = routes[r, MOVED] + routes[r, RATE] * (now - routes[r, SINCE]) + size
    routes[r, WEIGHT] += 1
    routes[r, GOAL] = min(routes[r, GOAL], goal)
    _change(r, routes, lists, counts)
    return goal


@compiled
def leave(
    r: int,
    gone: int,
    ended: bool,
    goal: float,
    now: float,
    routes: np.ndarray,
    lists: np.ndarray,
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
    _change(r, routes, lists, counts)
