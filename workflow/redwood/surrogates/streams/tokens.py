"""Numbers as tokens: the values that a column repeats, and bins for all others."""

from dataclasses import dataclass

import numpy as np

# A column whose values occur this often on average is discrete: a limit, a number of files.
_ROWS_PER_DISCRETE_VALUE = 20
_MOST_DISCRETE_VALUES = 2000

# In any other column, if most rows have a value that at least `_ROWS_PER_GRID_VALUE` rows share,
# the column is a grid: these values are tokens of their own. If not, only conspicuous values are,
# with `_ROWS_PER_ATOM` rows and `_SHARE_PER_ATOM` of all: a neighbour whose value is a token gives
# no kernel.
_ROWS_PER_GRID_VALUE = 5
_MOST_GRID_VALUES = 2000
_ROWS_PER_ATOM = 20
_SHARE_PER_ATOM = 1 / 500

# A bin of fewer rows would give them away.
_ROWS_PER_BIN = 20


@dataclass(frozen=True)
class NumberTokens:
    """How standardised numbers of one column become tokens.

    Tokens 0 … A−1 are atoms, single values with a probability; tokens A … A+B−1 are bins between
    B+1 edges, within which numbers have a density.

    Attributes:
        atoms: (A,) values in ascending order, float64.
        edges: (B+1,) edges in ascending order, float64; empty if every value is an atom.
    """

    atoms: np.ndarray
    edges: np.ndarray

    @classmethod
    def fit(cls, numbers: np.ndarray, most_bins: int) -> "NumberTokens":
        """Learn the tokens of a column.

        Args:
            numbers: (n,) at least two different numbers.
            most_bins: number of bins, each with as many rows as the others as far as ties permit.
        """
        values, counts = np.unique(numbers, return_counts=True)
        is_discrete = len(numbers) >= _ROWS_PER_DISCRETE_VALUE * len(values)
        if is_discrete and len(values) <= _MOST_DISCRETE_VALUES:
            return cls(values, np.empty(0))
        shared = counts >= _ROWS_PER_GRID_VALUE
        if 2 * counts[shared].sum() < len(numbers) or shared.sum() > _MOST_GRID_VALUES:
            shared = counts >= max(_ROWS_PER_ATOM, _SHARE_PER_ATOM * len(numbers))
        atoms = values[shared]
        rest = numbers[~np.isin(numbers, atoms)]
        if len(np.unique(rest)) < 2:
            return cls(values, np.empty(0))
        bins = int(np.clip(len(rest) // _ROWS_PER_BIN, 1, most_bins))
        return cls(atoms, np.unique(np.quantile(rest, np.linspace(0, 1, bins + 1))))

    @property
    def bins(self) -> int:
        return max(0, len(self.edges) - 1)

    @property
    def size(self) -> int:
        """The number of tokens."""
        return len(self.atoms) + self.bins

    def encode(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers → tokens, int64; numbers beyond all edges belong to the outermost bin.

        Where every token is an atom, a number between two belongs to the closer.
        """
        if not self.bins:
            return self._closest_atom(numbers)
        tokens = np.searchsorted(self.edges, numbers, side="right") - 1
        tokens = np.clip(tokens, 0, self.bins - 1) + len(self.atoms)
        if len(self.atoms):
            closest = self._closest_atom(numbers)
            tokens = np.where(self.atoms[closest] == numbers, closest, tokens)
        return tokens

    def _closest_atom(self, numbers: np.ndarray) -> np.ndarray:
        right = np.clip(np.searchsorted(self.atoms, numbers), 1, max(1, len(self.atoms) - 1))
        right = np.minimum(right, len(self.atoms) - 1)
        left = np.maximum(right - 1, 0)
        is_left = np.abs(numbers - self.atoms[left]) <= np.abs(self.atoms[right] - numbers)
        return np.where(is_left, left, right).astype(np.int64)
