"""What an agent is paid for, by name.

Each reward follows an outcome while it grows: a step is paid the change since the step before, so
that the sum over an episode, undiscounted, is the last value of what is followed, whatever the
moments of the decisions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from redwood.errors import InputError
from redwood.names import suggested
from redwood.simulation.engine import Engine
from redwood.simulation.log import ATTEMPT_COLUMNS, FINISHED, TRANSFER_COLUMNS

_ROW, _SITE, _CORES, _STAGED, _START, _STOP, _END, _END_STATE, _IN, _OUT = map(
    ATTEMPT_COLUMNS.index,
    ("row", "site", "cores", "staged", "start", "stop", "end", "end_state", "bytes_in",
     "bytes_out"),
)  # fmt: skip
_BYTES = TRANSFER_COLUMNS.index("bytes")


class Tally:
    """What has come of an episode so far.

    Args:
        engine: its simulation.
        grams_per_core_s: of each site, gCO2e; `None` if no site has a carbon intensity.

    Attributes:
        finished: jobs that have finished.
        last_end: when the last attempt that was not cut off ended, s.
        queue_s: how long attempts that have ended waited for cores, s.
        bytes_moved: between sites.
        grams: gCO2e of attempts that have ended.
    """

    def __init__(self, engine: Engine, grams_per_core_s: Sequence[float] | None) -> None:
        self.engine, self._rates = engine, grams_per_core_s
        self.finished = self.bytes_moved = 0
        self.last_end = self.queue_s = self.grams = 0.0
        self._attempts = self._transfers = 0

    def catch_up(self) -> None:
        """Read what the log has gained."""
        log = self.engine.log
        if log.attempts_ended > self._attempts:
            for attempt in log.attempts()[self._attempts :].tolist():
                self._count(attempt)
            self._attempts = log.attempts_ended
        moved = log.transfers()
        if len(moved) > self._transfers:
            self.bytes_moved += int(moved[self._transfers :, _BYTES].sum())
            self._transfers = len(moved)

    def _count(self, attempt: list[float]) -> None:
        self.bytes_moved += int(attempt[_IN] + attempt[_OUT])
        if attempt[_ROW] < 0:
            return
        self.finished += attempt[_END_STATE] == FINISHED
        if attempt[_END_STATE] <= 2:
            self.last_end = max(self.last_end, attempt[_END])
        if attempt[_START] == attempt[_START]:
            self.queue_s += attempt[_START] - attempt[_STAGED]
            if self._rates is not None and attempt[_STOP] == attempt[_STOP]:
                used = (attempt[_STOP] - attempt[_START]) * attempt[_CORES]
                self.grams += used * self._rates[int(attempt[_SITE])]


@dataclass(frozen=True)
class Reward:
    """One reward.

    Attributes:
        unit: of it.
        definition: what an episode is paid in all.
        total: what has been paid at any moment.
    """

    unit: str
    definition: str
    total: Callable[[Tally], float]


REWARDS = {
    "turnaround": Reward(
        "h",
        "less the time from submission to end of all jobs together, paid while they are under way: "
        "a step is paid the jobs under way × the time until the next decision",
        lambda tally: -tally.engine.job_s / 3600,
    ),
    "queue_time": Reward(
        "h",
        "less the time that all attempts waited for cores, paid when they end",
        lambda tally: -tally.queue_s / 3600,
    ),
    "throughput": Reward(
        "jobs/h",
        "finished jobs per hour from the first submission to the end of the last attempt",
        lambda tally: tally.finished / max(tally.last_end, 1.0) * 3600,
    ),
    "bytes_moved": Reward(
        "GB",
        "less the bytes moved between sites, paid when the attempt or the transfer ends",
        lambda tally: -tally.bytes_moved / 1e9,
    ),
    "carbon": Reward(
        "kg",
        "less the CO2e of the electricity of all attempts, paid when they end",
        lambda tally: -tally.grams / 1000,
    ),
}


class Payment:
    """Pays the steps of one episode.

    Args:
        weights: reward → its weight, as of `weighted`.
        engine: the simulation.
        grams_per_core_s: as of `Tally`.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        engine: Engine,
        grams_per_core_s: Sequence[float] | None,
    ) -> None:
        self._tally = Tally(engine, grams_per_core_s)
        self._terms = [(weight, REWARDS[name].total) for name, weight in weights.items()]
        # Most follow the log, which costs time to read.
        self._reads = set(weights) != {"turnaround"}
        self._paid = self._due()

    def pay(self) -> float:
        """What has not been paid yet."""
        due = self._due()
        paid, self._paid = self._paid, due
        return due - paid

    def _due(self) -> float:
        if self._reads:
            self._tally.catch_up()
        due = 0.0
        for weight, total in self._terms:
            due += weight * total(self._tally)
        return due


def weighted(reward: str | Mapping[str, float]) -> dict[str, float]:
    """Reward → weight, of one name or of several with their weights.

    Raises:
        InputError: there is no such reward, or a weight is no number.
    """
    weights = {reward: 1.0} if isinstance(reward, str) else dict(reward)
    for name, weight in weights.items():
        if name not in REWARDS:
            raise InputError(
                f"reward {name!r} is unknown{suggested(str(name), list(REWARDS))}; there are "
                f"{', '.join(REWARDS)}"
            )
        if not isinstance(weight, (int, float)) or not -1e12 < weight < 1e12:
            raise InputError(f"reward {name!r}: its weight is {weight!r}, expected a number")
    if not weights:
        raise InputError(f"no reward is given; there are {', '.join(REWARDS)}")
    return {name: float(weight) for name, weight in weights.items()}
