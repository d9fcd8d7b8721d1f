"""Max-min fair sharing of links among routes.

Transfers over the same route have the same rate, so that a route with n of them is one variable of
weight n. It has a clock of its own, which counts the bytes that each of its transfers has moved: a
transfer that begins when the clock shows v ends when it shows v + its size.

Rates are those of progressive filling (D. Bertsekas, R. Gallager, Data Networks, 2nd edition,
section 6.5.2): the link that has the least for each of its transfers gives them that much, its
*level*, and so on with what the other links have left. One change of a route changes few levels:
only those are found anew that follow from others that have changed, see `levels.py`.
"""

from math import inf

import numpy as np

from redwood.simulation.levels import (
    ACTIVE,
    BEGIN,
    CAP,
    CAPACITY,
    GOAL,
    LEVEL,
    PLACE,
    RATE,
    ROOM,
    enter,
    leave,
    settle_levels,
)


class Sharing:
    """Links, routes over them, and how fast transfers on each route are.

    Args:
        capacities: bytes/s of each link.
    """

    def __init__(self, capacities: list[float]) -> None:
        self._links = np.zeros((len(capacities), 4))
        self._links[:, CAPACITY] = capacities
        self._links[:, LEVEL:] = inf
        # Of each link where its routes with transfers stand among `members`, see `_make_room`.
        self._spans = np.zeros((len(capacities), 3), np.int64)
        self._members = np.zeros(0, np.int64)
        self._routes = np.zeros((0, 11))
        self._numbers = np.zeros((0, 5), np.int64)
        self._crossed = np.zeros(0, np.int64)
        # The dates of the next ends on routes that have transfers; what is put down meanwhile.
        self._ends, self._others = np.zeros(0), np.zeros((0, 3))
        self._lists = np.zeros((len(capacities), 4), np.int64)
        self._counts = np.zeros(6, np.int64)
        self._size = self._hops = self._taken = 0
        # Of each link how many routes cross it.
        self._over = [0] * len(capacities)
        self._gather()

    def _gather(self) -> None:
        """What compiled code works on, gathered whenever an array is another."""
        self._when_transfers_change = (self._routes, self._lists, self._counts)
        self._when_settled = (
            self._routes, self._numbers, self._crossed, self._links, self._spans, self._members,
            self._ends, self._others, self._lists, self._counts,
        )  # fmt: skip

    def add(self, links: list[int], cap: float = inf) -> int:
        """Add a route, without a transfer; return its number.

        Args:
            links: those that it crosses, at least one.
            cap: bytes/s that none of its transfers exceeds.
        """
        number, first = self._size, self._hops
        self._size, self._hops = number + 1, first + len(links)
        if self._size > len(self._routes):
            self._routes, self._numbers = _longer(self._routes), _longer(self._numbers)
            self._ends, self._others = _longer(self._ends), _longer(self._others)
        if self._size > len(self._lists):
            self._lists = _longer(self._lists)
        if self._hops > len(self._crossed):
            self._crossed = _longer(self._crossed)
        self._routes[number] = 0.0
        self._routes[number, [GOAL, CAP]] = inf, cap
        self._crossed[first : self._hops] = links
        self._numbers[number] = first, self._hops, -1, 0, 0
        for link in links:
            self._over[link] += 1
            if self._over[link] > self._spans[link, ROOM]:
                self._make_room(link)
        self._gather()
        return number

    def _make_room(self, link: int) -> None:
        """Move a link's routes to the end of all members, where there is room for twice as many."""
        begin, count, room = self._spans[link].tolist()
        self._spans[link, [BEGIN, ROOM]] = self._taken, 2 * room + 1
        end = self._taken + count
        self._taken += 2 * room + 1
        while self._taken > len(self._members):
            self._members = _longer(self._members)
        self._members[end - count : end] = self._members[begin : begin + count]

    def enter(self, route: int, size: float, now: float) -> float:
        """A transfer of so many bytes begins; return what the route's clock shows when it ends."""
        return enter(route, float(size), now, *self._when_transfers_change)

    def leave(self, route: int, gone: int, goal: float, now: float, *, ended: bool) -> None:
        """So many transfers of a route are gone: they were its next to end, or they were cut.

        Args:
            route: the route.
            gone: how many.
            goal: what its clock shows when the next of the others ends; infinite if there is none.
            now: the date.
            ended: whether they have ended.
        """
        leave(route, gone, ended, goal, now, *self._when_transfers_change)

    def left(self, route: int, goal: float, date: float) -> float:
        """Bytes that a transfer has left that ends when the clock of its route shows `goal`."""
        rate, since, moved = self._routes[route, RATE:GOAL].tolist()
        return goal - (moved + rate * (date - since))

    def settle(self, now: float) -> tuple[float, int]:
        """Find the rates after changes, which all happened `now`.

        Returns:
            The date of the next end, and a route on which it is; infinite and -1 if there is none.
        """
        return settle_levels(now, *self._when_settled)

    def found(self) -> dict[int, tuple[float, float]]:
        """Of each route with transfers bytes/s of each, and the date of the next end."""
        active = self._lists[: self._counts[ACTIVE], ACTIVE]
        rates, ends = self._routes[active, RATE], self._ends[self._numbers[active, PLACE]]
        each = zip(rates.tolist(), ends.tolist(), strict=True)
        return dict(zip(active.tolist(), each, strict=True))


def _longer(array: np.ndarray) -> np.ndarray:
    more = np.zeros((max(64, len(array)), *array.shape[1:]), array.dtype)
    return np.concatenate([array, more])
