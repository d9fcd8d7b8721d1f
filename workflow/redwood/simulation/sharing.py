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
    CAPACITY,
    CHANGED,
    GOAL,
    LEVEL,
    RATE,
    settle_levels,
)


class Sharing:
    """Links, routes over them, and how fast transfers on each route are.

    Args:
        capacities: bytes/s of each link.

    Attributes:
        routes: float64 [routes or more, 10], see the columns in `levels.py`.
    """

    def __init__(self, capacities: list[float]) -> None:
        self._links = np.zeros((len(capacities), 4))
        self._links[:, CAPACITY] = capacities
        self._links[:, LEVEL:] = inf
        # Of each link the first hop of its routes with transfers.
        self._heads = np.full(len(capacities), -1, np.int64)
        self.routes = np.zeros((0, 10))
        self._order = np.zeros(0, np.int64)
        self._numbers = np.zeros((0, 5), np.int64)
        self._hops = np.zeros((0, 4), np.int64)
        self._others = np.zeros((0, 2))
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
            self._order = _longer(self._order)
            self._active = _longer(self._active)
            self._numbers = _longer(self._numbers)
        if self._crossed > len(self._hops):
            self._hops = _longer(self._hops)
            self._others = _longer(self._others)
        self.routes[number] = 0.0, cap, 0.0, 0.0, 0.0, inf, inf, 0.0, 0.0, 0.0
        self._hops[crossed : self._crossed] = [(link, number, -1, -1) for link in links]
        self._numbers[number] = crossed, self._crossed, -1, 0, 0
        return number

    def shown(self, route: int, date: float) -> float:
        """What the clock of a route shows, bytes."""
        rate, since, moved = self.routes[route, RATE:GOAL].tolist()
        return moved + rate * (date - since)

    def change(self, route: int) -> None:
        """Say that the transfers of a route are not those for which rates were found."""
        number = int(self._counts[CHANGED])
        if number == len(self._changed):
            self._changed = _longer(self._changed)
        self._changed[number] = route
        self._counts[CHANGED] = number + 1

    def settle(self, now: float) -> tuple[float, int]:
        """Find the rates after changes, which all happened `now`.

        Returns:
            The date of the next end, and a route on which it is; infinite and -1 if there is none.
        """
        return settle_levels(
            now, self._changed, self.routes, self._numbers, self._hops, self._links, self._heads,
            self._active, self._counts, self._others, self._order,
        )  # fmt: skip


def _longer(array: np.ndarray) -> np.ndarray:
    more = np.zeros((max(64, len(array)), *array.shape[1:]), array.dtype)
    return np.concatenate([array, more])
