"""How often an owner's groups have bursts that begin together.

Whoever has several tasks sends jobs of some of them at the same moments, so that their rows lie
among each other. Rows of a group are drawn without those of the owner's other groups. So whole
bursts are moved afterwards: with some probability a burst begins with the burst before it of the
same owner, if that is of another group. The order of the rows of a group stays, and so do the gaps
within bursts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from redwood.surrogates.models.grove.timing import NEAR

# Bursts that begin so soon after another one do so together with it, in s.
_TOGETHER = NEAR / 10

# Bursts of one owner that count, at most.
_OF_OWNER = 32

_DELAYS = 11

# Populations from which it is told how often bursts have to be moved.
_ROUNDS = 4


@dataclass(frozen=True)
class TogetherLaw:
    """How often, and how soon one after another.

    Attributes:
        share: of the pairs of bursts that follow each other, of different groups of one owner, how
            many begin together; no owner counts for more than so many.
        delays: (Q,) quantiles of the s between the two.
        moved: probability that a burst is moved to the one before.
    """

    share: float
    delays: np.ndarray
    moved: float

    @classmethod
    def fit(cls, times: np.ndarray, group: np.ndarray, owner: np.ndarray) -> "TogetherLaw":
        """Learn it from the times (n,) of rows in s, those of a group together and in order.

        Args:
            group, owner: (n,) whose each is, from 0; an owner's groups follow each other.
        """
        bursts = _Bursts.of(times, group, owner)
        delays, weights = bursts.delays()
        soon = delays <= _TOGETHER
        if not soon.any():
            return cls(0.0, np.zeros(2), 0.0)
        order = np.argsort(delays[soon], kind="stable")
        sorted_weights = weights[soon][order]
        passed = (np.cumsum(sorted_weights) - 0.5 * sorted_weights) / sorted_weights.sum()
        quantiles = np.interp(np.linspace(0, 1, _DELAYS), passed, delays[soon][order])
        return cls(_share(delays, weights), np.minimum(quantiles, _TOGETHER), 0.0)

    def settled(self, drawn: Callable[["TogetherLaw", int], float]) -> "TogetherLaw":
        """With that `moved` with which as many bursts begin together as `share` says.

        Some do so by chance, others cannot be moved.

        Args:
            drawn: draws a population by a law, the number of which is the second argument, and
                gives what `share_of` does of it.
        """
        law = self
        for turn in range(_ROUNDS if self.share else 0):
            off = self.share - drawn(law, turn)
            law = replace(law, moved=float(np.clip(law.moved + off / max(1, turn), 0.0, 1.0)))
        return law

    def move(
        self, times: np.ndarray, group: np.ndarray, owner: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """The times (n,) of rows after some of their bursts have been moved, see `fit`."""
        if not self.moved:
            return times
        bursts = _Bursts.of(times, group, owner)
        number = len(bursts.begin)
        delays = np.rint(
            np.interp(random.random(number), np.linspace(0, 1, len(self.delays)), self.delays)
        )
        chosen = random.random(number) < self.moved
        order = np.lexsort((bursts.begin, bursts.owner))
        chosen[order[0]] = False
        chosen[order[1:]] &= bursts.pairs(order)
        lengths = bursts.end - bursts.begin
        follows = np.concatenate([[False], np.diff(bursts.group) == 0])
        while True:
            # Those that follow each other begin one after another from the first, which stays.
            place = np.arange(number)
            first = np.maximum.accumulate(np.where(chosen[order], 0, place))
            waited = np.cumsum(np.where(chosen[order], delays[order], 0.0))
            begin = np.empty(number)
            begin[order] = bursts.begin[order][first] + waited - waited[first]
            begin = np.minimum(begin, bursts.begin)
            # A burst that would begin before the one before it of its group ends stays.
            late = np.concatenate([[np.inf], begin[1:] - (begin + lengths)[:-1]])
            wrong = chosen & follows & (late <= NEAR)
            if not wrong.any():
                break
            chosen &= ~wrong
        return times + (begin - bursts.begin)[bursts.burst]

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON holds exactly."""
        return {"share": self.share, "delays": self.delays.tolist(), "moved": self.moved}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "TogetherLaw":
        return cls(content["share"], np.array(content["delays"], float), content["moved"])


def share_of(times: np.ndarray, group: np.ndarray, owner: np.ndarray) -> float:
    """The `share` of a law that is learned from these rows."""
    return _share(*_Bursts.of(times, group, owner).delays())


def _share(delays: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(delays <= _TOGETHER, weights=weights)) if len(delays) else 0.0


@dataclass(frozen=True)
class _Bursts:
    """Runs of rows of a group without a long gap.

    Attributes:
        burst: (n,) the burst of each row.
        begin, end: (b,) times of their first and last rows.
        group, owner: (b,) whose they are.
    """

    burst: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    group: np.ndarray
    owner: np.ndarray

    @classmethod
    def of(cls, times: np.ndarray, group: np.ndarray, owner: np.ndarray) -> "_Bursts":
        starts = np.ones(len(times), bool)
        starts[1:] = (np.diff(group) != 0) | (np.diff(times) > NEAR)
        first = np.flatnonzero(starts)
        last = np.append(first[1:], len(times)) - 1
        return cls(np.cumsum(starts) - 1, times[first], times[last], group[first], owner[first])

    def pairs(self, order: np.ndarray) -> np.ndarray:
        """Which of the bursts in that order (b,) follow one of another group of the same owner."""
        same = self.owner[order[1:]] == self.owner[order[:-1]]
        return same & (self.group[order[1:]] != self.group[order[:-1]])

    def delays(self) -> tuple[np.ndarray, np.ndarray]:
        """For each such pair (p,) the s from one to the other, and what it counts for."""
        order = np.lexsort((self.begin, self.owner))
        pairs = self.pairs(order)
        whose = self.owner[order[1:]][pairs]
        weights = np.minimum(1.0, _OF_OWNER / np.maximum(1, np.bincount(whose))[whose])
        return np.diff(self.begin[order])[pairs], weights
