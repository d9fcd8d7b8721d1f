"""Combinations of quasi-identifiers: whether rare real ones come back in a sample.

What few units have in common, a category with others or with a rough size, points to them (L.
Sweeney, k-anonymity, Int. J. Uncertainty Fuzziness 10 (2002) 557). A combination that a sample took
from its training rows comes back more often than one that other real rows have.
"""

from typing import Any

import numpy as np
import pandas as pd

from redwood.nearest import tuple_ids
from redwood.tables import TableDescription, scaled

# A combination is rare if fewer units than this have it.
FEWER_THAN = 5
# Numbers are known roughly: to a fourth of their standard deviation on the column's scale.
_ROUGHLY = 0.25


def returning(
    rows: pd.DataFrame,
    real: pd.DataFrame,
    made: pd.DataFrame,
    description: TableDescription,
    units: pd.Series | None = None,
) -> dict[str, Any]:
    """How many of the rare combinations of some rows there are in a sample.

    Args:
        rows: the rows.
        real: real rows, which say what is rare.
        made: the sample.
        description: of the columns that are combined; times are left out.
        units: of each real row, (real rows,); each is one of its own if `None`.

    Returns:
        `rare`, the number of combinations of `rows` that fewer than `FEWER_THAN` real units have,
        and `back`, the share of them that the sample has, `None` where there are none.
    """
    asked, of_real, of_made = combined((rows, real, made), description, real)
    unit = np.arange(len(real)) if units is None else pd.factorize(units)[0]
    pairs = pd.DataFrame({"combination": of_real, "unit": unit}).drop_duplicates()
    supported = pairs["combination"].value_counts()
    rare = np.setdiff1d(asked, supported.index[supported >= FEWER_THAN])
    back = float(np.isin(rare, of_made).mean()) if len(rare) else None
    return {"rare": len(rare), "back": back}


def combined(
    frames: tuple[pd.DataFrame, ...], description: TableDescription, range_of: pd.DataFrame
) -> list[np.ndarray]:
    """A number for each row of each frame, equal where all columns but the times are about equal.

    Args:
        frames: tables with the described columns.
        description: of the columns.
        range_of: the rows whose standard deviations say what is about equal.
    """
    columns = []
    for column in description.columns:
        if column.is_categorical:
            columns.append(np.concatenate([frame[column.name].to_numpy() for frame in frames]))
        elif column.kind != "timestamp":
            step = _ROUGHLY * float(np.std(scaled(range_of, column))) or 1.0
            numbers = np.concatenate([scaled(frame, column) for frame in frames])
            columns.append(np.floor(numbers / step))
    ids = tuple_ids(columns, sum(map(len, frames)))
    return np.split(ids, np.cumsum([len(frame) for frame in frames])[:-1])
