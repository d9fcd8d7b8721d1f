"""One level of a population: sequences of items, their marks and times, and the law of both.

Rows of a task are one level, tasks of a user another. An item has marks (see
`redwood.surrogates.streams.marks`), which a network draws given the items of the same sequence that
are there already, and a time, drawn before them (`timing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from redwood.surrogates.models.grove import timing
from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.models.grove.memory import Memory, RunningMemory
from redwood.surrogates.models.grove.relations import RelatedScheme
from redwood.surrogates.models.grove.sequences import REFERENCES, Sequences
from redwood.surrogates.streams import marks
from redwood.surrogates.streams.stream import Mark

_CALENDAR, _WAVES = 11, 8
_CIRCUMSTANCES = _CALENDAR + 7
_TIMED = 2 * _WAVES + 4

# Beyond, standardised numbers tell networks nothing more.
_FAR = 8.0

# Items that are drawn at once.
_CHUNK = 8192


def mark_network(items: Sequence[Mark], hidden: int, dropout: float) -> marks.MarkNetwork:
    """The network that gives the marks of items given those of the same sequence."""
    return marks.MarkNetwork(
        items, [], REFERENCES, 0, [1] * len(items), _CIRCUMSTANCES, hidden, dropout
    )


def time_network(hidden: int, dropout: float) -> timing.TimeNetwork:
    """The network that gives the times of items between two others."""
    return timing.TimeNetwork(_TIMED, hidden, dropout)


@dataclass
class Level:
    """The items of a level.

    Attributes:
        sequences: which item belongs where.
        times: (n,) seconds since 1970.
        spans: (S,) seconds from the first to the last item of each sequence.
        sizes: (n, 2) ln(1 + rows) and ln(1 + seconds) of what an item is the head of, or zeros.
        tokens, values: (n, M) of the marks, as `stream.Stream` has them.
    """

    sequences: Sequences
    times: np.ndarray
    spans: np.ndarray
    sizes: np.ndarray
    tokens: np.ndarray
    values: np.ndarray

    @classmethod
    def empty(cls, sizes: np.ndarray, starts: np.ndarray, spans: np.ndarray, size: int) -> "Level":
        """Sequences of which only the times of the first and last items are known.

        Args:
            sizes: (S,) numbers of items.
            starts: (S,) times of the first ones; the last ones come `spans` (S,) later.
            size: number of marks.
        """
        sequences = Sequences.of_sizes(sizes)
        times = np.zeros(len(sequences))
        times[sequences.starts[:-1]] = starts
        longer = sizes > 1
        times[sequences.starts[1:][longer] - 1] = (starts + spans)[longer]
        shape = (len(sequences), size)
        return cls(
            sequences,
            times,
            spans,
            np.zeros((len(sequences), 2)),
            np.zeros(shape, np.int64),
            np.zeros(shape),
        )

    def only(self, items: np.ndarray) -> "Level":
        """Some items (m,), in ascending order, those of a sequence as a sequence by themselves."""
        _, sizes = np.unique(self.sequences.sequence[items], return_counts=True)
        sequences, times = Sequences.of_sizes(sizes), self.times[items]
        spans = times[sequences.starts[1:] - 1] - times[sequences.starts[:-1]]
        own = self.sizes[items], self.tokens[items], self.values[items]
        return Level(sequences, times, spans, *own)

    def circumstances(self, items: np.ndarray, calendar: Calendar) -> np.ndarray:
        """What is known of items (m,) before their marks: (m, C) float32."""
        sequences = self.sequences
        sequence = np.searchsorted(sequences.starts, items, side="right") - 1
        size = sequences.sizes[sequence]
        own = [
            sequences.level[items] / 10,
            np.log1p(size) / 5,
            np.log1p(self.spans[sequence]) / 10,
            (items - sequences.starts[sequence]) / size,
            sequences.level[items] == 0,
        ]
        heads = self.sizes[items] / np.array([5, 10])
        parts = [calendar.features(self.times[items]), np.stack(own, axis=1), heads]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def timed(self, items: np.ndarray, calendar: Calendar) -> np.ndarray:
        """What is known of items (m,) between two others before their times: (m, T) float32."""
        sequences = self.sequences
        left, right = sequences.left[items], sequences.right[items]
        gap, number = np.log1p(self.times[right] - self.times[left]), right - left
        own = [gap / 3 - 3, np.log(number) - 2, (gap - np.log(number)) / 2 - 3, number == 2]
        ends = [calendar.features(self.times[end])[:, :_WAVES] for end in (left, right)]
        return np.concatenate([*ends, np.stack(own, axis=1)], axis=1).astype(np.float32)

    def neighbours(
        self, items: np.ndarray, references: np.ndarray, device: torch.device
    ) -> marks.Neighbours:
        """The items (m, R) that items (m,) are drawn given; −1 for none."""
        known = references >= 0
        rows = np.where(known, references, 0)
        distances = np.log1p(np.abs(self.times[items][:, None] - self.times[rows]))
        values = np.where(known[:, :, None], self.values[rows], 0.0)
        return marks.Neighbours(
            torch.tensor(self.tokens[rows], device=device),
            torch.tensor(values, dtype=torch.float32, device=device),
            torch.tensor(distances * known, dtype=torch.float32, device=device),
            torch.tensor(known, dtype=torch.float32, device=device),
        )


@dataclass(frozen=True)
class Remembered:
    """What all items of a level are told but by those that they are drawn given.

    Attributes:
        circumstances: (n, C), see `Level.circumstances`.
        features: for each mark (n, 5), see `Memory`.
        frequencies: for each mark (n, 1), the log frequency of the items' own tokens.
    """

    circumstances: np.ndarray
    features: list[np.ndarray]
    frequencies: list[np.ndarray]

    @classmethod
    def of(cls, level: Level, items: Sequence[Mark], calendar: Calendar) -> "Remembered":
        memories = [
            Memory.of(level.sequences, mark, level.tokens[:, position], level.values[:, position])
            for position, mark in enumerate(items)
        ]
        return cls(
            level.circumstances(np.arange(len(level.times)), calendar),
            [memory.features for memory in memories],
            [memory.log_frequencies for memory in memories],
        )


def observed(
    level: Level,
    remembered: Remembered,
    items: np.ndarray,
    references: np.ndarray,
    device: torch.device,
) -> tuple[Tensor, ...]:
    """All that the density of the marks of items (m,) is taken of, see `log_density`.

    Args:
        references: (m, R) what each is drawn given.
    """
    near = level.neighbours(items, references, device)
    return (
        torch.tensor(level.tokens[items], device=device),
        torch.tensor(level.values[items], dtype=torch.float32, device=device),
        torch.tensor(remembered.circumstances[items], device=device),
        *(near.tokens, near.values, near.distances, near.known),
        *(torch.tensor(features[items], device=device) for features in remembered.features),
        *(torch.tensor(logs[items], device=device) for logs in remembered.frequencies),
    )


def log_density(network: marks.MarkNetwork, *seen: Tensor) -> Tensor:
    """ln p of the marks of items given those before them, of what `observed` gives: (m,)."""
    tokens, values, own = seen[:3]
    near = marks.Neighbours(*seen[3:7])
    features, frequencies = seen[7:][: len(network.marks)], seen[7:][len(network.marks) :]
    context = network.context(near, tokens.new_zeros(len(tokens), 0), own)
    total, drawn = own.new_zeros(len(tokens)), marks.Drawn()
    seen_values = values.clamp(-_FAR, _FAR)
    for position, mark in enumerate(network.marks):
        mixture = network.mixture(
            position, context, near, tokens, seen_values, features[position], drawn
        )
        own_values = tokens[:, position], values[:, position], frequencies[position]
        total = total + marks.log_density(
            mark, position, mixture, near, *own_values, network.by_torch
        )
    return total


def observed_times(
    level: Level, items: np.ndarray, calendar: Calendar, device: torch.device
) -> tuple[Tensor, ...]:
    """All that the density of the times of items (m,) between two others is taken of."""
    sequences = level.sequences
    begin, end = level.times[sequences.left[items]], level.times[sequences.right[items]]
    bins, slopes = timing.places(level.times[items], begin, end, calendar)
    return (
        torch.tensor(level.timed(items, calendar), device=device),
        torch.tensor(bins, device=device),
        torch.tensor(slopes, dtype=torch.float32, device=device),
    )


def log_density_of_times(network: timing.TimeNetwork, *seen: Tensor) -> Tensor:
    """ln p, in 1/s, of times, of what `observed_times` gives: (m,)."""
    features, bins, slopes = seen
    return timing.log_density(network(features), bins, slopes)


def draw_times(
    level: Level,
    network: timing.TimeNetwork | None,
    calendar: Calendar,
    random: np.random.Generator,
    device: torch.device,
) -> None:
    """Draw the times of all items but the first and last of each sequence, in place."""
    if network is None:
        return
    sequences = level.sequences
    for items in sequences.by_level()[2:]:
        for begin in range(0, len(items), _CHUNK):
            chunk = items[begin : begin + _CHUNK]
            low, high = level.times[sequences.left[chunk]], level.times[sequences.right[chunk]]
            law = network(torch.tensor(level.timed(chunk, calendar), device=device))
            level.times[chunk] = timing.draw(
                law.double().cpu().numpy(), low, high, calendar, random
            )


def draw_marks(
    level: Level,
    network: marks.MarkNetwork | None,
    calendar: Calendar,
    scheme: RelatedScheme,
    novelty: np.ndarray,
    random: np.random.Generator,
    device: torch.device,
    first: int = 0,
) -> None:
    """Draw the marks of all items of levels from `first`, in place; none without a network.

    Args:
        novelty: (M,) ln of what the odds of drawing a mark anew are multiplied by.
    """
    if network is None:
        return
    levels, memory = level.sequences.by_level(), RunningMemory(level.sequences, network.marks)
    for items in levels[:first]:
        memory.add(items, level.tokens[items], level.values[items])
    for items in levels[first:]:
        drawn = [
            _draw_chunk(level, chunk, memory, network, calendar, scheme, novelty, random, device)
            for chunk in np.split(items, range(_CHUNK, len(items), _CHUNK))
        ]
        # Only now: the items of a level do not see each other.
        level.tokens[items] = np.concatenate([tokens for tokens, _ in drawn])
        level.values[items] = np.concatenate([values for _, values in drawn])
        memory.add(items, level.tokens[items], level.values[items])


def _draw_chunk(
    level: Level,
    items: np.ndarray,
    memory: RunningMemory,
    network: marks.MarkNetwork,
    calendar: Calendar,
    scheme: RelatedScheme,
    novelty: np.ndarray,
    random: np.random.Generator,
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens and values (m, M) of the items at `items` (m,)."""
    near = level.neighbours(items, level.sequences.references(items, random), device)
    own = torch.tensor(level.circumstances(items, calendar), device=device)
    context = network.context(near, own.new_zeros(len(items), 0).long(), own)
    tokens = np.zeros((len(items), len(network.marks)), np.int64)
    values = np.zeros(tokens.shape)
    drawn = marks.Drawn()
    for position, mark in enumerate(network.marks):
        before = torch.tensor(values[:, :position], dtype=torch.float32, device=device)
        mixture = network.mixture(
            position,
            context,
            near,
            torch.tensor(tokens[:, :position], device=device),
            before.clamp(-_FAR, _FAR),
            torch.tensor(memory.features(items, position), device=device),
            drawn,
        )
        choice = marks.choose(mark, position, mixture.renewed(novelty[position]), near, random)
        chosen = choice.tokens
        asked = choice.table == 0
        chosen[asked] = memory.draw(items[asked], level.tokens[:, position], random)
        numbers = marks.within_bins(mark, chosen, choice.values, random)
        tokens[:, position], values[:, position] = scheme.settle_after(
            position, chosen, numbers, values[:, :position]
        )
    return tokens, values


def chosen_items(
    level: Level,
    most: int,
    random: np.random.Generator,
    allowed: np.ndarray,
    coarse: int = 0,
) -> np.ndarray:
    """At most `most` items of each sequence among the `allowed` (n,) bool.

    The `coarse` first ones in the order of drawing, the others at random.
    """
    items = np.flatnonzero(allowed)
    sequence = level.sequences.sequence
    if coarse:
        order = items[np.lexsort((level.sequences.level[items], sequence[items]))]
        rank = np.arange(len(order)) - np.searchsorted(sequence[order], sequence[order])
        first = order[rank < coarse]
    else:
        first = items[:0]
    priority = random.random(len(items))
    priority[np.isin(items, first)] = -1.0
    order = items[np.lexsort((priority, sequence[items]))]
    rank = np.arange(len(order)) - np.searchsorted(sequence[order], sequence[order])
    return np.sort(order[rank < most])
