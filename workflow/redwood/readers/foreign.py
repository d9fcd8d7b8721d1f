"""Job records of systems other than PanDA → chunks under PanDA's names.

What a system's columns mean is said in one place, its module of `systems`; here is what all of them
share.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pandas.util import hash_array

from redwood import plugins
from redwood.readers.chunks import Chunk, Source, Unreadable
from redwood.readers.files import without_endings
from redwood.readers.values import text, to_numbers, written

PACKAGE: Final = "redwood.readers.systems"
PANDA: Final = "panda"
# What is left of a hash is below `LARGEST`.
_UNUSED_BITS: Final = 15
FILE_IS_SITE: Final = "the log names no site: all its jobs ran at one that is named after the file"


@cache
def systems() -> dict[str, ModuleType]:
    """Name → module of every system, PanDA first: what has its columns is its own."""
    names = sorted(plugins.names(PACKAGE), key=lambda name: (name != PANDA, name))
    return {name: plugins.load(PACKAGE, name) for name in names}


def recognised(candidates: Iterable[frozenset[str]]) -> str:
    """The system that writes a table; PanDA if no system knows its columns.

    Args:
        candidates: names of the columns, lower case, in each way in which the file may be read.
    """
    candidates = list(candidates)
    for name, system in systems().items():
        if hasattr(system, "is_mine") and any(map(system.is_mine, candidates)):
            return name
    return PANDA


def in_own_words(system: str, raw: str) -> str:
    """What one of PanDA's raw columns is made of, in the words of a system."""
    return systems()[system].MADE_OF.get(raw.lower(), raw.upper())


@dataclass
class Rows:
    """Rows of a log as a system wrote them, n of them, for the system to translate.

    Attributes:
        cells: name → text [n]; the columns that are there.
        size: n.
        file: what a site is called that is named after the file.
        header: what the comments of the log say, where it has some.
        assumptions: what had to be assumed → number of rows.
        refused: why a row is no record of a job, by its place.
    """

    cells: Mapping[str, pa.Array]
    size: int
    file: str
    header: Any = None
    assumptions: Counter = field(default_factory=Counter)
    refused: dict[int, str] = field(default_factory=dict)

    def text(self, *names: str) -> pa.Array:
        """The first of some columns that has a value in a row, stripped, null where none has."""
        found = [text(self.cells[name]) for name in names if name in self.cells]
        return pc.coalesce(*found) if found else pa.nulls(self.size, pa.string())

    def numbers(self, *names: str) -> np.ndarray:
        """The same as float64 [n], NaN where there is no number."""
        return to_numbers(self.text(*names)).numbers

    def assume(self, what: str, rows: np.ndarray) -> None:
        """Count rows, bool [n], in which something had to be assumed."""
        if rows.any():
            self.assumptions[what] += int(np.count_nonzero(rows))

    def refuse(self, why: str, rows: np.ndarray) -> None:
        """Take rows, bool [n], out."""
        self.refused |= dict.fromkeys(np.flatnonzero(rows).tolist(), why)

    def or_file(self, sites: pa.Array) -> pa.Array:
        """Sites, and where there is none the file's name, which is counted among assumptions."""
        self.assume(FILE_IS_SITE, sites.is_null().to_numpy(zero_copy_only=False))
        return pc.fill_null(sites, self.file)


def identity(*columns: pa.Array) -> pa.Array:
    """Numbers that tell jobs apart by the texts of some columns; null where the first has none.

    Equal texts give equal numbers. Of forty million jobs, one in two times no two others do.
    """
    joined = pc.binary_join_element_wise(*(pc.fill_null(column, "") for column in columns), "\n")
    numbers = hash_array(joined.to_numpy(zero_copy_only=False)) >> np.uint64(_UNUSED_BITS)
    return pc.if_else(columns[0].is_null(), None, pa.array(numbers.astype(np.int64)).cast("string"))


def seconds(column: np.ndarray) -> pa.Array:
    """Times in s since 1970, or durations, float64 [n], as text; NaN as null."""
    return written(pa.array(np.round(column, 6), from_pandas=True))


def translated(
    source: Source, system: str, chunks: Iterable[Chunk], header: Any = None
) -> Iterator[Chunk]:
    """Chunks under a system's own names → chunks under PanDA's, of the columns that are wanted."""
    file = re.sub(r"[^A-Za-z0-9_.+-]+", "_", without_endings(Path(source.name).name)) or "log"
    renamed = set(source.renames.values())
    follows = getattr(systems()[system], "follows", None)
    for chunk in chunks if follows is None else _with_followers(chunks, follows):
        rows = Rows(chunk.cells, len(chunk.records), file, header)
        named = {name: chunk.cells[name] for name in chunk.cells if name in renamed}
        cells = systems()[system].translate(rows) | named
        stays = np.ones(rows.size, dtype=bool)
        stays[list(rows.refused)] = False
        unreadable = chunk.unreadable + [
            Unreadable(int(chunk.records[row]), int(chunk.lines[row]), why)
            for row, why in rows.refused.items()
        ]
        kept = {
            name: column.filter(pa.array(stays))
            for name, column in cells.items()
            if name in source.wanted and column.null_count < len(column)
        }
        yield Chunk(
            source,
            kept,
            chunk.records[stays],
            chunk.lines[stays],
            unreadable,
            chunk.assumptions + rows.assumptions,
            system,
        )


def _with_followers(
    chunks: Iterable[Chunk], follows: Callable[[Mapping[str, pa.Array], int], np.ndarray]
) -> Iterator[Chunk]:
    """The same rows, cut so that no job is parted from the rows that follow it and are its own."""
    held: Chunk | None = None
    for chunk in chunks:
        whole = chunk if held is None else _joined(held, chunk)
        heads = np.flatnonzero(~follows(whole.cells, len(whole.records)))
        cut = int(heads[-1]) if len(heads) else 0
        yield _part(whole, slice(cut), whole.unreadable, whole.assumptions)
        held = _part(whole, slice(cut, None), [], Counter())
    if held is not None and len(held.records):
        yield held


def _part(chunk: Chunk, rows: slice, unreadable: list[Unreadable], assumptions: Counter) -> Chunk:
    cells = {name: column[rows] for name, column in chunk.cells.items()}
    places = chunk.records[rows], chunk.lines[rows]
    return Chunk(chunk.source, cells, *places, unreadable, assumptions)


def _joined(first: Chunk, second: Chunk) -> Chunk:
    """Two chunks of one file as one; the first has nothing but rows."""
    cells = {
        name: pa.concat_arrays(
            [
                chunk.cells.get(name, pa.nulls(len(chunk.records), pa.string()))
                for chunk in (first, second)
            ]
        )
        for name in first.cells | second.cells
    }
    records = np.concatenate([first.records, second.records])
    lines = np.concatenate([first.lines, second.lines])
    return Chunk(first.source, cells, records, lines, second.unreadable, second.assumptions)
