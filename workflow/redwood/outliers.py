"""Values that stand apart, such as mean a missing one, and columns in which too few are left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from redwood.names import nth_row
from redwood.tables import Column, TableDescription, scaled, to_numbers

# What programs write for a missing value, and what is left where a number did not fit.
_FILL = dict.fromkeys((-999.0, -9999.0, -99999.0, 1e20, 1e30, 1e36), "a fill value")
_SENTINELS: Final = {
    **_FILL,
    9.969209968386869e36: "netCDF's fill value",
    float(np.finfo(np.float32).max): "the largest 32-bit float",
    float(np.finfo(np.float64).max): "the largest 64-bit float",
    2.0**31 - 1: "the largest 32-bit integer",
    2.0**32 - 1: "the largest unsigned 32-bit integer",
    2.0**63: "the largest 64-bit integer",
    2.0**64: "the largest unsigned 64-bit integer",
}
_FEWER: Final = 10
# Floats are often written with few digits, 3.4e38; of integers the least is the largest's negative.
_FLOATS_FROM, _FLOATS_ALIKE, _INTEGERS_ALIKE = 1e30, 1e-3, 1e-9


@dataclass(frozen=True)
class Outlier:
    """A value that stands apart.

    Attributes:
        row: the first row that has it.
        column: name of its column.
        value: as the table has it.
        sentinel: what it often stands for, as words to follow the value; empty if for nothing else.
        rows: how many rows have it.
    """

    row: int
    column: str
    value: str
    sentinel: str
    rows: int

    def __str__(self) -> str:
        more = f" (and in {self.rows - 1} more rows)" if self.rows > 1 else ""
        return f"{nth_row(self.row)}: {self.column} is {self.value}{self.sentinel}{more}"


def sentinel(value: float) -> str:
    """What a number often stands for instead of itself, as words to follow it; else empty."""
    for known, words in _SENTINELS.items():
        alike = _FLOATS_ALIKE if abs(known) >= _FLOATS_FROM else _INTEGERS_ALIKE
        either_sign = known if known < 0 else np.copysign(known, value)
        if abs(value / either_sign - 1) < alike:
            return f", {words}, which often stands for a missing value"
    return ""


def sentinels(frame: pd.DataFrame, description: TableDescription) -> list[Outlier]:
    """The least or largest numbers of features that are sentinels and far from all others.

    Far is further from the next value than that is from the median of the others.

    Args:
        frame: (rows) with the features, one at least.
    """
    found = []
    for column in description.numeric_features:
        numbers = to_numbers(frame[column.name], column)
        for extreme in (numbers.min(), numbers.max()):
            others = numbers[numbers != extreme]
            if not sentinel(extreme) or not len(others):
                continue
            next_one = others[np.argmin(np.abs(others / 2 - extreme / 2))]
            if abs(extreme / 2 - next_one / 2) > abs(next_one / 2 - np.median(others) / 2):
                found.append(_outlier(frame, column, numbers == extreme))
    return found


def merging(frame: pd.DataFrame, column: Column) -> Outlier | None:
    """The value of a numeric feature beside which most others are one to models and measures.

    They see a value's distance from the mean in standard deviations, as float32; one value far
    outside can leave the same number of all others.

    Args:
        frame: (rows) with the feature, one at least, its squares finite.

    Returns:
        The value furthest from the median if fewer than half of the distinct others stay distinct;
        else `None`.
    """
    values = scaled(frame, column)
    furthest = values[np.argmax(np.abs(values - np.median(values)))]
    others = np.unique(values[values != furthest])
    if len(others) < 2:
        return None
    standardised = ((others - values.mean()) / values.std()).astype(np.float32)
    if 2 * len(np.unique(standardised)) > len(others):
        return None
    return _outlier(frame, column, values == furthest)


def collapsed(made: Mapping[str, int], expected: Mapping[str, float]) -> list[str]:
    """What is to be said of a sample's columns that have an order fewer distinct values than real.

    Args:
        made: column → number of distinct values.
        expected: the same of as many real rows.
    """
    return [
        f"{column} has collapsed: {number} distinct values, real rows have {expected[column]:.0f}"
        for column, number in made.items()
        if _FEWER * number <= expected.get(column, 0)
    ]


def _outlier(frame: pd.DataFrame, column: Column, rows: np.ndarray) -> Outlier:
    row = int(np.flatnonzero(rows)[0])
    value = frame[column.name].iloc[row]
    words = "" if column.kind == "timestamp" else sentinel(float(value))
    shown = f"{value:.6g}" if column.kind == "numeric" else str(value)
    return Outlier(row, column.name, shown, words, int(np.count_nonzero(rows)))
