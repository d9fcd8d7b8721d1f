"""Control: each column drawn from its training values on its own.

Every marginal is right and every dependence lost: measures of single columns must find nothing,
measures of dependence everything.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.seeds import generator
from redwood.surrogates import contract
from redwood.tables import read_table, write_table

_ROWS_FILE = "columns.parquet"


class Surrogate(contract.Surrogate):
    """Independent marginals."""

    about = "Control: each column is drawn from its training values, independently of the others."
    licence = "None but that of the training rows."
    privacy = (
        "**This folder contains the values of its training rows**, each column in an order of its "
        "own. Samples repeat single values, never whole rows but by chance."
    )

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        self._values = self._drawn(
            train, len(train), generator(self.seed, "independent", "fit"), False
        )
        return {"values_per_column": len(train)}

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        return self._drawn(self._values, n, generator(seed, "independent", "sample"), True)

    def save(self, folder: Path) -> None:
        write_table(self._values, folder / _ROWS_FILE, self.description)

    def load(self, folder: Path) -> None:
        self._values = read_table(folder / _ROWS_FILE, self.description)

    def _drawn(
        self, frame: pd.DataFrame, n: int, rng: np.random.Generator, replace: bool
    ) -> pd.DataFrame:
        """`n` values of each column, drawn separately."""
        columns = {}
        for column in self.description.columns:
            chosen = rng.choice(len(frame), n, replace=replace)
            columns[column.name] = frame[column.name].iloc[chosen].reset_index(drop=True)
        return pd.DataFrame(columns)
