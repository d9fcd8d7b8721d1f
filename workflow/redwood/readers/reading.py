"""Reading a dump, whatever its format. A further format is a further entry of `_READERS`.

A reader turns one file into chunks: the wanted columns under PanDA's lower-case names, as text,
with the line each row stands on, and beside them the lines that cannot be read. A reader judges
form only; what the values mean is the business of cleaning.
"""

from collections.abc import Callable, Iterator

from redwood.readers.chunks import Chunk, Source, Unreadable
from redwood.readers.csv_rows import read_csv
from redwood.readers.files import find_files, format_of, short_names
from redwood.readers.json_rows import read_json
from redwood.readers.parquet_rows import read_parquet
from redwood.readers.swf_rows import read_swf

__all__ = ["Chunk", "Source", "Unreadable", "find_files", "format_of", "read", "short_names"]

_READERS: dict[str, Callable[[Source], Iterator[Chunk]]] = {
    "csv": read_csv,
    "json": read_json,
    "parquet": read_parquet,
    "swf": read_swf,
}


def read(source: Source) -> Iterator[Chunk]:
    """Read one file in chunks, in memory that does not grow with its size.

    Raises:
        InputError: the file is empty, is not what its ending says, or has no usable header.
    """
    return _READERS[format_of(source.path)](source)
