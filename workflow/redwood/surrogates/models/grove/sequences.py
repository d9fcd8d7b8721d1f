"""Sequences and the order in which their items are drawn: the first, the last, then the middles.

An item is drawn given the items around it that are there already: those before and after it are
half as far away with every level, as in midpoint displacement (A. Fournier, D. Fussell and L.
Carpenter, Computer rendering of stochastic models, CACM 25 (1982) 371) and multiplicative cascades.
So bursts within bursts come out at every scale, a sequence of n items is drawn in log₂ n steps, all
sequences at once, and the likelihood of a sequence is exactly the product over its items.
"""

from dataclasses import dataclass

import numpy as np

# The items that an item is drawn given: those before and after it, the first, and some at random.
_AT_RANDOM = 2
REFERENCES = 3 + _AT_RANDOM


@dataclass(frozen=True)
class Sequences:
    """Items one sequence after the other, each sequence in its order.

    Attributes:
        starts: (S + 1,) where each sequence starts; the last number is n, that of all items.
        left, right: (n,) the items just before and after an item that are there when it is drawn,
            −1 for none.
        level: (n,) 0 for the first item of a sequence, 1 for its last, 2 for the middle, ….
        order: (n,) the items, those of a sequence together, by level.
        before: (n,) how many items of the same sequence have a lower level.
    """

    starts: np.ndarray
    left: np.ndarray
    right: np.ndarray
    level: np.ndarray
    order: np.ndarray
    before: np.ndarray

    @classmethod
    def of_sizes(cls, sizes: np.ndarray) -> "Sequences":
        """Sequences of these numbers of items (S,), each at least 1."""
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        items = int(starts[-1])
        left, right = np.full(items, -1), np.full(items, -1)
        level = np.zeros(items, np.int64)
        first, last = starts[:-1], starts[1:] - 1
        longer = last > first
        left[last[longer]], level[last[longer]] = first[longer], 1
        low, high = first[longer], last[longer]
        depth = 2
        while len(low):
            wide = high - low > 1
            low, high = low[wide], high[wide]
            middle = (low + high) // 2
            left[middle], right[middle], level[middle] = low, high, depth
            low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
            depth += 1
        sequence = np.repeat(np.arange(len(sizes)), sizes)
        order = np.lexsort((level, sequence))
        sorted_levels, sorted_sequence = level[order], sequence[order]
        begins = np.ones(items, bool)
        begins[1:] = (np.diff(sorted_levels) != 0) | (np.diff(sorted_sequence) != 0)
        places = np.arange(items)
        run = np.maximum.accumulate(np.where(begins, places, 0))
        before = np.empty(items, np.int64)
        before[order] = run - starts[sorted_sequence]
        return cls(starts, left, right, level, order, before)

    def __len__(self) -> int:
        return len(self.level)

    @property
    def sizes(self) -> np.ndarray:
        """(S,) numbers of items."""
        return np.diff(self.starts)

    @property
    def sequence(self) -> np.ndarray:
        """(n,) the sequence of each item."""
        return np.repeat(np.arange(len(self.starts) - 1), self.sizes)

    def by_level(self) -> list[np.ndarray]:
        """The items of each level, in order."""
        order = np.argsort(self.level, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.level))[:-1])

    def references(self, items: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """What each of `items` (m,) is drawn given: (m, R) items of its sequence, −1 for none."""
        begin = self.starts[np.searchsorted(self.starts, items, side="right") - 1]
        known = self.before[items]
        chosen = [self.left[items], self.right[items], np.where(known > 0, begin, -1)]
        for _ in range(_AT_RANDOM):
            place = (random.random(len(items)) * known).astype(np.int64)
            drawn = self.order[np.minimum(begin + place, len(self) - 1)]
            chosen.append(np.where(known > 0, drawn, -1))
        return np.stack(chosen, axis=1)
