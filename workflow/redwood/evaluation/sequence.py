"""Rows in their order in time: what each has to do with the rows before it.

Measures that look at one row at a time cannot see whether rows come in bursts, keep to their kind
for a while, or return with the same numbers. These features show it to them.
"""

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Inapplicable, Samples
from redwood.tables import Column, TableDescription, scaled, to_numbers

# So many rows before a row are looked at for values that it shares with them.
ROWS_BEFORE = 10


def time_column(description: TableDescription) -> Column:
    """The first timestamp of a table, which puts its rows into order.

    Raises:
        Inapplicable: there is none.
    """
    for column in description.features:
        if column.kind == "timestamp":
            return column
    raise Inapplicable("the table has no timestamp")


def entity_column(samples: Samples) -> Column | None:
    """The categorical feature with the most categories in training; `None` where there is none.

    Rows with the same value, of the same user, say, are taken for a series of their own.
    """
    features = samples.description.categorical_features
    return max(features, key=lambda column: samples.train[column.name].nunique(), default=None)


def in_sequence(
    frame: pd.DataFrame, description: TableDescription, random: np.random.Generator
) -> pd.DataFrame:
    """The rows sorted by the first timestamp, those of the same time in random order.

    Files differ in how they order rows of the same time, which says nothing of the rows.
    """
    column = time_column(description)
    times = to_numbers(frame[column.name], column)
    return frame.iloc[np.lexsort((random.random(len(frame)), times))].reset_index(drop=True)


def sequence_features(
    frame: pd.DataFrame, description: TableDescription, entity: Column | None
) -> pd.DataFrame:
    """Each row against the rows before it; NaN where there is none.

    Args:
        frame: (n rows) in time order.
        entity: the categorical feature whose values have series of their own.

    Returns:
        (n rows) float64:
        * `gap to the row before`: log(1 + s) of the seconds since the row before;
        * `NAME among the last 10`, for each categorical feature: how many of the ten rows before
          have the same value;
        and against the last row of the same `entity`:
        * `gap of ENTITY`: log(1 + s) of the seconds since;
        * `change of NAME`, for each number that is no timestamp: the difference, on its scale;
        * `same NAME`, for each other categorical feature: 1 if the values are equal, else 0.
    """
    times = to_numbers(frame[time_column(description).name], time_column(description))
    before = np.arange(len(frame)) - 1
    features = {"gap to the row before": np.log1p(_change(times, before))}
    codes = {
        column.name: pd.factorize(frame[column.name])[0]
        for column in description.categorical_features
    }
    for name, values in codes.items():
        features[f"{name} among the last {ROWS_BEFORE}"] = _shared_with_rows_before(values)
    if entity is not None:
        before = _last_with_same(codes.pop(entity.name))
        features[f"gap of {entity.name}"] = np.log1p(_change(times, before))
        for column in description.numeric_features:
            if column.kind != "timestamp":
                features[f"change of {column.name}"] = _change(scaled(frame, column), before)
        for name, values in codes.items():
            same = (values == values[before]).astype(np.float64)
            features[f"same {name}"] = np.where(before < 0, np.nan, same)
    return pd.DataFrame(features)


def same_as_before(frame: pd.DataFrame, description: TableDescription) -> np.ndarray:
    """Whether each row but the first has the same categories as the row before.

    Args:
        frame: (n rows) in time order.

    Returns:
        (n - 1, categorical features) bool.
    """
    codes = np.column_stack(
        [pd.factorize(frame[column.name])[0] for column in description.categorical_features]
    )
    return codes[1:] == codes[:-1]


def _change(values: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The difference to the value at `before`, NaN where that is -1: (n,)."""
    return np.where(before < 0, np.nan, values - values[before])


def _shared_with_rows_before(codes: np.ndarray) -> np.ndarray:
    """How many of the `ROWS_BEFORE` rows before have the same code: (n,)."""
    shared = np.zeros(len(codes))
    for back in range(1, min(ROWS_BEFORE, len(codes) - 1) + 1):
        shared[back:] += codes[back:] == codes[:-back]
    return shared


def _last_with_same(codes: np.ndarray) -> np.ndarray:
    """The position of the last row before with the same code, -1 where there is none: (n,)."""
    order = np.argsort(codes, kind="stable")
    last = np.full(len(codes), -1)
    again = codes[order[1:]] == codes[order[:-1]]
    last[order[1:][again]] = order[:-1][again]
    return last
