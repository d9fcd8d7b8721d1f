"""The facts that the library brings: `resources/`, which is installed with it."""

import csv
import math
from pathlib import Path

from redwood.errors import InputError
from redwood.names import nth_row

# What PanDA takes for the HS23 per core of a queue that states none.
PANDA_CORE_POWER = 10.0
# What PanDA takes for the electric power of a busy core, W, where a site states none.
PANDA_WATTS_PER_CORE = 10.0

_FOLDER = Path(__file__).resolve().parent / "resources"
_TIERS = ("T0", "T1", "T2", "T3")


def fact_file(name: str) -> Path:
    """The file `name` of `resources/`, wherever the library is installed."""
    return _FOLDER / name


class Row:
    """One row of a table of facts; its values are checked as they are read.

    Args:
        path: the table.
        number: of the row, from 0.
        cells: column → text.
    """

    def __init__(self, path: Path, number: int, cells: dict[str, str]) -> None:
        self._where, self._cells = f"{path}: {nth_row(number)}", cells

    def text(self, column: str) -> str:
        """The text of a cell, empty if the table lacks the column."""
        return self._cells.get(column) or ""

    def number(self, column: str) -> float:
        """A positive number."""
        text = self.text(column)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{self._where}: {column} is {text!r}, expected a positive number")
        return value

    def known(self, column: str) -> float | None:
        """A positive number, `None` if the cell is empty or 0."""
        return None if self.text(column) in ("", "0", "0.0") else self.number(column)

    def tier(self) -> int:
        """The tier in the Worldwide LHC Computing Grid, 0 to 3, from the column `tier`."""
        text = self.text("tier")
        if text not in _TIERS:
            raise InputError(f"{self._where}: tier is {text!r}, expected T0, T1, T2 or T3")
        return _TIERS.index(text)


def read_facts(path: Path, columns: tuple[str, ...]) -> list[Row]:
    """The rows of a table of facts (CSV). Lines that begin with # are comments.

    Raises:
        InputError: the file is missing, lacks one of `columns`, or a row is too short.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(line for line in stream if not line.startswith("#"))
            rows = list(reader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such table of facts") from None
    present = reader.fieldnames or ()
    for name in columns:
        if name not in present:
            raise InputError(f"{path}: column {name!r} is missing; it has {', '.join(present)}")
    for number, row in enumerate(rows):
        if any(row[name] is None for name in columns):
            raise InputError(
                f"{path}: {nth_row(number)} has fewer values than the header has columns"
            )
    return [Row(path, number, row) for number, row in enumerate(rows)]
