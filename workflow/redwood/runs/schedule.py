"""When jobs that wait for each other end: on any number of machines, and on so many."""

import heapq
from collections.abc import Collection, Sequence


def longest_chain(hours: Sequence[float], after: Sequence[Sequence[int]]) -> list[int]:
    """The jobs, in order, that no number of machines makes faster: the critical path.

    Args:
        hours: duration of each job.
        after: for each job the positions of those that it waits for, all before its own.
    """
    end: list[float] = []
    previous: list[int | None] = []
    for duration, waited_for in zip(hours, after, strict=True):
        last = max(waited_for, key=lambda position: end[position], default=None)
        previous.append(last)
        end.append(duration + (end[last] if last is not None else 0.0))
    chain: list[int] = []
    position = max(range(len(end)), key=lambda position: end[position], default=None)
    while position is not None:
        chain.append(position)
        position = previous[position]
    return chain[::-1]


def makespan(
    hours: Sequence[float],
    after: Sequence[Sequence[int]],
    at_once: int,
    begun: Collection[int] = (),
) -> float:
    """Hours until all jobs are done, `at_once` of them at a time, the longest that can run first.

    This is Graham's list scheduling: never more than twice the best.

    Args:
        hours, after: as in `longest_chain`.
        at_once: jobs that can run at a time.
        begun: the jobs that run already; `hours` has what is left of them.
    """
    started = set(begun)
    waits_for = [len(set(positions)) for positions in after]
    then: list[list[int]] = [[] for _ in hours]
    for position, positions in enumerate(after):
        for waited_for in set(positions):
            then[waited_for].append(position)

    def turn(position: int) -> tuple[bool, float, int]:
        return position not in started, -hours[position], position

    ready = [turn(position) for position, n in enumerate(waits_for) if n == 0]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < at_once:
            *_, position = heapq.heappop(ready)
            heapq.heappush(running, (now + hours[position], position))
        now, done = heapq.heappop(running)
        for position in then[done]:
            waits_for[position] -= 1
            if waits_for[position] == 0:
                heapq.heappush(ready, turn(position))
    return now
