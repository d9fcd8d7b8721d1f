"""Texts of JSON → columns of cells: by DuckDB, and by Python where DuckDB finds nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.readers.chunks import as_array
from redwood.readers.json_keys import FIELDS, HIT, INVALID, SOURCE, Keys, loads
from redwood.sql import database

# DuckDB's errors quote the text, which may break off within a character.
_REFUSALS: Final = (duckdb.Error, UnicodeDecodeError)

# The objects without their wrappers, null where there is no JSON, and whether their values are in
# lists.
_HAS = """contains(object, '"{0}"') and json_type(object, '$.{0}') = 'OBJECT'"""
_OBJECTS: Final = f"""
    select case kind
        when 'none' then null when 'source' then object->'$.{SOURCE}'
        when 'fields' then object->'$.{FIELDS}' else object
    end::varchar as object, kind = 'fields' as listed
    from (
        select object, case
            when not coalesce(json_valid(object), false) then 'none'
            when {_HAS.format(SOURCE)} and object->>'$.{SOURCE}' <> '{{}}' then 'source'
            when {_HAS.format(FIELDS)} and json_exists(object, '$.{HIT}') then 'fields'
            when {_HAS.format(SOURCE)} then 'source'
            else 'plain'
        end as kind
        from objects
    )
"""
# A list of one value is that value.
_SINGLE: Final = """
    case when listed and json_array_length(object, {0}) = 1
    then json_extract_string(object, {1}) else json_extract_string(object, {0}) end
"""


class Columns:
    """Turns texts of one object each into columns.

    Args:
        keys: of the file they come from.
        connection: DuckDB in memory.
    """

    def __init__(self, keys: Keys, connection: duckdb.DuckDBPyConnection) -> None:
        self._keys, self._connection = keys, connection
        self._listed = False

    def of(self, texts: pa.Array) -> tuple[dict[str, pa.Array], dict[int, str]]:
        """PanDA name → cells [n], and why texts are no record, by their places.

        Texts in which DuckDB finds nothing are read again by Python, which takes more for JSON
        (tabs in text, lone surrogates) and tells what is wrong. Nulls stay nulls.
        """
        columns = self._found(texts)
        empty = np.ones(len(texts), dtype=bool)
        for column in columns.values():
            empty &= column.is_null().to_numpy(zero_copy_only=False)
        places = np.flatnonzero(empty).tolist()
        rows: list[dict[str, str]] = []
        bad: dict[int, str] = {}
        for place, text in zip(places, texts.filter(pa.array(empty)).to_pylist(), strict=True):
            cells = {} if text is None else self._cells(text)
            if isinstance(cells, str):
                bad[place], cells = cells, {}
            rows.append(cells)
        for name in {name for row in rows for name in row}:
            column = columns.get(name, pa.nulls(len(texts), pa.string()))
            values = as_array([row.get(name) for row in rows])
            columns[name] = pc.replace_with_mask(column, pa.array(empty), values)
        return columns, bad

    def _cells(self, text: str) -> dict[str, str] | str:
        try:
            return self._keys.cells(loads(text))
        except ValueError:
            return INVALID

    def _found(self, texts: pa.Array) -> dict[str, pa.Array]:
        """The cells that DuckDB finds, those of several spellings of a name together."""
        self._connection.register("objects", pa.table({"object": texts}))
        try:
            found = self._all_keys()
            keys = [key for key in sorted(found) if self._keys.name(key)]
            if not keys:
                return {}
            cells = ", ".join(f"cells[{number}] as c{number}" for number in range(1, len(keys) + 1))
            paths = ", ".join(map(_path, keys))
            values = f"json_extract_string(object, [{paths}])"
            if self._listed:
                values = ", ".join(_SINGLE.format(_path(key), _path(key, "/0")) for key in keys)
                values = f"[{values}]"
            extracted = f"select {values} as cells from objects"
            table = self._query(f"select {cells} from ({extracted})")
        except _REFUSALS:
            return {}
        columns: dict[str, pa.Array] = {}
        for key, chunks in zip(keys, table.columns, strict=True):
            name, column = self._keys.name(key), chunks.combine_chunks()
            if name is not None and column.null_count < len(column):
                columns[name] = pc.coalesce(columns[name], column) if name in columns else column
        return columns

    def _all_keys(self) -> list[str]:
        """The keys of the objects, which become those without wrappers and what is no JSON."""
        query = "select distinct unnest(json_keys(object)) from objects"
        try:
            keys = self._query(query)[0].to_pylist()
        except _REFUSALS:
            keys = [SOURCE]
        self._listed = False
        if SOURCE not in keys and FIELDS not in keys:
            return keys
        objects = self._query(_OBJECTS)
        self._listed = pc.any(objects["listed"]).as_py() or False
        self._connection.register("objects", objects)
        return self._query(query)[0].to_pylist()

    def _query(self, query: str) -> pa.Table:
        return self._connection.sql(query).to_arrow_table()


@contextmanager
def columns(keys: Keys) -> Iterator[Columns]:
    """What turns texts into columns: an engine in memory that neither writes nor fetches."""
    with database(memory_limit=None) as connection:
        yield Columns(keys, connection)


def _path(key: str, further: str = "") -> str:
    """The JSON pointer to a key, and further on from there, as SQL."""
    pointer = key.replace("~", "~0").replace("/", "~1").replace("'", "''")
    return f"'/{pointer}{further}'"
