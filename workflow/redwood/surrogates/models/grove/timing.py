"""When an item comes, between the one before and the one after that are there already.

Let D(a, t) be how far t is from a: seconds within half an hour, beyond it the seconds that the
calendar's clock shows, which runs slowly at night. The time t of the i-th item after a and the j-th
before b is drawn from a mixture of three histograms, over

    ln(1 + D(a, t) / i),   ln(1 + D(b, t) / j),

the logarithms of the mean gaps on either side, so that it may follow or precede as fast as items of
a burst follow each other, however many they are, and over the share of the clock's time that has
passed. A network gives weights and histograms; bins beyond the ends are left out.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.streams.marks import draw_index

_BINS = 48
_COORDINATES = 3
# Of the logarithms; the last bin has no end.
_WIDTH = 1 / 3
_LEAST = 1e-12
# Stands for minus infinity where −inf would make gradients undefined.
_NEVER = -1e4

# Within a burst the clock on the wall counts, in s.
NEAR = 1800.0


class TimeNetwork(nn.Module):
    """The network that gives the law of an item's time.

    Args:
        features: number of features of an item.
        hidden: width of the layers.
        dropout: share of units that are dropped in training.
    """

    def __init__(self, features: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, hidden),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, _COORDINATES * (1 + _BINS)),
        )

    def forward(self, features: Tensor, reach: Tensor) -> Tensor:
        """The law of each coordinate, (B, 3, 1 + bins): ln of its weight, and of its bins'.

        Args:
            features: (B, features).
            reach: (B, 3) the last bins that there are, see `places`.
        """
        weights, bins = self.layers(features).tensor_split((_COORDINATES,), dim=1)
        bins = bins.unflatten(1, (_COORDINATES, _BINS))
        missing = torch.arange(_BINS, device=bins.device) > reach[:, :, None]
        bins = bins.masked_fill(missing, _NEVER).log_softmax(dim=2)
        return torch.cat([weights.log_softmax(dim=1)[:, :, None], bins], dim=2)


@dataclass(frozen=True)
class Between:
    """Between what times are drawn: m pairs of items that are there already.

    Attributes:
        begin, end: (m,) their times in s.
        before, after: (m,) which item after the first and before the second it is, from 1.
        calendar: the clock.
    """

    begin: np.ndarray
    end: np.ndarray
    before: np.ndarray
    after: np.ndarray
    calendar: Calendar

    @property
    def sides(self) -> tuple[tuple[np.ndarray, np.ndarray, int, np.ndarray], ...]:
        """From either end: where from, where to, in which direction, and how many items."""
        return (
            (self.begin, self.end, 1, self.before),
            (self.end, self.begin, -1, self.after),
        )

    @cached_property
    def farthest(self) -> np.ndarray:
        """(m, 2) how large the first two coordinates can be."""
        return np.stack(
            [
                np.log1p(_away(origin, other, sign, self.calendar) / items)
                for origin, other, sign, items in self.sides
            ],
            axis=1,
        )

    @property
    def reach(self) -> np.ndarray:
        """(m, 3) the last bin of each coordinate that there is."""
        last = np.minimum((self.farthest / _WIDTH).astype(np.int64), _BINS - 1)
        return np.pad(last, ((0, 0), (0, 1)), constant_values=_BINS - 1)


def places(times: np.ndarray, between: Between) -> tuple[np.ndarray, np.ndarray]:
    """The bins that times stand in, and the log density within them.

    Args:
        times: (m,) seconds, each between its ends.

    Returns:
        bins (m, 3), and the log of the density in 1/s (m, 3) of a bin of probability 1.
    """
    calendar = between.calendar
    read = calendar.read(np.stack([between.begin, times, between.end]))
    passed = np.maximum(read[2] - read[0], _LEAST)
    pace = np.maximum(calendar.pace(times), _LEAST)
    share = (read[1] - read[0]) / passed
    bins = [np.clip((share * _BINS).astype(np.int64), 0, _BINS - 1)]
    slopes = [pace / passed * _BINS]
    for side, (origin, _, sign, items) in enumerate(between.sides):
        away = _away(origin, times, sign, calendar)
        farthest = between.farthest[:, side]
        own = np.minimum((np.log1p(away / items) / _WIDTH).astype(np.int64), _BINS - 1)
        own = np.minimum(own, (farthest / _WIDTH).astype(np.int64))
        low, high = _edges(own, farthest)
        rate = np.where(away < NEAR, 1.0, pace) / (items + away)
        bins.insert(side, own)
        slopes.insert(side, rate / np.maximum(high - low, _LEAST))
    return np.stack(bins, axis=1), np.log(np.maximum(np.stack(slopes, axis=1), _LEAST))


def log_density(law: Tensor, bins: Tensor, slopes: Tensor) -> Tensor:
    """ln p of times (B,) by `law` (B, 3, 1 + bins), at what `places` gives of them."""
    return (law[:, :, 0] + law.gather(2, 1 + bins[:, :, None])[:, :, 0] + slopes).logsumexp(dim=1)


def draw(law: np.ndarray, between: Between, random: np.random.Generator) -> np.ndarray:
    """Times (m,) in whole seconds, by `law` (m, 3, 1 + bins)."""
    calendar = between.calendar
    coordinate = draw_index(law[:, :, 0], random)
    number = draw_index(law[np.arange(len(law)), coordinate, 1:], random)
    within = random.random(len(law))
    read = calendar.read(np.stack([between.begin, between.end]))
    times = calendar.time_of(read[0] + (number + within) / _BINS * (read[1] - read[0]))
    for side, (origin, _, sign, items) in enumerate(between.sides):
        low, high = _edges(number, between.farthest[:, side])
        away = items * np.expm1(low + within * np.maximum(high - low, 0.0))
        times = np.where(coordinate == side, _at(origin, away, sign, calendar), times)
    return np.clip(np.rint(times), between.begin, between.end)


def _edges(bins: np.ndarray, farthest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where bins (m,) of a logarithm begin and end, none beyond `farthest` (m,)."""
    high = np.where(bins < _BINS - 1, (bins + 1) * _WIDTH, np.inf)
    return bins * _WIDTH, np.minimum(high, farthest)


def _away(origin: np.ndarray, times: np.ndarray, sign: int, calendar: Calendar) -> np.ndarray:
    """D: how far `times` (m,) are from `origin` (m,), after it or (sign −1) before it."""
    seconds = sign * (times - origin)
    near = origin + sign * np.minimum(seconds, NEAR)
    return np.minimum(seconds, NEAR) + sign * (calendar.read(times) - calendar.read(near))


def _at(origin: np.ndarray, away: np.ndarray, sign: int, calendar: Calendar) -> np.ndarray:
    """The inverse of `_away`: the times (m,) that are so far away."""
    near = origin + sign * np.minimum(away, NEAR)
    beyond = np.maximum(away - NEAR, 0.0)
    return np.where(beyond > 0, calendar.time_of(calendar.read(near) + sign * beyond), near)
