"""CSV → chunks. Lines that are one record each go to Arrow, the others to Python's csv module."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from redwood.errors import InputError
from redwood.readers.blocks import LOOKED_AT_BYTES, Block, Lines
from redwood.readers.chunks import Chunk, Source, Unreadable, as_array, plain_name
from redwood.readers.csv_lines import BlockLines
from redwood.readers.csv_quotes import Quotes

_DELIMITERS = ",;\t|"
# Arrow is not asked again for fewer lines than these if some of them do not parse as one record.
_FEW_LINES = 32

_WRONG_NUMBER, _REPEATED = "wrong_number_of_fields", "repeated_header"
_UNREADABLE, _TOO_LONG, _TRUNCATED = "unreadable_row", "line_too_long", "truncated_file"
# What SQL*Plus and other clients of databases write around the rows.
_REMARK = "remark"
_REMARKS = re.compile(
    r"\s*(\(?\d[\d,]* rows? ?(selected|fetched|returned|affected)?\.?\)?|no rows selected\.?"
    r"|SQL> .*|(Elapsed|Time): .*)\s*"
)

# Cells may be as long as lines, whose length has a limit of its own.
csv.field_size_limit(1 << 30)


def headers(source: Source) -> Iterator[list[str]]:
    """The names of a file's columns by each of the delimiters.

    Raises:
        InputError: the file cannot be read at all.
    """
    for block in Lines(source.path, source.name, LOOKED_AT_BYTES).blocks():
        line, _ = _header_line(block)
        if line:
            yield from (_cells(line, delimiter) for delimiter in _DELIMITERS)
            return


def read_csv(source: Source) -> Iterator[Chunk]:
    """Read a CSV file with a header in chunks.

    Raises:
        InputError: the file is empty, has no usable header, or cannot be read at all.
    """
    lines = Lines(source.path, source.name)
    layout: _Layout | None = None
    record, rest = 1, b""
    for block in lines.blocks():
        if layout is None:
            if block.too_long:
                raise InputError(f"{source.name}: the first line is too long for a header")
            header, block = _header_line(block)
            if not header:
                continue
            layout = _layout(source, header)
        first_line = block.first_line - rest.count(b"\n")
        data = rest + layout.quotes.doubled(block.data)
        chunk, rest = layout.chunk(data, first_line, record, final=block.too_long)
        record += _size(chunk)
        if block.too_long:
            chunk.unreadable.append(Unreadable(record, block.first_line, _TOO_LONG))
            record += 1
        chunk.assumptions, lines.assumptions = lines.assumptions, Counter()
        yield chunk
    if layout is None:
        what = "the compressed file breaks off at once" if lines.broken else "the file is empty"
        raise InputError(f"{source.name}: {what}")
    if rest or lines.broken:
        chunk, _ = layout.chunk(rest, lines.line - rest.count(b"\n"), record, final=True)
        if lines.broken:
            chunk.unreadable.append(Unreadable(record + _size(chunk), lines.line, _TRUNCATED))
        yield chunk


@dataclass(frozen=True)
class _Layout:
    """How the records of a file are laid out: its header, and the place of each wanted column."""

    source: Source
    header: list[str]
    delimiter: str
    places: dict[str, int]
    quotes: Quotes

    def chunk(
        self, data: bytes, first_line: int, record: int, *, final: bool
    ) -> tuple[Chunk, bytes]:
        """The records in whole lines, and the bytes of a last one that may go on after them.

        Args:
            data: whole lines.
            first_line: number of the first.
            record: number of the first record.
            final: whether nothing comes after them.
        """
        lines = BlockLines(data)
        plain = lines.filled & ~lines.odd
        special: dict[int, list[str] | str] = {}
        done, rest = 0, b""
        for line in np.flatnonzero(lines.odd).tolist():
            if line < done:
                continue
            found = self._over_lines(lines, line, final=final)
            if found is None:
                plain[line:] = False
                rest = lines.data[lines.starts[line] :]
                break
            special[line], used = found
            done = line + used
            plain[line:done] = False
        table, rows, others = self._plain(lines, np.flatnonzero(plain))
        return self._assemble(table, rows, special | others, first_line, record), rest

    def _over_lines(
        self, lines: BlockLines, line: int, *, final: bool
    ) -> tuple[list[str] | str, int] | None:
        """The record that begins on a line and goes on, or why it cannot be read; its lines.

        `None` if it may go on after the last line. If a quote does not close soon, or not where it
        should, only its own line is in doubt.
        """
        stop, may_go_on = lines.reach(line)
        if stop > line + 1:
            reader = csv.reader(lines.texts(line, stop), delimiter=self.delimiter, strict=True)
            try:
                cells = next(reader)
            except csv.Error:
                may_go_on = may_go_on and reader.line_num == stop - line
            else:
                if len(cells) == len(self.header):
                    return cells, reader.line_num
                may_go_on = False
        if may_go_on and not final:
            return None
        return self._alone(lines, line), 1

    def _alone(self, lines: BlockLines, line: int) -> list[str] | str:
        """The cells of a line by itself, or why it is no record."""
        try:
            cells = next(csv.reader([lines.text(line)], delimiter=self.delimiter))
        except csv.Error:
            return _UNREADABLE
        return self._judged(cells)

    def _judged(self, cells: list[str]) -> list[str] | str:
        """Cells, unless they are not as many as those of the header, or the header once more."""
        if len(cells) != len(self.header):
            return _REMARK if _REMARKS.fullmatch(cells[0] if cells else "") else _WRONG_NUMBER
        names = [plain_name(cell) for cell in cells]
        header = [plain_name(cell) for cell in self.header]
        if names == header:
            return _REPEATED
        if sorted(names) == sorted(header):
            raise InputError(
                f"{self.source.name}: a second header has the columns in another order; "
                "expected one file for each order"
            )
        return cells

    def _plain(
        self, lines: BlockLines, wanted: np.ndarray
    ) -> tuple[pa.Table, np.ndarray, dict[int, list[str] | str]]:
        """Lines that are one record each: cells, the line of each row, and the other lines."""
        special: dict[int, list[str] | str] = {}
        tables, rows, left = [self._schema().empty_table()], [wanted[:0]], [wanted]
        while left:
            some = left.pop()
            table, wrong = self._parsed(lines.joined(some))
            if table.num_rows + len(wrong) == len(some):
                for line in some[wrong].tolist():
                    is_remark = _REMARKS.fullmatch(lines.text(line))
                    special[line] = _REMARK if is_remark else _WRONG_NUMBER
                tables.append(table)
                rows.append(np.delete(some, wrong))
            elif len(some) > _FEW_LINES:
                # A stray quote makes Arrow run on over lines; most of them are sound.
                half = len(some) // 2
                left += [some[half:], some[:half]]
            else:
                special |= {line: self._alone(lines, line) for line in some.tolist()}
        table, found = pa.concat_tables(tables), np.concatenate(rows)
        headers = {row: self._alone(lines, int(found[row])) for row in self._like_header(table)}
        headers = {row: why for row, why in headers.items() if why == _REPEATED}
        if headers:
            special |= {int(found[row]): why for row, why in headers.items()}
            keep = np.ones(len(found), dtype=bool)
            keep[list(headers)] = False
            table, found = table.filter(pa.array(keep)), found[keep]
        return table, found, special

    def _schema(self) -> pa.Schema:
        return pa.schema([(str(place), pa.string()) for place in self.places.values()])

    def _parsed(self, data: bytes) -> tuple[pa.Table, np.ndarray]:
        """The wanted columns of some lines, and which lines, from 0, have too many or few cells."""
        wrong: list[int] = []

        def skip(row: pacsv.InvalidRow) -> str:
            wrong.append(row.number - 1)
            return "skip"

        schema = self._schema()
        if not data:
            return schema.empty_table(), np.array(wrong, dtype=np.int64)
        names = [str(number) for number in range(len(self.header))]
        try:
            table = pacsv.read_csv(
                pa.BufferReader(data),
                pacsv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
                pacsv.ParseOptions(
                    delimiter=self.delimiter, ignore_empty_lines=False, invalid_row_handler=skip
                ),
                pacsv.ConvertOptions(
                    check_utf8=False,
                    include_columns=schema.names,
                    column_types=schema,
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            return schema.empty_table(), np.empty(0, dtype=np.int64)
        return table, np.array(wrong, dtype=np.int64)

    def _like_header(self, table: pa.Table) -> list[int]:
        """The rows that may be the header, or one like it, once more: one cell is a column name."""
        cells = table.column(0)
        short = pc.less_equal(pc.binary_length(cells), max(map(len, self.header)) + 4)
        names = {plain_name(cell) for cell in self.header} - {""}
        rows = np.flatnonzero(short.to_numpy())
        candidates = pc.ascii_lower(cells.take(pa.array(rows)))
        trimmed = pc.utf8_trim(candidates, characters="\ufeff \t\n\"'")
        like = pc.is_in(trimmed, pa.array(sorted(names | {f"_source.{name}" for name in names})))
        return rows[like.to_numpy()].tolist()

    def _assemble(
        self,
        table: pa.Table,
        rows: np.ndarray,
        special: dict[int, list[str] | str],
        first_line: int,
        record: int,
    ) -> Chunk:
        """One chunk of the rows of a table and of the special lines, in the order of lines."""
        others = sorted(line for line, cells in special.items() if not isinstance(cells, str))
        lines = np.concatenate([rows, np.array(others, dtype=np.int64)])
        order = np.argsort(lines, kind="stable")
        every = np.sort(np.concatenate([rows, np.array(sorted(special), dtype=np.int64)]))
        cells = {}
        for name, place in self.places.items():
            column = table.column(str(place)).combine_chunks()
            if others:
                added = as_array([special[line][place] for line in others])
                column = pa.concat_arrays([column, added]).take(pa.array(order))
            cells[name] = column
        unreadable = [
            Unreadable(record + int(np.searchsorted(every, line)), first_line + line, reason)
            for line, reason in sorted(special.items(), key=lambda entry: entry[0])
            if isinstance(reason, str)
        ]
        ordered = lines[order]
        return Chunk(
            self.source,
            cells,
            record + np.searchsorted(every, ordered),
            first_line + ordered,
            unreadable,
        )


def _header_line(block: Block) -> tuple[str, Block]:
    """The first line with more than blanks and remarks, empty if there is none, and the rest."""
    data, first_line = block.data, block.first_line
    while data:
        line, _, data = data.partition(b"\n")
        first_line += 1
        text = line.decode()
        if text.strip() and not _REMARKS.fullmatch(text):
            return text, Block(data, first_line)
    return "", block


def _layout(source: Source, text: str) -> _Layout:
    """The layout by the header line."""
    headers = {mark: _cells(text, mark) for mark in _DELIMITERS}
    # The delimiter that gives the most known names, of those the one that gives the most names.
    delimiter = max(
        _DELIMITERS,
        key=lambda mark: (sum(map(bool, map(source.wanted_name, headers[mark]))), text.count(mark)),
    )
    header = headers[delimiter]
    places = {name: header.index(column) for name, column in source.named(header).items()}
    return _Layout(source, header, delimiter, places, Quotes(delimiter))


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _size(chunk: Chunk) -> int:
    return len(chunk.records) + len(chunk.unreadable)
