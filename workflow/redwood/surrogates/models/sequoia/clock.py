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
        paces, passed = self._paces()
        hours, whole = (times - self.low) / _HOUR, self._hour(times)
        reading = passed[whole] + (hours - whole) * paces[whole]
        if own is not None:
            reading = reading - np.clip(hours - self._hour(own), 0, 1)
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
        return np.clip(np.rint(self._time_of(wanted, own)), begin, end)

    def _time_of(self, reading: np.ndarray, own: np.ndarray | None) -> np.ndarray:
        """The inverse of `read`: the times (m,) at which Λ is `reading` (m,)."""
        paces, passed = self._paces()
        counted = reading * paces.mean() / _HOUR

        def hours(counted: np.ndarray) -> np.ndarray:
            whole = np.clip(np.searchsorted(passed, counted, "right") - 1, 0, len(paces) - 1)
            return whole + (counted - passed[whole]) / paces[whole]

        if own is None:
            return self.low + hours(counted) * _HOUR
        # The event's own hour has one less, and whatever comes later is reached one sooner.
        own_hour = self._hour(own)
        since = counted - passed[own_hour]
        within = own_hour + since / (paces[own_hour] - 1)
        sooner = hours(np.where(since < 0, counted, counted + 1))
        inside = (since >= 0) & (since < paces[own_hour] - 1)
        return self.low + np.where(inside, within, sooner) * _HOUR

    def _paces(self) -> tuple[np.ndarray, np.ndarray]:
        """What passes in each hour (hours,), and before it (hours + 1,)."""
        paces = self.counts + _PSEUDO_COUNT * self.counts.mean()
        return paces, np.concatenate([[0.0], np.cumsum(paces)])

    def _hour(self, times: np.ndarray) -> np.ndarray:
        """The hours that times (m,) are in, the closest for those outside of the record."""
        whole = np.floor((times - self.low) / _HOUR).astype(np.int64)
        return np.clip(whole, 0, len(self.counts) - 1)
