"""Small units made anew, so that nothing of them is in the stream that samples start from.

Whose rows there are, and when, comes from `skeleton`. What they are is taken from the crowd: a row
whose like (the same entity, numbers of the same size) enough rows of other units are becomes one of
those, the nearest in time. Any other row is drawn from nothing by the networks: session after
session from its first row to its last, all sessions at once, with all rows hidden that are not
drawn yet, and with counts of rows only that stay or that the crowd shares. At last all rows of
small units are redrawn once, given each other.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from redwood.surrogates.models.sequoia.events import Networks
from redwood.surrogates.models.sequoia.neighbours import TimeIndex
from redwood.surrogates.models.sequoia.skeleton import Sessions, choose_entities, choose_times
from redwood.surrogates.models.sequoia.surroundings import Background, LateIndex, Tensors
from redwood.surrogates.models.sequoia.sweeping import draw_marks, sweep
from redwood.surrogates.models.sequoia.units import Units
from redwood.surrogates.streams.entity import combine
from redwood.surrogates.streams.stream import Scheme, Stream

# Numbers of a row are like those of another in the same bin of so many standard deviations.
_BIN = 1.0

_CHUNK = 8192


@dataclass(frozen=True)
class Renewal:
    """A stream with its small units made anew.

    Attributes:
        stream: its rows; those of larger units are as they were, each in its place.
        summary: how many rows were made anew, and how, ready for JSON.
    """

    stream: Stream
    summary: dict[str, Any]


def renew(
    networks: Networks,
    background: Background,
    units: Units,
    random: np.random.Generator,
    device: torch.device,
) -> Renewal:
    """Make the small units of a background's stream anew.

    Args:
        networks: trained on it with neighbours hidden at random.
        units: its rows' units; one row of them is typical, or more.
    """
    stream, scheme = background.stream, background.scheme
    small = np.flatnonzero(~units.stays)
    summary = {"rows_made_anew": len(small), "rows_drawn_from_nothing": 0}
    if not len(small):
        return Renewal(stream, summary)
    may_stay, typical = units.share(stream.entity_keys), typical_rows(stream, scheme, units)
    sessions = Sessions.of(units.sessions, stream.times, small)
    entity, times = stream.entity.copy(), stream.times.copy()
    rows = sessions.rows
    entity[rows] = np.repeat(
        choose_entities(stream, units, sessions, may_stay, random), sessions.sizes, axis=0
    )
    if background.clock is not None:
        chosen = choose_times(stream, units, sessions, entity[sessions.first], random)
        times[rows] = chosen
    state = replace(stream.copy(), times=times, entity=entity)
    like = _like(stream, state, scheme, units, typical, rows, random)
    found = like >= 0
    state.tokens[rows[found]] = stream.tokens[like[found]]
    state.values[rows[found]] = stream.values[like[found]]
    summary["rows_drawn_from_nothing"] = int((~found).sum())
    if networks.marks is None:
        return Renewal(state, summary)
    givens = [[table.given for table in of_mark] for of_mark in background.tables]
    public = Background.build(stream[np.flatnonzero(typical)], scheme, givens)
    public = replace(public, clock=background.clock)
    _draw(networks, public, state, rows[~found], sessions.place[~found], random, device)
    fresh = Background.build(state.copy(), scheme, givens)
    sweep(networks, fresh, state, np.sort(rows), random, device)
    return Renewal(state, summary)


def typical_rows(stream: Stream, scheme: Scheme, units: Units) -> np.ndarray:
    """Which rows say nothing of a small unit: (n,) bool.

    Enough others share their entity, their entity with each of their categories, and the entity
    with numbers of about the same size.
    """
    shared = units.share(stream.entity_keys)
    for position, mark in enumerate(scheme.marks):
        if mark.numbers is None:
            keys = combine([stream.entity_keys, stream.tokens[:, position]], len(stream))
            shared &= units.share(keys)
    return shared & units.share(_signatures(stream, scheme), shared)


def _signatures(stream: Stream, scheme: Scheme) -> np.ndarray:
    """Keys (n,) of rows of the same entity whose numbers are about the same."""
    numeric = [i for i, mark in enumerate(scheme.marks) if mark.numbers is not None]
    bins = np.floor(stream.values[:, numeric] / _BIN).astype(np.int64)
    return combine([stream.entity_keys, *bins.T], len(stream))


def _like(
    stream: Stream,
    state: Stream,
    scheme: Scheme,
    units: Units,
    typical: np.ndarray,
    rows: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """For each of `rows` (m,) a typical row of another unit that is like it: (m,), −1 for none.

    It is one of the `most` + 1 nearest in time, or of a few more.
    """
    known = np.flatnonzero(typical)
    wanted = _signatures(Stream(state.times, state.entity, stream.tokens, stream.values), scheme)
    index = TimeIndex.build(_signatures(stream, scheme)[known], stream.times[known])
    # On each side so many that own ones do not leave too few.
    each_side = units.most + 1
    chosen = np.full(len(rows), -1)
    for begin in range(0, len(rows), _CHUNK):
        part = rows[begin : begin + _CHUNK]
        near = index.around(wanted[part], state.times[part], None, each_side)
        near = np.where(near >= 0, known[near], -1)
        others = (near >= 0) & (units.small[near] != units.small[part][:, None])
        priority = np.where(others, random.random(near.shape), -1.0)
        best = priority.argmax(axis=1)
        enough = others.sum(axis=1) > units.most
        chosen[begin : begin + _CHUNK] = np.where(enough, near[np.arange(len(part)), best], -1)
    return chosen


def _draw(
    networks: Networks,
    public: Background,
    state: Stream,
    rows: np.ndarray,
    place: np.ndarray,
    random: np.random.Generator,
    device: torch.device,
) -> None:
    """Draw the marks of `rows` (m,) in place, in the order of `place` (m,) in their sessions.

    Rows that are not drawn yet are seen by none.
    """
    network = networks.marks
    if network is None:
        return
    hidden = np.zeros(len(state), bool)
    hidden[rows] = True
    every = Background.build(state, public.scheme, [[] for _ in public.scheme.marks])
    for turn in np.unique(place):
        turned = rows[place == turn]
        leading = state.tokens[:, 0].copy()
        leading[hidden] = -1
        seen = replace(state, tokens=np.column_stack([leading, state.tokens[:, 1:]]))
        late = LateIndex(seen) if public.has_late else None
        tensors = Tensors(state, device)
        for begin in range(0, len(turned), _CHUNK):
            part = turned[begin : begin + _CHUNK]
            early = every.early_rows(state[part], part)
            early = np.where((early >= 0) & ~hidden[early], early, -1)
            drawn = draw_marks(network, public, state, tensors, part, early, late, None, random)
            state.tokens[part], state.values[part] = drawn
        hidden[turned] = False
