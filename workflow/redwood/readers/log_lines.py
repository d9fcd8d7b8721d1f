"""Logs in which each job is a line of fields and comments tell of the whole → chunks."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from redwood.errors import InputError
from redwood.readers.blocks import Block, Lines
from redwood.readers.chunks import Chunk, Source, Unreadable, as_array
from redwood.readers.foreign import systems, translated
from redwood.readers.values import LARGEST, to_numbers

_COMMENTS: Final = (";", "#")
MORE_FIELDS: Final = "fields after the last one that the format has are not read"
FEWER_FIELDS: Final = "the log leaves out the last fields of the format: they are not known"


def read_log(source: Source, system: str) -> Iterator[Chunk]:
    """Read a log of a system that has `FIELDS` in chunks.

    The first job tells how many fields the lines of a log have. A log may leave out the last ones,
    and may have more of its own. Names of fields on the first line are passed over.

    Raises:
        InputError: the file is empty, or cannot be read at all.
    """
    header = systems()[system].Header(source.name)
    return translated(source, system, _native(source, systems()[system], header), header)


def _native(source: Source, system: Any, header: Any) -> Iterator[Chunk]:
    lines = Lines(source.path, source.name)
    fields, record = 0, 0
    for block in lines.blocks():
        found: list[tuple[int, int, list[str]]] = []
        unreadable, assumptions = [], lines.assumptions
        lines.assumptions = Counter()
        if block.too_long:
            record += 1
            unreadable.append(Unreadable(record, block.first_line, "line_too_long"))
        for number, line in _jobs(block, header):
            cells = line.split()
            if not record and not any(map(_is_numeric, cells)):
                continue
            record += 1
            if not fields and len(cells) >= system.FEWEST:
                fields = min(len(cells), len(system.FIELDS))
            full = fields == len(system.FIELDS)
            if len(cells) == fields or (full and len(cells) > fields):
                assumptions[MORE_FIELDS] += len(cells) > fields
                found.append((record, number, cells[:fields]))
            else:
                unreadable.append(Unreadable(record, number, "wrong_number_of_fields"))
        if found and fields < len(system.FIELDS):
            assumptions[FEWER_FIELDS] += len(found)
        yield _chunk(source, system, fields, found, unreadable, +assumptions)
    if lines.broken:
        if not record:
            raise InputError(f"{source.name}: the compressed file breaks off at once")
        unreadable = [Unreadable(record + 1, lines.line, "truncated_file")]
        yield _chunk(source, system, fields, [], unreadable, Counter())


def _jobs(block: Block, header: Any) -> Iterator[tuple[int, str]]:
    """The lines of a block that stand for jobs, with their numbers; the header gets the others."""
    for number, line in enumerate(block.data.decode().split("\n"), start=block.first_line):
        stripped = line.strip()
        if stripped.startswith(_COMMENTS):
            header.add(stripped)
        elif stripped:
            yield number, stripped


def _is_numeric(cell: str) -> bool:
    return not cell[0].isalpha()


def _chunk(
    source: Source,
    system: Any,
    fields: int,
    found: list[tuple[int, int, list[str]]],
    unreadable: list[Unreadable],
    assumptions: Counter,
) -> Chunk:
    """Lines as columns; one in which a number is none cannot be read."""
    columns = zip(*(cells for _, _, cells in found), strict=True)
    names = system.FIELDS[:fields]
    cells = {name: as_array(column) for name, column in zip(names, columns, strict=bool(found))}
    good = np.ones(len(found), dtype=bool)
    for name in cells.keys() & set(system.NUMBERS):
        good &= np.abs(to_numbers(cells[name]).numbers) < LARGEST
    places = np.array([place[:2] for place in found], dtype=np.int64).reshape(-1, 2)
    for record, line in places[~good].tolist():
        unreadable.append(Unreadable(record, line, "unreadable_row"))
    return Chunk(
        source,
        {name: column.filter(good) for name, column in cells.items()},
        places[good, 0],
        places[good, 1],
        sorted(unreadable),
        assumptions,
    )
