"""Small units made anew: whose the rows of their sessions are, and when.

A session of a small unit keeps how many rows it has. Its entity stays if enough other rows have it,
else it becomes one that they have nearby. Sessions exchange their starts, each within a window that
holds a crowd of rows of its entity, of other units: so there are about as many starts at any time
as before, but nobody can tell whose. As the set of starts would still tell when a unit was there,
each is then moved by as much as is the way to more starts of others than a small unit has rows. The
gaps between a session's rows become those of another.
"""

from dataclasses import dataclass

import numpy as np

from redwood.surrogates.models.sequoia.units import Units
from redwood.surrogates.streams.stream import Stream

# Rounds in which pairs of sessions try to exchange their starts.
_ROUNDS = 100

# Starts that are looked at together, for all sessions of a part: memory is bounded by them.
_CELLS = 2**20

# Rows nearby among which another entity is looked for, and sessions of like size for gaps.
_NEARBY = 400
_ALIKE = 40


@dataclass(frozen=True)
class Sessions:
    """Sessions in the order of their starts, and their rows.

    Attributes:
        rows: (n,) rows by session, in time order.
        begins: (S,) place of each one's first in `rows`; one more at the end.
    """

    rows: np.ndarray
    begins: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray, times: np.ndarray, rows: np.ndarray) -> "Sessions":
        """The sessions of `rows` (m,), of which `numbers` (n,) tells the session of each row."""
        order = rows[np.lexsort((times[rows], numbers[rows]))]
        first = np.flatnonzero(np.diff(numbers[order], prepend=-1))
        return cls(order, np.append(first, len(order)))

    def __len__(self) -> int:
        return len(self.begins) - 1

    @property
    def first(self) -> np.ndarray:
        """The first row of each."""
        return self.rows[self.begins[:-1]]

    @property
    def sizes(self) -> np.ndarray:
        return np.diff(self.begins)

    @property
    def place(self) -> np.ndarray:
        """How many rows of its session come before each of `rows`."""
        return np.arange(len(self.rows)) - np.repeat(self.begins[:-1], self.sizes)


def choose_entities(
    stream: Stream,
    units: Units,
    sessions: Sessions,
    public: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """The entity (S, E) of each session: its own or, if that may not stay, one of rows nearby.

    Of the rows nearby one of those counts that share the most with the session's own: columns in
    which the value is rare tell more (ln 1/frequency) than those in which it is common.

    Args:
        public: (n,) bool, rows whose entity may stay.
    """
    entity = stream.entity[sessions.first].copy()
    replaced = np.flatnonzero(~public[sessions.first])
    known = np.flatnonzero(public)
    known = known[np.argsort(stream.times[known], kind="stable")]
    wanted = stream.times[sessions.first[replaced]]
    middle = np.searchsorted(stream.times[known], wanted)
    begin = np.clip(middle - _NEARBY // 2, 0, max(0, len(known) - _NEARBY))
    telling = -np.log(_frequencies(stream.entity[known], entity[replaced]))
    for session, low, weights in zip(replaced, begin, telling, strict=True):
        nearby = known[low : low + _NEARBY]
        nearby = nearby[units.small[nearby] != units.small[sessions.first[session]]]
        if not len(nearby):
            nearby = known
        # Not a matrix product, which adds up equal rows in different orders.
        shared = ((stream.entity[nearby] == entity[session]) * weights).sum(axis=1)
        entity[session] = stream.entity[random.choice(nearby[shared == shared.max()])]
    return entity


def _frequencies(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The share of `rows` (n, E) that have each column's value of `wanted` (S, E): (S, E)."""
    shares = np.empty(wanted.shape)
    for column, values in enumerate(wanted.T):
        counts = np.bincount(rows[:, column], minlength=values.max(initial=-1) + 1)
        shares[:, column] = np.maximum(counts[values], 1) / max(len(rows), 1)
    return shares


def choose_times(
    stream: Stream,
    units: Units,
    sessions: Sessions,
    entity: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """New times of the rows of `sessions.rows`: (m,).

    Args:
        entity: (S, E) the entity of each session.
    """
    low, high = stream.times.min(), stream.times.max()
    reach = _windows(stream, units, sessions, entity)
    origin = _exchanged(stream.times[sessions.first], reach, random)
    starts = _moved(stream, units, sessions, origin, random)
    gaps = _gaps(stream, units, sessions, random)
    passed = np.cumsum(gaps)
    passed = passed - np.repeat(passed[sessions.begins[:-1]], sessions.sizes)
    lengths = passed[sessions.begins[1:] - 1]
    starts = np.clip(starts, low, np.maximum(low, high - lengths))
    times = np.repeat(starts, sessions.sizes) + passed
    return np.clip(np.rint(times), low, high)


def _windows(stream: Stream, units: Units, sessions: Sessions, entity: np.ndarray) -> np.ndarray:
    """Seconds (S,) within which a crowd of rows of other units has each one's entity."""
    span = np.ptp(stream.times)
    both = np.concatenate([stream.entity, entity])
    codes = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1)
    of_row, wanted = codes[: len(stream)], codes[len(stream) :]
    order = np.lexsort((stream.times, of_row))
    sorted_codes, sorted_times = of_row[order], stream.times[order]
    first, last = (np.searchsorted(sorted_codes, wanted, side) for side in ("left", "right"))
    reach = np.full(len(sessions), span, np.float64)
    own_time, own_unit = stream.times[sessions.first], units.small[sessions.first]
    crowds = units.crowd(units.sizes[own_unit])
    for session, crowd in enumerate(crowds):
        middle = np.searchsorted(sorted_times[first[session] : last[session]], own_time[session])
        # A small unit has at most `most` rows on either side that do not count.
        far = crowd + units.most + 1
        begin, end = first[session], last[session]
        places = np.arange(max(begin, begin + middle - far), min(end, begin + middle + far))
        places = places[units.small[order[places]] != own_unit[session]]
        if len(places) > crowd:
            away = np.abs(sorted_times[places] - own_time[session])
            reach[session] = np.partition(away, crowd)[crowd]
    return reach


def _exchanged(own: np.ndarray, reach: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Whose start each session takes: a permutation (S,).

    Args:
        own: (S,) the sessions' starts.
        reach: (S,) how far from its own the start may be that a session takes.
    """
    number = len(own)
    first = np.argsort(own, kind="stable")
    slots = own[first]
    # The session that has each slot.
    holder = first.copy()
    for _ in range(_ROUNDS):
        if number < 2:
            break
        step = int(np.exp(random.uniform(0, np.log(number))))
        step = int(np.clip(step, 1, number - 1))
        places = np.arange(number - step)
        places = places[((places + random.integers(2 * step)) // step) % 2 == 0]
        one, other = holder[places], holder[places + step]
        fits = np.abs(slots[places + step] - own[one]) <= reach[one]
        fits &= np.abs(slots[places] - own[other]) <= reach[other]
        holder[places[fits]], holder[places[fits] + step] = other[fits], one[fits]
    origin = np.empty(number, np.int64)
    origin[holder] = first
    return origin


def _moved(
    stream: Stream,
    units: Units,
    sessions: Sessions,
    origin: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """New starts (S,) of sessions that take those of `origin` (S,).

    A start is moved by up to the time to the `most` + 1-th nearest start of a unit that is neither
    the one it was of nor the one it is of now.
    """
    own = stream.times[sessions.first]
    unit = units.small[sessions.first]
    every = Sessions.of(units.sessions, stream.times, np.arange(len(stream))).first
    every = every[np.argsort(stream.times[every], kind="stable")]
    times, of = stream.times[every], units.small[every]
    starts = own[origin].astype(np.float64)
    # Each of the two units has at most `most` starts that do not count.
    far = min(3 * units.most + 1, len(times))
    offsets = np.arange(-far, far)
    chunk = max(1, _CELLS // len(offsets))
    for begin in range(0, len(starts), chunk):
        part = slice(begin, begin + chunk)
        places = np.searchsorted(times, starts[part])[:, None] + offsets
        counts = (places >= 0) & (places < len(times))
        places = np.clip(places, 0, len(times) - 1)
        for whose in (unit[origin[part]], unit[part]):
            counts &= of[places] != whose[:, None]
        away = np.abs(times[places] - starts[part][:, None])
        # Where there are fewer others, as far as the last of them.
        reach = np.where(counts, away, 0).max(axis=1)
        enough = counts.sum(axis=1) > units.most
        others = np.where(counts[enough], away[enough], np.inf)
        reach[enough] = np.partition(others, units.most, axis=1)[:, units.most]
        # Where there are none, anywhere.
        alone = ~counts.any(axis=1)
        starts[part][alone] = random.uniform(times[0], times[-1], alone.sum())
        starts[part] += random.uniform(-1, 1, len(reach)) * reach
    return starts


def _gaps(
    stream: Stream, units: Units, sessions: Sessions, random: np.random.Generator
) -> np.ndarray:
    """Seconds (m,) from each row of a session to the next one's, as another session has them."""
    every = Sessions.of(units.sessions, stream.times, np.arange(len(stream)))
    by_size = np.argsort(every.sizes, kind="stable")
    sizes = every.sizes[by_size]
    gaps = np.zeros(len(sessions.rows))
    low = np.searchsorted(sizes, sessions.sizes)
    for session in np.flatnonzero(sessions.sizes > 1):
        size = sessions.sizes[session]
        alike = by_size[low[session] : low[session] + _ALIKE]
        unit = units.small[sessions.first[session]]
        others = alike[units.small[every.first[alike]] != unit]
        donor = random.choice(others if len(others) else alike)
        begin = every.begins[donor] + random.integers(every.sizes[donor] - size + 1)
        times = stream.times[every.rows[begin : begin + size]]
        place = sessions.begins[session]
        gaps[place + 1 : place + size] = np.diff(times)
    return gaps
