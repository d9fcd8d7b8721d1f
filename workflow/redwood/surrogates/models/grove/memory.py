"""What the items of a sequence that are there already tell of the next: how often, and how much.

It takes the place of the tables of counts of `redwood.surrogates.streams.marks`, with one table a
mark: the earlier items of the same sequence. Without it errors would add up from level to level.
"""

from dataclasses import dataclass

import numpy as np

from redwood.surrogates.models.grove.sequences import Sequences
from redwood.surrogates.streams.stream import Mark

# Stands for the logarithm of 0.
_NEVER = -40.0


@dataclass(frozen=True)
class Earlier:
    """Which items of sequences are there before some others.

    Attributes:
        items: (k,) items, those of a sequence together, in the order of drawing.
        sequence: (k,) the sequence of each.
        begin, end: (m,) where among them those before each of the others begin and end.
    """

    items: np.ndarray
    sequence: np.ndarray
    begin: np.ndarray
    end: np.ndarray

    @classmethod
    def of(cls, sequences: Sequences, items: np.ndarray) -> "Earlier":
        """Among all items of the sequences, those before `items` (m,)."""
        begin = sequences.starts[np.searchsorted(sequences.starts, items, side="right") - 1]
        order = sequences.order
        return cls(order, sequences.sequence[order], begin, begin + sequences.before[items])

    @classmethod
    def than_level(cls, sequences: Sequences, items: np.ndarray) -> "Earlier":
        """Those before the items (m,) of one level: few at first, so that all levels cost n."""
        every = cls.of(sequences, items)
        is_before = sequences.level[every.items] < sequences.level[items[0]]
        place = np.concatenate([[0], np.cumsum(is_before)])
        kept = every.items[is_before], every.sequence[is_before]
        return cls(*kept, place[every.begin], place[every.end])


@dataclass(frozen=True)
class Memory:
    """One mark of the earlier items of sequences, for some items.

    Attributes:
        features: (m, 5) float32: ln(1 + items), ln(1 + kinds), their difference, mean and deviation
            of the numbers that are no atoms, or 0 if there are none.
        earlier: which those are.
        tokens: (k,) the mark's tokens, in the order of `earlier`.
        keys: (k,) for each item in that order sequence and token as one number.
    """

    features: np.ndarray
    earlier: Earlier
    tokens: np.ndarray
    keys: np.ndarray

    @classmethod
    def of(cls, earlier: Earlier, mark: Mark, tokens: np.ndarray, values: np.ndarray) -> "Memory":
        """What is known from the tokens and values (n,) of one mark of all items.

        Those of items that are not earlier may be anything.
        """
        tokens, values = tokens[earlier.items], values[earlier.items]
        begin, end = earlier.begin, earlier.end
        keys = earlier.sequence * mark.size + tokens
        is_new = np.zeros(len(keys), bool)
        is_new[np.unique(keys, return_index=True)[1]] = True
        features = np.zeros((len(begin), 5))
        features[:, 0] = np.log1p(end - begin)
        features[:, 1] = np.log1p(_between(is_new, begin, end))
        features[:, 2] = features[:, 0] - features[:, 1]
        if mark.numbers is not None:
            counted = (tokens >= mark.atoms).astype(float)
            number = np.maximum(_between(counted, begin, end), 1)
            mean = _between(counted * values, begin, end) / number
            square = _between(counted * values**2, begin, end) / number
            features[:, 3], features[:, 4] = mean, np.sqrt(np.maximum(square - mean**2, 0))
        return cls(features.astype(np.float32), earlier, tokens, keys)

    def log_frequencies(self, sequences: Sequences, mark: Mark, items: np.ndarray) -> np.ndarray:
        """ln of how often the items' own tokens are among the earlier ones, (m, 1) float32.

        Of a memory of all items, `Earlier.of`.
        """
        number = len(self.keys)
        place = np.empty(number, np.int64)
        place[sequences.order] = np.arange(number)
        own = self.keys[place[items]]
        sorted_places = np.sort(self.keys * number + np.arange(number))
        begin, end = self.earlier.begin, self.earlier.end
        same = np.searchsorted(sorted_places, own * number + end) - np.searchsorted(
            sorted_places, own * number + begin
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(same > 0, np.log(same / (end - begin)), _NEVER)
        return logs[:, None].astype(np.float32)

    def draw(self, chosen: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """For those of the items that are `chosen` (m,) bool the token of an earlier one."""
        begin, end = self.earlier.begin[chosen], self.earlier.end[chosen]
        place = begin + (random.random(len(begin)) * (end - begin)).astype(np.int64)
        return self.tokens[place]


def _between(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sums of `values` (n,) from `begin` to `end` (m,), which is left out."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    return sums[end] - sums[begin]
