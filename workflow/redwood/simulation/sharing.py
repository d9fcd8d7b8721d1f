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
    CAPACITY,
    GOAL,
    LEVEL,
    PLACE,
    RATE,
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
        # Of each link the first hop of its routes with transfers.
        self._heads = np.full(len(capacities), -1, np.int64)
        self._routes = np.zeros((0, 9))
        self._order = np.zeros(0, np.int64)
        self._numbers = np.zeros((0, 5), np.int64)
        self._hops = np.zeros((0, 4), np.int64)
        self._others = np.zeros((0, 2))
        # The routes that have transfers, and the date of the next end on each; those whose
        # transfers have changed; the numbers of both, and that of searches.
        self._active, self._ends = np.zeros(0, np.int64), np.zeros(0)
        self._changed = np.zeros(64, np.int64)
        self._counts = np.zeros(3, np.int64)
        self._size = self._crossed = self._changes = 0
        self._gather()

    def _gather(self) -> None:
        """What compiled code works on, gathered whenever an array is another."""
        self._when_transfers_change = (self._changed, self._routes, self._counts)
        self._when_settled = (
            self._changed, self._routes, self._numbers, self._hops, self._links, self._heads,
            self._active, self._ends, self._counts, self._others, self._order,
        )  # fmt: skip

    def add(self, links: list[int], cap: float = inf) -> int:
        """Add a route, without a transfer; return its number.

        Args:
            links: those that it crosses, at least one.
            cap: bytes/s that none of its transfers exceeds.
        """
        number, crossed = self._size, self._crossed
        self._size, self._crossed = number + 1, crossed + len(links)
        if self._size > len(self._routes):
            self._routes, self._order = _longer(self._routes), _longer(self._order)
            self._active, self._ends = _longer(self._active), _longer(self._ends)
            self._numbers = _longer(self._numbers)
        if self._crossed > len(self._hops):
            self._hops, self._others = _longer(self._hops), _longer(self._others)
        self._routes[number] = 0.0, cap, 0.0, 0.0, 0.0, inf, 0.0, 0.0, 0.0
        self._hops[crossed : self._crossed] = [(link, number, -1, -1) for link in links]
        self._numbers[number] = crossed, self._crossed, -1, 0, 0
        self._gather()
        return number

    def enter(self, route: int, size: float, now: float) -> float:
        """A transfer of so many bytes begins; return what the route's clock shows when it ends."""
        self._expect_change()
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
        self._expect_change()
        leave(route, gone, ended, goal, now, *self._when_transfers_change)

    def _expect_change(self) -> None:
        if self._changes == len(self._changed):
            self._changed = _longer(self._changed)
            self._gather()
        self._changes += 1

    def left(self, route: int, goal: float, date: float) -> float:
        """Bytes that a transfer has left that ends when the clock of its route shows `goal`."""
        rate, since, moved = self._routes[route, RATE:GOAL].tolist()
        return goal - (moved + rate * (date - since))

    def settle(self, now: float) -> tuple[float, int]:
        """Find the rates after changes, which all happened `now`.

        Returns:
            The date of the next end, and a route on which it is; infinite and -1 if there is none.
        """
        self._changes = 0
        return settle_levels(now, *self._when_settled)

    def found(self) -> dict[int, tuple[float, float]]:
        """Of each route with transfers bytes/s of each, and the date of the next end."""
        active = self._active[: self._counts[ACTIVE]]
        rates, ends = self._routes[active, RATE], self._ends[self._numbers[active, PLACE]]
        each = zip(rates.tolist(), ends.tolist(), strict=True)
        return dict(zip(active.tolist(), each, strict=True))


def _longer(array: np.ndarray) -> np.ndarray:
    more = np.zeros((max(64, len(array)), *array.shape[1:]), array.dtype)
    return np.concatenate([array, more])
