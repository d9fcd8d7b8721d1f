"""What a reader makes of a file: chunks of rows as text, and what could not be read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from redwood.errors import InputError


@dataclass(frozen=True)
class Source:
    """One file to read, and what to read of it.

    Attributes:
        path: the file.
        name: how reports name it.
        renames: raw column name, lower case → PanDA's name, lower case.
        wanted: PanDA's names, lower case, of the columns to read; others are skipped.
        only: whether columns count by their entry in `renames` alone: those of another system,
            which may have names of PanDA for something else.
    """

    path: Path
    name: str
    renames: Mapping[str, str]
    wanted: frozenset[str]
    only: bool = False

    def named(self, columns: Sequence[str]) -> dict[str, str]:
        """Wanted PanDA name → the file's column that holds it.

        Args:
            columns: the file's column names, as they are.

        Raises:
            InputError: two columns have one name, or none is known.
        """
        named: dict[str, str] = {}
        for column in columns:
            name = self.wanted_name(column)
            if name is None:
                continue
            if name in named:
                raise InputError(
                    f"{self.name}: two columns are both {name!r}; "
                    "rename or drop one (records.cleaning.columns)"
                )
            named[name] = column
        if not named:
            raise InputError(
                f"{self.name}: none of its {len(columns)} columns is known; expected a header with "
                "PanDA's names (CREATIONTIME, COMPUTINGSITE, …), sacct's or HTCondor's, or "
                "records.cleaning.columns (Spark and sacct have options that leave the header out)"
            )
        return named

    def wanted_name(self, column: str) -> str | None:
        """The PanDA name of a column, `None` if it is not wanted."""
        name = self.name_of(column)
        return name if name in self.wanted else None

    def name_of(self, column: str) -> str:
        """What a column is called, wanted or not; empty if it has no name that counts."""
        lowered = plain_name(column)
        return self.renames.get(lowered, "" if self.only else lowered)


def plain_name(column: str) -> str:
    """A column's name in lower case, without what exports put around it."""
    bare = column.strip("\ufeff \t\n\"'")
    return bare.lower().removeprefix("_source.")


class Unreadable(NamedTuple):
    """A record that no reader can make sense of: its number, its line (-1 for none), and why."""

    record: int
    line: int
    reason: str


@dataclass
class Chunk:
    """Some rows of one file, n of them.

    Attributes:
        source: the file.
        cells: PanDA name → text [n] as it stands in the file, null where absent; the wanted columns
            that the file has.
        records: number of each row among all records of the file, from 1, int64 [n].
        lines: line on which each begins, from 1, -1 where the format has no lines, int64 [n].
        unreadable: records that could not be read.
        assumptions: what the reader had to assume → number of rows.
        system: the batch system that wrote the records, a module of `systems`.
    """

    source: Source
    cells: dict[str, pa.Array]
    records: np.ndarray
    lines: np.ndarray
    unreadable: list[Unreadable] = field(default_factory=list)
    assumptions: Counter = field(default_factory=Counter)
    system: str = "panda"


def as_array(cells: Sequence[str | None]) -> pa.Array:
    """Cells as Arrow text; lone surrogates, which JSON's escapes can smuggle in, become `?`."""
    try:
        return pa.array(cells, pa.string())
    except (UnicodeEncodeError, pa.ArrowException):
        return pa.array(
            [
                None if cell is None else cell.encode("utf-8", "replace").decode("utf-8")
                for cell in cells
            ],
            pa.string(),
        )
