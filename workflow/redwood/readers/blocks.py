"""A text file, compressed or not, as blocks of whole lines in UTF-8."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from redwood.errors import InputError
from redwood.readers.compression import DAMAGES, contents, opened, unchanged

# About this much is read at a time, and no line may be longer.
BLOCK_BYTES = 16 << 20
# Of this much it is told what a file holds, before it is read.
LOOKED_AT_BYTES: Final = 1 << 20
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_REPLACEMENT: Final = "\ufffd"
# What Python's `surrogateescape` makes of bytes that are not UTF-8.
_ESCAPED: Final = re.compile("[\udc80-\udcff]")

LATIN_1: Final = "bytes that are not UTF-8 are Latin-1"
NULS: Final = "NUL bytes stand for unknown characters"


@dataclass(frozen=True)
class Block:
    """Whole lines: `data` ends with a line end, the first line has the number `first_line`."""

    data: bytes
    first_line: int
    too_long: bool = False
    """Instead of lines: one line, `first_line`, that is longer than a block and has no data."""


class Lines:
    """The lines of a file, block by block.

    Afterwards `broken` says whether compressed data ended before its time; the incomplete last line
    has then not been given out and has the number `line`.
    """

    def __init__(self, path: Path, name: str, block_bytes: int | None = None) -> None:
        self._path, self._name = path, name
        self._block_bytes = block_bytes or BLOCK_BYTES
        self.broken = False
        self.line = 1
        self.assumptions: Counter = Counter()

    def blocks(self) -> Iterator[Block]:
        """Blocks of about 16 MB; a last line without an end gets one.

        Raises:
            InputError: the file is empty, cannot be opened, is UTF-16, or changes meanwhile.
        """
        rest, skipping = b"", False
        for piece in self._pieces():
            end = _last_end(piece)
            if end < 0:
                rest = b"" if skipping else rest + piece
                if len(rest) > self._block_bytes:
                    rest, skipping = b"", True
                continue
            if skipping:
                first = _first_end(piece)
                yield self._skipped()
                piece, end, skipping = piece[first + 1 :], end - first - 1, False
            if end >= 0:
                yield self._block(rest + piece[: end + 1])
            rest = piece[end + 1 :]
        if self.broken:
            return
        if skipping:
            yield self._skipped()
        elif rest:
            yield self._block(rest + b"\n")

    def texts(self) -> Iterator[str]:
        """The same text in pieces that end anywhere, for formats in which lines mean nothing.

        Raises:
            InputError: as `blocks`.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        for piece in self._pieces():
            yield self._cleaned(decoder.decode(piece))
        yield self._cleaned(decoder.decode(b"", final=True))

    def _cleaned(self, text: str) -> str:
        # A record of JSON ends with a brace: what stands between two belongs to about one.
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if "\x00" in text:
            self.assumptions[NULS] += sum("\x00" in part for part in text.split("}"))
            text = text.replace("\x00", _REPLACEMENT)
        if _has_escaped(text):
            self.assumptions[LATIN_1] += sum(
                _ESCAPED.search(part) is not None for part in text.split("}")
            )
            text = _ESCAPED.sub(lambda byte: chr(ord(byte[0]) - 0xDC00), text)
        return text

    def _block(self, data: bytes) -> Block:
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\x00" in data:
            self.assumptions[NULS] += sum(b"\x00" in line for line in data.split(b"\n"))
            data = data.replace(b"\x00", _REPLACEMENT.encode())
        if not _is_utf8(data):
            data = self._decoded(data)
        block = Block(data, self.line)
        self.line += data.count(b"\n")
        return block

    def _skipped(self) -> Block:
        self.line += 1
        return Block(b"", self.line - 1, too_long=True)

    def _decoded(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        for number, line in enumerate(lines):
            if not line.isascii() and not _is_utf8(line):
                lines[number] = line.decode("latin-1").encode("utf-8")
                self.assumptions[LATIN_1] += 1
        return b"\n".join(lines)

    def _pieces(self) -> Iterator[bytes]:
        """The file's bytes without compression, about a block each, as far as they are readable."""
        with unchanged(self._path, self._name), opened(self._path, self._name) as raw:
            held: list[bytes] = []
            size, started = 0, False
            parts = contents(raw, self._name, self._block_bytes)
            while (part := self._next(parts)) is not None or held:
                if part is not None:
                    if part:
                        held.append(part)
                        size += len(part)
                    if size < self._block_bytes:
                        continue
                piece = b"".join(held)
                if not started:
                    started, piece = True, self._without_mark(piece)
                # A carriage return keeps company with the line feed that may come after it.
                held = [b"\r"] if part is not None and piece.endswith(b"\r") else []
                size = len(held)
                yield piece[: len(piece) - size]
        if not started and not self.broken:
            raise InputError(f"{self._name}: the file is empty")

    def _next(self, parts: Iterator[bytes]) -> bytes | None:
        try:
            return next(parts, None)
        except (EOFError, *DAMAGES):
            self.broken = True
            return None

    def _without_mark(self, piece: bytes) -> bytes:
        if piece.startswith(_UTF16_MARKS):
            raise InputError(f"{self._name}: is in UTF-16, expected UTF-8")
        return piece.removeprefix(_UTF8_MARK)


def line_ends(data: bytes) -> np.ndarray:
    """Positions of the line feeds, int64."""
    return np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))


def _last_end(piece: bytes) -> int:
    return max(piece.rfind(b"\n"), piece.rfind(b"\r"))


def _first_end(piece: bytes) -> int:
    return min(place for place in (piece.find(b"\n"), piece.find(b"\r")) if place >= 0)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    buffers = [None, offsets, pa.py_buffer(data)]
    try:
        pa.Array.from_buffers(pa.large_binary(), 1, buffers).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _has_escaped(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
