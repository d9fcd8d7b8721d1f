"""JSON → chunks: a file is split into texts of one object each, and these become cells.

If a file begins with an object on a line, its texts are its lines, so that a broken one takes no
other with it. In all other shapes `Objects` finds where each object ends. Whatever the shape,
DuckDB turns the texts into cells (`json_columns`). An object may be wrapped as {"_source": {…}},
as Elasticsearch does. Numbers with a fraction or an exponent may come spelled in another way, of
the same value.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.errors import InputError
from redwood.readers.blocks import LOOKED_AT_BYTES, Block, Lines, line_ends
from redwood.readers.chunks import Chunk, Source, Unreadable
from redwood.readers.json_columns import Columns, columns
from redwood.readers.json_keys import Keys, keys_of
from redwood.readers.json_objects import (
    DECODER,
    TOO_LONG,
    TRUNCATED,
    Found,
    Objects,
    list_inside,
    past,
)
from redwood.readers.json_tables import table_chunk, table_in

_LOOKED_AT = 100
_CHUNK_ROWS, _CHUNK_CHARACTERS = 20_000, 16 << 20
# Matches anywhere, which its type cannot say.
_SPACE: Any = re.compile(r"\s*")
_BLANK = np.array([byte in b" \t\n\v\f" for byte in range(256)])


def keys_at_first(source: Source) -> Iterator[list[str]]:
    """The keys of the first objects, or the names of the columns if the file is one table.

    Raises:
        InputError: the file cannot be read at all.
    """
    begin = next(Lines(source.path, source.name, LOOKED_AT_BYTES).texts(), "")
    if (table := table_in(source, begin)) is not None:
        yield list(table)
        return
    if _is_by_line(begin):
        texts: Iterable[str | None] = begin.split("\n", _LOOKED_AT)[:_LOOKED_AT]
    else:
        objects = islice(Objects(Lines(source.path, source.name, LOOKED_AT_BYTES)), _LOOKED_AT)
        texts = (found.text for found in objects)
    yield list(dict.fromkeys(key for text in texts for key in keys_of(text or "")))


def read_json(source: Source) -> Iterator[Chunk]:
    """Read a JSON file in chunks; of pandas' layouts by column, all at once.

    Raises:
        InputError: the file is empty, cannot be read at all, or holds no object with a known key.
    """
    begin = next(Lines(source.path, source.name).texts(), "")
    if (table := table_in(source, begin)) is not None:
        yield table_chunk(source, table)
        return
    lines, keys = Lines(source.path, source.name), Keys(source)
    records = 0
    texts = _by_line(lines) if _is_by_line(begin) else _by_object(lines)
    with columns(keys) as engine:
        for part in texts:
            chunk = _chunk(source, part, engine, records + 1)
            chunk.assumptions, lines.assumptions = lines.assumptions, Counter()
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


class _Texts(NamedTuple):
    """Texts of one object each, [n], and the lines on which they begin, int64 [n].

    A text is null where `bad` says, by its place, why there is no object.
    """

    texts: pa.Array
    lines: np.ndarray
    bad: dict[int, str]


def _by_line(lines: Lines) -> Iterator[_Texts]:
    for block in lines.blocks():
        yield _bad(block.first_line, TOO_LONG) if block.too_long else _filled(block)
    if lines.broken:
        yield _bad(lines.line, TRUNCATED)


def _bad(line: int, reason: str) -> _Texts:
    return _Texts(pa.nulls(1, pa.string()), np.array([line]), {0: reason})


def _filled(block: Block) -> _Texts:
    """The lines of a block that hold more than blanks."""
    ends = line_ends(block.data)
    offsets = np.concatenate([[0], ends + 1]).astype(np.int32)
    text = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(block.data))
    filled = np.ones(len(text), dtype=bool)
    begins = np.frombuffer(block.data, dtype=np.uint8)[offsets[:-1]]
    for line in np.flatnonzero(_BLANK[begins]).tolist():
        filled[line] = bool(block.data[offsets[line] : offsets[line + 1]].strip())
    numbers = block.first_line + np.arange(len(text))
    if not filled.all():
        text, numbers = text.filter(pa.array(filled)), numbers[filled]
    return _Texts(text, numbers, {})


def _by_object(lines: Lines) -> Iterator[_Texts]:
    some: list[Found] = []
    size = 0
    for found in Objects(lines):
        some.append(found)
        size += len(found.text or "")
        if len(some) >= _CHUNK_ROWS or size >= _CHUNK_CHARACTERS:
            yield _joined(some)
            some, size = [], 0
    yield _joined(some)


def _joined(objects: list[Found]) -> _Texts:
    texts = pa.array([found.text for found in objects], pa.string())
    numbers = np.array([found.line for found in objects], dtype=np.int64)
    bad = {place: found.reason for place, found in enumerate(objects) if found.reason is not None}
    return _Texts(texts, numbers, bad)


def _chunk(source: Source, part: _Texts, engine: Columns, record: int) -> Chunk:
    """The records in texts, numbered from `record`."""
    texts, lines, bad = part
    cells, invalid = engine.of(texts)
    bad = invalid | bad
    unreadable = [Unreadable(record + at, int(lines[at]), bad[at]) for at in sorted(bad)]
    numbers = record + np.arange(len(lines))
    if bad:
        good = np.ones(len(lines), dtype=bool)
        good[list(bad)] = False
        cells = {name: pc.filter(column, pa.array(good)) for name, column in cells.items()}
        numbers, lines = numbers[good], lines[good]
    return Chunk(source, cells, numbers, lines, unreadable)
