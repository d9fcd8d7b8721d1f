"""Control: training rows in random order, none a second time before all have come.

Every measure of faithfulness must find nothing, every measure of closeness must find the copies.
Drawn with replacement, rows would come in pairs of the same second, as no real ones do.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.seeds import generator
from redwood.surrogates import contract
from redwood.tables import read_table, write_table

_ROWS_FILE = "rows.parquet"


class Surrogate(contract.Surrogate):
    """Copied training rows."""

    about = "Control: training rows in random order, none repeated before all have come."
    licence = "None but that of the training rows."
    privacy = (
        "**This folder contains its training rows and samples repeat them**: share neither where "
        "the training rows may not be shared."
    )

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        self._rows = train[[column.name for column in self.description.columns]]
        return {"rows_kept": len(train)}

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        random = generator(seed, "copy", "sample")
        rounds = [random.permutation(len(self._rows)) for _ in range(-(-n // len(self._rows)))]
        chosen = np.concatenate([np.empty(0, np.int64), *rounds])[:n]
        return self._rows.iloc[chosen].reset_index(drop=True)

    def save(self, folder: Path) -> None:
        write_table(self._rows, folder / _ROWS_FILE, self.description)

    def load(self, folder: Path) -> None:
        self._rows = read_table(folder / _ROWS_FILE, self.description)
