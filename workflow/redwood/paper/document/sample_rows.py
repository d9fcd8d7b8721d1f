"""A few rows to look at: of a sample that the release gate let out, or of generated records.

Rows of genuine records are nobody's to show, and neither are those of a sample that was withheld or
not judged: then there are none, and the paper says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from redwood.paper.rendering import NONE, Block, Cell, Page, plain_number
from redwood.paper.report.findings import Results
from redwood.tables import Column, TableDescription, read_table

_ROWS: Final = 6


@dataclass(frozen=True)
class SampleRows:
    """Rows and where they are from.

    Attributes:
        words: whose rows they are, or why there are none.
        page: the table, `None` without rows.
        frame: the rows as they are, with their features alone.
    """

    words: str
    page: Page | None
    frame: pd.DataFrame

    def texts(self) -> Mapping[str, str]:
        """Ending → text of the table's files."""
        if self.page is None:
            return {".csv": "\n", ".md": f"{self.words}\n", ".tex": f"% {self.words}\n"}
        return {
            ".csv": self.frame.to_csv(index=False),
            ".md": self.page.markdown(),
            ".tex": self.page.latex(),
        }


def sample_rows(results: Path, found: Results) -> SampleRows:
    """Some rows that may be shown, the same ones each time.

    Args:
        results: the folder of a dataset.
        found: what the run found.

    Raises:
        InputError: the rows or their description are missing or damaged.
    """
    released = [model for model, one in found.decisions.items() if one["released"]]
    chosen = found.table1["recommendation"]["model"]
    if released:
        model = chosen if chosen in released else released[0]
        folder = results / "release/decisions" / model / "published"
        words = f"Synthetic rows of {model}, which the release gate let out."
        return _shown(folder / "sample.parquet", folder / "table.json", words)
    if found.card["synthetic"]:
        records = results / "records"
        words = (
            "Generated records, which stand in for genuine ones and are nobody's. No synthetic "
            "sample was let out by the release gate."
        )
        return _shown(records / "test.parquet", records / "table.json", words)
    words = "No rows are shown: the records are private, and no sample was let out."
    return SampleRows(words, None, pd.DataFrame())


def _shown(path: Path, described: Path, words: str) -> SampleRows:
    description = TableDescription.load(described).only_features()
    rows = read_table(path, description)
    times = [column.name for column in description.features if column.kind == "timestamp"]
    # From the whole length of time, not the first hour alone.
    rows = rows.sort_values(times, kind="stable") if times else rows
    places = np.unique(np.linspace(0, len(rows) - 1, min(_ROWS, len(rows))).astype(int))
    frame = rows.iloc[places].reset_index(drop=True)
    header = [_heading(column) for column in description.features]
    lines = [
        [Cell(_text(frame[column.name].iloc[line], column)) for column in description.features]
        for line in range(len(frame))
    ]
    block = Block("", [(cells[0].value, cells[1:]) for cells in lines])
    caption = f"{len(frame)} of {len(rows):,} rows, evenly along time. {words}"
    return SampleRows(words, Page("Sample", caption, header, [block], []), frame)


def _heading(column: Column) -> str:
    if column.kind == "timestamp":
        return f"{column.name} [UTC]"
    return f"{column.name} [{column.unit}]" if column.unit and column.unit != "1" else column.name


def _text(value: object, column: Column) -> str:
    if pd.isna(value):
        return NONE
    if column.kind == "timestamp":
        return f"{value:%Y-%m-%d %H:%M}"
    if column.is_categorical:
        return str(value)
    number = float(value)  # type: ignore[arg-type]
    whole = column.kind == "integer" or abs(number) >= 1000
    return f"{number:,.0f}".replace("-", "−") if whole else plain_number(number)
