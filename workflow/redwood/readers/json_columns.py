"""Many texts of JSON → columns of cells, by DuckDB; the texts it is no good for go to Python."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.errors import InputError
from redwood.readers.chunks import as_array
from redwood.readers.json_keys import WRAPPER, Keys, holds_list, loads, unwrapped

INVALID: Final = "invalid_json"
NO_OBJECT: Final = "not_a_json_object"

# Texts looked at to find out how keys are spelled.
_SAMPLED = 100
# A column that all but this share of the texts fill is suspicious where it has no value.
_SUSPICIOUS = 0.1
# So few texts go to Python rather than through DuckDB once more.
_FEW_TEXTS = 200

# DuckDB's errors quote the text, which may break off within a character.
_REFUSALS = (duckdb.Error, UnicodeDecodeError)

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "temp_directory": "",
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


class Columns:
    """Turns texts of one object each into columns.

    Args:
        keys: of the file they come from.
        connection: DuckDB in memory.
    """

    def __init__(self, keys: Keys, connection: duckdb.DuckDBPyConnection) -> None:
        self._keys, self._connection = keys, connection

    def of(self, texts: pa.Array) -> tuple[dict[str, pa.Array], dict[int, str]]:
        """PanDA name → cells [n], and why texts are no record by their places.

        DuckDB reads with the keys that a sample has, in the spellings that it has. Texts in which
        something is missing that most others have are read again as a sample of their own, or one
        by one.
        """
        columns = self._transformed(texts)
        doubtful = _doubtful(columns, len(texts))
        if _FEW_TEXTS < len(doubtful) <= len(texts) / 2:
            some, bad = self.of(texts.take(pa.array(doubtful)))
        else:
            some, bad = self._one_by_one(texts.take(pa.array(doubtful)))
        if len(doubtful):
            columns = _replaced(columns, doubtful, some, len(texts))
        return columns, {int(doubtful[place]): why for place, why in bad.items()}

    def _one_by_one(self, texts: pa.Array) -> tuple[dict[str, pa.Array], dict[int, str]]:
        rows: list[dict[str, str]] = []
        bad: dict[int, str] = {}
        for place, text in enumerate(texts.to_pylist()):
            found = self._cells(text)
            rows.append(found if isinstance(found, dict) else {})
            if isinstance(found, str):
                bad[place] = found
        names = {name for row in rows for name in row}
        return {name: as_array([row.get(name) for row in rows]) for name in names}, bad

    def _cells(self, text: str | None) -> dict[str, str] | str:
        try:
            content = None if text is None else loads(text)
        except ValueError:
            return INVALID
        return self.cells(content)

    def cells(self, content: Any) -> dict[str, str] | str:
        """The cells of an object, or why there are none."""
        if not isinstance(content, dict):
            return NO_OBJECT
        if holds_list(content):
            raise InputError(
                f"{self._keys.source.name}: has single records first and lists of records later; "
                "expected one or the other in a file"
            )
        try:
            return self._keys.cells(content)
        except ValueError:
            return INVALID

    def _transformed(self, texts: pa.Array) -> dict[str, pa.Array]:
        """The cells under the keys that a sample has."""
        columns: dict[str, pa.Array] = {}
        for wrapped, spelled in self._spellings(texts):
            for keys in _apart(spelled):
                cells = self._struct(texts, keys, wrapped=wrapped)
                if cells is None:
                    continue
                for key in keys:
                    column, name = pc.struct_field(cells, key), self._keys.name(key)
                    if name is not None and column.null_count < len(column):
                        columns[name] = (
                            pc.coalesce(columns[name], column) if name in columns else column
                        )
        return columns

    def _struct(
        self, texts: pa.Array, keys: Sequence[str], *, wrapped: bool
    ) -> pa.StructArray | None:
        fields = dict.fromkeys(keys, "VARCHAR")
        shape = json.dumps({WRAPPER: fields} if wrapped else fields).replace("'", "''")
        transform = f"json_transform(line, '{shape}')"
        self._connection.register("lines", pa.table({"line": texts}))
        # The second way is the slower one, for when some text is no JSON.
        for expression in (transform, f"case when json_valid(line) then {transform} end"):
            try:
                found = self._connection.sql(f"select {expression} as cells from lines")
                cells = found.to_arrow_table().column("cells").combine_chunks()
            except _REFUSALS:
                continue
            return pc.struct_field(cells, WRAPPER) if wrapped else cells
        return None

    def _spellings(self, texts: pa.Array) -> list[tuple[bool, list[str]]]:
        """Whether objects are wrapped, and the wanted keys of those that are and that are not."""
        step = max(1, len(texts) // _SAMPLED)
        found: dict[bool, dict[str, None]] = {}
        for text in texts.take(pa.array(np.arange(0, len(texts), step))).to_pylist():
            try:
                content = None if text is None else loads(text)
            except ValueError:
                continue
            if isinstance(content, dict):
                inner = unwrapped(content)
                wanted = [key for key in inner if self._keys.name(key) is not None]
                found.setdefault(inner is not content, {}).update(dict.fromkeys(wanted))
        spelled = []
        for wrapped, sampled in found.items():
            keys = list(sampled)
            others = self._keys.guesses(keys)
            if others is None:
                others = self._all_keys(texts, wrapped=wrapped)
            if keys:
                spelled.append((wrapped, list(dict.fromkeys([*keys, *others]))))
        return spelled

    def _all_keys(self, texts: pa.Array, *, wrapped: bool) -> list[str]:
        """The wanted keys of all texts; takes about as long as reading the cells."""
        path = f"$.{WRAPPER}" if wrapped else "$"
        self._connection.register("lines", pa.table({"line": texts}))
        query = f"select json_keys(line, '{path}') as keys from lines where json_valid(line)"
        try:
            rows = self._connection.sql(f"select distinct unnest(keys) as key from ({query})")
            keys = rows.to_arrow_table().column("key").to_pylist()
        except _REFUSALS:
            return []
        return [key for key in sorted(keys) if self._keys.name(key) is not None]

    def elements(self, text: bytes) -> pa.Array | None:
        """The elements of a JSON array as texts, null for `null`; `None` if it is no JSON."""
        offsets = pa.py_buffer(np.array([0, len(text)], dtype=np.int64))
        whole = pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(text))
        self._connection.register("whole", pa.table({"text": whole}))
        query = "select unnest(from_json(text, '[\"JSON\"]')) as line from whole"
        try:
            lines = self._connection.sql(query).to_arrow_table().column("line")
        except _REFUSALS:
            return None
        return lines.combine_chunks().cast(pa.string())


@contextmanager
def columns(keys: Keys) -> Iterator[Columns]:
    """What turns texts into columns: an engine in memory that neither writes nor fetches."""
    with duckdb.connect(":memory:", config=_SETTINGS) as connection:
        yield Columns(keys, connection)


def _apart(keys: Sequence[str]) -> list[list[str]]:
    """Keys in groups in which no two differ by case only."""
    groups: list[dict[str, str]] = []
    for key in keys:
        group = next((group for group in groups if key.lower() not in group), None)
        if group is None:
            groups.append(group := {})
        group[key.lower()] = key
    return [list(group.values()) for group in groups]


def _doubtful(columns: dict[str, pa.Array], size: int) -> np.ndarray:
    """The places of texts in which nothing was found, or not what most others have."""
    doubtful = np.zeros(size, dtype=bool)
    nothing = np.ones(size, dtype=bool)
    for column in columns.values():
        missing = column.is_null().to_numpy(zero_copy_only=False)
        nothing &= missing
        if column.null_count < _SUSPICIOUS * size:
            doubtful |= missing
    return np.flatnonzero(doubtful | nothing)


def _replaced(
    columns: dict[str, pa.Array], places: np.ndarray, some: dict[str, pa.Array], size: int
) -> dict[str, pa.Array]:
    """The columns with `some` at certain places."""
    mask = np.zeros(size, dtype=bool)
    mask[places] = True
    replaced = {}
    for name in {**columns, **some}:
        column = columns[name] if name in columns else pa.nulls(size, pa.string())
        values = some[name] if name in some else pa.nulls(len(places), pa.string())
        replaced[name] = pc.replace_with_mask(column, pa.array(mask), values)
    return replaced
