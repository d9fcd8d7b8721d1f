"""Parquet → chunks."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from redwood.errors import InputError
from redwood.readers.blocks import LATIN_1
from redwood.readers.chunks import Chunk, Source
from redwood.readers.compression import opened, unchanged
from redwood.readers.values import written

_CHUNK_ROWS = 65_536
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def columns(source: Source) -> Iterator[list[str]]:
    """The names of a file's columns.

    Raises:
        InputError: as `read_parquet`.
    """
    with _opened(source) as file:
        yield file.schema_arrow.names


def read_parquet(source: Source) -> Iterator[Chunk]:
    """Read a Parquet file in chunks; values of any type become the text that CSV has for them.

    Raises:
        InputError: the file is not Parquet, is damaged, or a wanted column is nested.
    """
    with _opened(source) as file:
        schema = file.schema_arrow
        named = source.named(schema.names)
        for name, column in named.items():
            kind = schema.field(column).type
            if pa.types.is_nested(_storage(kind)):
                raise InputError(
                    f"{source.name}: column {name!r} is nested, expected one value a row"
                )
        record = 1
        wanted = list(named.values())
        for batch in file.iter_batches(_CHUNK_ROWS, columns=wanted, use_threads=False):
            # A row counts once, whatever the number of its columns in Latin-1.
            latin_1 = np.zeros(batch.num_rows, dtype=bool)
            cells = {name: as_text(batch.column(column), latin_1) for name, column in named.items()}
            numbers = np.arange(record, record + batch.num_rows)
            record += batch.num_rows
            assumptions = Counter({LATIN_1: int(latin_1.sum())} if latin_1.any() else {})
            lines = np.full(len(numbers), -1)
            yield Chunk(source, cells, numbers, lines, [], assumptions)


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    with unchanged(source.path, source.name), opened(source.path, source.name) as raw:
        if not raw.peek(1):
            raise InputError(f"{source.name}: the file is empty")
        try:
            with pq.ParquetFile(raw) as file:
                yield file
        # Arrow's own errors, and what Python makes of names and sizes that cannot be.
        except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError):
            raise InputError(f"{source.name}: is not a Parquet file, or is damaged") from None


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def as_text(column: pa.Array, latin_1: np.ndarray) -> pa.Array:
    """The cells as text; rows whose bytes are not UTF-8 are marked in `latin_1`, bool [n]."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode(), latin_1)
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind):
        return as_text(column.cast(pa.binary()), latin_1)
    if pa.types.is_string_view(kind):
        return as_text(column.cast(pa.string()).cast(pa.binary()), latin_1)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # Nothing has seen to it yet that text is UTF-8.
        return as_text(column.cast(pa.large_binary()), latin_1)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _decoded(column, latin_1)
    if pa.types.is_floating(kind):
        return written(column)
    if pa.types.is_duration(kind):
        counted = column.cast(pa.int64()).cast(pa.float64(), safe=False)
        return written(pc.divide(counted, float(_UNITS[kind.unit])))
    if pa.types.is_timestamp(kind):
        return _times_as_text(column)
    return column.cast(pa.string())


def _decoded(column: pa.Array, latin_1: np.ndarray) -> pa.Array:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        cells: list[str | None] = []
        for row, cell in enumerate(column.to_pylist()):
            try:
                cells.append(None if cell is None else cell.decode())
            except UnicodeDecodeError:
                cells.append(cell.decode("latin-1"))
                latin_1[row] = True
        return pa.array(cells, pa.string())


def _times_as_text(column: pa.Array) -> pa.Array:
    """ISO 8601, with fractions of a second only where a column has some, with Z if zoned."""
    kind = column.type
    zone = None if kind.tz is None else "UTC"
    column = column.cast(pa.timestamp(kind.unit, zone))
    try:
        column = column.cast(pa.timestamp("s", zone))
    except pa.ArrowInvalid:
        return column.cast(pa.string())
    return column.cast(pa.string())
