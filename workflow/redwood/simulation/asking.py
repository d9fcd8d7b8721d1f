"""Asking policies: whatever they raise or answer ends in an error with their name.

That they answer at all is seen to by another process, see `watching.py`.
"""

import traceback
from collections.abc import Callable
from itertools import islice
from math import inf
from operator import index
from pathlib import Path
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
from redwood.simulation.watching import BROKERAGE, NO_JOB, PLACEMENT, QUEUE, Question

_MOST_ORDERS = 10_000
_SHORTEST_PERIOD_S = 1.0
_LONGEST_TEXT = 300


class _Refused(Exception):
    """What a policy asks for and must not, in words."""


class Policies:
    """The policies of a simulation.

    What any of them raises, `SystemExit` and the like included, becomes an `InputError` that names
    policy and job.

    Args:
        brokerage, placement, queue: the policies.
        question: where it is said who is asked what.
    """

    def __init__(
        self,
        brokerage: Brokerage,
        placement: Placement,
        queue: QueueOrder,
        question: Question | None = None,
    ) -> None:
        self._choose, self._placement, self._queue = brokerage.choose, placement, queue
        self._question = question or Question()
        self._cells = self._question.cells
        self._next_number = self._question.numbers[BROKERAGE].__next__
        self.listens = type(placement).brokered is not Placement.brokered
        self.in_order_of_arrival = type(queue).key is QueueOrder.key
        self.replays = self.ask(
            BROKERAGE, NO_JOB, lambda: bool(getattr(brokerage, "replays", False))
        )
        self.keeps_inputs = self.ask(PLACEMENT, NO_JOB, lambda: bool(placement.keeps_inputs))

    def ask(self, policy: int, row: int, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function of a policy, or one that may call it, returns.

        Raises:
            InputError: it raised anything.
        """
        self._question.ask(policy, row)
        try:
            answer = function(*arguments)
        except _Refused as refused:
            raise InputError(f"{self._question}{refused}") from None
        except BaseException as error:
            raise InputError(f"{self._question}it raised {told(error)}") from error
        self._question.answered()
        return answer

    def site(self, job: Job, grid: Grid) -> SiteState | None:
        """The brokerage's answer.

        Raises:
            InputError: it raised, or answered with anything but `None` or a site that can take it.
        """
        # As `ask` does, whose calls would take a hundredth of a simulation.
        cells = self._cells
        cells[0], cells[1] = job.row, self._next_number()
        try:
            site = self._choose(job, grid)
            if site is None:
                cells[1] = 0
                return None
            if type(site) is Site and grid.sites[site._state.index] is site:
                state = site._state
                if state.takes(job):
                    cells[1] = 0
                    return state
            wrong = _wrong(job, site, grid)
        except BaseException as error:
            raise InputError(f"{self._question}it raised {told(error)}") from error
        raise InputError(f"{self._question}it answered {wrong}")

    def key(self, job: Job, site: Site) -> Any:
        """The queue order's key."""

        def key() -> Any:
            key = self._queue.key(job, site)
            if not key <= key:
                raise _Refused(f"its key {_line(repr(key))} has no order")
            return key

        return self.ask(QUEUE, job.row, key)

    def started(self, job: Job, site: Site, key: Any) -> None:
        """Tell the queue order that a job has left the queue."""
        self.ask(QUEUE, job.row, self._queue.started, job, site, key)

    def copies(self, job: Job, site: Site, grid: Grid) -> list[Copy | Removal]:
        """What the placement orders now that a job has been brokered."""
        return self._orders(grid, job.row, lambda: self._placement.brokered(job, site, grid))

    def placed(self, grid: Grid) -> list[Copy | Removal]:
        """What the placement orders at one of its moments."""
        return self._orders(grid, NO_JOB, lambda: self._placement.place(grid))

    def period(self) -> float | None:
        """When the placement wants to be asked next, s from now; `None`: never."""

        def period() -> float | None:
            period = self._placement.period_s
            if period is not None and not _SHORTEST_PERIOD_S <= period < inf:
                raise _Refused(
                    f"its period_s is {_line(repr(period))}, expected {_SHORTEST_PERIOD_S:g} s or "
                    "more, or None"
                )
            return period

        return self.ask(PLACEMENT, NO_JOB, period)

    def _orders(self, grid: Grid, row: int, ordered: Callable[[], Any]) -> list[Copy | Removal]:
        def checked() -> list[Copy | Removal]:
            orders = list(islice(ordered(), _MOST_ORDERS + 1))
            if len(orders) > _MOST_ORDERS:
                raise _Refused(f"it ordered more than {_MOST_ORDERS} copies at once")
            return [_checked(order, grid) for order in orders]

        return self.ask(PLACEMENT, row, checked)


def _checked(order: Any, grid: Grid) -> Copy | Removal:
    """An order of a placement, its dataset an `int`."""
    if not isinstance(order, (Copy, Removal)):
        raise _Refused(f"it ordered {_line(repr(order))}, expected a Copy or a Removal")
    kind = Copy if isinstance(order, Copy) else Removal
    if index(order.dataset) not in grid.datasets:
        raise _Refused(f"it ordered {_line(repr(order))}, but there is no such dataset")
    if not isinstance(order.site, Site) or grid.site(order.site.name) is not order.site:
        raise _Refused(f"it ordered {_line(repr(order))}, but that is no site of the grid")
    return kind(index(order.dataset), order.site)


def _wrong(job: Job, answer: Any, grid: Grid) -> str:
    """What is wrong with a brokerage's answer."""
    if not isinstance(answer, Site) or grid.site(answer.name) is not answer:
        return f"{_line(repr(answer))}, expected a site of the grid or None"
    if answer.cores < job.cores:
        return (
            f"{answer.name!r}, which has {answer.cores} cores in all, but the job needs {job.cores}"
        )
    state = "full" if answer.up else "in an outage"
    return f"{answer.name!r}, which is {state}; `grid.able` leaves it out"


def told(error: BaseException) -> str:
    """What a policy raised, on one line, and on which line of its own; its text may raise, too."""
    try:
        text = _line(str(error))
    except BaseException as another:
        text = f"its text raises {type(another).__name__}"
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).parent != Path(__file__).parent and frame.filename[:1] != "<":
            return f"{text} ({Path(frame.filename).name}, line {frame.lineno})"
    return text


def _line(text: str) -> str:
    """A text on one line, cut off where it gets long."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} …"
