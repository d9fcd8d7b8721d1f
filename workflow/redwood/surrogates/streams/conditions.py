"""What rows are to be like: conditions as users write them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.surrogates.streams.stream import Scheme
from redwood.tables import Column, to_numbers

_DAY = 86400
_RANGE = ".."


@dataclass(frozen=True)
class Condition:
    """One column's condition: one of some values, or a number in low … high, `high` excluded.

    Attributes:
        column: the column.
        value: the category, `None` for a number.
        low, high: bounds of a number, in its own unit (timestamps: seconds since 1970).
    """

    column: Column
    value: str | None = None
    low: float = -np.inf
    high: float = np.inf

    @classmethod
    def parse(cls, column: Column, text: str, model: str) -> "Condition":
        """Read `value`, `low..high`, `low..` or `..high`.

        A single number means that value, a single day that day.

        Raises:
            InputError: `text` is no value of the column's kind, or its bounds enclose nothing.
        """
        if column.is_categorical:
            return cls(column, text)
        low, dots, high = text.partition(_RANGE)
        begin = _number(low, column, model) if low else -np.inf
        if not dots:
            day = column.kind == "timestamp" and len(text) == len("2024-01-01")
            return cls(column, None, begin, begin + _DAY if day else np.nextafter(begin, np.inf))
        end = _number(high, column, model) if high else np.inf
        if not begin < end:
            raise InputError(f"{model}: {column.name}={text}: the first bound is not the lower one")
        return cls(column, None, begin, end)

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Which rows fulfil the condition: (n,) bool."""
        values = frame[self.column.name]
        if self.value is not None:
            return (values == self.value).to_numpy()
        numbers = to_numbers(values, self.column)
        return (numbers >= self.low) & (numbers < self.high)


def parse_conditions(
    given: Mapping[str, str] | None, scheme: Scheme, model: str
) -> list[Condition]:
    """The conditions of `given`, each possible by itself.

    Raises:
        InputError: a column has no such value, or is a number that never comes near the bounds.
    """
    conditions = []
    description = scheme.encoding.description
    for name, text in (given or {}).items():
        condition = Condition.parse(description[name], text, model)
        if condition.value is not None:
            encoding = next(e for e in scheme.encoding.categorical if e.column == name)
            if condition.value not in encoding.categories:
                some = ", ".join(encoding.categories[:5])
                raise InputError(
                    f"{model}: {name}={text}: no training row has this value; "
                    f"there are {len(encoding.categories)}, such as {some}"
                )
        elif name != scheme.time:
            number = next(e for e in scheme.encoding.numeric if e.column == name)
            if condition.low > number.high or condition.high <= number.low:
                raise InputError(
                    f"{model}: {name}={text}: training rows have {number.low:g} to {number.high:g}"
                )
        conditions.append(condition)
    return conditions


def _number(text: str, column: Column, model: str) -> float:
    try:
        if column.kind != "timestamp":
            return float(text)
        stamp = pd.Timestamp(text)
        stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
        return stamp.timestamp()
    except ValueError:
        kind = "a date" if column.kind == "timestamp" else "a number"
        raise InputError(
            f"{model}: {column.name}={text}: expected {kind}, or two of them as low..high"
        ) from None
