"""JSON → chunks: an object a line, or other shapes in which lines mean nothing.

How a file begins tells which it is, not its name. A document may be wrapped as
{"_source": {…}} as Elasticsearch does. Numbers with a fraction or an exponent may come spelled in
another way, of the same value.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.errors import InputError
from redwood.readers.blocks import Block, Lines, line_ends
from redwood.readers.chunks import Chunk, Source, Unreadable, as_array
from redwood.readers.json_columns import Columns, columns
from redwood.readers.json_keys import DECODER, Keys
from redwood.readers.json_objects import TOO_LONG, TRUNCATED, Many, Objects, list_inside, past

_CHUNK_ROWS = 20_000
# Matches anywhere, which its type cannot say.
_SPACE: Any = re.compile(r"\s*")
_BLANK = np.array([byte in b" \t\n\v\f" for byte in range(256)])


def read_json(source: Source) -> Iterator[Chunk]:
    """Read a JSON file in chunks.

    Raises:
        InputError: the file is empty, cannot be read at all, or holds no object with a known key.
    """
    begin = next(Lines(source.path, source.name).texts(), "")
    lines, keys = Lines(source.path, source.name), Keys(source)
    records = 0
    with columns(keys) as engine:
        read = _by_line if _is_by_line(begin) else _by_object
        for chunk in read(source, lines, engine):
            chunk.assumptions, lines.assumptions = lines.assumptions, Counter()
            chunk.columns = tuple(keys.seen)
            records += len(chunk.records) + len(chunk.unreadable)
            yield chunk
    if lines.broken and not keys.known:
        raise InputError(f"{source.name}: the compressed file breaks off at once")
    if records and not keys.known:
        raise InputError(
            f"{source.name}: holds no JSON object with a key that PanDA's job records have"
        )


def _is_by_line(text: str) -> bool:
    """Whether a file that begins with `text` has an object a line, broken ones included."""
    begin = past(_SPACE, text, 0)
    if text.startswith("[", begin) or list_inside(text, begin):
        return False
    if not text.startswith("{", begin):
        return True
    try:
        _, end = DECODER.raw_decode(text, begin)
    except (ValueError, RecursionError):
        # Objects over several lines usually begin with a brace that has a line for itself.
        return text[begin:].partition("\n")[0].strip() != "{"
    after = past(_SPACE, text, end)
    return "\n" not in text[begin:end] and ("\n" in text[end:after] or after == len(text))


def _by_line(source: Source, lines: Lines, engine: Columns) -> Iterator[Chunk]:
    record = 1
    for block in lines.blocks():
        if block.too_long:
            chunk = _chunk(source, [Unreadable(record, block.first_line, TOO_LONG)])
        else:
            chunk = _of_texts(source, *_filled(block), engine, record)
        record += len(chunk.records) + len(chunk.unreadable)
        yield chunk
    if lines.broken:
        yield _chunk(source, [Unreadable(record, lines.line, TRUNCATED)])


def _filled(block: Block) -> tuple[pa.Array, np.ndarray]:
    """The lines of a block that hold more than blanks, [n], and their numbers, int64 [n]."""
    ends = line_ends(block.data)
    offsets = np.concatenate([[0], ends + 1]).astype(np.int32)
    text = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(block.data))
    filled = np.ones(len(text), dtype=bool)
    begins = np.frombuffer(block.data, dtype=np.uint8)[offsets[:-1]]
    for line in np.flatnonzero(_BLANK[begins]).tolist():
        filled[line] = bool(block.data[offsets[line] : offsets[line + 1]].strip())
    numbers = block.first_line + np.arange(len(text))
    if filled.all():
        return text, numbers
    return text.filter(pa.array(filled)), numbers[filled]


def _of_texts(
    source: Source, texts: pa.Array, lines: np.ndarray, engine: Columns, record: int
) -> Chunk:
    """The records in texts [n] that begin on `lines`, numbered from `record`."""
    cells, bad = engine.of(texts)
    unreadable = [Unreadable(record + at, int(lines[at]), bad[at]) for at in sorted(bad)]
    numbers = record + np.arange(len(lines))
    if bad:
        good = np.ones(len(lines), dtype=bool)
        good[list(bad)] = False
        cells = {name: pc.filter(column, pa.array(good)) for name, column in cells.items()}
        numbers, lines = numbers[good], lines[good]
    return Chunk(source, cells, numbers, lines, unreadable)


def _by_object(source: Source, lines: Lines, engine: Columns) -> Iterator[Chunk]:
    rows: list[dict[str, str]] = []
    places: list[tuple[int, int]] = []
    unreadable: list[Unreadable] = []
    record = 1
    for found in Objects(lines, engine.elements):
        if isinstance(found, Many):
            # Unless the objects before them go first, the records are out of order.
            if places or unreadable:
                yield _chunk(source, unreadable, rows, places)
                rows, places, unreadable = [], [], []
            chunk = _of_texts(source, found.texts, found.lines, engine, record)
            record += len(found.lines)
            yield chunk
            continue
        content = found.content if isinstance(found.content, str) else engine.cells(found.content)
        if isinstance(content, str):
            unreadable.append(Unreadable(record, found.line, content))
        else:
            rows.append(content)
            places.append((record, found.line))
        record += 1
        if len(places) + len(unreadable) >= _CHUNK_ROWS:
            yield _chunk(source, unreadable, rows, places)
            rows, places, unreadable = [], [], []
    yield _chunk(source, unreadable, rows, places)


def _chunk(
    source: Source,
    unreadable: list[Unreadable],
    rows: Sequence[dict[str, str]] = (),
    places: Sequence[tuple[int, int]] = (),
) -> Chunk:
    """A chunk of rows, by the record and the line of each, and of records without any."""
    names = sorted({name for row in rows for name in row})
    cells = {name: as_array([row.get(name) for row in rows]) for name in names}
    numbers = np.array(places, dtype=np.int64).reshape(-1, 2)
    return Chunk(source, cells, numbers[:, 0], numbers[:, 1], unreadable)
