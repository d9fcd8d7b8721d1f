"""pandas' layouts of JSON that are one table rather than records → columns.

`DataFrame.to_json` writes {column: {row: value}} if nobody tells it how, {row: {column: value}} as
`orient="index"`, and {"columns": […], "index": […], "data": [[…]]} as `orient="split"`. Such a file
is in memory as a whole, as it was when pandas wrote it.
"""

import re
from collections import Counter
from typing import Any, Final

import numpy as np

from redwood.errors import InputError
from redwood.readers.blocks import Lines
from redwood.readers.chunks import Chunk, Source, as_array
from redwood.readers.json_keys import FIELDS, SOURCE, as_text, loads
from redwood.readers.json_objects import DECODER, list_inside

_NESTED: Final = re.compile(
    r'\s*\{\s*"((?:[^"\\]|\\.)*)"\s*:\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*[^\[{\s]'
)
_SPLIT: Final = re.compile(r'\s*\{\s*"(columns|index|data)"\s*:\s*\[')
_VALUES: Final = re.compile(r"\s*\[\s*\[\s*[^\[{\s\]]")

Table = dict[str, list[Any]]


def table_in(source: Source, begin: str) -> Table | None:
    """Column → values, if the file is one table in one of pandas' layouts, else `None`.

    Args:
        source: the file.
        begin: how its text begins.

    Raises:
        InputError: it is `orient="values"`, which has no names of columns.
    """
    if _VALUES.match(begin):
        raise InputError(
            f"{source.name}: is a list of lists without names of columns, as pandas writes with "
            "orient='values'; write it with orient='records' or as CSV"
        )
    nested = None if list_inside(begin, begin.find("{")) else _NESTED.match(begin)
    if not _SPLIT.match(begin) and (nested is None or nested[1] in (SOURCE, FIELDS)):
        return None
    try:
        _, end = DECODER.raw_decode(begin.lstrip())
    except (ValueError, RecursionError):
        pass
    else:
        if begin.lstrip()[end:].strip():
            return None  # one object after the other
    try:
        content = loads("".join(Lines(source.path, source.name).texts()))
    except ValueError:
        return None
    return _table(source, content) if isinstance(content, dict) else None


def table_chunk(source: Source, table: Table) -> Chunk:
    """The rows of a table, which stand on no line.

    Raises:
        InputError: none of its columns is known.
    """
    cells = {
        name: as_array([None if value is None else as_text(value) for value in table[column]])
        for name, column in source.named(list(table)).items()
    }
    size = max(map(len, cells.values()))
    return Chunk(source, cells, np.arange(1, size + 1), np.full(size, -1), [], Counter())


def _table(source: Source, content: dict[str, Any]) -> Table | None:
    columns, data = content.get("columns"), content.get("data")
    if isinstance(columns, list) and isinstance(data, list):
        if all(isinstance(row, list) and len(row) == len(columns) for row in data):
            return {str(name): [row[at] for row in data] for at, name in enumerate(columns)}
        return None
    if not all(isinstance(inner, dict) for inner in content.values()):
        return None
    by_row = {str(key): None for inner in content.values() for key in inner}
    # Either side may have the columns. pandas numbers the rows if nobody gives them other labels.
    by_column = all(map(str.isdecimal, by_row)) or any(map(source.wanted_name, content))
    if by_column and not all(map(str.isdecimal, content)):
        return {name: [inner.get(row) for row in by_row] for name, inner in content.items()}
    return {name: [inner.get(name) for inner in content.values()] for name in by_row}
