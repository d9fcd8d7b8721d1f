"""What is known around the events of a stream: neighbours, counts, the calendar."""

from dataclasses import dataclass

import numpy as np
import torch

from redwood.surrogates.models.sequoia.clock import Clock
from redwood.surrogates.models.sequoia.counts import CountTable, Known, choose_givens
from redwood.surrogates.models.sequoia.neighbours import TimeIndex
from redwood.surrogates.streams.entity import combine
from redwood.surrogates.streams.marks import Neighbours
from redwood.surrogates.streams.stream import Scheme, Stream

# Neighbours on each side: of the entity; with the same leading mark; with both the same.
EACH_SIDE = 4
EACH_SIDE_LATE = 2

# Tables of counts of a mark.
_MOST_TABLES = 6

CALENDAR = 8


@dataclass(frozen=True)
class Background:
    """A stream that events are drawn against, with all that is looked up in it.

    Attributes:
        stream: its events.
        scheme: their columns.
        entities: index of the events by entity.
        tables: for each mark its tables of counts.
        clock: the stream's clock; `None` where there is no time.
        absent: for each mark the tokens that no event of the stream has, none of which is drawn.
    """

    stream: Stream
    scheme: Scheme
    entities: TimeIndex
    tables: list[list[CountTable]]
    clock: Clock | None
    absent: list[np.ndarray]

    @classmethod
    def build(
        cls, stream: Stream, scheme: Scheme, givens: list[list[tuple[int, ...]]] | None = None
    ) -> "Background":
        """Index a stream.

        Args:
            givens: for each mark the columns that its tables are given; chosen if `None`.
        """
        columns = stream.columns
        entity = list(range(len(scheme.entity)))
        tables = []
        for position in range(len(scheme.marks)):
            target = len(entity) + position
            values = stream.values[:, position]
            if givens is None:
                before = list(range(len(entity), target))
                tables.append(choose_givens(target, before, entity, columns, values, _MOST_TABLES))
            else:
                tables.append(
                    [CountTable.build(g, target, columns, values) for g in givens[position]]
                )
        clock = None if scheme.time is None else Clock.fit(stream.times)
        entities = TimeIndex.build(stream.entity_keys, stream.times)
        absent = [
            np.flatnonzero(np.bincount(of_mark, minlength=mark.size) == 0)
            for of_mark, mark in zip(stream.tokens.T, scheme.marks, strict=True)
        ]
        return cls(stream, scheme, entities, tables, clock, absent)

    @property
    def has_late(self) -> bool:
        """Whether there are neighbours by the leading mark: it is a category, and there is time."""
        marks = self.scheme.marks
        return self.clock is not None and len(marks) > 1 and marks[0].numbers is None

    @property
    def early(self) -> int:
        return 2 * EACH_SIDE if self.clock is not None else 0

    @property
    def late(self) -> int:
        return 4 * EACH_SIDE_LATE if self.has_late else 0

    def early_rows(self, events: Stream, own: np.ndarray | None) -> np.ndarray:
        """The neighbours of the same entity: (m, early) rows, −1 for none."""
        if self.clock is None:
            return np.empty((len(events), 0), np.int64)
        return self.entities.around(events.entity_keys, events.times, own, EACH_SIDE)

    def calendar(self, times: np.ndarray) -> np.ndarray:
        """Features of times (m,): hour, weekday, place in the record, (m, CALENDAR) float32."""
        if self.clock is None:
            return np.zeros((len(times), CALENDAR), np.float32)
        day = times % 86400 * (2 * np.pi / 86400)
        week = times % 604800 * (2 * np.pi / 604800)
        place = (times - self.clock.low) / max(1.0, self.clock.high - self.clock.low)
        features = [np.sin(day), np.cos(day), np.sin(2 * day), np.cos(2 * day)]
        features += [np.sin(week), np.cos(week), 2 * place - 1, np.sin(3 * np.pi * place)]
        return np.column_stack(features).astype(np.float32)

    def counted(
        self, position: int, columns: list[np.ndarray], own: np.ndarray | None, events: int
    ) -> tuple[np.ndarray, list[Known]]:
        """What the tables of the mark at `position` know of events.

        Args:
            columns: the events' tokens, the entity's first, then those of the marks before.
            own: (m,) rows of the stream that the events take the place of, `None` for none.
            events: m.

        Returns:
            (m, 5T) float32: ln(1 + rows) and ln(1 + kinds) of each table's key, their difference,
            mean and deviation of its numbers; and what each table knows.
        """
        tables = self.tables[position]
        features = np.empty((5, len(tables), events))
        known = [table.know(columns, own, events) for table in tables]
        for number, (table, of_table) in enumerate(zip(tables, known, strict=True)):
            features[:2, number] = np.log1p(of_table.counts), np.log1p(of_table.kinds)
            features[3:, number] = table.moments(of_table, own)
        features[2] = features[0] - features[1]
        return features.reshape(-1, features.shape[2]).T.astype(np.float32), known

    def log_frequencies(
        self, position: int, known: list[Known], tokens: np.ndarray, own: np.ndarray | None
    ) -> np.ndarray:
        """ln of how often the mark's tokens (m,) follow what comes before: (m, T) float32."""
        frequencies = []
        for table, of_table in zip(self.tables[position], known, strict=True):
            pairs = table.of_pair(of_table, tokens, own)
            with np.errstate(divide="ignore", invalid="ignore"):
                frequencies.append(np.where(pairs > 0, np.log(pairs / of_table.counts), -40.0))
        return np.column_stack(frequencies).astype(np.float32)


class LateIndex:
    """Neighbours by the leading mark, in the state that a stream is in."""

    def __init__(self, state: Stream) -> None:
        self._state = state
        leading = state.tokens[:, 0]
        self._by_mark = TimeIndex.build(combine([leading], len(state)), state.times)
        self._by_both = TimeIndex.build(
            combine([state.entity_keys, leading], len(state)), state.times
        )

    def rows(self, leading: np.ndarray, events: Stream, own: np.ndarray | None) -> np.ndarray:
        """Those with the leading mark, then those with the entity, too: (m, late) rows."""
        keys = combine([leading], len(events))
        both = combine([events.entity_keys, leading], len(events))
        found = [
            index.around(key, events.times, own, EACH_SIDE_LATE)
            for index, key in ((self._by_mark, keys), (self._by_both, both))
        ]
        return np.concatenate(found, axis=1)


def gather(rows: np.ndarray, times: np.ndarray, state: "Tensors") -> Neighbours:
    """The events of a state at `rows` (m, K) as neighbours of events at `times` (m,)."""
    known = torch.from_numpy(rows >= 0).to(state.device)
    index = torch.from_numpy(np.maximum(rows, 0)).to(state.device)
    now = torch.from_numpy(times).to(state.device)[:, None]
    distances = (state.times[index] - now).abs().log1p().float()
    return Neighbours(
        state.tokens[index],
        state.values[index] * known[:, :, None],
        distances * known,
        known.float(),
    )


class Tensors:
    """The state of a stream on a device: times float64, tokens int64, values float32."""

    def __init__(self, stream: Stream, device: torch.device) -> None:
        self.device = device
        self.times = torch.tensor(stream.times, device=device)
        self.tokens = torch.tensor(stream.tokens, device=device)
        self.values = torch.tensor(stream.values, dtype=torch.float32, device=device).clamp(-8, 8)

    def update(self, rows: np.ndarray, stream: Stream) -> None:
        """Take over the events at `rows`."""
        index = torch.from_numpy(rows).to(self.device)
        fresh = Tensors(stream[rows], self.device)
        self.times[index], self.tokens[index] = fresh.times, fresh.tokens
        self.values[index] = fresh.values
