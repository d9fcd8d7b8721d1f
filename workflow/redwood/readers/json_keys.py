"""Objects of JSON → cells: which keys are wanted, and the text of what stands under them."""

import json
from collections.abc import Iterable
from typing import Any, Final

from redwood.readers.chunks import Source

WRAPPER: Final = "_source"
_PREFIX: Final = f"{WRAPPER}."


class _Number(str):
    """A number as it is written."""


# Numbers come as they are written, and so do NaN and infinities, which Python writes into JSON.
_READING = {"parse_int": _Number, "parse_float": _Number, "parse_constant": _Number}
DECODER: Final = json.JSONDecoder(**_READING, strict=False)


def loads(text: str) -> Any:
    """What a text holds.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def unwrapped(content: dict[str, Any]) -> dict[str, Any]:
    """The document in what Elasticsearch says of it; any other object as it is."""
    inner = content.get(WRAPPER)
    return inner if isinstance(inner, dict) else content


def holds_list(content: dict[str, Any]) -> bool:
    """Whether an object is an answer that holds a list of records rather than a record."""
    hits = content.get("hits")
    if isinstance(hits, dict):
        hits = hits.get("hits")
    return isinstance(hits, list) or isinstance(content.get("jobs"), list)


class Keys:
    """The keys of a file and what they stand for.

    Attributes:
        seen: the keys met so far, lower case, in their order.
        known: whether one of them was wanted.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._names: dict[str, str | None] = {}
        self.seen: dict[str, None] = {}
        self.known = False

    def name(self, key: str) -> str | None:
        """The PanDA name of a key, `None` if it is not wanted."""
        if key not in self._names:
            name = self.source.wanted_name(key)
            # Keys that are data, one for each object, must not fill the memory.
            if len(self._names) < _MOST_KEYS:
                self._names[key] = name
                self.seen.setdefault(key.strip().lower())
            self.known = self.known or name is not None
            return name
        return self._names[key]

    def cells(self, content: dict[str, Any]) -> dict[str, str]:
        """PanDA name → text, of the keys of an object that are wanted and have a value.

        Raises:
            ValueError: a value is nested too deeply.
        """
        cells: dict[str, str] = {}
        for key, value in unwrapped(content).items():
            if value is not None and (name := self.name(key)) is not None:
                cells[name] = value if type(value) is str else _as_text(value)
        return cells

    def guesses(self, keys: Iterable[str]) -> list[str] | None:
        """How other wanted keys are spelled, by those of a sample.

        `None` if some are neither in lower nor in upper case, so that there is no telling.
        """
        styles: dict[tuple[str, bool], None] = {}
        for key in keys:
            if key not in (key.lower(), key.upper()):
                return None
            prefix = key[: len(_PREFIX)] if key.lower().startswith(_PREFIX) else ""
            styles[prefix, key == key.lower()] = None
        known = sorted(self.source.known)
        return [
            prefix + (name if lower else name.upper()) for prefix, lower in styles for name in known
        ]


_MOST_KEYS = 10_000


def _as_text(value: Any) -> str:
    try:
        return str(value) if isinstance(value, _Number) else _as_json(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _as_json(value: Any) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, dict):
        members = (f"{_as_json(key)}:{_as_json(inner)}" for key, inner in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_as_json, value))}]"
    return json.dumps(value, ensure_ascii=False)
