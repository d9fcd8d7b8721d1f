"""The places of a stream to draw at, so that rows may fulfil conditions.

A place is an event of the background to take the place of, and the days by which the result is
moved. Within the recorded time every event is a place once; a day beyond it takes its places from a
recorded day of the same weekday.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from redwood.errors import InputError
from redwood.surrogates.streams.conditions import Condition
from redwood.surrogates.streams.stream import Scheme, Stream

_DAY = 86400


@dataclass(frozen=True)
class Matches:
    """Events that are redrawn for a sample.

    Attributes:
        rows: (p,) their rows in the background; a row may be there repeatedly.
        shifts: (p,) seconds by which the redrawn events are moved.
    """

    rows: np.ndarray
    shifts: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def rounds(self, random: np.random.Generator) -> Iterator["Matches"]:
        """All matches in random order, in parts in which no event is there twice.

        It starts again after all have had their turn, so that any number of rows can be drawn.
        """
        while True:
            order = random.permutation(len(self.rows))
            rows, shifts = self.rows[order], self.shifts[order]
            while len(rows):
                _, first = np.unique(rows, return_index=True)
                first.sort()
                yield Matches(rows[first], shifts[first])
                rows, shifts = np.delete(rows, first), np.delete(shifts, first)


def find_matches(
    stream: Stream, scheme: Scheme, conditions: list[Condition], random: np.random.Generator
) -> Matches:
    """The events that may fulfil the conditions once they are redrawn.

    The entity, which a redrawn event keeps, fulfils them for certain, the time nearly so; the marks
    are yet to be drawn.
    """
    description = scheme.encoding.description
    rows = np.arange(len(stream))
    window = None
    for condition in conditions:
        name = condition.column.name
        if name == scheme.time:
            window = (condition.low, condition.high)
        elif name in scheme.entity:
            varying = scheme.encoding.varying_categorical
            encoding = next(e for e in varying if e.column == name)
            code = encoding.categories.index(condition.value)
            rows = rows[stream.entity[rows, scheme.entity.index(name)] == code]
    if window is None:
        return Matches(rows, np.zeros(len(rows)))
    return _days(stream.times, rows, window, description.name, random)


def _days(
    times: np.ndarray,
    rows: np.ndarray,
    window: tuple[float, float],
    table: str,
    random: np.random.Generator,
) -> Matches:
    """For each day of the window the events of that day, or of one of the same weekday."""
    first, last = int(times.min() // _DAY), int(times.max() // _DAY)
    low = max(window[0], times.min()) if np.isinf(window[0]) else window[0]
    high = min(window[1], times.max() + 1) if np.isinf(window[1]) else window[1]
    if not low < high:
        raise InputError(f"{table}: the record ends before the requested time begins")
    days = (times[rows] // _DAY).astype(np.int64)
    # The first and the last day are seldom whole.
    whole = np.arange(first + 1, last) if last - first >= 2 else np.arange(first, last + 1)
    chosen, shifts = [], []
    for day in range(int(low // _DAY), int(np.ceil(high / _DAY))):
        source = day
        if not first <= day <= last:
            alike = whole[(whole - day) % 7 == 0]
            source = int(random.choice(alike if len(alike) else whole))
        found = rows[days == source]
        moved = times[found] + (day - source) * _DAY
        found = found[(moved >= low) & (moved < high)]
        chosen.append(found)
        shifts.append(np.full(len(found), (day - source) * _DAY, np.float64))
    return Matches(np.concatenate(chosen), np.concatenate(shifts))
