"""The calendar of a grid: at what pace its hours pass, and what of that comes anew in each world.

A world is one realisation of a stretch of time. What all its users share is a rate by hour: that of
the hour of the day and of the weekday and a smooth trend, which are learned, times good and bad
days, of which only the spread and the persistence are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

HOUR, DAY = 3600.0, 86_400.0
_HOURS, _DAYS = 24, 7

# Rows of one owner that count towards the rates, at most: beyond, an owner is not the grid.
_ROWS_OF_OWNER = 100

# A trend is what lasts for weeks: a Gaussian of so many days.
_TREND_DAYS = 14.0

# Added to the counts, in rows and as a share of the mean, so that no hour is impassable.
_PSEUDO_COUNT, _PSEUDO_SHARE = 2.0, 0.05


@dataclass(frozen=True)
class Calendar:
    """The rates of a stretch of time.

    Attributes:
        low: its first second since 1970.
        high: its last.
        rates: (hours,) rate of each hour from `low`, of mean 1.
        spread: standard deviation of ln(rate) from day to day, beyond all this.
        persistence: correlation of that from one day to the next.
    """

    low: float
    high: float
    rates: np.ndarray
    spread: float
    persistence: float

    @classmethod
    def fit(cls, times: np.ndarray, owner: np.ndarray) -> "Calendar":
        """Learn the rates from the times (n,) of rows and their owners (n,), numbered from 0."""
        low, high = float(times.min()), float(times.max())
        number = np.bincount(owner)
        weights = np.minimum(1.0, _ROWS_OF_OWNER / number[owner])
        hours = int((high - low) // HOUR) + 1
        begin = low + HOUR * np.arange(hours)
        rates = np.ones(hours)
        # What the window holds less than twice is no habit.
        for period, length in ((HOUR, _HOURS), (DAY, _DAYS)):
            if high - low < 2 * period * length:
                continue
            exposed = np.bincount((begin // period % length).astype(np.int64), rates, length)
            seen = np.bincount((times // period % length).astype(np.int64), weights, length)
            seen = seen + _PSEUDO_COUNT + _PSEUDO_SHARE * seen.mean()
            rate = seen / seen.sum() / (exposed / exposed.sum())
            rates = rates * rate[(begin // period % length).astype(np.int64)]
        day = ((times - low) // DAY).astype(np.int64)
        of_day = ((begin - low) // DAY).astype(np.int64)
        days = int(of_day[-1]) + 1
        expected = np.bincount(of_day, rates, days)
        trend = _smooth(np.bincount(day, weights, days)) / _smooth(expected)
        rates = rates * trend[of_day]
        expected = np.bincount(of_day, rates, days)
        spread, persistence = _common(day, owner, weights, expected / expected.sum())
        return cls(low, high, rates / rates.mean(), spread, persistence)

    @property
    def length(self) -> float:
        """Seconds from the first to the last."""
        return self.high - self.low

    def another(self, random: np.random.Generator) -> "Calendar":
        """The calendar of another world: other good and bad days."""
        days = int(self.length // DAY) + 1
        noise = random.standard_normal(days)
        for day in range(1, days):
            fresh = np.sqrt(1 - self.persistence**2)
            noise[day] = self.persistence * noise[day - 1] + fresh * noise[day]
        day = (np.arange(len(self.rates)) * HOUR // DAY).astype(np.int64)
        rates = self.rates * np.exp(self.spread * noise)[day]
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
        hours = ((times - self.low) // HOUR).astype(np.int64)
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
        ticks = self.low + HOUR * np.arange(len(self.rates) + 1)
        return ticks, np.concatenate([[0.0], np.cumsum(HOUR * self.rates)])

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON holds exactly."""
        return {
            "low": self.low,
            "high": self.high,
            "rates": self.rates.tolist(),
            "spread": self.spread,
            "persistence": self.persistence,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Calendar":
        rates = np.array(content["rates"], float)
        return cls(
            content["low"], content["high"], rates, content["spread"], content["persistence"]
        )


def _smooth(counts: np.ndarray) -> np.ndarray:
    """Daily counts (d,) smoothed over weeks; the ends have as much weight as there are days."""
    days = np.arange(len(counts))
    kernel = np.exp(-0.5 * ((days[:, None] - days) / _TREND_DAYS) ** 2)
    return (kernel @ (counts + _PSEUDO_SHARE * counts.mean())) / kernel.sum(axis=1)


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
