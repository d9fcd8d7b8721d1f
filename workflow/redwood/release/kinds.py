"""Kinds of canaries: the units that are hard to keep secret, made of real ones.

* `whole`: a real unit with all of its rows, moved to another time;
* `moved`: a run of rows of a real unit, moved to another time, as easily told as real units are;
* `recombined`: moved, and each category becomes one of another row, and numbers are shifted so that
  their median is the number of another row. Such a unit is like no other;
* `rare`: a run of one of the tenth of the units whose categories are the rarest, moved;
* `light`: few rows of a unit, spread over the whole of the record;
* `scattered`: moved, and each row has another value of the category that varies most within units,
  such as the site.

How the rows of a unit belong together is kept as far as the kind allows. In a table without a time
all are recombined, for what is neither moved nor changed is there already.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.tables import (
    TableDescription,
    from_numbers,
    from_scale,
    to_numbers,
    to_scale,
)

# Of the units, those whose categories are the rarest; at least so many.
_RARE, _LEAST_RARE = 0.1, 8
# Rows of a light unit, at most.
_FEW = 20
# Units that show which category varies most within units, each with at least so many rows.
_LOOKED_AT, _ROWS_THAT_VARY = 300, 5

Rows = np.ndarray


@dataclass(frozen=True)
class Kind:
    """How canaries of a kind are made.

    Attributes:
        name: of the kind.
        sources: so many sources, all drawn alike: the numbers of real rows, (rows of the canary,)
            each.
        make: the canary's features and unit columns, of the rows of a source.
    """

    name: str
    sources: Callable[[int, np.random.Generator], list[Rows]]
    make: Callable[[Rows, np.random.Generator], pd.DataFrame]


class Maker:
    """Makes canaries of the rows of a table.

    Args:
        rows: the features and unit columns.
        description: of these columns.
    """

    def __init__(self, rows: pd.DataFrame, description: TableDescription) -> None:
        self.rows = rows
        self.description = description
        features = [column for column in description.features if column.name not in self._units]
        self._times = [column for column in features if column.kind == "timestamp"]
        self._categories = [column.name for column in features if column.is_categorical]
        self._changed = [column for column in features if column.kind != "timestamp"]
        # −ln of how frequent a row's categories are, summed over columns.
        self._rarity = np.zeros(len(rows))
        for name in self._categories:
            values = rows[name]
            self._rarity -= np.log(values.map(values.value_counts(normalize=True)).to_numpy(float))

    @property
    def _units(self) -> tuple[str, ...]:
        return self.description.units

    def kinds(self, units: list[Rows], size: int, limit: int) -> list[Kind]:
        """The kinds of canaries of `size` rows; whole ones have fewer than `limit`.

        Args:
            units: the rows of each real unit, at least one of them of `size` rows or more.
            size: rows of a canary.
            limit: one more than a whole unit may have.
        """
        eligible = [unit for unit in units if len(unit) >= size]
        runs = _drawn(eligible, lambda unit, random: _run(unit, size, random))
        if not self._times:
            kinds = [Kind("recombined", runs, self._recombined)]
            if whole := self._whole(units, size, limit):
                kinds.insert(0, Kind("whole", whole, self._recombined))
            return kinds
        kinds = []
        if whole := self._whole(units, size, limit):
            kinds.append(Kind("whole", whole, self._moved))
        kinds.append(Kind("moved", runs, self._moved))
        if self._changed:
            kinds.append(Kind("recombined", runs, self._moved_and_recombined))
        if self._categories:
            rarity = [self._rarity[unit].mean() for unit in eligible]
            most = max(_LEAST_RARE, round(_RARE * len(eligible)))
            rare = [eligible[i] for i in np.argsort(rarity, kind="stable")[::-1][:most]]
            draw = _drawn(rare, lambda unit, random: _run(unit, size, random))
            kinds.append(Kind("rare", draw, self._moved))
        if 1 < size <= _FEW:
            spread = _drawn(eligible, lambda unit, random: _spread(unit, size))
            kinds.append(Kind("light", spread, self._over_the_record))
        if size > 1 and (name := self._varying(units)):

            def scattered(unit: Rows, random: np.random.Generator) -> pd.DataFrame:
                return self._scattered(unit, name, random)

            kinds.append(Kind("scattered", runs, scattered))
        return kinds

    def _whole(
        self, units: list[Rows], size: int, limit: int
    ) -> Callable[[int, np.random.Generator], list[Rows]] | None:
        """Draws units that are about equally large, of `size` rows to less than `limit`."""
        if size == 1:
            return None
        sized = sorted((unit for unit in units if size <= len(unit) < limit), key=len)
        if not sized:
            return None

        def draw(count: int, random: np.random.Generator) -> list[Rows]:
            first = random.integers(max(1, len(sized) - count + 1))
            near = sized[first : first + count]
            order = random.permutation(count) % len(near)
            return [near[place] for place in order]

        return draw

    def _varying(self, units: list[Rows]) -> str:
        """The category with most values per row of a unit; none if none varies within units."""
        long = [unit for unit in units if len(unit) >= _ROWS_THAT_VARY]
        looked_at = long[:: -(-len(long) // _LOOKED_AT)] if long else []
        best, name = 0.0, ""
        for column in self._categories:
            codes = pd.factorize(self.rows[column])[0]
            varies = [(len(np.unique(codes[unit])) - 1) / len(unit) for unit in looked_at]
            if varies and np.mean(varies) > best:
                best, name = float(np.mean(varies)), column
        return name

    def _of(self, unit: Rows) -> pd.DataFrame:
        return self.rows.iloc[unit].reset_index(drop=True)

    def _moved(self, unit: Rows, random: np.random.Generator) -> pd.DataFrame:
        """The unit at another time; what goes beyond the end goes on at the beginning."""
        moved, by = self._of(unit), random.uniform()
        for column in self._times:
            times = to_numbers(self.rows[column.name], column)
            low, span = times.min(), max(np.ptp(times), 1.0)
            own = to_numbers(moved[column.name], column)
            moved[column.name] = from_numbers(low + (own - low + by * span) % span, column)
        return moved

    def _recombined(self, unit: Rows, random: np.random.Generator) -> pd.DataFrame:
        return self._with_others(self._of(unit), random)

    def _moved_and_recombined(self, unit: Rows, random: np.random.Generator) -> pd.DataFrame:
        return self._with_others(self._moved(unit, random), random)

    def _with_others(self, unit: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        """The unit with categories of other rows, and numbers about those of other rows."""
        rows, columns = self.rows, {}
        for column in self._changed:
            values, others = unit[column.name], rows[column.name]
            if column.is_categorical:
                known = pd.unique(values)
                drawn = others.iloc[random.integers(len(rows), size=len(known))]
                columns[column.name] = values.map(dict(zip(known, drawn, strict=True)))
            else:
                own, ranged = (to_scale(to_numbers(v, column), column) for v in (values, others))
                set_off = own - np.median(own) + ranged[random.integers(len(rows))]
                numbers = from_scale(np.clip(set_off, ranged.min(), ranged.max()), column)
                columns[column.name] = from_numbers(numbers, column)
        return unit.assign(**columns)

    def _over_the_record(self, unit: Rows, random: np.random.Generator) -> pd.DataFrame:
        """The unit with its rows, in their order, at times all over the record."""
        spread, at = self._of(unit), np.sort(random.uniform(size=len(unit)))
        for column in self._times:
            times = to_numbers(self.rows[column.name], column)
            own = to_numbers(spread[column.name], column)
            rank = np.argsort(np.argsort(own, kind="stable"), kind="stable")
            spread[column.name] = from_numbers(times.min() + at[rank] * np.ptp(times), column)
        return spread

    def _scattered(self, unit: Rows, name: str, random: np.random.Generator) -> pd.DataFrame:
        """The unit at another time, each row with another value of a column, as far as they go."""
        shares = self.rows[name].value_counts(normalize=True, sort=False)
        distinct = min(len(unit), len(shares))
        drawn = random.choice(len(shares), size=distinct, replace=False, p=shares.to_numpy())
        values = shares.index.to_numpy(object)[drawn]
        return self._moved(unit, random).assign(**{name: np.resize(values, len(unit))})


def _drawn(
    units: list[Rows], part: Callable[[Rows, np.random.Generator], Rows]
) -> Callable[[int, np.random.Generator], list[Rows]]:
    """Draws a part of each of some units, which differ as far as there are enough."""

    def draw(count: int, random: np.random.Generator) -> list[Rows]:
        chosen = random.choice(len(units), size=count, replace=len(units) < count)
        return [part(units[unit], random) for unit in chosen]

    return draw


def _run(unit: Rows, size: int, random: np.random.Generator) -> Rows:
    """A run of so many consecutive rows of a unit."""
    first = random.integers(len(unit) - size + 1)
    return unit[first : first + size]


def _spread(unit: Rows, size: int) -> Rows:
    """So many rows of a unit, evenly from the first to the last."""
    return unit[np.linspace(0, len(unit) - 1, size).round().astype(int)]
