"""Training by sampling: which category or mode a generated row is to have.

Xu et al., "Modeling Tabular Data using Conditional GAN", NeurIPS 2019 (arXiv 1907.00503), section
4.3; CTAB-GAN (arXiv 2102.08369) has the modes of numeric columns in the condition, too.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Conditions:
    """How often each category and mode is asked for.

    A category of a block is numbered by its place in the row's one-hot part.

    Attributes:
        blocks: sizes of the blocks.
        counts: (sum of the sizes,) training rows of each category.
    """

    blocks: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def fit(cls, codes: np.ndarray, blocks: tuple[int, ...]) -> "Conditions":
        """Count the categories; `codes` is (rows, blocks)."""
        counts = [np.bincount(codes[:, i], minlength=size) for i, size in enumerate(blocks)]
        return cls(blocks, tuple(int(count) for block in counts for count in block))

    @property
    def starts(self) -> np.ndarray:
        """(blocks,) number of each block's first category."""
        return np.cumsum((0, *self.blocks))[:-1]

    def draw(self, n: int, balanced: bool, rng: np.random.Generator) -> np.ndarray:
        """The categories asked for in `n` rows, (n,); of a block drawn uniformly.

        Args:
            balanced: by the logarithm of 1 + its count, so that rare ones are learned, instead of
                by the count.
        """
        block = rng.integers(len(self.blocks), size=n)
        ends = self._ends_of_logarithms if balanced else self._ends_of_counts
        category = np.searchsorted(ends, block + rng.random(n), side="right")
        # Against rounding at the end of a block.
        return np.clip(category, self.starts[block], self.starts[block] + self._sizes[block] - 1)

    @property
    def _sizes(self) -> np.ndarray:
        return np.array(self.blocks)

    @cached_property
    def _ends_of_counts(self) -> np.ndarray:
        return self._ends(np.array(self.counts, float))

    @cached_property
    def _ends_of_logarithms(self) -> np.ndarray:
        return self._ends(np.log1p(self.counts))

    def _ends(self, weights: np.ndarray) -> np.ndarray:
        """Cumulative shares within each block, plus the number of the block."""
        ends = [
            i + np.cumsum(block) / block.sum()
            for i, block in enumerate(np.split(weights, self.starts[1:]))
        ]
        return np.concatenate(ends)


class MatchingRows:
    """The training rows of each category, to draw real rows that meet a condition."""

    def __init__(self, codes: np.ndarray, conditions: Conditions) -> None:
        self._order = np.argsort(codes, axis=0, kind="stable").T.ravel()
        self._counts = np.array(conditions.counts)
        self._begins = np.cumsum([0, *conditions.counts])[:-1]

    def draw(self, categories: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A random training row of each category: (n,) row numbers."""
        within = (rng.random(len(categories)) * self._counts[categories]).astype(np.int64)
        return self._order[self._begins[categories] + within]
