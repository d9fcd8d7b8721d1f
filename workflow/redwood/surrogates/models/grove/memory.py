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
class Memory:
    """One mark of the earlier items of sequences, for some items.

    Attributes:
        features: (m, 5) float32: ln(1 + items), ln(1 + kinds), their difference, mean and deviation
            of the numbers that are no atoms, or 0 if there are none.
        earlier: (m, 2) where in the sequences' order the earlier items of each begin and end.
        tokens: (n,) the mark's tokens, in that order.
        keys: (n,) for each item in that order sequence and token as one number.
    """

    features: np.ndarray
    earlier: np.ndarray
    tokens: np.ndarray
    keys: np.ndarray

    @classmethod
    def of(
        cls,
        sequences: Sequences,
        mark: Mark,
        tokens: np.ndarray,
        values: np.ndarray,
        items: np.ndarray,
    ) -> "Memory":
        """What is known of the items (m,) from the tokens and values (n,) of one mark.

        Those of items of the same and of later levels may be anything.
        """
        order = sequences.order
        tokens, values = tokens[order], values[order]
        sequence = np.searchsorted(sequences.starts, items, side="right") - 1
        begin = sequences.starts[sequence]
        end = begin + sequences.before[items]
        keys = sequences.sequence[order] * mark.size + tokens
        is_new = np.zeros(len(keys), bool)
        is_new[np.unique(keys, return_index=True)[1]] = True
        features = np.zeros((len(items), 5))
        features[:, 0] = np.log1p(end - begin)
        features[:, 1] = np.log1p(_between(is_new, begin, end))
        features[:, 2] = features[:, 0] - features[:, 1]
        if mark.numbers is not None:
            counted = (tokens >= mark.atoms).astype(float)
            number = np.maximum(_between(counted, begin, end), 1)
            mean = _between(counted * values, begin, end) / number
            square = _between(counted * values**2, begin, end) / number
            features[:, 3], features[:, 4] = mean, np.sqrt(np.maximum(square - mean**2, 0))
        return cls(features.astype(np.float32), np.stack([begin, end], axis=1), tokens, keys)

    def log_frequencies(self, sequences: Sequences, mark: Mark, items: np.ndarray) -> np.ndarray:
        """ln of how often the items' own tokens are among the earlier ones, (m, 1) float32."""
        number = len(self.keys)
        place = np.empty(number, np.int64)
        place[sequences.order] = np.arange(number)
        own = self.keys[place[items]]
        sorted_places = np.sort(self.keys * number + np.arange(number))
        begin, end = self.earlier.T
        same = np.searchsorted(sorted_places, own * number + end) - np.searchsorted(
            sorted_places, own * number + begin
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(same > 0, np.log(same / (end - begin)), _NEVER)
        return logs[:, None].astype(np.float32)

    def draw(self, chosen: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """For those of the items that are `chosen` (m,) bool the token of an earlier one."""
        begin, end = self.earlier[chosen].T
        place = begin + (random.random(len(begin)) * (end - begin)).astype(np.int64)
        return self.tokens[place]


def _between(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sums of `values` (n,) from `begin` to `end` (m,), which is left out."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    return sums[end] - sums[begin]
