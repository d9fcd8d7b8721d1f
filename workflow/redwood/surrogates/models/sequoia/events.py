"""The density of events, and what it is computed from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from redwood.surrogates.models.sequoia import timing
from redwood.surrogates.models.sequoia.surroundings import (
    CALENDAR,
    Background,
    LateIndex,
    Tensors,
    gather,
)
from redwood.surrogates.streams import marks
from redwood.surrogates.streams.stream import Scheme, Stream

# The shares of the weight decay that the last layers get, and all layers that give times.
_LAST_DECAY = 0.3
_TIMING_DECAY = 0.5

# Events whose neighbours are looked up at once.
_CHUNK = 65_536


class Networks(nn.Module):
    """The networks of a stream: when an event happens (`timing`), what it is (`marks`)."""

    def __init__(self, background: Background, hidden: int, dropout: float) -> None:
        super().__init__()
        scheme = background.scheme
        self.timing: timing.TimingNetwork | None = None
        if background.clock is not None:
            self.timing = timing.TimingNetwork(background.early // 2, scheme.entity_sizes)
        self.marks: marks.MarkNetwork | None = None
        if scheme.marks:
            self.marks = marks.MarkNetwork(
                scheme.marks,
                scheme.entity_sizes,
                background.early,
                background.late,
                [len(tables) for tables in background.tables],
                CALENDAR,
                hidden,
                dropout,
            )

    def groups(self, decay: float) -> list[dict[str, Any]]:
        """The parameters in groups for an optimiser, with their weight decay, the largest `decay`.

        Biases have none. The last layers have little: the weights of a mixture must be able to
        become certain, or samples are blurred. So have those for times, which depend on few numbers
        and learn no row by heart. `falls` says whether the step size of a group is to fall: marks
        settle, but times, learned with small steps, fit training rows only.
        """
        networks = [network for network in (self.timing, self.marks) if network is not None]
        last = {id(p) for network in networks for p in network.last_layers()}
        timing = {id(p) for p in (self.timing.parameters() if self.timing is not None else ())}
        groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for parameter in self.parameters():
            is_timing = id(parameter) in timing
            share = 0.0 if parameter.ndim < 2 else 1.0
            share *= _LAST_DECAY if id(parameter) in last else 1.0
            share *= _TIMING_DECAY if is_timing else 1.0
            groups.setdefault((share, not is_timing), []).append(parameter)
        return [
            {"params": parameters, "weight_decay": share * decay, "falls": falls}
            for (share, falls), parameters in groups.items()
        ]


@dataclass(frozen=True)
class Around:
    """The neighbours of N events, kept in as few bytes as they need.

    Attributes:
        tokens: (N, K, M) of their marks.
        values: (N, K, numbers) of the marks that are numbers.
        distances, known: (N, K), as `Neighbours` has them.
        numeric: positions of the marks that are numbers.
    """

    tokens: Tensor
    values: Tensor
    distances: Tensor
    known: Tensor
    numeric: list[int]

    @classmethod
    def find(cls, rows: np.ndarray, times: np.ndarray, state: Tensors, scheme: Scheme) -> "Around":
        """Those at `rows` (N, K) of a state, −1 for none, around events at `times` (N,)."""
        largest = max((mark.size for mark in scheme.marks), default=0)
        dtype = torch.int16 if largest < 2**15 else torch.int32
        numeric = [i for i, mark in enumerate(scheme.marks) if mark.numbers is not None]
        parts = []
        for begin in range(0, len(rows), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            near = gather(rows[part], times[part], state)
            values = near.values[:, :, numeric]
            parts.append((near.tokens.to(dtype), values, near.distances, near.known))
        tokens, numbers, distances, known = (torch.cat(of) for of in zip(*parts, strict=True))
        return cls(tokens, numbers, distances, known, numeric)

    def __getitem__(self, rows: Tensor) -> marks.Neighbours:
        """The neighbours of the events at `rows` (B,)."""
        tokens = self.tokens[rows].long()
        values = self.values.new_zeros(tokens.shape)
        values[:, :, self.numeric] = self.values[rows]
        return marks.Neighbours(tokens, values, self.distances[rows], self.known[rows])


@dataclass(frozen=True)
class Events:
    """Events with all that their density depends on, as tensors on a device.

    Attributes:
        tokens, values: (m, M) of the events.
        entity: (m, E) codes.
        early, late: their neighbours.
        calendar: (m, C).
        timing: features, candidates, usable (m, …) and places (m,); empty where there is no time.
        counted: for each mark the tables' features (m, 5T).
        frequencies: for each mark the tables' log frequencies (m, T).
    """

    tokens: Tensor
    values: Tensor
    entity: Tensor
    early: Around
    late: Around
    calendar: Tensor
    timing: tuple[Tensor, ...]
    counted: list[Tensor]
    frequencies: list[Tensor]

    @classmethod
    def prepare(
        cls, events: Stream, own: np.ndarray | None, background: Background, device: torch.device
    ) -> "Events":
        """Look up what is known around `events`.

        Args:
            own: the rows of the background that they are, which must not count themselves; `None`
                if they are none of it.
        """
        own_times = None if own is None else background.stream.times[own]
        early = background.early_rows(events, own)
        late = np.empty((len(events), 0), np.int64)
        if background.has_late:
            late = LateIndex(background.stream).rows(events.tokens[:, 0], events, own)
        timed: tuple[Tensor, ...] = ()
        if background.clock is not None:
            around = timing.surroundings(
                early, background.stream.times, own_times, background.clock
            )
            places = background.clock.places(events.times, around.begin, around.end, own_times)
            arrays = (around.features, around.candidates, around.usable, places)
            timed = tuple(map(_tensor(device), arrays))
        columns = events.columns
        counted, frequencies = [], []
        for position in range(len(background.scheme.marks)):
            features, known = background.counted(position, columns, own, len(events))
            logs = background.log_frequencies(position, known, events.tokens[:, position], own)
            counted.append(_tensor(device)(features))
            frequencies.append(_tensor(device)(logs))
        own_state, state = Tensors(events, device), Tensors(background.stream, device)
        return cls(
            own_state.tokens,
            own_state.values,
            torch.tensor(events.entity, device=device),
            Around.find(early, events.times, state, background.scheme),
            Around.find(late, events.times, state, background.scheme),
            torch.tensor(background.calendar(events.times), device=device),
            timed,
            counted,
            frequencies,
        )

    def __len__(self) -> int:
        return len(self.tokens)

    def log_density(self, networks: Networks, rows: Tensor, hides: bool = False) -> Tensor:
        """ln p of the events at `rows` (B,): of their places in time and of each mark.

        Args:
            hides: whether neighbours are hidden from marks at random, none of half of the events
                and any share of the others', so that networks learn to draw with few of them.

        Returns:
            (B, 1 + M); the first column is 0 where there is no time.
        """
        entity = self.entity[rows]
        densities = []
        if networks.timing is not None:
            described, candidates, usable, places = (part[rows] for part in self.timing)
            parameters = networks.timing(described, candidates, usable, entity)
            densities.append(timing.log_density(parameters, candidates, places))
        else:
            densities.append(torch.zeros(len(rows), device=entity.device))
        if networks.marks is None:
            return torch.stack(densities, dim=1)
        near = self.early[rows]
        seen = torch.ones(len(rows), 1, device=entity.device)
        if hides:
            # More than 1 is sure to be seen.
            seen = 2 * torch.rand_like(seen)
            near = near.seen(torch.rand_like(near.known) < seen)
        context = networks.marks.context(near, entity, self.calendar[rows])
        tokens, values = self.tokens[rows], self.values[rows]
        drawn = marks.Drawn()
        for position, mark in enumerate(networks.marks.marks):
            if position == 1 and self.late.known.shape[1]:
                late = self.late[rows]
                if hides:
                    late = late.seen(torch.rand_like(late.known) < seen)
                near = near.joined(late)
                context = torch.cat([context, networks.marks.late_context(late)], dim=1)
            mixture = networks.marks.mixture(
                position, context, near, tokens, values, self.counted[position][rows], drawn
            )
            densities.append(
                marks.log_density(
                    mark,
                    position,
                    mixture,
                    near,
                    tokens[:, position],
                    values[:, position],
                    self.frequencies[position][rows],
                )
            )
        return torch.stack(densities, dim=1)


def _tensor(device: torch.device) -> Callable[[np.ndarray], Tensor]:
    def convert(array: np.ndarray) -> Tensor:
        dtype = torch.bool if array.dtype == bool else torch.float32
        return torch.tensor(array, dtype=dtype, device=device)

    return convert
