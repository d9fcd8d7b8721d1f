"""Writing raw rows in the formats that PanDA dumps come in."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from redwood.generator import dirt
from redwood.generator.rows import Rows, Words
from redwood.synthetic import format_of

# Chunks of rows, made and written one after another; given their total number.
Chunks = Iterator[Rows]
_LEVEL = 1
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class _Style:
    """How text is written.

    Attributes:
        separator: between date and time.
        quote: around text.
        null: what stands for nothing.
        no_time: what stands for no time, without quotes.
    """

    separator: str
    quote: str
    null: str
    no_time: str


_ORACLE: Final = _Style(" ", "", "", "1970-01-01 00:00:00")
_QUOTED: Final = _Style("T", '"', "", '"1970-01-01T00:00:00"')
_ELASTICSEARCH: Final = _Style("T", '"', "null", "null")
_BIGPANDA: Final = _Style(" ", '"', "null", "null")


def write(path: Path, chunks: Chunks, random: np.random.Generator) -> None:
    """Write rows, with dirt, in the format that the name of the file says."""
    _WRITERS[format_of(path.name)](path, chunks, random)


def _write_oracle(path: Path, chunks: Chunks, random: np.random.Generator) -> None:
    """CSV with upper-case names, in the first chunk the header twice."""
    with _opened(path) as write_text:
        header = ""
        for rows in chunks:
            lines = _csv_lines(rows, _ORACLE, random, least=0 if header else 1)
            if not header:
                header = ",".join(name.upper() for name in rows.columns) + "\n"
                write_text(header)
                lines = dirt.repeat_header(lines, header, random)
            write_text(lines)


def _write_quoted(path: Path, chunks: Chunks, random: np.random.Generator) -> None:
    """CSV with lower-case names, text in quotes and a byte order mark."""
    with _opened(path) as write_text:
        header = ""
        for rows in chunks:
            lines = _csv_lines(rows, _QUOTED, random, least=0 if header else 1)
            if not header:
                header = ",".join(f'"{name}"' for name in rows.columns) + "\n"
                write_text(_BYTE_ORDER_MARK + header)
            write_text(lines)


def _write_elasticsearch(path: Path, chunks: Chunks, random: np.random.Generator) -> None:
    """JSON, one object a line, the last line cut off."""
    with _opened(path) as write_text:
        before = None
        for rows in chunks:
            if before is not None:
                write_text(before)
            before = _json_lines(_ended(rows), _ELASTICSEARCH, "\n", random)
        if before is not None:
            write_text(dirt.truncated(before))


def _write_bigpanda(path: Path, chunks: Chunks, random: np.random.Generator) -> None:
    """One JSON document, as a BigPanDA monitor answers."""
    with _opened(path) as write_text:
        write_text('{"selectionsummary": [], "jobs": [')
        separator = "\n"
        for rows in chunks:
            lines = _json_lines(rows, _BIGPANDA, "", random)
            write_text(pc.binary_join_element_wise(_but_first(separator, len(rows)), lines, ""))
            separator = ",\n"
        write_text('\n], "errsByCount": []}\n')


def _write_parquet(path: Path, chunks: Chunks, random: np.random.Generator) -> None:
    """Typed columns; nothing can be wrong with their form."""
    writer = None
    for rows in chunks:
        dirt.spoil_numbers(rows, random)
        table = pa.table({name: _typed(column) for name, column in rows.columns.items()})
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


_WRITERS: Final[dict[str, Callable[[Path, Chunks, np.random.Generator], None]]] = {
    "csv.gz": _write_oracle,
    "csv.zst": _write_quoted,
    "jsonl.gz": _write_elasticsearch,
    "json": _write_bigpanda,
    "parquet": _write_parquet,
}


def _csv_lines(
    rows: Rows, style: _Style, random: np.random.Generator, least: int
) -> pa.StringArray:
    cells = list(_cells(rows, style, random).values())
    lines = pc.binary_join_element_wise(*cells, ",")
    lines = pc.binary_join_element_wise(lines, "\n", "")
    return dirt.break_lines(lines, random, least)


def _json_lines(rows: Rows, style: _Style, end: str, random: np.random.Generator) -> pa.StringArray:
    pieces: list[Any] = []
    for name, cells in _cells(rows, style, random).items():
        pieces += [f'{"," if pieces else "{"}"{name}":', cells]
    return pc.binary_join_element_wise(*pieces, "}" + end, "")


def _cells(rows: Rows, style: _Style, random: np.random.Generator) -> dict[str, pa.StringArray]:
    """Column → what is written of it, dirt included."""
    dirt.spoil_numbers(rows, random)
    cells = {name: _written(column, style) for name, column in rows.columns.items()}
    times = {
        name: column for name, column in rows.columns.items() if isinstance(column, np.ndarray)
    }
    dirt.spoil_cells(cells, times, style.separator, style.quote, random)
    return cells


def _written(column: Words | pa.Array | np.ndarray, style: _Style) -> pa.StringArray:
    if isinstance(column, Words):
        return _quoted(column.values, style).take(pa.array(column.codes % len(column.values)))
    if isinstance(column, np.ndarray):
        text = pc.cast(pa.array(column).cast(pa.timestamp("s")), pa.string())
        if style.separator != " ":
            text = pc.replace_substring(text, " ", style.separator)
        if style.quote:
            text = pc.binary_join_element_wise(style.quote, text, style.quote, "")
        return pc.if_else(pa.array(column < 0), style.no_time, text)
    if pa.types.is_string(column.type):
        return _quoted(column, style)
    return pc.fill_null(pc.cast(column, pa.string()), style.null)


def _quoted(text: pa.StringArray, style: _Style) -> pa.StringArray:
    if style.quote:
        text = pc.binary_join_element_wise(style.quote, text, style.quote, "")
    return pc.fill_null(text, style.null)


def _typed(column: Words | pa.Array | np.ndarray) -> pa.Array:
    if isinstance(column, Words):
        return column.values.take(pa.array(column.codes % len(column.values)))
    if isinstance(column, np.ndarray):
        return pa.array(column * 1000, pa.timestamp("ms"), mask=column < 0)
    return column


def _ended(rows: Rows) -> Rows:
    """In Elasticsearch a job that never ran ends when the server closes it."""
    end, modified = rows.columns["endtime"], rows.columns["modificationtime"]
    return Rows(rows.columns | {"endtime": np.where(end < 0, modified, end)})


def _but_first(first: str, number: int) -> pa.StringArray:
    return pa.array([first] + [",\n"] * (number - 1))


@contextmanager
def _opened(path: Path) -> Iterator[Callable[[str | pa.StringArray], None]]:
    """Open a file; yields what writes text, or the elements of an array one after another."""
    with open(path, "wb") as raw:
        if path.suffix == ".gz":
            # Neither name nor time in the header: same rows, same bytes.
            stream: Any = gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0)
        elif path.suffix == ".zst":
            stream = pa.CompressedOutputStream(pa.PythonFile(raw, "w"), "zstd")
        else:
            stream = raw

        def write_text(text: str | pa.StringArray) -> None:
            stream.write(text.encode() if isinstance(text, str) else _bytes_of(text))

        try:
            yield write_text
        finally:
            if stream is not raw:
                stream.close()


def _bytes_of(lines: pa.StringArray | pa.ChunkedArray) -> pa.Buffer:
    """The text of all lines, one after another."""
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int32)
    begin, end = offsets[lines.offset], offsets[lines.offset + len(lines)]
    return lines.buffers()[2].slice(int(begin), int(end - begin))
