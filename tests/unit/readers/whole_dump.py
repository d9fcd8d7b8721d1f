"""A dump read as a whole, for tests of the readers."""

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyarrow as pa
import zstandard

from redwood.job_table import RAW_COLUMNS
from redwood.readers.reading import Source, read

COMPRESSIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


class Read:
    """All chunks of a file, joined; every record is accounted for once.

    Args:
        path: the file.
        content: what to write into it first, if anything.
        renames: other names of columns.
    """

    def __init__(self, path: Path, content: str | bytes | None = None, **renames: str) -> None:
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        chunks = list(read(Source(path, path.name, renames, RAW_COLUMNS)))
        self.cells: dict[str, list[str | None]] = {}
        names = dict.fromkeys(name for chunk in chunks for name in chunk.cells)
        for name in names:
            parts = [
                chunk.cells.get(name, pa.nulls(len(chunk.records), pa.string())) for chunk in chunks
            ]
            self.cells[name] = [cell for part in parts for cell in part.to_pylist()]
        self.lines = [line for chunk in chunks for line in chunk.lines.tolist()]
        unreadable = [entry for chunk in chunks for entry in chunk.unreadable]
        self.unreadable = [(entry.line, entry.reason) for entry in unreadable]
        self.assumptions = sum((chunk.assumptions for chunk in chunks), Counter())
        records = [number for chunk in chunks for number in chunk.records.tolist()]
        assert all(len(cells) == len(records) for cells in self.cells.values())
        numbers = sorted([*records, *(entry.record for entry in unreadable)])
        assert numbers == list(range(1, len(numbers) + 1))
        assert records == sorted(records)
