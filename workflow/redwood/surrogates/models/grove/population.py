"""A population: owners, their groups and rows, all of them new."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.models.grove.laws import GapLaw, SizeLaw
from redwood.surrogates.models.grove.level import (
    Level,
    draw_marks,
    draw_times,
    mark_network,
    time_network,
)
from redwood.surrogates.models.grove.relations import RelatedScheme
from redwood.surrogates.streams.stream import Stream

# Owners are drawn at once until they have so many rows.
_ROWS_AT_ONCE = 65_536

# While owners have fewer rows than are asked for, one is added for each of so many.
_OWNERS_PER_ADDED = 50


class Networks(nn.Module):
    """The networks of both levels; of one, where owners have a single group each.

    Each is trained by itself, as some have much more to learn than others.

    Args:
        scheme: how rows are encoded.
        grouped: whether owners have several groups.
        hidden: width of the layers of networks of marks.
        dropout: share of units that are dropped in training.
    """

    def __init__(self, scheme: RelatedScheme, grouped: bool, hidden: int, dropout: float) -> None:
        super().__init__()
        timed = scheme.time is not None
        narrow = max(8, hidden // 3)
        self.row_times = time_network(narrow, dropout) if timed else None
        self.rows = mark_network(scheme.marks, hidden, dropout) if scheme.marks else None
        grouped = grouped and bool(scheme.marks)
        self.groups = mark_network(scheme.marks, hidden, dropout) if grouped else None


@dataclass(frozen=True)
class Population:
    """The laws that populations are drawn from, without the networks.

    Attributes:
        scheme: how rows are encoded.
        calendar: the rates of the recorded time.
        owners: how many items owners have, and for how long.
        groups: how many rows groups have, and for how long; `None` where owners are groups.
        gaps: how the groups of an owner follow each other; `None` where owners are groups.
        size, rows: numbers of owners and rows that were learned from.
        novelty: network of marks → what `draw_marks` takes, (M,) each.
    """

    scheme: RelatedScheme
    calendar: Calendar
    owners: SizeLaw
    groups: SizeLaw | None
    gaps: GapLaw | None
    size: int
    rows: int
    novelty: Mapping[str, np.ndarray]

    def draw(
        self,
        wanted: int,
        least: int,
        world: Calendar,
        networks: Networks,
        random: np.random.Generator,
        device: torch.device,
    ) -> tuple[Stream, np.ndarray, np.ndarray]:
        """The rows of so many new owners that there are about `wanted`, and at least `least`.

        Returns:
            all their rows, and the owner and group of each.
        """
        parts, owners, groups = [], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        owners_before = groups_before = 0
        for members in self._members(wanted, least, random).blocks():
            heads, rows, owner = self._draw_times(members, world, networks, random, device)
            self._draw_marks(heads, rows, world, networks, random, device)
            group = rows.sequences.sequence
            parts.append(rows)
            owners.append(owners_before + owner[group])
            groups.append(groups_before + group)
            owners_before += len(members.counts)
            groups_before += len(owner)
        return _stream(parts), np.concatenate(owners), np.concatenate(groups)

    def _draw_marks(
        self,
        heads: Level | None,
        rows: Level,
        world: Calendar,
        networks: Networks,
        random: np.random.Generator,
        device: torch.device,
    ) -> None:
        """Draw what the groups and rows that `_draw_times` gives are, in place."""
        common = world, self.scheme
        if heads is None:
            draw_marks(rows, networks.rows, *common, self.novelty["rows"], random, device)
            return
        draw_marks(heads, networks.groups, *common, self.novelty["groups"], random, device)
        first = rows.sequences.starts[:-1]
        rows.tokens[first], rows.values[first] = heads.tokens, heads.values
        draw_marks(rows, networks.rows, *common, self.novelty["rows"], random, device, first=1)

    def _draw_times(
        self,
        members: "_Members",
        world: Calendar,
        networks: Networks,
        random: np.random.Generator,
        device: torch.device,
    ) -> tuple[Level | None, Level, np.ndarray]:
        """When the rows of some owners come, and nothing else of them.

        Returns:
            the groups of each owner, `None` where owners are groups; the rows of each group; and
            the owner of each group.
        """
        marks, timed = len(self.scheme.marks), self.scheme.time is not None
        counts, spans = members.counts, np.minimum(members.spans, world.length)
        starts = world.time_of(random.random(len(counts)) * world.read(world.high - spans))
        starts = np.rint(starts) if timed else np.zeros(len(counts))
        if members.sizes is None or self.gaps is None:
            rows = Level.empty(counts, starts, spans, marks)
            draw_times(rows, networks.row_times, world, random, device)
            return None, rows, np.arange(len(counts))
        owner = np.repeat(np.arange(len(counts)), counts)
        heads = Level.empty(counts, starts, spans, marks)
        reach = world.read(starts), world.read(starts + spans)
        heads.times[:] = np.rint(world.time_of(self.gaps.draw(counts, *reach, random)))
        # A group ends within the world, so that long ones begin early: at any time at which they
        # can, in which order they take the times at which groups of their owner begin. Those that
        # would still not end begin at any such time themselves.
        room = np.maximum(world.high - members.durations - starts[owner], 0.0)
        place = random.random(len(owner)) * room
        order = np.lexsort((place, owner))
        sizes, durations = members.sizes[order], members.durations[order]
        ends = heads.times + durations <= world.high
        begin = np.where(ends, heads.times, np.rint(starts[owner] + place[order]))
        order = np.lexsort((begin, owner))
        sizes, durations = sizes[order], durations[order]
        heads.times[:] = begin[order]
        durations = np.minimum(durations, np.maximum(world.high - heads.times, 0.0))
        rows = Level.empty(sizes, heads.times, durations, marks)
        draw_times(rows, networks.row_times, world, random, device)
        first, last = rows.sequences.starts[:-1], rows.sequences.starts[1:] - 1
        rows.spans[:] = rows.times[last] - rows.times[first]
        heads.times[:] = rows.times[first]
        heads.sizes[:] = np.log1p(np.stack([sizes, rows.spans], axis=1))
        return heads, rows, owner

    def _members(self, wanted: int, least: int, random: np.random.Generator) -> "_Members":
        """New owners, as many as make about `wanted` rows, at least `least`, and their groups."""
        owners = self.size
        # In proportion to the rows that as many as recorded have; once more, as so many others may
        # have other sizes.
        for _ in range(2):
            owners = max(1, round(owners * wanted / self._owners(owners, random).total))
        while (members := self._owners(owners, random)).total < least:
            owners += 1 + owners // _OWNERS_PER_ADDED
        return members

    def _owners(self, number: int, random: np.random.Generator) -> "_Members":
        counts, spans = self.owners.draw(np.arange(number), random)
        if self.groups is None:
            return _Members(counts, spans, None, spans[:0])
        return _Members(
            counts, spans, *self.groups.draw(np.repeat(np.arange(number), counts), random)
        )


@dataclass(frozen=True)
class _Members:
    """Owners before anything is known of their rows.

    Attributes:
        counts, spans: (owners,) their items, and seconds from the first to the last.
        sizes, durations: (groups,) the same of their groups; `None` where owners are groups.
    """

    counts: np.ndarray
    spans: np.ndarray
    sizes: np.ndarray | None
    durations: np.ndarray

    @property
    def total(self) -> int:
        """The rows of all."""
        return int(self.rows.sum())

    @property
    def rows(self) -> np.ndarray:
        """(owners,) their rows."""
        if self.sizes is None:
            return self.counts
        owner = np.repeat(np.arange(len(self.counts)), self.counts)
        return np.bincount(owner, self.sizes, len(self.counts)).astype(np.int64)

    def blocks(self) -> Iterator["_Members"]:
        """All of them, some at a time: drawing takes memory by the rows of a block.

        No owner is split, so a block has fewer than `_ROWS_AT_ONCE` rows and those of its last
        owner, however many these are.
        """
        rows = self.rows
        block = (np.cumsum(rows) - rows) // _ROWS_AT_ONCE
        bounds = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(bounds):
            yield self._part(begin, end)

    def _part(self, begin: int, end: int) -> "_Members":
        """The owners from `begin` to `end`."""
        first, last = int(self.counts[:begin].sum()), int(self.counts[:end].sum())
        return _Members(
            self.counts[begin:end],
            self.spans[begin:end],
            None if self.sizes is None else self.sizes[first:last],
            self.durations[first:last],
        )


def _stream(parts: list[Level]) -> Stream:
    times = np.concatenate([part.times for part in parts])
    tokens = np.concatenate([part.tokens for part in parts])
    values = np.concatenate([part.values for part in parts])
    return Stream(times, np.zeros((len(times), 0), np.int64), tokens, values)
