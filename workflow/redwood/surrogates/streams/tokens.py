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
    def fit(
        cls,
        numbers: np.ndarray,
        most_bins: int,
        owner: np.ndarray | None = None,
        least_owners: int = 1,
    ) -> "NumberTokens":
        """Learn the tokens of a column.

        Args:
            numbers: (n,) at least two different numbers.
            most_bins: number of bins, each with as many numbers as the others as far as ties
                permit; equal ones of an owner count once.
            owner: (n,) whose each number is, from 0; each is an owner's of its own if `None`.
            least_owners: owners of an atom and of the numbers of a bin, at least, as far as there
                are so many.
        """
        owner = np.arange(len(numbers)) if owner is None else owner
        values, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
        least_owners = min(least_owners, len(np.unique(owner)))
        common = _owners(place, owner, len(values)) >= least_owners
        is_discrete = len(numbers) >= _ROWS_PER_DISCRETE_VALUE * len(values)
        if is_discrete and len(values) <= _MOST_DISCRETE_VALUES and common.sum() >= 2:
            return cls(values[common], np.empty(0))
        shared = common & (counts >= _ROWS_PER_GRID_VALUE)
        if 2 * counts[shared].sum() < len(numbers) or shared.sum() > _MOST_GRID_VALUES:
            shared = common & (counts >= max(_ROWS_PER_ATOM, _SHARE_PER_ATOM * len(numbers)))
        is_rest = ~shared[place]
        rest = numbers[is_rest]
        if len(np.unique(rest)) < 2:
            return cls(values[common], np.empty(0))
        bins = int(np.clip(len(rest) // _ROWS_PER_BIN, 1, most_bins))
        # What an owner repeats counts once: else it would be an edge.
        once = np.unique(owner[is_rest] * len(values) + place[is_rest]) % len(values)
        edges = np.unique(np.quantile(values[once], np.linspace(0, 1, bins + 1)))
        return cls(values[shared], _widened(edges, rest, owner[is_rest], least_owners))

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


def _owners(place: np.ndarray, owner: np.ndarray, size: int) -> np.ndarray:
    """How many owners have rows at each of `size` places, (size,); `place`, `owner` are (n,)."""
    return np.bincount(np.unique(owner * size + place) % size, minlength=size)


def _widened(edges: np.ndarray, numbers: np.ndarray, owner: np.ndarray, least: int) -> np.ndarray:
    """The edges between which at least so many owners have numbers; one bin is always left."""
    bins = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    kept, seen = [edges[0]], set[int]()
    for place in range(len(edges) - 1):
        seen.update(owner[bins == place].tolist())
        if len(seen) >= least:
            kept.append(edges[place + 1])
            seen = set()
    if len(kept) == 1:
        return edges[[0, -1]]
    kept[-1] = edges[-1]
    return np.array(kept)
