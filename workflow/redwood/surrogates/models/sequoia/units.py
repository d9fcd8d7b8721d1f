"""Whose the rows of a stream are: units, those that are small, and what enough of them share.

A unit is a user, a task: rows of equal value in a column that names units. Rows of which no such
column tells anything are taken together by bursts of their entity. What is said of a unit only, a
value, a combination, a time, is said of nobody in particular once enough rows of other units share
it (L. Sweeney, k-anonymity, Int. J. Uncertainty, Fuzziness 10 (2002) 557).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.surrogates.streams.entity import combine
from redwood.surrogates.streams.stream import Stream

# A burst of an entity ends where nothing follows for so many seconds.
PAUSE = 360.0

# Rows of others for each row of a small unit, at least, that its rows are lost among.
_CROWD = 4

# Small units that must share what no larger one has.
_LEAST_UNITS = 5


@dataclass(frozen=True)
class Units:
    """The units of a stream's rows.

    Attributes:
        small: (n,) the small unit that a row belongs to, the widest if there are several; −1 of a
            row whose units are all larger.
        sessions: (n,) the run of rows that a row is in: of one unit, the narrowest, of one entity,
            without a pause.
        most: rows of a small unit, at most.
    """

    small: np.ndarray
    sessions: np.ndarray
    most: int

    @classmethod
    def find(cls, frame: pd.DataFrame, names: Sequence[str], stream: Stream, most: int) -> "Units":
        """The units of the rows of `frame`, which `stream` encodes.

        Args:
            names: columns that name units, widest first; those that are not there are passed over.
            most: rows of a small unit, at most.
        """
        levels = [pd.factorize(frame[name])[0] for name in names if name in frame.columns]
        nameless = np.all([codes < 0 for codes in levels], axis=0) if levels else np.ones(1, bool)
        nameless = np.broadcast_to(nameless, len(stream))
        timed = np.ptp(stream.times) > 0 if len(stream) else False
        bursts = _runs(stream.entity_keys, stream.times) if timed else np.arange(len(stream))
        levels.append(np.where(nameless, bursts, -1))
        small, narrowest = np.full(len(stream), -1), np.full(len(stream), -1)
        taken = 0
        for codes in levels:
            known = codes >= 0
            rows = np.bincount(codes[known], minlength=codes.max(initial=-1) + 1)
            is_small = known & (rows[np.maximum(codes, 0)] <= most) if len(rows) else known
            small = np.where((small < 0) & is_small, codes + taken, small)
            narrowest = np.where(known, codes + taken, narrowest)
            taken += len(rows)
        sessions = _runs(combine([stream.entity_keys, narrowest], len(stream)), stream.times)
        return cls(small, sessions, most)

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each small unit, by its number."""
        return np.bincount(self.small[self.small >= 0])

    def crowd(self, rows: np.ndarray) -> np.ndarray:
        """How many rows of others so many `rows` of a small unit, any shape, are lost among.

        Among as many as it has itself, a unit would double what is there.
        """
        return np.maximum(self.most, _CROWD * rows)

    @property
    def stays(self) -> np.ndarray:
        """Which rows belong to no small unit: (n,) bool."""
        return self.small < 0

    def share(self, keys: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
        """Whether what a row's key stands for says nothing of its own small unit: (n,) bool.

        That is so of rows of no small unit, and where more than a crowd of other rows have the key,
        of which one is of no small unit, or which are of five small ones or more.

        Args:
            keys: (n,) keys.
            among: (n,) bool, the rows that count; all if `None`.
        """
        among = np.ones(len(keys), bool) if among is None else among
        groups = np.unique(keys, return_inverse=True)[1]
        pairs, pair = np.unique(np.column_stack([groups, self.small]), axis=0, return_inverse=True)
        rows_of_pair = np.bincount(pair[among], minlength=len(pairs))
        size = groups.max(initial=-1) + 1
        rows = np.bincount(groups[among], minlength=size)
        staying = np.bincount(groups[among & self.stays], minlength=size)
        is_counted = (pairs[:, 1] >= 0) & (rows_of_pair > 0)
        units = np.bincount(pairs[is_counted, 0], minlength=size)
        own = rows_of_pair[pair]
        others = rows[groups] - own
        enough = (staying[groups] > 0) | (units[groups] >= _LEAST_UNITS)
        return self.stays | ((others > self.crowd(own)) & enough)


def _runs(keys: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Numbers (n,) of the runs of rows of equal key without a pause."""
    order = np.lexsort((times, keys))
    begins = np.ones(len(keys), bool)
    begins[1:] = (np.diff(times[order]) > PAUSE) | (keys[order][1:] != keys[order][:-1])
    runs = np.empty(len(keys), np.int64)
    runs[order] = np.cumsum(begins) - 1
    return runs
