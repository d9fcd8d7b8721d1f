"""What the items of a sequence that are there already tell of the next: how often, and how much.

It takes the place of the tables of counts of `redwood.surrogates.streams.marks`, with one table a
mark: the earlier items of the same sequence. Without it errors would add up from level to level.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redwood.surrogates.models.grove.sequences import Sequences
from redwood.surrogates.streams.stream import Mark

# Stands for the logarithm of 0.
_NEVER = -40.0


@dataclass(frozen=True)
class Memory:
    """One mark of the earlier items, for all items of sequences whose marks are known.

    Attributes:
        features: (n, 5) float32: ln(1 + items), ln(1 + kinds), their difference, mean and deviation
            of the numbers that are no atoms, or 0 if there are none.
        log_frequencies: (n, 1) float32: ln of how often the item's own token is among them.
    """

    features: np.ndarray
    log_frequencies: np.ndarray

    @classmethod
    def of(
        cls, sequences: Sequences, mark: Mark, tokens: np.ndarray, values: np.ndarray
    ) -> "Memory":
        """From the tokens and values (n,) of the mark."""
        order, number = sequences.order, len(sequences)
        own = sequences.sequence * mark.size + tokens
        keys, begin = own[order], np.repeat(sequences.starts[:-1], sequences.sizes)
        end = begin + sequences.before
        is_new = np.zeros(number, bool)
        is_new[np.unique(keys, return_index=True)[1]] = True
        sums = [end - begin, _between(is_new, begin, end)]
        if mark.numbers is not None:
            counted = (tokens[order] >= mark.atoms).astype(float)
            numbers = values[order]
            parts = counted, counted * numbers, counted * numbers**2
            sums += [_between(part, begin, end) for part in parts]
        sorted_places = np.sort(keys * number + np.arange(number))
        same = np.searchsorted(sorted_places, own * number + end) - np.searchsorted(
            sorted_places, own * number + begin
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(same > 0, np.log(same / (end - begin)), _NEVER)
        return cls(_features(sums), logs[:, None].astype(np.float32))


class RunningMemory:
    """The same, kept up to date while the items of sequences are drawn level by level.

    Args:
        sequences: their order of drawing.
        marks: the marks.
    """

    def __init__(self, sequences: Sequences, marks: Sequence[Mark]) -> None:
        number = len(sequences.sizes)
        self._sequences, self._marks = sequences, marks
        self._sequence = sequences.sequence
        self._items = np.zeros(number)
        self._seen = [np.zeros((number, mark.size), bool) for mark in marks]
        self._sums = [np.zeros((4 if mark.numbers is not None else 1, number)) for mark in marks]

    def add(self, items: np.ndarray, tokens: np.ndarray, values: np.ndarray) -> None:
        """Take tokens and values (m, M) of items (m,) that have been drawn."""
        sequence, number = self._sequence[items], len(self._items)
        self._items += np.bincount(sequence, minlength=number)
        for position, mark in enumerate(self._marks):
            seen, sums = self._seen[position].reshape(-1), self._sums[position]
            own = tokens[:, position]
            keys = sequence * mark.size + own
            fresh = np.unique(keys[~seen[keys]])
            sums[0] += np.bincount(fresh // mark.size, minlength=number)
            seen[fresh] = True
            if mark.numbers is not None:
                counted, numbers = (own >= mark.atoms).astype(float), values[:, position]
                for part, weights in enumerate((counted, counted * numbers, counted * numbers**2)):
                    sums[1 + part] += np.bincount(sequence, weights, number)

    def features(self, items: np.ndarray, position: int) -> np.ndarray:
        """`Memory.features` of a mark for items (m,) that are drawn next, (m, 5)."""
        sequence = self._sequence[items]
        return _features([self._items[sequence], *self._sums[position][:, sequence]])

    def draw(
        self, items: np.ndarray, tokens: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """The tokens of one earlier item for each of items (m,), of tokens (n,) of a mark."""
        sequences = self._sequences
        begin = sequences.starts[self._sequence[items]]
        place = (random.random(len(items)) * sequences.before[items]).astype(np.int64)
        return tokens[sequences.order[begin + place]]


def _features(sums: list[np.ndarray]) -> np.ndarray:
    """Features (m, 5) of numbers of items, of kinds, and of numbers, their sums and squares."""
    features = np.zeros((len(sums[0]), 5), np.float32)
    items, kinds = np.log1p(sums[0]), np.log1p(sums[1])
    features[:, 0], features[:, 1], features[:, 2] = items, kinds, items - kinds
    if len(sums) > 2:
        number = np.maximum(sums[2], 1)
        mean = sums[3] / number
        deviation = np.sqrt(np.maximum(sums[4] / number - mean**2, 0))
        features[:, 3], features[:, 4] = mean, deviation
    return features


def _between(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sums of `values` (n,) from `begin` to `end` (m,), which is left out."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    return sums[end] - sums[begin]
