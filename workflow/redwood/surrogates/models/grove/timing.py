"""When an item comes, between the one before and the one after that are there already.

Let D(a, t) be how far t is from a: seconds within half an hour, beyond it the seconds that the
calendar's clock shows, which runs slowly at night. The time t between a and b is drawn from a
mixture of three histograms, over

    ln(1 + D(a, t)) / ln(1 + D(a, b)),   ln(1 + D(b, t)) / ln(1 + D(b, a)),

so that it may follow or precede at once, and over the share of the clock's time that has passed. A
network gives weights and histograms.
"""

import numpy as np
from torch import Tensor, nn

from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.streams.marks import draw_index

_BINS = 24
_COORDINATES = 3
_LEAST = 1e-12

# Within a burst the clock on the wall counts, in s.
_NEAR = 1800.0


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

    def forward(self, features: Tensor) -> Tensor:
        """Log probabilities of each bin of each coordinate: (B, 3, bins)."""
        weights, bins = self.layers(features).tensor_split((_COORDINATES,), dim=1)
        bins = bins.unflatten(1, (_COORDINATES, _BINS)).log_softmax(dim=2)
        return weights.log_softmax(dim=1)[:, :, None] + bins


def places(
    times: np.ndarray, begin: np.ndarray, end: np.ndarray, calendar: Calendar
) -> tuple[np.ndarray, np.ndarray]:
    """The bins that times stand in, and the log density within them.

    Args:
        times, begin, end: (m,) seconds, begin ≤ times ≤ end.

    Returns:
        bins (m, 3), and the log of the density in 1/s (m, 3) of a bin of probability 1.
    """
    read = calendar.read(np.stack([begin, times, end]))
    passed = np.maximum(read[2] - read[0], _LEAST)
    pace = np.maximum(calendar.pace(times), _LEAST)
    shares, rates = [], []
    for origin, other, sign in ((begin, end, 1), (end, begin, -1)):
        width = np.maximum(np.log1p(_away(origin, other, sign, calendar)), _LEAST)
        away = _away(origin, times, sign, calendar)
        shares.append(np.log1p(away) / width)
        rates.append(np.where(away < _NEAR, 1.0, pace) / ((1 + away) * width))
    coordinates = np.stack([*shares, (read[1] - read[0]) / passed], axis=1)
    slopes = np.stack([*rates, pace / passed], axis=1)
    bins = np.clip((coordinates * _BINS).astype(np.int64), 0, _BINS - 1)
    return bins, np.log(np.maximum(slopes * _BINS, _LEAST))


def log_density(law: Tensor, bins: Tensor, slopes: Tensor) -> Tensor:
    """ln p of times (B,) by `law` (B, 3, bins), at what `places` gives of them."""
    return (law.gather(2, bins[:, :, None])[:, :, 0] + slopes).logsumexp(dim=1)


def draw(
    law: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    calendar: Calendar,
    random: np.random.Generator,
) -> np.ndarray:
    """Times (m,) in whole seconds between `begin` and `end` (m,), by `law` (m, 3, bins)."""
    index = draw_index(law.reshape(len(law), -1), random)
    coordinate, place = index // _BINS, (index % _BINS + random.random(len(law))) / _BINS
    read = calendar.read(np.stack([begin, end]))
    times = calendar.time_of(read[0] + place * (read[1] - read[0]))
    for number, (origin, other, sign) in enumerate(((begin, end, 1), (end, begin, -1))):
        away = np.expm1(place * np.log1p(_away(origin, other, sign, calendar)))
        times = np.where(coordinate == number, _at(origin, away, sign, calendar), times)
    return np.clip(np.rint(times), begin, end)


def _away(origin: np.ndarray, times: np.ndarray, sign: int, calendar: Calendar) -> np.ndarray:
    """D: how far `times` (m,) are from `origin` (m,), after it or (sign −1) before it."""
    seconds = sign * (times - origin)
    near = origin + sign * np.minimum(seconds, _NEAR)
    return np.minimum(seconds, _NEAR) + sign * (calendar.read(times) - calendar.read(near))


def _at(origin: np.ndarray, away: np.ndarray, sign: int, calendar: Calendar) -> np.ndarray:
    """The inverse of `_away`: the times (m,) that are so far away."""
    near = origin + sign * np.minimum(away, _NEAR)
    beyond = np.maximum(away - _NEAR, 0.0)
    return np.where(beyond > 0, calendar.time_of(calendar.read(near) + sign * beyond), near)
