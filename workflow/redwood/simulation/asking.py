"""Asking policies: whatever they raise, answer or never answer ends in an error with their name."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from redwood.errors import InputError
from redwood.simulation.contract import (
    Brokerage,
    Copy,
    Grid,
    Job,
    Placement,
    QueueOrder,
    Removal,
    Site,
)
from redwood.simulation.site_state import SiteState

_MOST_ORDERS = 10_000


class Policies:
    """The policies of a simulation and their names.

    Args:
        brokerage, placement, queue: the policies.
        names: kind → what error messages call the policy.
        patience_s: wall-clock seconds that one answer may take.
    """

    def __init__(
        self,
        brokerage: Brokerage,
        placement: Placement,
        queue: QueueOrder,
        names: Mapping[str, str] | None = None,
        patience_s: float = 10.0,
    ) -> None:
        self._choose, self.placement, self.queue = brokerage.choose, placement, queue
        self._brokerage_name, self._placement_name, self._queue_name = (
            (names or {}).get(kind, kind) for kind in ("brokerage", "placement", "queue")
        )
        self._patience = patience_s
        self.listens = type(placement).brokered is not Placement.brokered
        self.in_order_of_arrival = type(queue).key is QueueOrder.key
        self._asking: tuple[str, int] | None = None

    def site(self, job: Job, grid: Grid) -> SiteState | None:
        """The brokerage's answer.

        Raises:
            InputError: it raised, or answered with anything but `None` or a site that can take it.
        """
        self._asking = (self._brokerage_name, job.row)
        try:
            site = self._choose(job, grid)
        except InputError:
            raise
        except Exception as error:
            raise _raised(self._brokerage_name, job.row, error) from error
        self._asking = None
        if site is None:
            return None
        if type(site) is Site and grid.sites[site._state.index] is site:
            state = site._state
            if state.takes(job):
                return state
        raise self._refuse(job, site, grid)

    def _refuse(self, job: Job, answer: Any, grid: Grid) -> InputError:
        who = f"policy {self._brokerage_name!r}: job {job.row}: it answered"
        if not isinstance(answer, Site) or grid.site(answer.name) is not answer:
            return InputError(f"{who} {answer!r}, expected a site of the grid or None")
        if answer.cores < job.cores:
            return InputError(
                f"{who} {answer.name!r}, which has {answer.cores} cores in all, but the job needs "
                f"{job.cores}"
            )
        state = "full" if answer.up else "in an outage"
        return InputError(f"{who} {answer.name!r}, which is {state}; `grid.able` leaves it out")

    def key(self, job: Job, site: Site) -> Any:
        """The queue order's key."""
        self._asking = (self._queue_name, job.row)
        try:
            key = self.queue.key(job, site)
            if not key <= key:
                raise TypeError(f"its key {key!r} has no order")
        except InputError:
            raise
        except Exception as error:
            raise _raised(self._queue_name, job.row, error) from error
        self._asking = None
        return key

    def copies(self, job: Job, site: Site, grid: Grid) -> list[Copy | Removal]:
        """What the placement orders now that a job has been brokered."""
        return self._orders(grid, job.row, lambda: self.placement.brokered(job, site, grid))

    def placed(self, grid: Grid) -> list[Copy | Removal]:
        """What the placement orders at one of its moments."""
        return self._orders(grid, -1, lambda: self.placement.place(grid))

    def _orders(self, grid: Grid, row: int, ask: Any) -> list[Copy | Removal]:
        self._asking = (self._placement_name, row)
        try:
            orders = list(islice(ask(), _MOST_ORDERS + 1))
        except InputError:
            raise
        except Exception as error:
            raise _raised(self._placement_name, row, error) from error
        self._asking = None
        who = f"policy {self._placement_name!r}: {_job(row)}it ordered"
        if len(orders) > _MOST_ORDERS:
            raise InputError(f"{who} more than {_MOST_ORDERS} copies at once")
        for order in orders:
            if not isinstance(order, (Copy, Removal)):
                raise InputError(f"{who} {order!r}, expected a Copy or a Removal")
            if order.dataset not in grid.datasets:
                raise InputError(f"{who} {order!r}, but there is no such dataset")
            if not isinstance(order.site, Site) or grid.site(order.site.name) is not order.site:
                raise InputError(f"{who} {order!r}, but that is no site of the grid")
        return orders

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise an `InputError` within the block once one answer takes longer than it may.

        Only in a program's main thread, where signals arrive.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        step = self._patience / 4
        # Every question is an object of its own, so that one that is seen again still waits.
        seen, waited = None, 0.0

        def look(*_: object) -> None:
            nonlocal seen, waited
            waited = waited + step if self._asking is seen else 0.0
            seen = self._asking
            if seen is not None and waited >= self._patience:
                name, row = seen
                raise InputError(
                    f"policy {name!r}: {_job(row)}no answer within {self._patience:g} s"
                )

        before = signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, step, step)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _raised(name: str, row: int, error: Exception) -> InputError:
    return InputError(f"policy {name!r}: {_job(row)}it raised {type(error).__name__}: {error}")


def _job(row: int) -> str:
    return f"job {row}: " if row >= 0 else ""
