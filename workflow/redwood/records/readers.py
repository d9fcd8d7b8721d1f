"""Raw dumps → chunks of rows, whatever the file format.

A reader turns one file into chunks: the wanted columns under PanDA's lower-case names, as text,
with the line each row stands on, and beside them the lines that cannot be read. A reader judges
form only; what the values mean is the business of cleaning.

A further format is a function `(Source) -> Iterator[Chunk]` in `_READERS`.
"""

import csv
import glob
import gzip
import io
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import pandas as pd

from redwood.errors import InputError
from redwood.records.swf import SwfHeader, swf_row

CHUNK_ROWS = 50_000
_LONGEST_FIELD = 1 << 20


@dataclass(frozen=True)
class Source:
    """One file to read, and what to read of it.

    Attributes:
        path: the file.
        name: how reports name it: the shortest ending of its path that tells it from the others.
        renames: raw column name, lower case → PanDA's name, lower case.
        wanted: PanDA's names, lower case, of the columns to read; others are skipped.
    """

    path: Path
    name: str
    renames: Mapping[str, str]
    wanted: frozenset[str]


@dataclass
class Chunk:
    """Some rows of one file.

    Attributes:
        source: the file.
        rows: text or missing, one column per wanted column that the file has; the index holds line
            numbers (from 1).
        unreadable: (line, reason) of rows that could not be read.
        columns: all column names of the file, lower case, before renaming.
        assumptions: what the reader had to assume → number of rows.
    """

    source: Source
    rows: pd.DataFrame
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    assumptions: Counter = field(default_factory=Counter)


def find_files(inputs: Sequence[str | Path]) -> list[Path]:
    """The dump files that files, folders (searched in depth) and globs stand for, without repeats.

    In a folder only files with a known ending count. Those whose name begins with a dot or an
    underscore are about the data rather than data, as in Hadoop's file systems, and do not count.

    Raises:
        InputError: an input does not exist, holds no dump, or is a file of unknown format.
    """
    found: dict[Path, Path] = {}
    for entry in inputs:
        path = Path(entry)
        if path.is_dir():
            files = [file for file in sorted(path.rglob("*")) if _is_dump(file)]
            if not files:
                raise InputError(f"{path}: no dump in this folder; known endings: {_endings()}")
        elif path.exists():
            files = [path]
        else:
            files = [Path(match) for match in sorted(glob.glob(str(entry), recursive=True))]
            files = [file for file in files if file.is_file()]
            if not files:
                raise InputError(f"{entry}: no such file or folder")
        for file in files:
            _reader(file)
            found.setdefault(file.resolve(), file)
    return list(found.values())


def short_names(paths: Sequence[Path]) -> list[str]:
    """For each path its shortest ending, in whole components, that no other path shares."""
    parts = [path.resolve().parts for path in paths]
    names = []
    for own in parts:
        depth = 1
        while sum(other[-depth:] == own[-depth:] for other in parts) > 1 and depth < len(own):
            depth += 1
        names.append("/".join(own[-depth:]))
    return names


def read(source: Source) -> Iterator[Chunk]:
    """Read one file in chunks of at most `CHUNK_ROWS` rows.

    Raises:
        InputError: the file is empty, is not what its ending says, or has no usable header.
    """
    return _reader(source.path)(source)


def _reader(path: Path) -> "Callable[[Source], Iterator[Chunk]]":
    name = path.name.lower().removesuffix(".gz")
    for ending, reader in _READERS.items():
        if name.endswith(ending):
            return reader
    raise InputError(f"{path}: unknown format; known endings: {_endings()}")


def _is_dump(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return path.is_file() and not name.startswith((".", "_")) and name.endswith(tuple(_READERS))


def _endings() -> str:
    return ", ".join(f"{ending}[.gz]" for ending in _READERS)


class _Lines:
    """The lines of a text file, compressed or not; a break in the compressed data ends them.

    Iterating yields each line; afterwards `broken` says whether compressed data ended before its
    time, in which case the last, incomplete line has not been yielded and `line` is its number.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.broken = False
        self.line = 0

    def __iter__(self) -> Iterator[str]:
        path = self._source.path
        try:
            with open(path, "rb") as raw:
                compressed = raw.peek(2)[:2] == b"\x1f\x8b"
                stream = gzip.GzipFile(fileobj=raw) if compressed else raw
                text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
                yield from self._complete_lines(text)
        except OSError as error:
            raise InputError(f"{self._source.name}: cannot be read: {error.strerror}") from None
        if self.line == 0:
            raise InputError(f"{self._source.name}: the file is empty")

    def _complete_lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        try:
            for line in text:
                self.line += 1
                yield line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.broken = True
            self.line += 1


def _chunks(
    source: Source,
    columns: tuple[str, ...],
    rows: Iterator[tuple[int, Sequence[str | None] | str]],
    names: Sequence[str],
    assumptions: Counter | None = None,
) -> Iterator[Chunk]:
    """Gather (line, cells or reason why there are none) into chunks."""
    while True:
        batch = list(itertools.islice(rows, CHUNK_ROWS))
        if not batch:
            return
        good = [(line, cells) for line, cells in batch if not isinstance(cells, str)]
        frame = pd.DataFrame(
            [cells for _, cells in good],
            columns=list(names),
            index=pd.Index([line for line, _ in good], dtype="int64"),
            dtype=object,
        )
        unreadable = [(line, cells) for line, cells in batch if isinstance(cells, str)]
        yield Chunk(source, frame, unreadable, columns, Counter(assumptions or ()))
        if assumptions is not None:
            assumptions.clear()


def _named(source: Source, columns: Sequence[str]) -> dict[str, str]:
    """Wanted PanDA name → the file's column that holds it."""
    named: dict[str, str] = {}
    for column in columns:
        name = source.renames.get(column, column)
        if name not in source.wanted:
            continue
        if name in named:
            raise InputError(
                f"{source.name}: columns {named[name]!r} and {column!r} are both {name!r}; "
                "rename or drop one (records.cleaning.columns)"
            )
        named[name] = column
    if not named:
        raise InputError(
            f"{source.name}: none of its {len(columns)} columns is known; expected a header with "
            "PanDA's names (CREATIONTIME, COMPUTINGSITE, …) or records.cleaning.columns"
        )
    return named


def _read_csv(source: Source) -> Iterator[Chunk]:
    csv.field_size_limit(_LONGEST_FIELD)
    lines = _Lines(source)
    text = iter(lines)
    try:
        first = next(text)
    except StopIteration:
        raise InputError(f"{source.name}: the compressed file breaks off at once") from None
    delimiter = max(",;\t|", key=first.count)
    reader = csv.reader(itertools.chain([first], text), delimiter=delimiter)
    header = [name.strip().lower() for name in next(reader)]
    named = _named(source, header)
    positions = [header.index(column) for column in named.values()]
    pick = itemgetter(*positions) if len(positions) > 1 else lambda row: (row[positions[0]],)

    def rows() -> Iterator[tuple[int, Sequence[str | None] | str]]:
        while True:
            begin = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error:
                yield begin, "unreadable_row"
                continue
            if len(row) != len(header):
                if row:
                    yield begin, "wrong_number_of_fields"
            elif row[0].strip().lower() == header[0] and _is_header(row, header):
                yield begin, "repeated_header"
            else:
                yield begin, pick(row)
        if lines.broken:
            yield lines.line, "truncated_file"

    yield from _chunks(source, tuple(header), rows(), list(named))


def _is_header(row: list[str], header: list[str]) -> bool:
    return [cell.strip().lower() for cell in row] == header


def _read_json_lines(source: Source) -> Iterator[Chunk]:
    lines = _Lines(source)
    columns: dict[str, None] = {}
    wanted = sorted(source.wanted)
    keys: dict[str, str | None] = {}

    def to_name(key: str) -> str | None:
        lowered = key.lower()
        columns.setdefault(lowered)
        name = source.renames.get(lowered, lowered)
        return name if name in source.wanted else None

    def rows() -> Iterator[tuple[int, Sequence[str | None] | str]]:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            if number == 1 and line.lstrip().startswith("["):
                raise InputError(
                    f"{source.name}: a JSON array; expected JSON lines, one object a line"
                )
            try:
                record = json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                yield number, "invalid_json"
                continue
            if not isinstance(record, dict):
                yield number, "not_a_json_object"
                continue
            cells: dict[str, str | None] = {}
            for key, value in record.items():
                if key not in keys:
                    keys[key] = to_name(key)
                if keys[key] is not None and value is not None:
                    cells[keys[key]] = _encodable(value) if isinstance(value, str) else str(value)
            yield number, [cells.get(name) for name in wanted]
        if lines.broken:
            yield lines.line, "truncated_file"

    known = False
    for chunk in _chunks(source, (), rows(), wanted):
        chunk.columns = tuple(columns)
        chunk.rows = chunk.rows.dropna(axis="columns", how="all")
        known = known or not chunk.rows.columns.empty
        yield chunk
    if not known:
        raise InputError(
            f"{source.name}: no line is a JSON object with a key that PanDA's job records have"
        )


def _encodable(text: str) -> str:
    """The text without the lone surrogates that JSON's escapes can smuggle in."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _read_swf(source: Source) -> Iterator[Chunk]:
    lines = _Lines(source)
    header = SwfHeader(source.name)
    assumptions: Counter = Counter()
    wanted = sorted(source.wanted)

    def rows() -> Iterator[tuple[int, Sequence[str | None] | str]]:
        for number, line in enumerate(lines, start=1):
            if line.lstrip().startswith(";"):
                header.add(line)
            elif line.strip():
                cells = swf_row(line, header, assumptions)
                if isinstance(cells, str):
                    yield number, cells
                else:
                    yield number, [cells.get(name) for name in wanted]
        if lines.broken:
            yield lines.line, "truncated_file"

    for chunk in _chunks(source, (), rows(), wanted, assumptions):
        chunk.rows = chunk.rows.dropna(axis="columns", how="all")
        chunk.columns = tuple(chunk.rows.columns)
        yield chunk


_READERS: dict[str, Callable[[Source], Iterator[Chunk]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".json": _read_json_lines,
    ".swf": _read_swf,
}
