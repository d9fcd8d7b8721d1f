"""Objects of JSON → cells: which keys are wanted, and the text of what stands under them."""

import json
from typing import Any, Final

from redwood.errors import InputError
from redwood.readers.chunks import Source

INVALID: Final = "invalid_json"
NO_OBJECT: Final = "not_a_json_object"
# Under what Elasticsearch has the values of a hit; those of `fields` are lists.
SOURCE: Final = "_source"
FIELDS: Final = "fields"
HIT: Final = "_index"
# Keys that are data, one for each object, must not fill the memory.
_MOST_KEYS = 10_000


class _Number(str):
    """A number as it is written."""


# Numbers come as they are written, and so do NaN and infinities, which Python writes into JSON.
_READING = {"parse_int": _Number, "parse_float": _Number, "parse_constant": _Number}
_DECODER: Final = json.JSONDecoder(**_READING, strict=False)


def loads(text: str) -> Any:
    """What a text holds.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def holds_list(content: dict[str, Any]) -> bool:
    """Whether an object is an answer that holds a list of records rather than a record."""
    hits, results = content.get("hits"), content.get("results")
    if isinstance(hits, dict):
        hits = hits.get("hits")
    return (
        isinstance(hits, list)
        or isinstance(content.get("jobs"), list)
        or (isinstance(results, list) and bool(results) and "items" in results[0])
        or ("schema" in content and isinstance(content.get("data"), list))
        or ("hasMore" in content and isinstance(content.get("items"), list))
    )


def unwrapped(content: dict[str, Any]) -> dict[str, Any]:
    """A record without what Elasticsearch puts around it, lists of one value as that value."""
    source, fields = content.get(SOURCE), content.get(FIELDS)
    if isinstance(source, dict) and (source or not isinstance(fields, dict)):
        return source
    if isinstance(fields, dict) and HIT in content:
        return {key: _single(value) for key, value in fields.items()}
    return content


class Keys:
    """The keys of a file and what they stand for.

    Attributes:
        known: whether one of the keys met so far was wanted.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names: dict[str, str | None] = {}
        self.known = False

    def name(self, key: str) -> str | None:
        """The PanDA name of a key, `None` if it is not wanted."""
        if key in self._names:
            return self._names[key]
        name = self._source.wanted_name(key)
        if len(self._names) < _MOST_KEYS:
            self._names[key] = name
        self.known = self.known or name is not None
        return name

    def cells(self, content: Any) -> dict[str, str] | str:
        """PanDA name → text, of the wanted keys that have a value, or why there are no cells.

        Raises:
            InputError: the object holds a list of records.
        """
        if not isinstance(content, dict):
            return NO_OBJECT
        if holds_list(content):
            raise InputError(
                f"{self._source.name}: has single records first and lists of records later; "
                "expected one or the other in a file"
            )
        cells: dict[str, str] = {}
        try:
            for key, value in unwrapped(content).items():
                if value is not None and (name := self.name(key)) is not None:
                    cells[name] = as_text(value)
        except RecursionError:
            return INVALID
        return cells


def keys_of(text: str) -> list[str]:
    """The keys of the object in a text, without wrappers; none if there is no object."""
    try:
        content = loads(text)
    except ValueError:
        return []
    return list(unwrapped(content)) if isinstance(content, dict) else []


def as_text(value: Any) -> str:
    """A value as the text of a cell: text as it is, anything else as JSON has it."""
    return value if isinstance(value, str) else _as_json(value)


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _as_json(value: Any) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, dict):
        members = (f"{_as_json(key)}:{_as_json(inner)}" for key, inner in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_as_json, value))}]"
    return json.dumps(value, ensure_ascii=False)
