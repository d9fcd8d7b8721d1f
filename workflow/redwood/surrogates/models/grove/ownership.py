"""Whose rows are whose: owners, their groups, and what no single owner may tell.

Owners are the table's widest units (users), groups the finest (tasks). In a table with one kind of
unit each owner has one group; in a table without any, the bursts of an entity stand for units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.surrogates.streams.entity import choose_entity, combine

# A burst ends where the entity pauses for as long as this share of its gaps does not last.
_LONG_GAP = 0.9

# The mean of the exponential law of the largest values is told by so many times `least` owners.
_TELLING = 4


@dataclass(frozen=True)
class Ownership:
    """Owners and groups of the rows of a table.

    Attributes:
        owner, group: (n,) numbers from 0; a group has one owner.
        units: the columns that name them, widest first; none where bursts stand for them.
    """

    owner: np.ndarray
    group: np.ndarray
    units: tuple[str, ...]

    @property
    def owners(self) -> int:
        return int(self.owner.max()) + 1

    @classmethod
    def of_rows(
        cls, rows: pd.DataFrame, units: Sequence[str], time: np.ndarray, codes: np.ndarray
    ) -> "Ownership":
        """Find owners and groups.

        Args:
            rows: (n,) rows, with those columns of `units` that there are.
            units: the columns that name units, the widest first.
            time: (n,) seconds, all the same in a table without a time.
            codes: (n, C) category codes of the features.
        """
        present = tuple(unit for unit in units if unit in rows)
        if not present:
            group = _bursts(time, codes)
            return cls(group, group, ())
        keys = [_keys(rows[unit]) for unit in (present[0], present[-1])]
        owner = _numbered(keys[0])
        # A task of two users is two groups.
        group = _numbered(combine([owner, keys[1]], len(rows)))
        return cls(owner, group, tuple(dict.fromkeys((present[0], present[-1]))))

    def few(self, values: np.ndarray, least: int) -> np.ndarray:
        """Which of the values 0 … k−1 (n,) of a column fewer than `least` owners have, (k,)."""
        pairs = np.unique(np.stack([values, self.owner]), axis=1)
        return np.bincount(pairs[0], minlength=int(values.max()) + 1) < least


def _keys(values: pd.Series) -> np.ndarray:
    """A number for each value (n,); rows without one are units by themselves."""
    codes, _ = pd.factorize(values)
    missing = codes < 0
    codes = codes.astype(np.int64)
    codes[missing] = len(codes) + np.arange(missing.sum())
    return codes


def _numbered(keys: np.ndarray) -> np.ndarray:
    """Numbers from 0 for equal keys (n,), in the order of their first rows."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]


def _bursts(time: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The burst of each row (n,): rows of one entity without a long gap between them."""
    if np.ptp(time) == 0:
        return np.arange(len(time))
    order = np.argsort(time, kind="stable")
    columns = {str(column): codes[order, column] for column in range(codes.shape[1])}
    entity = [columns[name] for name in choose_entity(columns)]
    keys = combine(entity, len(time))
    by_entity = np.lexsort((np.arange(len(time)), keys))
    gaps = np.diff(time[order][by_entity])
    same = np.diff(keys[by_entity].astype(np.int64)) == 0
    longest = np.quantile(gaps[same], _LONG_GAP) if same.any() else 0.0
    begins = np.concatenate([[True], ~same | (gaps > longest)])
    burst = np.empty(len(time), np.int64)
    burst[order[by_entity]] = np.cumsum(begins) - 1
    return _numbered(burst)


def without_rare(
    codes: np.ndarray, ownership: Ownership, least: int, random: np.random.Generator
) -> tuple[np.ndarray, int]:
    """Codes (n,) of a category in which values of fewer than `least` owners are others'.

    A value of an owner becomes one that enough owners have, always the same one, drawn in
    proportion to them.

    Returns:
        the codes, and how many rows were changed.
    """
    few = ownership.few(codes, least)
    if few.all():
        # Nothing is common: what most owners have stands for all.
        pairs = np.unique(np.stack([codes, ownership.owner]), axis=1)
        few[np.bincount(pairs[0]).argmax()] = False
    changed = few[codes]
    if not changed.any():
        return codes, 0
    pairs = np.unique(np.stack([codes, ownership.owner])[:, ~changed], axis=1)[0]
    pairs = pairs if len(pairs) else np.flatnonzero(~few)
    owned = ownership.owner[changed] * len(few) + codes[changed]
    _, inverse = np.unique(owned, return_inverse=True)
    instead = random.choice(pairs, inverse.max() + 1)
    result = codes.copy()
    result[changed] = instead[inverse]
    return result, int(changed.sum())


def without_extremes(values: np.ndarray, owner: np.ndarray, least: int) -> np.ndarray:
    """Values (n,) on a column's scale, of which no single owner tells the largest or smallest.

    An owner's largest value above that of the `least`-th owner from the top is replaced by a
    quantile of an exponential law whose median is that of some more owners' excesses, and values in
    between move in proportion; likewise below.
    """
    return -_without_top(-_without_top(values, owner, least), owner, least)


@dataclass(frozen=True)
class Tail:
    """An exponential law of the largest values, of which no single owner tells a thing.

    Attributes:
        bound: the largest value of the owner after the `least` first from the top, above which the
            law holds.
        scale: by how much values exceed it in the mean; 0 where owners are too few to tell.
        share: of the owners, those that tell the scale: the law is of a tail if they are few.
    """

    bound: float
    scale: float
    share: float

    def excess(self, owners: float) -> float:
        """By how much the largest of so many owners above the bound typically exceeds it.

        The quantile in the middle of the last of as many equal parts of the law.
        """
        return float(self.scale * np.log(2 * owners))


def tail_of(values: np.ndarray, owner: np.ndarray, least: int) -> Tail:
    """The law of the largest of values (n,) on a column's scale, of owners (n,)."""
    tops = np.full(int(owner.max()) + 1, -np.inf)
    np.maximum.at(tops, owner, values)
    tops = np.sort(tops[np.isfinite(tops)])[::-1]
    telling = _TELLING * least
    bound, share = float(tops[min(least, len(tops) - 1)]), telling / len(tops)
    if len(tops) <= telling:
        return Tail(bound, 0.0, share)
    # By the median, of which no single owner is the cause.
    return Tail(bound, float(np.median(tops[:telling] - tops[telling]) / np.log(2)), share)


def _without_top(values: np.ndarray, owner: np.ndarray, least: int) -> np.ndarray:
    tail = tail_of(values, owner, least)
    bound, above = tail.bound, values > tail.bound
    if tail.scale == 0 or not above.any():
        return np.minimum(values, bound)
    top = values.max()
    # Half of the owner whose largest value the bound is counts as above it.
    highest = min(top, bound + tail.excess(least + 0.5))
    result = values.copy()
    result[above] = bound + (values[above] - bound) / (top - bound) * (highest - bound)
    return result
