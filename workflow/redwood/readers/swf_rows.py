"""Standard Workload Format → chunks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from redwood.errors import InputError
from redwood.readers.blocks import Lines
from redwood.readers.chunks import Chunk, Source, Unreadable, as_array
from redwood.readers.swf import SwfHeader, swf_row


def read_swf(source: Source) -> Iterator[Chunk]:
    """Read a log in the Standard Workload Format in chunks.

    Raises:
        InputError: the file is empty, cannot be read at all, or does not say when it begins.
    """
    lines, header = Lines(source.path, source.name), SwfHeader(source.name)
    record = 0
    for block in lines.blocks():
        rows, places, unreadable = [], [], []
        assumptions: Counter = Counter()
        number = block.first_line
        if block.too_long:
            record += 1
            unreadable.append(Unreadable(record, number, "line_too_long"))
        for number, line in enumerate(block.data.decode().split("\n"), start=block.first_line):
            if line.lstrip().startswith(";"):
                header.add(line)
            elif line.strip():
                record += 1
                cells = swf_row(line, header, assumptions)
                if isinstance(cells, str):
                    unreadable.append(Unreadable(record, number, cells))
                else:
                    rows.append(cells)
                    places.append((record, number))
        yield _chunk(source, rows, places, unreadable, assumptions + lines.assumptions)
        lines.assumptions = Counter()
    if lines.broken:
        if not record:
            raise InputError(f"{source.name}: the compressed file breaks off at once")
        unreadable = [Unreadable(record + 1, lines.line, "truncated_file")]
        yield _chunk(source, [], [], unreadable, Counter())


def _chunk(
    source: Source,
    rows: Sequence[Mapping[str, str | None]],
    places: list[tuple[int, int]],
    unreadable: list[Unreadable],
    assumptions: Counter,
) -> Chunk:
    names = sorted(source.wanted.intersection(rows[0])) if rows else []
    columns = {name: as_array([row[name] for row in rows]) for name in names}
    cells = {name: column for name, column in columns.items() if column.null_count < len(column)}
    numbers = np.array(places, dtype=np.int64).reshape(-1, 2)
    return Chunk(source, cells, numbers[:, 0], numbers[:, 1], unreadable, assumptions)
