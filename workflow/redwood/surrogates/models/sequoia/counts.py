"""How often a value follows others: conditional frequencies in which a row never counts itself."""

from dataclasses import dataclass

import numpy as np

from redwood.surrogates.streams.entity import combine


@dataclass(frozen=True)
class Known:
    """What a table of counts knows of events, whose own rows it does not count.

    Attributes:
        keys: (m,) the events' keys.
        places: (m,) positions of the keys, −1 where a key is unknown.
        counts: (m,) rows of the keys.
        kinds: (m,) different tokens among these.
        same: (m,) whether the row that an event takes the place of has its key.
    """

    keys: np.ndarray
    places: np.ndarray
    counts: np.ndarray
    kinds: np.ndarray
    same: np.ndarray


@dataclass(frozen=True)
class CountTable:
    """The frequencies of a column's tokens given the tokens of other columns.

    Attributes:
        given: positions of these columns.
        target: position of the column.
        tokens: (n,) the column's tokens in the stream.
        values: (n,) the column's standardised numbers, zeros for a category.
        keys: the different keys of the given columns, ascending.
        counts: rows of each key.
        kinds: different tokens of each key.
        starts: for each key its first position in `rows`.
        rows: (n,) rows sorted by key.
        row_keys: (n,) the key of each row.
        is_only: (n,) whether no other row has a row's key and token.
        pairs: the different keys of given columns and column, ascending.
        pair_counts: rows of each.
        sums: (keys, 2) sums of the numbers of each key's rows and of their squares.
    """

    given: tuple[int, ...]
    target: int
    tokens: np.ndarray
    values: np.ndarray
    keys: np.ndarray
    counts: np.ndarray
    kinds: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    row_keys: np.ndarray
    is_only: np.ndarray
    pairs: np.ndarray
    pair_counts: np.ndarray
    sums: np.ndarray

    @classmethod
    def build(
        cls, given: tuple[int, ...], target: int, columns: list[np.ndarray], values: np.ndarray
    ) -> "CountTable":
        """Count the rows of a stream.

        Args:
            columns: the tokens of all its columns.
            values: (n,) the numbers of the column at `target`, zeros for a category.
        """
        tokens = columns[target]
        row_keys = combine([columns[i] for i in given], len(tokens))
        row_pairs = combine([row_keys, tokens], len(tokens))
        keys, inverse, counts = np.unique(row_keys, return_inverse=True, return_counts=True)
        pairs, first, pair, pair_counts = np.unique(
            row_pairs, return_index=True, return_inverse=True, return_counts=True
        )
        rows = np.argsort(inverse, kind="stable").astype(np.int32)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        kinds = np.bincount(inverse[first], minlength=len(keys))
        sums = [np.bincount(inverse, powers, len(keys)) for powers in (values, values**2)]
        return cls(
            given,
            target,
            tokens,
            values,
            keys,
            counts,
            kinds,
            starts,
            rows,
            row_keys,
            pair_counts[pair] == 1,
            pairs,
            pair_counts,
            np.column_stack(sums),
        )

    def know(self, columns: list[np.ndarray], own: np.ndarray | None, events: int) -> Known:
        """Look up the keys of events.

        Args:
            columns: the events' tokens (m,) of all columns, at least of those given.
            own: (m,) the stream's rows that the events take the place of; `None` where they are
                none of the stream's.
            events: m.
        """
        keys = combine([columns[i] for i in self.given], events)
        place, known = _find(self.keys, keys)
        counts = np.where(known, self.counts[place], 0)
        kinds = np.where(known, self.kinds[place], 0)
        same = np.zeros(events, bool)
        if own is not None:
            same = self.row_keys[own] == keys
            counts = counts - same
            kinds = kinds - (same & self.is_only[own])
        return Known(keys, np.where(known, place, -1), counts, kinds, same)

    def of_pair(self, known: Known, tokens: np.ndarray, own: np.ndarray | None) -> np.ndarray:
        """The number of rows with the events' keys and their tokens (m,) of the target: (m,)."""
        place, found = _find(self.pairs, combine([known.keys, tokens], len(tokens)))
        counts = np.where(found, self.pair_counts[place], 0)
        return counts if own is None else counts - (known.same & (self.tokens[own] == tokens))

    def moments(self, known: Known, own: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (m,) of the numbers of the events' keys; 0 of no rows.

        Args:
            known, own: of the events, see `know`.
        """
        counts, place = known.counts, known.places
        sums = np.where(place[:, None] >= 0, self.sums[np.maximum(place, 0)], 0.0)
        if own is not None:
            value = np.where(known.same, self.values[own], 0.0)
            sums = sums - np.column_stack([value, value**2])
        mean = np.divide(sums[:, 0], counts, out=np.zeros(len(counts)), where=counts > 0)
        square = np.divide(sums[:, 1], counts, out=np.zeros(len(counts)), where=counts > 0)
        return mean, np.sqrt(np.maximum(square - mean**2, 0))

    def draw(
        self, places: np.ndarray, own: np.ndarray | None, random: np.random.Generator
    ) -> np.ndarray:
        """For events with keys at `places` the token of a row of that key, but not of `own`."""
        chosen = self._row(places, random)
        if own is not None:
            # A key with only the row itself has count 0 and is never asked for.
            while (itself := chosen == own).any():
                chosen[itself] = self._row(places[itself], random)
        return self.tokens[chosen]

    def _row(self, places: np.ndarray, random: np.random.Generator) -> np.ndarray:
        offsets = (random.random(len(places)) * self.counts[places]).astype(np.int64)
        return self.rows[self.starts[places] + offsets]


def _find(table: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions of `keys` in an ascending table, and which of them are there."""
    place = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return place, table[place] == keys


def choose_givens(
    target: int,
    before: list[int],
    entity: list[int],
    columns: list[np.ndarray],
    values: np.ndarray,
    most: int,
) -> list[CountTable]:
    """The tables that forecast a column best, at most `most`.

    Candidates are the column alone, given the entity, each earlier column, all of them, and each
    of these together with the entity. A candidate is as good as the mean logarithm of its forecast
    (c + ½/k)/(C + ½) of each row from the others, c of C rows of its key having its token of k.

    Args:
        target: position of the column in `columns`.
        before: positions of the columns that are drawn before.
        entity: positions of the entity's columns.
    """
    singles = [(position,) for position in before]
    candidates = [(), tuple(entity), *singles, tuple(before)]
    candidates += [(*entity, *given) for given in (*singles, tuple(before))]
    kinds, rows = len(np.unique(columns[target])), np.arange(len(values))
    scored = []
    for given in dict.fromkeys(candidates):
        table = CountTable.build(given, target, columns, values)
        known = table.know(columns, rows, len(rows))
        repeated = table.of_pair(known, columns[target], rows)
        forecast = (repeated + 0.5 / kinds) / (known.counts + 0.5)
        scored.append((float(np.mean(np.log(forecast))), table))
    scored.sort(key=lambda pair: -pair[0])
    return [table for _, table in scored[:most]]
