"""Redrawing events, half of them at a time, each given all others as they then are.

If the events stem from a law and each is drawn from its conditional law, what results stems from
the same law (Gibbs sampling; Geman and Geman, IEEE TPAMI 6 (1984) 721): so a sweep changes every
event and, as far as the networks are right, nothing that can be told of them together.
"""

import numpy as np
import torch

from redwood.progress import ProgressReport
from redwood.surrogates.models.sequoia import timing
from redwood.surrogates.models.sequoia.events import Networks
from redwood.surrogates.models.sequoia.surroundings import Background, LateIndex, Tensors, gather
from redwood.surrogates.streams import marks
from redwood.surrogates.streams.stream import Stream

# Events that are drawn at once.
_CHUNK = 8192


def sweep(
    networks: Networks,
    background: Background,
    state: Stream,
    rows: np.ndarray,
    random: np.random.Generator,
    device: torch.device,
    report: ProgressReport | None = None,
) -> None:
    """Redraw the events at `rows` of `state` in place, in two halves.

    Args:
        background: the stream whose rows are those of `state`, possibly in another state.
        rows: (m,) different rows.
    """
    # Every other row of an entity: none is drawn together with the one before or after it.
    half = background.entities.positions[rows] % 2 == random.integers(2)
    for part in (rows[half], rows[~half]):
        if not len(part):
            continue
        early = background.early_rows(background.stream[part], part)
        _move(networks, background, state, part, early, random, device)
        if networks.marks is None:
            continue
        late = LateIndex(state) if background.has_late else None
        tensors = Tensors(state, device)
        drawn = []
        for begin in range(0, len(part), _CHUNK):
            chunk = slice(begin, begin + _CHUNK)
            drawn.append(
                draw_marks(
                    networks.marks,
                    background,
                    state,
                    tensors,
                    part[chunk],
                    early[chunk],
                    late,
                    part[chunk],
                    random,
                )
            )
            if report is not None:
                report.advance(len(part[chunk]))
        state.tokens[part] = np.concatenate([tokens for tokens, _ in drawn])
        state.values[part] = np.concatenate([values for _, values in drawn])


def stir(
    networks: Networks,
    background: Background,
    state: Stream,
    sweeps: int,
    random: np.random.Generator,
    device: torch.device,
) -> None:
    """Redraw the times of all events in place, `sweeps` times; their marks stay.

    A single sweep leaves a time between the entity's events before and after it, which in a burst
    is where it was. As all events move, further sweeps carry them away from there.
    """
    if networks.timing is None:
        return
    early = background.early_rows(background.stream, np.arange(len(state)))
    half = background.entities.positions % 2
    for turn in range(2 * sweeps):
        part = np.flatnonzero(half == turn % 2)
        _move(networks, background, state, part, early[part], random, device)


def _move(
    networks: Networks,
    background: Background,
    state: Stream,
    rows: np.ndarray,
    early: np.ndarray,
    random: np.random.Generator,
    device: torch.device,
) -> None:
    """Redraw the times of the events at `rows`, if they have any."""
    network, clock = networks.timing, background.clock
    if network is None or clock is None:
        return
    own = background.stream.times[rows]
    around = timing.surroundings(early, state.times, own, clock)
    places = np.empty(len(rows))
    for begin in range(0, len(rows), _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        parameters = network(
            torch.tensor(around.features[chunk], dtype=torch.float32, device=device),
            torch.tensor(around.candidates[chunk], dtype=torch.float32, device=device),
            torch.tensor(around.usable[chunk], device=device),
            torch.tensor(state.entity[rows[chunk]], device=device),
        )
        places[chunk] = timing.draw(parameters, around.candidates[chunk], random)
    state.times[rows] = clock.times(places, around.begin, around.end, own)


def draw_marks(
    network: marks.MarkNetwork,
    background: Background,
    state: Stream,
    tensors: Tensors,
    rows: np.ndarray,
    early: np.ndarray,
    late: LateIndex | None,
    own: np.ndarray | None,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens and values (m, M) of the events at `rows`, drawn mark by mark.

    Args:
        background: where counts and the calendar are looked up.
        state: the events as they are; `tensors` are its own.
        early: (m, early) rows of the state around each, −1 for none.
        late: index of the state by leading mark, `None` for none.
        own: (m,) the background's rows that they take the place of, `None` for none.
    """
    scheme, device = background.scheme, tensors.device
    events = state[rows]
    tokens, values = np.zeros_like(events.tokens), np.zeros_like(events.values)
    columns = list(events.entity.T)
    near = gather(early, events.times, tensors)
    calendar = torch.tensor(background.calendar(events.times), device=device)
    context = network.context(near, torch.tensor(events.entity, device=device), calendar)
    drawn = marks.Drawn()
    for position, mark in enumerate(scheme.marks):
        if position == 1 and late is not None:
            later = gather(late.rows(tokens[:, 0], events, rows), events.times, tensors)
            near = near.joined(later)
            context = torch.cat([context, network.late_context(later)], dim=1)
        counted, known = background.counted(position, columns, own, len(rows))
        mixture = network.mixture(
            position,
            context,
            near,
            torch.tensor(tokens[:, :position], device=device),
            torch.tensor(values[:, :position], dtype=torch.float32, device=device).clamp(-8, 8),
            torch.tensor(counted, device=device),
            drawn,
        )
        mixture.base[:, background.absent[position]] = -np.inf
        choice = marks.choose(mark, position, mixture, near, random)
        chosen = choice.tokens
        for number, table in enumerate(background.tables[position]):
            asked = choice.table == number
            itself = None if own is None else own[asked]
            chosen[asked] = table.draw(known[number].places[asked], itself, random)
        numbers = marks.within_bins(mark, chosen, choice.values, random)
        tokens[:, position], values[:, position] = scheme.settle(position, chosen, numbers)
        columns.append(tokens[:, position])
    return tokens, values
