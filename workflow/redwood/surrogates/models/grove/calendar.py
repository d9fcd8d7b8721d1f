"""The calendar of a grid: at what pace its hours pass, and what of that comes anew in each world.

A world is one realisation of a stretch of time. What all its users share is a rate by hour: that of
the hour of the day and of the weekday and a smooth trend, which are learned, times good and bad
days, of which only the spread and the persistence are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

HOUR, DAY = 3600.0, 86_400.0
_HOURS, _DAYS = 24, 7

# One owner makes this share of the rates, at most: beyond, an owner is not the grid. Where owners
# are few, so many times the share that each would have if all had as many rows: with just that,
# all would count as the one with the fewest does.
_SHARE_OF_OWNER, _TIMES_EQUAL = 0.05, 2

# A trend is what lasts for weeks: a Gaussian of so many days.
_TREND_DAYS = 14.0

# A record of ages has no more steps than these; where an hour is shorter, it has no daily rates.
_MOST_STEPS, _MOST_DAYS = 200_000, 5_000

# Owners times days from which it is told how much days vary: 80 MB.
_MOST_CELLS = 10_000_000

# Added to the counts, in rows and as a share of the mean, so that no hour is impassable.
_PSEUDO_COUNT, _PSEUDO_SHARE = 2.0, 0.05


@dataclass(frozen=True)
class Calendar:
    """The rates of a stretch of time.

    Attributes:
        low: its first second since 1970.
        high: its last.
        step: seconds of each rate, an hour unless the time is very long.
        rates: (steps,) rate of each step from `low`, of mean 1.
        spread: standard deviation of ln(rate) from day to day, beyond all this.
        persistence: correlation of that from one day to the next.
    """

    low: float
    high: float
    step: float
    rates: np.ndarray
    spread: float
    persistence: float

    @classmethod
    def fit(cls, times: np.ndarray, owner: np.ndarray) -> "Calendar":
        """Learn the rates from the times (n,) of rows and their owners (n,), numbered from 0."""
        low, high = float(times.min()), float(times.max())
        number = np.bincount(owner)
        weights = np.minimum(1.0, _most_rows(number) / number[owner])
        step = max(HOUR, (high - low) / _MOST_STEPS)
        steps = int((high - low) // step) + 1
        begin = low + step * np.arange(steps)
        rates = np.ones(steps)
        # What the window holds less than twice is no habit.
        for period, length in ((HOUR, _HOURS), (DAY, _DAYS)):
            if high - low < 2 * period * length or step > HOUR:
                continue
            exposed = np.bincount((begin // period % length).astype(np.int64), rates, length)
            seen = np.bincount((times // period % length).astype(np.int64), weights, length)
            seen = seen + _PSEUDO_COUNT + _PSEUDO_SHARE * seen.mean()
            rate = seen / seen.sum() / (exposed / exposed.sum())
            rates = rates * rate[(begin // period % length).astype(np.int64)]
        span = max(DAY, (high - low) / _MOST_DAYS)
        day = ((times - low) // span).astype(np.int64)
        of_day = ((begin - low) // span).astype(np.int64)
        days = int(max(of_day[-1], day.max())) + 1
        expected = np.bincount(of_day, rates, days)
        trend = _smooth(np.bincount(day, weights, days)) / np.maximum(_smooth(expected), 1e-12)
        rates = rates * trend[of_day]
        rates = np.maximum(rates / rates.mean(), 1e-6)
        expected = np.bincount(of_day, rates, days)
        spread, persistence = (0.0, 0.0)
        if span == DAY:
            spread, persistence = _common(day, owner, weights, expected / expected.sum())
        return cls(low, high, step, rates / rates.mean(), spread, persistence)

    @property
    def length(self) -> float:
        """Seconds from the first to the last."""
        return self.high - self.low

    def another(self, random: np.random.Generator) -> "Calendar":
        """The calendar of another world: other good and bad days."""
        if self.spread == 0:
            return self
        days = int(self.length // DAY) + 1
        noise = random.standard_normal(days)
        for day in range(1, days):
            fresh = np.sqrt(1 - self.persistence**2)
            noise[day] = self.persistence * noise[day - 1] + fresh * noise[day]
        of_day = (np.arange(len(self.rates)) * self.step // DAY).astype(np.int64)
        rates = self.rates * np.exp(self.spread * noise)[of_day]
        return replace(self, rates=rates / rates.mean())

    def read(self, times: np.ndarray) -> np.ndarray:
        """The clock at `times` (m,): seconds of the mean pace since `low`."""
        ticks, passed = self._ticks
        return np.interp(times, ticks, passed)

    def time_of(self, reading: np.ndarray) -> np.ndarray:
        """The inverse of `read`."""
        ticks, passed = self._ticks
        return np.interp(reading, passed, ticks)

    def pace(self, times: np.ndarray) -> np.ndarray:
        """The rate at `times` (m,)."""
        hours = ((times - self.low) // self.step).astype(np.int64)
        return self.rates[np.clip(hours, 0, len(self.rates) - 1)]

    def features(self, times: np.ndarray) -> np.ndarray:
        """What networks see of `times` (m,): (m, 11) waves of the day, the week and the stretch."""
        angle = 2 * np.pi * times / DAY
        week = angle / _DAYS
        along = np.pi * np.clip((times - self.low) / max(self.length, 1.0), 0, 1)
        waves = [wave(n * angle) for n in (1, 2) for wave in (np.sin, np.cos)]
        waves += [wave(n * week) for n in (1, 2) for wave in (np.sin, np.cos)]
        waves += [np.cos(n * along) for n in (1, 2, 3)]
        return np.stack(waves, axis=1)

    @property
    def _ticks(self) -> tuple[np.ndarray, np.ndarray]:
        ticks = self.low + self.step * np.arange(len(self.rates) + 1)
        return ticks, np.concatenate([[0.0], np.cumsum(self.step * self.rates)])

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON holds exactly."""
        return {
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "rates": self.rates.tolist(),
            "spread": self.spread,
            "persistence": self.persistence,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Calendar":
        rates = np.array(content["rates"], float)
        return cls(
            content["low"],
            content["high"],
            content["step"],
            rates,
            content["spread"],
            content["persistence"],
        )


def _most_rows(number: np.ndarray) -> float:
    """How many rows of an owner count, for no owner to have too large a share of what counts.

    Args:
        number: (owners,) rows of each.
    """
    shares = 1 / max(_SHARE_OF_OWNER, _TIMES_EQUAL / len(number))
    ordered = np.sort(number)[::-1].astype(float)
    above = 0
    # Where one share or less is left, all that is left fits into it.
    while ordered[above] > (most := ordered[above:].sum() / (shares - above)):
        above += 1
    return most


def _smooth(counts: np.ndarray) -> np.ndarray:
    """Daily counts (d,) smoothed over weeks; the ends have as much weight as there are days."""
    padded = counts + _PSEUDO_SHARE * counts.mean()
    around = gaussian_filter1d(np.ones(len(counts)), _TREND_DAYS, mode="constant")
    return gaussian_filter1d(padded, _TREND_DAYS, mode="constant") / around


def _common(
    day: np.ndarray, owner: np.ndarray, weights: np.ndarray, expected: np.ndarray
) -> tuple[float, float]:
    """How much the days of all owners vary together, and for how long, beyond what is expected.

    From the products of what two different owners have more than is expected of them: a moment of
    the shared factor alone, for owners by themselves are independent given it.

    Args:
        expected: (d,) share of the rows that each day should have.

    Returns:
        the standard deviation of ln(factor), and its correlation from day to day.
    """
    owners, days = int(owner.max()) + 1, len(expected)
    if days < 2 * _DAYS:
        return 0.0, 0.0
    if owners * days > _MOST_CELLS:
        chosen = owner < _MOST_CELLS // days
        day, owner, weights = day[chosen], owner[chosen], weights[chosen]
        owners = int(owner.max()) + 1
    counts = np.bincount(owner * days + day, weights, owners * days).reshape(owners, days)
    hoped = counts.sum(axis=1)[:, None] * expected
    excess = counts - hoped
    moments = []
    for lag in (0, 1):
        now, then = slice(lag, None), slice(0, days - lag)
        both = (
            excess[:, now].sum(axis=0) * excess[:, then].sum(axis=0)
            - (excess[:, now] * excess[:, then]).sum(axis=0)
        ).sum()
        base = (
            hoped[:, now].sum(axis=0) * hoped[:, then].sum(axis=0)
            - (hoped[:, now] * hoped[:, then]).sum(axis=0)
        ).sum()
        moments.append(max(0.0, both / base) if base > 0 else 0.0)
    if moments[0] == 0:
        return 0.0, 0.0
    return float(np.sqrt(np.log1p(moments[0]))), float(min(0.95, moments[1] / moments[0]))
