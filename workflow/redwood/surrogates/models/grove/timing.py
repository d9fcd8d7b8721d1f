"""When an item comes, between the one before and the one after that are there already.

The time t between a and b is drawn from a mixture of three histograms, over

    ln(1 + t − a) / ln(1 + b − a),   ln(1 + b − t) / ln(1 + b − a),

so that it may follow or precede at once, and over the share of the calendar's clock that has
passed. A network gives weights and histograms.
"""

import numpy as np
from torch import Tensor, nn

from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.streams.marks import draw_index

_BINS = 24
_COORDINATES = 3
_LEAST = 1e-12


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
    width = np.log1p(end - begin)
    since, until = times - begin, end - times
    read = calendar.read(np.stack([begin, times, end]))
    passed = np.maximum(read[2] - read[0], _LEAST)
    coordinates = np.stack(
        [
            np.log1p(since) / np.maximum(width, _LEAST),
            np.log1p(until) / np.maximum(width, _LEAST),
            (read[1] - read[0]) / passed,
        ],
        axis=1,
    )
    slopes = np.stack(
        [
            1 / ((1 + since) * np.maximum(width, _LEAST)),
            1 / ((1 + until) * np.maximum(width, _LEAST)),
            np.maximum(calendar.pace(times), _LEAST) / passed,
        ],
        axis=1,
    )
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
    away = np.expm1(place * np.log1p(end - begin))
    read = calendar.read(np.stack([begin, end]))
    times = np.where(coordinate == 0, begin + away, end - away)
    clock = calendar.time_of(read[0] + place * (read[1] - read[0]))
    return np.clip(np.rint(np.where(coordinate == 2, clock, times)), begin, end)
