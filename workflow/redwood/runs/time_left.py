"""How long a run still takes: by the costs of its jobs, corrected by those that have ended."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from redwood.runs.schedule import makespan

# What is known before anything has run counts as much as a job of so many seconds: costs are those
# of another machine at another time, but one short job says little of long ones.
_PRIOR_S = 20.0


@dataclass(frozen=True)
class Step:
    """A job of a run.

    Attributes:
        rule: its rule. Jobs of a rule are taken to be wrong by the same factor.
        after: the positions of the jobs that it waits for, all before its own.
    """

    rule: str
    after: tuple[int, ...]


class TimeLeft:
    """The time until a run ends.

    A job's expected seconds are multiplied by how much longer than expected the jobs of its rule
    have taken, and where few have ended, by how much longer all have. What a job that runs has
    left is the rest of that; one that takes longer than expected has a fifth of its age left. The
    rest is list scheduling: see `schedule.makespan`.

    Args:
        steps: the jobs, in an order in which they can run.
        seconds: what each is expected to take.
        at_once: jobs that run at a time.
    """

    def __init__(self, steps: Sequence[Step], seconds: Sequence[float], at_once: int) -> None:
        self._steps, self._at_once = list(steps), at_once
        self._seconds = list(seconds)
        self._began: dict[int, float] = {}
        self._took: dict[int, float] = {}
        self._done: set[int] = set()
        self._failed: set[int] = set()
        self._shared: set[int] = set()

    @property
    def running(self) -> list[int]:
        """Positions of the jobs that run, the longest running first."""
        return sorted(self._began, key=lambda position: self._began[position])

    def expect(self, seconds: Sequence[float]) -> None:
        """Expect other times than before, as when rows have been counted."""
        self._seconds = list(seconds)

    def start(self, position: int, now: float, alone: bool = True) -> None:
        """A job has begun, for the first time or again; not alone if others share its time."""
        self._failed.discard(position)
        if not alone:
            self._shared.add(position)
        self._began[position] = now

    def finish(self, position: int, now: float) -> None:
        """A job has ended well."""
        self._failed.discard(position)
        self._done.add(position)
        began = self._began.pop(position, None)
        if began is not None and position not in self._shared:
            self._took[position] = now - began

    def fail(self, position: int) -> None:
        """A job has failed: what waits for it counts no more unless it is started again."""
        self._began.pop(position, None)
        self._failed.add(position)

    def seconds(self, now: float) -> float:
        """Seconds until the last job has ended."""
        factors = self._factors()
        never = set(self._failed)
        left: list[float] = []
        after: list[list[int]] = []
        begun: list[int] = []
        places: dict[int, int] = {}
        for position, step in enumerate(self._steps):
            if position in self._done:
                continue
            if position in never or never.intersection(step.after):
                never.add(position)
                continue
            takes = self._seconds[position] * factors[step.rule]
            began = self._began.get(position)
            if began is not None:
                age = now - began
                takes = max(takes - age, age / 5)
                begun.append(len(left))
            places[position] = len(left)
            left.append(takes)
            after.append([places[one] for one in step.after if one in places])
        return makespan(left, after, self._at_once, begun)

    def _factors(self) -> dict[str, float]:
        """How many times as long as expected the jobs of each rule take."""
        took: dict[str, float] = defaultdict(float)
        expected: dict[str, float] = defaultdict(float)
        for position, seconds in self._took.items():
            rule = self._steps[position].rule
            took[rule] += seconds
            expected[rule] += self._seconds[position]
        of_all = (_PRIOR_S + sum(took.values())) / (_PRIOR_S + sum(expected.values()))
        return {
            step.rule: (_PRIOR_S * of_all + took[step.rule]) / (_PRIOR_S + expected[step.rule])
            for step in self._steps
        }
