"""What models see of a table: numbers on their columns' scales, standardised, and category codes.

Decoding gives back the columns' own types and supports: nothing beyond the smallest and the largest
training value, no unseen category, no more decimals than the training values have, whole integers,
timestamps to the second or to what all of training are whole steps of, such as days.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.names import nth_row
from redwood.outliers import merging, sentinel
from redwood.tables import (
    Column,
    TableDescription,
    from_numbers,
    from_scale,
    to_numbers,
    to_scale,
)

# Beyond it float64, which models compute with, skips integers.
LARGEST_EXACT_INTEGER = 2**53

# Beyond it squares overflow.
LARGEST_NUMBER = 1e150

# A value like 0.30000000000000004 has 1 decimal; beyond 6 a column is taken for continuous.
_MOST_DECIMALS = 6

# Values that all end in more zeros than these are constant in practice.
_MOST_ZEROS = 9


@dataclass(frozen=True)
class NumericEncoding:
    """One numeric, integer or timestamp column as standardised numbers on its scale.

    Attributes:
        column: the column's name.
        low: smallest training value, in the column's unit (timestamps: s since 1970-01-01 UTC).
        high: largest training value.
        decimals: decimals that suffice for every training value, `None` if 6 do not; −1 where all
            are multiples of 10, and so on; 0 for timestamps.
        mean: mean of the training values on the column's scale.
        deviation: their standard deviation there, 0 for a constant column.
        step: of timestamps, s: the largest of which all training values are multiples, counted from
            the smallest: 86,400 where all are of the same time of day.
    """

    column: str
    low: float
    high: float
    decimals: int | None
    mean: float
    deviation: float
    step: int = 1

    @classmethod
    def fit(cls, values: pd.Series, column: Column) -> "NumericEncoding":
        """Learn the encoding of `column` from its training values, all finite."""
        numbers = to_numbers(values, column)
        if column.kind == "timestamp":
            numbers = np.rint(numbers)
        scaled = to_scale(numbers, column)
        return cls(
            column=column.name,
            low=float(numbers.min()),
            high=float(numbers.max()),
            decimals=_decimals(numbers, column),
            mean=float(scaled.mean()),
            deviation=_deviation(scaled),
            step=_step(numbers) if column.kind == "timestamp" else 1,
        )

    @property
    def is_constant(self) -> bool:
        """Whether all training values are the same, or too close to tell apart on the scale."""
        return self.deviation == 0

    def encode(self, values: pd.Series, column: Column) -> np.ndarray:
        """Values → standardised numbers, float64 of the same length; zeros if constant."""
        if self.is_constant:
            return np.zeros(len(values))
        return (to_scale(to_numbers(values, column), column) - self.mean) / self.deviation

    def decode(self, encoded: np.ndarray, column: Column) -> pd.Series:
        """The inverse of `encode`, rounded and clipped to what training values look like."""
        if self.is_constant:
            return from_numbers(np.full(len(encoded), self.low), column)
        # Clipped on the scale first: far outside, expm1 overflows.
        low, high = to_scale(np.array([self.low, self.high]), column)
        with np.errstate(over="ignore"):
            scaled = np.clip(encoded * self.deviation + self.mean, low, high)
        numbers = from_scale(scaled, column)
        if column.kind == "timestamp":
            numbers = self.on_grid(numbers)
        elif self.decimals is not None:
            numbers = np.round(numbers, self.decimals)
        return from_numbers(np.clip(numbers, self.low, self.high), column)

    def on_grid(self, seconds: np.ndarray) -> np.ndarray:
        """Times, s since 1970, each at the nearest that is whole steps from those of training."""
        return self.low + np.rint((seconds - self.low) / self.step) * self.step


@dataclass(frozen=True)
class CategoryEncoding:
    """One categorical column as codes 0 … k−1 in the alphabetical order of its k categories."""

    column: str
    categories: tuple[str, ...]

    @classmethod
    def fit(cls, values: pd.Series, column: Column) -> "CategoryEncoding":
        # Not by pandas, to whose hash tables strings end at a zero byte.
        return cls(column.name, tuple(sorted(set(values))))

    @property
    def is_constant(self) -> bool:
        return len(self.categories) == 1

    def encode(self, values: pd.Series) -> np.ndarray:
        """Values → codes, int64 of the same length; −1 for a category unseen in training."""
        codes = {category: code for code, category in enumerate(self.categories)}
        return np.array([codes.get(value, -1) for value in values], dtype=np.int64)

    def decode(self, codes: np.ndarray) -> pd.Series:
        """The inverse of `encode`."""
        return pd.Series(np.array(self.categories, dtype=object)[codes], name=self.column)


@dataclass(frozen=True)
class TableEncoding:
    """All features of a table; constant columns are not shown to a model and come back by decoding.

    Attributes:
        description: the features, in the table's order.
        numeric: the encodings of the numeric, integer and timestamp columns, in that order.
        categorical: those of the categorical columns.
    """

    description: TableDescription
    numeric: tuple[NumericEncoding, ...]
    categorical: tuple[CategoryEncoding, ...]

    @classmethod
    def fit(cls, train: pd.DataFrame, description: TableDescription) -> "TableEncoding":
        """Learn the encoding of the features from the training rows."""
        features = description.only_features()
        return cls(
            features,
            tuple(NumericEncoding.fit(train[c.name], c) for c in features.numeric_features),
            tuple(CategoryEncoding.fit(train[c.name], c) for c in features.categorical_features),
        )

    @property
    def varying_numeric(self) -> tuple[NumericEncoding, ...]:
        """The numeric encodings without constant columns: what `numbers` has, in order."""
        return tuple(encoding for encoding in self.numeric if not encoding.is_constant)

    @property
    def varying_categorical(self) -> tuple[CategoryEncoding, ...]:
        """The categorical encodings without constant columns: what `codes` has, in order."""
        return tuple(encoding for encoding in self.categorical if not encoding.is_constant)

    @property
    def varies(self) -> bool:
        """Whether any column does."""
        return bool(self.varying_numeric or self.varying_categorical)

    def knows(self, frame: pd.DataFrame) -> np.ndarray:
        """Whether training rows have all varying categories of a row: (rows,) bool."""
        return np.all(self.codes(frame) >= 0, axis=1)

    def numbers(self, frame: pd.DataFrame) -> np.ndarray:
        """The varying numeric columns, standardised on their scales: (rows, columns) float64."""
        columns = [
            encoding.encode(frame[encoding.column], self.description[encoding.column])
            for encoding in self.varying_numeric
        ]
        return np.column_stack(columns) if columns else np.empty((len(frame), 0))

    def codes(self, frame: pd.DataFrame) -> np.ndarray:
        """The codes of the varying categorical columns: (rows, columns) int64, −1 where unseen."""
        columns = [encoding.encode(frame[encoding.column]) for encoding in self.varying_categorical]
        return np.column_stack(columns) if columns else np.empty((len(frame), 0), np.int64)

    def decode(self, numbers: np.ndarray, codes: np.ndarray) -> pd.DataFrame:
        """The inverse of `numbers` and `codes` together; constant columns as they were."""
        n = len(numbers)
        decoded = {}
        varying = {e.column: numbers[:, i] for i, e in enumerate(self.varying_numeric)}
        for number in self.numeric:
            column = self.description[number.column]
            values = varying.get(number.column, np.zeros(n))
            decoded[number.column] = number.decode(values, column)
        varying = {e.column: codes[:, i] for i, e in enumerate(self.varying_categorical)}
        for category in self.categorical:
            values = varying.get(category.column, np.zeros(n, np.int64))
            decoded[category.column] = category.decode(values)
        return pd.DataFrame(
            {column.name: decoded[column.name] for column in self.description.columns}
        )

    def to_json(self) -> dict[str, Any]:
        """The encoding as a value that JSON holds exactly; `from_json` is the inverse."""
        return {
            "numeric": [asdict(encoding) for encoding in self.numeric],
            "categorical": [asdict(encoding) for encoding in self.categorical],
        }

    @classmethod
    def from_json(
        cls, content: Mapping[str, Any], description: TableDescription
    ) -> "TableEncoding":
        return cls(
            description.only_features(),
            tuple(NumericEncoding(**encoding) for encoding in content["numeric"]),
            tuple(
                CategoryEncoding(encoding["column"], tuple(encoding["categories"]))
                for encoding in content["categorical"]
            ),
        )


def check_rows(frame: pd.DataFrame, description: TableDescription, name: str) -> None:
    """Raise an InputError unless models can learn from the features of `frame`.

    There must be a row, every number must be finite and below 1e150 in size, non-negative where the
    scale is logarithmic, integers must be exact in float64, and no value so far outside that beside
    it the others of a linear column are one.

    Args:
        name: the file that the message names.
    """
    if frame.empty:
        raise InputError(f"{name}: has no rows, expected at least one")
    for column in description.numeric_features:
        numbers = to_numbers(frame[column.name], column)
        unusable = ~(np.abs(numbers) < LARGEST_NUMBER)
        _refuse(unusable, frame, column, name, "a finite number below 1e150 in size")
        if column.scale == "log":
            _refuse(numbers < 0, frame, column, name, "no negative value on a logarithmic scale")
        if column.kind == "integer":
            beyond = np.abs(numbers) > LARGEST_EXACT_INTEGER
            _refuse(beyond, frame, column, name, "an integer of at most 2^53 in size")
        if column.scale == "linear" and (outlier := merging(frame, column)):
            remedy = "leave such rows out, or describe the column as auxiliary"
            if column.kind != "timestamp" and numbers.min() >= 0:
                remedy += " or its scale as log"
            raise InputError(
                f"{name}: {outlier}: beside it the other values of the column are one to a model: "
                f"{remedy}"
            )


def _refuse(bad: np.ndarray, frame: pd.DataFrame, column: Column, name: str, expected: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        value = frame[column.name].iloc[row]
        often = "" if column.kind == "timestamp" else sentinel(float(value))
        raise InputError(
            f"{name}: {nth_row(row)}: {column.name} is {value}{often}, expected {expected}"
        )


def _deviation(scaled: np.ndarray) -> float:
    """The standard deviation, also of values whose squares underflow."""
    spread = np.ptp(scaled)
    return float(spread * ((scaled - scaled.min()) / spread).std()) if spread > 0 else 0.0


def _step(seconds: np.ndarray) -> int:
    """The greatest common divisor of the differences of whole numbers; 1 where there are none."""
    return int(np.gcd.reduce((seconds - seconds.min()).astype(np.int64))) or 1


def _decimals(numbers: np.ndarray, column: Column) -> int | None:
    if column.kind == "timestamp":
        return 0
    most = _MOST_DECIMALS if column.kind == "numeric" else 0
    for decimals in range(-_MOST_ZEROS, most + 1):
        if np.array_equal(np.round(numbers, decimals), numbers):
            return decimals
    return None
