"""The queues of the sites: in which order attempts start whose input has come."""

import heapq
from collections import deque
from typing import Any

from redwood.simulation.asking import Policies
from redwood.simulation.attempt import WAITING, Attempt
from redwood.simulation.contract import Site
from redwood.simulation.site_state import SiteState
from redwood.simulation.watching import QUEUE


class Queues:
    """One queue a site, ordered by the queue policy.

    Attempts that no longer wait, because their site went down, are passed over when their turn
    comes.

    Args:
        policies: has the order.
        sites: what the order sees of the sites.
    """

    def __init__(self, policies: Policies, sites: tuple[Site, ...]) -> None:
        self._policies, self._sites = policies, sites
        self._by_arrival: list[deque[Attempt]] = [deque() for _ in sites]
        self._by_key: list[list[tuple[Any, int, Attempt]]] = [[] for _ in sites]
        self._come = 0

    def join(self, attempt: Attempt) -> None:
        """An attempt comes."""
        index = attempt.state.index
        attempt.state.waiting_jobs += 1
        attempt.state.stale = True
        if self._policies.in_order_of_arrival:
            self._by_arrival[index].append(attempt)
            return
        self._come += 1
        key = self._policies.key(attempt.job, self._sites[index])
        # Here and below keys are compared, by whatever they are made of.
        entry = (key, self._come, attempt)
        self._policies.ask(QUEUE, attempt.job.row, heapq.heappush, self._by_key[index], entry)

    def skip(self, attempt: Attempt) -> None:
        """An attempt starts without having waited, which an order of keys has to know of."""
        if not self._policies.in_order_of_arrival:
            site = self._sites[attempt.state.index]
            self._policies.started(attempt.job, site, self._policies.key(attempt.job, site))

    def next(self, state: SiteState) -> Attempt | None:
        """The first of a site's queue, taken from it, if its cores are free."""
        if self._policies.in_order_of_arrival:
            queue = self._by_arrival[state.index]
            while queue:
                attempt = queue[0]
                if attempt.phase == WAITING:
                    if attempt.job.cores > state.cores - state.busy_cores:
                        return None
                    queue.popleft()
                    state.waiting_jobs -= 1
                    state.stale = True
                    return attempt
                queue.popleft()
            return None
        heap = self._by_key[state.index]
        while heap:
            key, _, attempt = heap[0]
            if attempt.phase == WAITING:
                if attempt.job.cores > state.cores - state.busy_cores:
                    return None
                self._policies.ask(QUEUE, attempt.job.row, heapq.heappop, heap)
                state.waiting_jobs -= 1
                state.stale = True
                self._policies.started(attempt.job, self._sites[state.index], key)
                return attempt
            self._policies.ask(QUEUE, attempt.job.row, heapq.heappop, heap)
        return None
