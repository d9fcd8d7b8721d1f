"""Where an event stands between the two of its entity around it: brackets and places within them.

The place of a time t in the bracket [a, b] is measured on a clock that runs at the stream's own
pace (the fewer events an hour has, the faster it passes), logarithmically from both ends:

    z = ln (Λ(t) − Λ(a) + ½)/(Λ(b) − Λ(t) + ½),   place = (z / z(b) + 1)/2,

so that seconds count beside an end and hours in a wide middle. Λ never counts the event itself.
"""

from dataclasses import dataclass

import numpy as np

# Events are counted by the hour; a tenth of the mean is added, so that no hour is impassable.
_HOUR = 3600.0
_PSEUDO_COUNT = 0.1

# The resolution of a time, in seconds of the mean pace: half of what a record resolves.
_HALF_SECOND = 0.5

# Halvings of a bracket until a time is found to the second in 10⁹ years.
_HALVINGS = 60


@dataclass(frozen=True)
class Clock:
    """A clock at a stream's own pace.

    Attributes:
        low: the stream's first time, in seconds.
        high: its last.
        counts: events of each hour from `low`.
    """

    low: float
    high: float
    counts: np.ndarray

    @classmethod
    def fit(cls, times: np.ndarray) -> "Clock":
        """Learn the pace of a stream from its times (n,) in seconds."""
        low, high = float(times.min()), float(times.max())
        hours = ((times - low) // _HOUR).astype(np.int64)
        return cls(low, high, np.bincount(hours).astype(np.float64))

    def read(self, times: np.ndarray, own: np.ndarray | None) -> np.ndarray:
        """Λ at `times` (m,), in seconds of the mean pace.

        Args:
            own: (m,) time of the stream's event that is not counted; `None` for none.
        """
        paces = self.counts + _PSEUDO_COUNT * self.counts.mean()
        passed = np.concatenate([[0.0], np.cumsum(paces)])
        hours = (times - self.low) / _HOUR
        whole = np.clip(np.floor(hours).astype(np.int64), 0, len(paces) - 1)
        reading = passed[whole] + (hours - whole) * paces[whole]
        if own is not None:
            own_hour = np.clip((own - self.low) // _HOUR, 0, len(paces) - 1)
            reading = reading - np.clip(hours - own_hour, 0, 1)
        return reading * _HOUR / paces.mean()

    def places(
        self, times: np.ndarray, begin: np.ndarray, end: np.ndarray, own: np.ndarray | None
    ) -> np.ndarray:
        """The places of `times` between `begin` and `end`, all (m,): 0 … 1, ½ if they are equal."""
        first, last = self.read(begin, own), self.read(end, own)
        now = np.clip(self.read(times, own), first, last)
        z = np.log((now - first + _HALF_SECOND) / (last - now + _HALF_SECOND))
        widest = np.log((last - first + _HALF_SECOND) / _HALF_SECOND)
        ratio = np.divide(z, widest, out=np.zeros_like(z), where=widest > 0)
        return np.clip((ratio + 1) / 2, 0, 1)

    def times(
        self, places: np.ndarray, begin: np.ndarray, end: np.ndarray, own: np.ndarray | None
    ) -> np.ndarray:
        """The inverse of `places`, rounded to the second and within begin … end."""
        first, last = self.read(begin, own), self.read(end, own)
        length = np.maximum(last - first, 0)
        ratio = np.exp((2 * places - 1) * np.log((length + _HALF_SECOND) / _HALF_SECOND))
        # From the closer end, since the ratio is huge beside the other.
        wanted = first + (ratio * (length + _HALF_SECOND) - _HALF_SECOND) / (1 + ratio)
        low, high = begin.astype(np.float64), end.astype(np.float64)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            earlier = self.read(middle, own) < wanted
            low, high = np.where(earlier, middle, low), np.where(earlier, high, middle)
        return np.clip(np.rint((low + high) / 2), begin, end)
