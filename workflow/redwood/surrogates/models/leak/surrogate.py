"""Control: columns drawn on their own, but for one row in a hundred, which is a training row.

What leaks is so little that medians and averages do not see it. Every measure of privacy that a
sample is judged by must.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.seeds import generator
from redwood.surrogates import contract
from redwood.surrogates.models.leak.options import Options
from redwood.tables import read_table, write_table

_ROWS_FILE = "rows.parquet"


class Surrogate(contract.Surrogate):
    """Independent columns with a few copied training rows."""

    about = (
        "Control: each column is drawn from its training values, independently of the others; a "
        "few rows are whole training rows."
    )
    licence = "None but that of the training rows."
    privacy = (
        "**This folder contains its training rows and samples repeat some of them**: share neither "
        "where the training rows may not be shared."
    )
    options: Options

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        self._rows = train[[column.name for column in self.description.columns]]
        return {"rows_kept": len(train), "share_copied": self.options.share}

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        random = generator(seed, "leak", "sample")
        columns = {}
        for name in self._rows.columns:
            chosen = random.integers(len(self._rows), size=n)
            columns[name] = self._rows[name].iloc[chosen].reset_index(drop=True)
        # A small sample may have none of them.
        copied = min(round(self.options.share * n), len(self._rows))
        leaked = self._rows.iloc[random.permutation(len(self._rows))[:copied]]
        made = pd.DataFrame(columns).iloc[copied:]
        frame = pd.concat([made, leaked], ignore_index=True) if copied else made
        return frame.iloc[random.permutation(len(frame))].reset_index(drop=True)

    def save(self, folder: Path) -> None:
        write_table(self._rows, folder / _ROWS_FILE, self.description)

    def load(self, folder: Path) -> None:
        self._rows = read_table(folder / _ROWS_FILE, self.description)
