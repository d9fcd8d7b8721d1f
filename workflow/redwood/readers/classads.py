"""HTCondor's classified advertisements as text → chunks.

`condor_history -long` and the history file of a scheduler have an attribute a line, `Name = value`;
blank lines, or banners that begin with `***`, stand between jobs.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from redwood.errors import InputError
from redwood.readers.blocks import Lines
from redwood.readers.chunks import Chunk, Source, Unreadable, as_array

_ATTRIBUTE = re.compile(r"\s*([A-Za-z_][\w.]*)\s*=\s*(.*?)\s*$")
_BETWEEN = re.compile(r"\s*(\*\*\*.*|--.*)?$")
_CHUNK_ROWS = 20_000
_UNREADABLE, _UNDEFINED = "unreadable_row", "undefined"
_LOOKED_AT: Final = 100

_Ad = tuple[int, dict[str, str]]


def attributes(source: Source) -> Iterator[list[str]]:
    """The names of the attributes of the first jobs.

    Raises:
        InputError: the file cannot be read at all.
    """
    names: dict[str, None] = {}
    for (_, ad), _ in zip(_ads(Lines(source.path, source.name)), range(_LOOKED_AT), strict=False):
        names |= dict.fromkeys(ad)
    yield list(names)


def read_classads(source: Source) -> Iterator[Chunk]:
    """Read advertisements in chunks; one with a line that is no attribute cannot be read.

    Raises:
        InputError: the file is empty, or holds no job of HTCondor.
    """
    lines = Lines(source.path, source.name)
    record, known = 0, False
    some: list[_Ad] = []
    for ad in _ads(lines):
        some.append(ad)
        if len(some) >= _CHUNK_ROWS:
            chunk = _chunk(source, some, record, lines.assumptions)
            record, some, known = record + len(some), [], known or bool(chunk.cells)
            lines.assumptions = Counter()
            yield chunk
    last = _chunk(source, some, record, lines.assumptions)
    if not (known or last.cells):
        raise InputError(
            f"{source.name}: holds no job that HTCondor has; expected what `condor_history -long` "
            "writes: `Name = value` in each line, a blank line between jobs"
        )
    if lines.broken:
        last.unreadable.append(Unreadable(record + len(some) + 1, lines.line, "truncated_file"))
    yield last


def _ads(lines: Lines) -> Iterator[_Ad]:
    """The line on which each advertisement begins, and its attributes."""
    ad: dict[str, str] = {}
    begin = 0
    for block in lines.blocks():
        if block.too_long:
            begin = begin if ad else block.first_line
            ad[""] = ""
        for number, line in enumerate(block.data.decode().split("\n")[:-1], start=block.first_line):
            if _BETWEEN.match(line):
                if ad:
                    yield begin, ad
                ad = {}
                continue
            begin = begin if ad else number
            found = _ATTRIBUTE.match(line)
            # Lines that are no attribute gather under a name that no attribute has.
            ad[found[1] if found else ""] = found[2] if found else line
    if ad:
        yield begin, ad


def _chunk(source: Source, ads: list[_Ad], record: int, assumptions: Counter) -> Chunk:
    good, unreadable = [], []
    for number, (line, ad) in enumerate(ads, start=record + 1):
        if "" in ad:
            unreadable.append(Unreadable(number, line, _UNREADABLE))
        else:
            good.append((number, line, ad))
    spelled = {key: source.wanted_name(key) for _, _, ad in good for key in ad}
    rows = [
        {name: _value(value) for key, value in ad.items() if (name := spelled[key]) is not None}
        for _, _, ad in good
    ]
    names = sorted({name for row in rows for name in row})
    cells = {name: as_array([row.get(name) for row in rows]) for name in names}
    places = np.array([place[:2] for place in good], dtype=np.int64).reshape(-1, 2)
    return Chunk(source, cells, places[:, 0], places[:, 1], unreadable, assumptions)


def _value(value: str) -> str | None:
    """The text of a string, a number, a boolean or an expression; `None` if it is undefined."""
    if value.startswith('"'):
        try:
            text = json.loads(value, strict=False)
        except ValueError:
            return value.strip('"')
        return text if isinstance(text, str) else value
    return None if value.lower() == _UNDEFINED else value
