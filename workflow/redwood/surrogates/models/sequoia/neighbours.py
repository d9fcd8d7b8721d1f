"""The rows nearest in time that share a key."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TimeIndex:
    """Rows of a stream by key and time.

    Attributes:
        rows: (n,) row numbers, sorted by key, then time, then row number.
        groups: the different keys, ascending, uint64.
        starts: for each of them the first position in `rows`; one more at the end.
        times: (n,) the times in the order of `rows`.
        positions: (n,) for each row its position in `rows`.
    """

    rows: np.ndarray
    groups: np.ndarray
    starts: np.ndarray
    times: np.ndarray
    positions: np.ndarray

    @classmethod
    def build(cls, keys: np.ndarray, times: np.ndarray) -> "TimeIndex":
        """Index rows by their keys (n,) uint64 and times (n,) in seconds."""
        rows = np.lexsort((times, keys))
        groups, starts = np.unique(keys[rows], return_index=True)
        positions = np.empty(len(rows), np.int64)
        positions[rows] = np.arange(len(rows))
        return cls(rows, groups, np.append(starts, len(rows)), times[rows], positions)

    def around(
        self, keys: np.ndarray, times: np.ndarray, own: np.ndarray | None, each_side: int
    ) -> np.ndarray:
        """The rows of equal key before and after each event.

        Args:
            keys: (m,) uint64.
            times: (m,) in seconds.
            own: (m,) rows of the stream that the events take the place of, which are left out;
                `None` where they are none of the stream's.
            each_side: K.

        Returns:
            (m, 2K) row numbers in time order, −1 where there is none.
        """
        group = np.clip(np.searchsorted(self.groups, keys), 0, len(self.groups) - 1)
        known = self.groups[group] == keys
        start = np.where(known, self.starts[group], 0)
        end = np.where(known, self.starts[group + 1], 0)
        if own is None:
            after = self._insertion(start, end, times)
            own_position = np.full(len(keys), -1)
        else:
            own_position = self.positions[own]
            inside = (own_position >= start) & (own_position < end)
            own_position = np.where(inside, own_position, -1)
            # At its own place a row stands between its neighbours even if times are equal.
            stays = inside & (self.times[self.positions[own]] == times)
            after = np.where(stays, self.positions[own] + 1, self._insertion(start, end, times))
        found = np.empty((len(keys), 2 * each_side), np.int64)
        before = after - 1
        for step in range(each_side):
            before -= before == own_position
            found[:, each_side - 1 - step] = np.where(before >= start, before, -1)
            before -= 1
        for step in range(each_side):
            after += after == own_position
            found[:, each_side + step] = np.where(after < end, after, -1)
            after += 1
        return np.where(found >= 0, self.rows[found], -1)

    def _insertion(self, start: np.ndarray, end: np.ndarray, times: np.ndarray) -> np.ndarray:
        """The first position in start … end whose time is later than the event's."""
        low, high = start.copy(), end.copy()
        while (open_ := low < high).any():
            middle = (low + high) // 2
            earlier = open_ & (self.times[np.minimum(middle, len(self.times) - 1)] <= times)
            low = np.where(earlier, middle + 1, low)
            high = np.where(open_ & ~earlier, middle, high)
        return low
