"""Rows as CTAB-GAN+ sees them: numbers within −1 … 1, then one-hot blocks.

Zhao et al., "CTAB-GAN+: Enhancing Tabular Data Synthesis", 2022 (arXiv 2204.00401), and its
predecessor CTAB-GAN (arXiv 2102.08369): the mixed-type encoder and the general transform. The
logarithm of long-tailed columns is `TableEncoding`'s.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from redwood.surrogates.encoding import NumericEncoding, TableEncoding
from redwood.surrogates.layout import Layout
from redwood.surrogates.mixture import ModeNormaliser
from redwood.tables import Column, TableDescription, from_numbers, to_numbers

# A component's places are its standard deviations over this (CTGAN's, and the paper's).
_DEVIATIONS = 4


@dataclass(frozen=True)
class NumberModes:
    """The modes of one numeric column: components of its continuous part, then point masses.

    Values that hold a large share of the rows by themselves, as zero often does, are modes of their
    own without a place: the paper's mixed type. What is left is normalised within the components of
    a mixture or, where there is only one, between its smallest and largest value: the general
    transform.

    Attributes:
        components: the mixture; `None` without a continuous part.
        low: smallest standardised number of the continuous part.
        high: largest one.
        points: the standardised numbers of the point masses.
        values: the same in the column's unit, exactly.
    """

    components: ModeNormaliser | None
    low: float
    high: float
    points: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        values: np.ndarray,
        numbers: np.ndarray,
        point_share: float,
        most_components: int,
        most_rows: int,
        rng: np.random.Generator,
    ) -> "NumberModes":
        """Learn the modes of a column that varies.

        Args:
            values: (n,) the training values in the column's unit.
            numbers: (n,) the same standardised on the column's scale.
            point_share: share of the rows from which on a value is a point mass.
            most_components: components of the mixture before the light ones are dropped.
            most_rows: rows that the mixture is fitted on, at most.
            rng: draws these rows and the start of the fit.
        """
        distinct, first, counts = np.unique(values, return_index=True, return_counts=True)
        is_point = counts >= point_share * len(values)
        if np.unique(numbers[first[~is_point]]).size < 2:
            # A single other value is no continuous part.
            is_point[:] = True
        rest = numbers[~np.isin(values, distinct[is_point])]
        components = None
        if len(rest):
            components = ModeNormaliser.fit(rest, most_components, most_rows, rng)
        return cls(
            components,
            float(rest.min()) if len(rest) else 0.0,
            float(rest.max()) if len(rest) else 0.0,
            tuple(numbers[first[is_point]].tolist()),
            tuple(distinct[is_point].tolist()),
        )

    @property
    def is_continuous(self) -> bool:
        """Whether the column has a place."""
        return self.components is not None

    @cached_property
    def slopes(self) -> np.ndarray:
        """(modes,) a mode's number is slope × place + offset; point masses have slope 0."""
        if self.components is None:
            slopes: list[float] = []
        elif self.components.components == 1:
            slopes = [(self.high - self.low) / 2]
        else:
            slopes = [_DEVIATIONS * deviation for deviation in self.components.deviations]
        return np.array([*slopes, *(0.0 for _ in self.points)])

    @cached_property
    def offsets(self) -> np.ndarray:
        """(modes,) see `slopes`."""
        if self.components is None:
            offsets: tuple[float, ...] = ()
        elif self.components.components == 1:
            offsets = ((self.high + self.low) / 2,)
        else:
            offsets = self.components.means
        return np.array([*offsets, *self.points])

    def encode(
        self, values: np.ndarray, numbers: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Training values and their numbers → places, 0 at points, and modes, both (n,)."""
        continuous = len(self.slopes) - len(self.points)
        if self.components is None:
            places, modes = np.zeros(len(numbers)), np.zeros(len(numbers), np.int64)
        elif continuous == 1:
            places = np.clip((numbers - self.offsets[0]) / self.slopes[0], -1, 1)
            modes = np.zeros(len(numbers), np.int64)
        else:
            places, modes = self.components.encode(numbers, rng)
        for point, value in enumerate(self.values):
            here = values == value
            places[here], modes[here] = 0, continuous + point
        return places, modes

    def decode(self, places: np.ndarray, modes: np.ndarray) -> np.ndarray:
        """The inverse of `encode`; places beyond −1 … 1 are clipped."""
        return np.clip(places, -1, 1) * self.slopes[modes] + self.offsets[modes]

    def exactly(self, decoded: pd.Series, modes: np.ndarray, column: Column) -> pd.Series:
        """A column as `TableEncoding` decoded it, its point masses without rounding errors."""
        at = modes - (len(self.slopes) - len(self.points))
        if not self.points or not (at >= 0).any():
            return decoded
        exact = from_numbers(np.array(self.values)[np.maximum(at, 0)], column)
        return decoded.mask(pd.Series(at >= 0), exact)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "NumberModes":
        components = content["components"]
        return cls(
            None if components is None else ModeNormaliser.from_json(components),
            content["low"],
            content["high"],
            tuple(content["points"]),
            tuple(content["values"]),
        )


@dataclass(frozen=True)
class CategoryPlaces:
    """A column of too many categories for one-hot, as one number: the general transform.

    The paper scales the category's code to −1 … 1. Here each category has an interval there as long
    as its share of the rows, the most frequent first, and a row's number is drawn within it: with
    equal intervals most numbers would stand for categories that hardly occur.

    Attributes:
        codes: the categories, the most frequent first.
        ends: the end of each one's interval; the first begins at −1, the last ends at 1.
    """

    codes: tuple[int, ...]
    ends: tuple[float, ...]

    @classmethod
    def fit(cls, codes: np.ndarray) -> "CategoryPlaces":
        counts = np.bincount(codes)
        order = np.argsort(-counts, kind="stable")
        ends = 2 * np.cumsum(counts[order]) / len(codes) - 1
        return cls(tuple(order.tolist()), tuple(ends.tolist()))

    def encode(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        rank = np.empty(len(self.codes), np.int64)
        rank[list(self.codes)] = np.arange(len(self.codes))
        bounds = np.array([-1, *self.ends])
        low, high = bounds[rank[codes]], bounds[rank[codes] + 1]
        return low + (high - low) * rng.random(len(codes))

    def decode(self, places: np.ndarray) -> np.ndarray:
        at = np.searchsorted(np.array(self.ends), places, side="right")
        return np.array(self.codes)[np.minimum(at, len(self.codes) - 1)]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "CategoryPlaces":
        return cls(tuple(content["codes"]), tuple(content["ends"]))


@dataclass(frozen=True)
class RowEncoder:
    """All features of a table as places and blocks.

    Places are those of the continuous columns, then of the categorical columns of many categories.
    Blocks are the modes of the numeric columns that have several, then the other categories.

    Attributes:
        table: standardises numbers and codes categories; constant columns are left out.
        numbers: the modes of each varying numeric column.
        many: the intervals of each varying categorical column that is no block, else `None`.
    """

    table: TableEncoding
    numbers: tuple[NumberModes, ...]
    many: tuple[CategoryPlaces | None, ...]

    @classmethod
    def fit(
        cls,
        train: pd.DataFrame,
        description: TableDescription,
        point_share: float,
        most_components: int,
        most_rows: int,
        most_categories: int,
        rng: np.random.Generator,
    ) -> "RowEncoder":
        """Learn the encoding from the training rows; see `NumberModes.fit`.

        Args:
            most_categories: categories that are one-hot; a column of more is one number.
        """
        table = TableEncoding.fit(train, description)
        numbers, codes = table.numbers(train), table.codes(train)
        modes = tuple(
            NumberModes.fit(
                _values(train, encoding, table),
                numbers[:, i],
                point_share,
                most_components,
                most_rows,
                rng,
            )
            for i, encoding in enumerate(table.varying_numeric)
        )
        many = tuple(
            CategoryPlaces.fit(codes[:, i]) if len(e.categories) > most_categories else None
            for i, e in enumerate(table.varying_categorical)
        )
        return cls(table, modes, many)

    @property
    def layout(self) -> Layout:
        """Places and sizes of the blocks."""
        places = sum(modes.is_continuous for modes in self.numbers)
        places += sum(intervals is not None for intervals in self.many)
        modes = (len(modes.slopes) for modes in self.numbers if len(modes.slopes) > 1)
        categorical = zip(self.table.varying_categorical, self.many, strict=True)
        categories = (len(e.categories) for e, intervals in categorical if intervals is None)
        return Layout(places, (*modes, *categories))

    def where(self, column: str) -> tuple[int | None, int | None]:
        """The place and the block of a varying column, `None` where it has none."""
        place = block = 0
        for encoding, modes in zip(self.table.varying_numeric, self.numbers, strict=True):
            has_block = len(modes.slopes) > 1
            if encoding.column == column:
                return (place if modes.is_continuous else None), (block if has_block else None)
            place, block = place + modes.is_continuous, block + has_block
        for category, intervals in zip(self.table.varying_categorical, self.many, strict=True):
            if category.column == column:
                return (None, block) if intervals is None else (place, None)
            place, block = place + (intervals is not None), block + (intervals is None)
        raise KeyError(column)

    def encode(self, frame: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Training rows → places (rows, P) float32 and codes (rows, blocks) int64."""
        places, codes = [], []
        numbers = self.table.numbers(frame)
        for i, encoding in enumerate(self.table.varying_numeric):
            modes = self.numbers[i]
            place, mode = modes.encode(_values(frame, encoding, self.table), numbers[:, i], rng)
            if modes.is_continuous:
                places.append(place)
            if len(modes.slopes) > 1:
                codes.append(mode)
        for intervals, column in zip(self.many, self.table.codes(frame).T, strict=True):
            if intervals is None:
                codes.append(column)
            else:
                places.append(intervals.encode(column, rng))
        return (
            np.array(places, np.float32).reshape(len(places), len(frame)).T,
            np.array(codes, np.int64).reshape(len(codes), len(frame)).T,
        )

    def decode(self, places: np.ndarray, codes: np.ndarray) -> pd.DataFrame:
        """The inverse of `encode`, constant columns as they were."""
        n = len(places)
        numbers, modes_of = np.empty((n, len(self.numbers))), {}
        for i, encoding in enumerate(self.table.varying_numeric):
            place, block = self.where(encoding.column)
            modes_of[encoding.column] = codes[:, block] if block is not None else np.zeros(n, int)
            numbers[:, i] = self.numbers[i].decode(
                places[:, place].astype(float) if place is not None else np.zeros(n),
                modes_of[encoding.column],
            )
        categories = np.empty((n, len(self.many)), np.int64)
        for i, category in enumerate(self.table.varying_categorical):
            place, block = self.where(category.column)
            intervals = self.many[i]
            categories[:, i] = (
                codes[:, block] if intervals is None else intervals.decode(places[:, place])
            )
        frame = self.table.decode(numbers, categories)
        for encoding, modes in zip(self.table.varying_numeric, self.numbers, strict=True):
            name = encoding.column
            frame[name] = modes.exactly(frame[name], modes_of[name], self.table.description[name])
        return frame

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table.to_json(),
            "numbers": [modes.to_json() for modes in self.numbers],
            "many": [None if places is None else asdict(places) for places in self.many],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], description: TableDescription) -> "RowEncoder":
        return cls(
            TableEncoding.from_json(content["table"], description),
            tuple(NumberModes.from_json(modes) for modes in content["numbers"]),
            tuple(
                None if places is None else CategoryPlaces.from_json(places)
                for places in content["many"]
            ),
        )


def _values(frame: pd.DataFrame, encoding: NumericEncoding, table: TableEncoding) -> np.ndarray:
    """A numeric column in its unit; timestamps to the second, as they are decoded."""
    column = table.description[encoding.column]
    values = to_numbers(frame[encoding.column], column)
    return np.rint(values) if column.kind == "timestamp" else values
