"""A table in a DuckDB file → chunks.

The ingestion agent of AskPanDA (`askpanda-atlas-agents`) collects what BigPanDA answers in the
table `jobs` of such a file, under PanDA's names in lower case.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb
import numpy as np

from redwood.errors import InputError
from redwood.readers.chunks import Chunk, Source
from redwood.readers.compression import unchanged
from redwood.readers.parquet_rows import as_text
from redwood.sql import database

_TABLE: Final = "jobs"
_CHUNK_ROWS = 65_536


def columns(source: Source) -> Iterator[list[str]]:
    """The names of the table's columns.

    Raises:
        InputError: as `read_duckdb`.
    """
    with _attached(source) as connection:
        yield _columns(source, connection)


def read_duckdb(source: Source) -> Iterator[Chunk]:
    """Read the table `jobs`, else the only one, of a DuckDB file in chunks.

    Raises:
        InputError: the file is no DuckDB database, is in use by a process that writes to it, or
            does not say which of its tables has the jobs.
    """
    with _attached(source) as connection:
        named = source.named(_columns(source, connection))
        selected = ", ".join(f'"{column}" AS "{name}"' for name, column in named.items())
        query = f'SELECT {selected} FROM dump.main."{_table(source, connection)}"'
        record = 1
        for batch in connection.sql(query).to_arrow_reader(_CHUNK_ROWS):
            latin_1 = np.zeros(batch.num_rows, dtype=bool)
            cells = {name: as_text(batch.column(name), latin_1) for name in named}
            numbers = np.arange(record, record + batch.num_rows)
            record += batch.num_rows
            yield Chunk(source, cells, numbers, np.full(len(numbers), -1), [], Counter())


@contextmanager
def _attached(source: Source) -> Iterator[duckdb.DuckDBPyConnection]:
    path = str(source.path).replace("'", "''")
    with unchanged(source.path, source.name), database(memory_limit=None) as connection:
        try:
            connection.execute(f"ATTACH '{path}' AS dump (TYPE duckdb, READ_ONLY)")
        except duckdb.Error as error:
            if "lock" in str(error):
                problem = "is in use by a process that writes to it; stop that, or read a copy"
            else:
                problem = "is not a DuckDB database that this DuckDB can read"
            raise InputError(f"{source.name}: {problem}") from None
        connection.execute("SET enable_external_access = false")
        try:
            yield connection
        except duckdb.Error:
            raise InputError(f"{source.name}: the database is damaged") from None


def _table(source: Source, connection: duckdb.DuckDBPyConnection) -> str:
    query = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'dump' ORDER BY ALL"
    names = [name for (name,) in connection.execute(query).fetchall()]
    if _TABLE in names or len(names) == 1:
        return _TABLE if _TABLE in names else names[0]
    raise InputError(
        f"{source.name}: expected a table {_TABLE!r}, or a single one; it has {len(names)}"
    )


def _columns(source: Source, connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = (
        "SELECT column_name FROM duckdb_columns() WHERE database_name = 'dump' AND table_name = ?"
    )
    found = connection.execute(query, [_table(source, connection)]).fetchall()
    return [name for (name,) in found]
