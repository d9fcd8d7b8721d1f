"""Reading a dump, whatever its format and whatever system wrote it.

A reader turns one file into chunks: the wanted columns under their names in lower case, as text,
with the line each row stands on, and beside them the lines that cannot be read. A reader judges
form only; what the values mean is the business of cleaning, and of `systems` where the records are
not PanDA's. A further format is a further entry of `_FORMATS`, a further system a module of
`systems`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from redwood.inputs import require_intact
from redwood.readers import classads, csv_rows, duckdb_rows, json_rows, parquet_rows
from redwood.readers.chunks import Chunk, Source, Unreadable
from redwood.readers.files import find_files, format_of, is_empty_part, short_names
from redwood.readers.foreign import PANDA, recognised, systems, translated
from redwood.readers.log_lines import read_log

__all__ = ["Chunk", "Source", "Unreadable", "find_files", "format_of", "read", "short_names"]


class _Format(NamedTuple):
    """How tables are read: the names that their columns may have, and their rows."""

    columns: Callable[[Source], Iterable[list[str]]]
    read: Callable[[Source], Iterator[Chunk]]


_FORMATS = {
    "csv": _Format(csv_rows.headers, csv_rows.read_csv),
    "json": _Format(json_rows.keys_at_first, json_rows.read_json),
    "parquet": _Format(parquet_rows.columns, parquet_rows.read_parquet),
    "duckdb": _Format(duckdb_rows.columns, duckdb_rows.read_duckdb),
    "classads": _Format(classads.attributes, classads.read_classads),
}


def read(source: Source) -> Iterator[Chunk]:
    """Read one file in chunks, in memory that does not grow with its size.

    Raises:
        InputError: the file is empty, is not what its ending says, has no usable header or, if a
            run made it, is not as it was made.
    """
    require_intact(source.path)
    form = format_of(source.path)
    if is_empty_part(source.path):
        return
    if form not in _FORMATS:
        yield from read_log(source, form)
        return
    columns, rows = _FORMATS[form]
    found = [frozenset(map(source.name_of, names)) for names in columns(source)]
    system = recognised(found)
    if system == PANDA:
        yield from rows(source)
        return
    # What the configuration names is read as PanDA's, whatever the system.
    named = frozenset(source.renames.values())
    own = systems()[system].COLUMNS
    native = replace(
        source, renames={**own, **source.renames}, wanted=named.union(own.values()), only=True
    )
    yield from translated(source, system, rows(native))
