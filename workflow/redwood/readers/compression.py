"""The bytes of a dump, compressed or not; its first bytes tell how it is compressed."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final, Protocol

import zstandard

from redwood.errors import InputError

_READ_BYTES: Final = 1 << 16
_CONTENT_BYTES: Final = 1 << 20
_LARGEST_WINDOW: Final = 1 << 31
_PEEKED_BYTES: Final = 8

DAMAGES: Final = (zlib.error, zstandard.ZstdError)


class _Stream(Protocol):
    """One part of a file that was compressed at one go."""

    read_bytes: int

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def contents(self, data: bytes) -> Iterator[bytes]: ...


class _Gzip:
    read_bytes = _READ_BYTES

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def contents(self, data: bytes) -> Iterator[bytes]:
        while data and not self._stream.eof:
            before = self._stream.copy()
            try:
                content = self._stream.decompress(data, _CONTENT_BYTES)
            except zlib.error:
                # The call that meets damage does not return what comes before the damage.
                for place in range(len(data)):
                    yield before.decompress(data[place : place + 1])
                raise
            yield content
            data = self._stream.unconsumed_tail


class _Zstandard:
    # This many bytes expand to at most 32 MB, even of the most monotonous contents.
    read_bytes = 1 << 10

    def __init__(self) -> None:
        decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        self._stream = decompressor.decompressobj()

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def contents(self, data: bytes) -> Iterator[bytes]:
        yield self._stream.decompress(data)


# First bytes → what reads them. Parallel compressors of Zstandard begin with frames to be skipped.
_STREAMS: dict[bytes, Callable[[], _Stream]] = {
    b"\x1f\x8b": _Gzip,
    b"\x28\xb5\x2f\xfd": _Zstandard,
    **{bytes([number]) + b"\x2a\x4d\x18": _Zstandard for number in range(0x50, 0x60)},
}
_FOREIGN = {
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "LZ4",
}


def contents(raw: BufferedReader, name: str, most: int) -> Iterator[bytes]:
    """The contents of a file, pieces of bounded size, decompressed if they are compressed.

    Args:
        raw: the file.
        name: how reports name it.
        most: bytes to read at a time, at most.

    Raises:
        DAMAGES, EOFError: compressed data are damaged, or end before their time; all contents that
            come before have been given out.
        InputError: the file is compressed in another way.
    """
    begin = raw.peek(_PEEKED_BYTES)
    foreign = next((kind for mark, kind in _FOREIGN.items() if begin.startswith(mark)), None)
    if foreign:
        raise InputError(f"{name}: is packed with {foreign}; expected plain text, .gz or .zst")
    new = next((new for mark, new in _STREAMS.items() if begin.startswith(mark)), None)
    if new is None:
        while piece := raw.read(min(_READ_BYTES, most)):
            yield piece
        return
    stream = new()
    while piece := raw.read(min(stream.read_bytes, most)):
        while piece:
            if stream.eof:  # files that were compressed one by one and joined
                piece = piece.lstrip(b"\x00")
                if not piece:
                    break
                stream = new()
            yield from stream.contents(piece)
            piece = stream.unused_data
    if not stream.eof:
        raise EOFError


@contextmanager
def opened(path: Path, name: str) -> Iterator[BufferedReader]:
    """The file, open for reading.

    Raises:
        InputError: it cannot be opened or read.
    """
    try:
        with open(path, "rb") as stream:
            yield stream
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None


@contextmanager
def unchanged(path: Path, name: str) -> Iterator[None]:
    """Refuses a file that changes while the block runs.

    Raises:
        InputError: it is not there, or changed.
    """
    before = _state(path, name)
    yield
    if _state(path, name) != before:
        raise InputError(f"{name}: the file changed while it was read; wait until it is complete")


def _state(path: Path, name: str) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise InputError(f"{name}: no such file, or it went away while it was read") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{name!r}: no file can have this name") from None
    return found.st_ino, found.st_size, found.st_mtime_ns
