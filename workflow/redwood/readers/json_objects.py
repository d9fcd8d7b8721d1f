"""A JSON text in any shape → its objects, one after the other.

Shapes: arrays of objects; objects one after the other, over one or several lines each, with commas
or without; BigPanDA's answer {"selectionsummary": …, "jobs": […], …}; Elasticsearch's
{"hits": {"hits": […]}}; SQL Developer's {"results": [{"columns": […], "items": […]}]}; Oracle's
REST services' {"items": […], "hasMore": …}; pandas' {"schema": {…}, "data": […]}; and any number of
these one after the other.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from redwood.readers.blocks import Lines
from redwood.readers.json_keys import INVALID, NO_OBJECT, holds_list

TRUNCATED: Final = "truncated_file"
TOO_LONG: Final = "line_too_long"

# Text that goes on for more characters than this is no object.
_LONGEST_OBJECT = 1 << 24

# Only finds out where values end. `float` takes numbers of any length.
DECODER: Final = json.JSONDecoder(parse_int=float, strict=False)

# An object that is the value of a key has a colon before it.
_NEXT_OBJECT = re.compile(r"[,\n}]\s*\{")
# Names that mean a list of records where they come after another: at first, or as pandas and
# Oracle's tools write them.
_LISTS: Final = frozenset({("", "items"), ("columns", "items"), ("schema", "data")})
_BETWEEN = re.compile(r"[\s,]*")
_OUTSIDE = re.compile(r"[\s,\[\]}]*")
# Matches anywhere, which its type cannot say.
_SPACE: Any = re.compile(r"\s*")


class Found(NamedTuple):
    """The line on which an object begins, and its text or the reason why there is none."""

    line: int
    text: str | None
    reason: str | None = None


def past(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where what matches `pattern` from `at` on ends; `at` itself if nothing does."""
    found = pattern.match(text, at)
    return at if found is None else found.end()


def list_inside(text: str, at: int) -> tuple[int, int] | None:
    """Where the list of an answer begins that begins at `at`; `None` if it is no answer.

    Returns:
        The place of the first element, and how many braces are open there.
    """
    before = ""
    try:
        while True:
            at = past(_SPACE, text, at + 1)
            if text[at] != '"':
                return None
            key, at = DECODER.raw_decode(text, at)
            at = past(_SPACE, text, at)
            if text[at] != ":":
                return None
            at = past(_SPACE, text, at + 1)
            if text[at] == "[" and (key in ("jobs", "hits") or (before, key) in _LISTS):
                return at + 1, 1
            nested = past(_SPACE, text, at + 1) if (key, text[at]) == ("results", "[") else at
            may_hold = key in ("hits", "results") and text[nested] == "{"
            if may_hold and (inner := list_inside(text, nested)):
                return inner[0], inner[1] + 1
            before = key
            _, at = DECODER.raw_decode(text, at)
            at = past(_SPACE, text, at)
            if text[at] != ",":
                return None
    except (ValueError, IndexError, RecursionError):
        return None


class Objects:
    """Reads the objects of a file."""

    def __init__(self, lines: Lines) -> None:
        self._lines, self._pieces = lines, lines.texts()
        self._text, self._at, self._line, self._counted = "", 0, 1, 0
        self._ended = False
        # The line on which what comes next, or is cut off, begins.
        self._cut = 1
        # Braces of an answer that are open, and whether its list is over.
        self._open, self._over = 0, False
        self._may_be_answer = True

    def __iter__(self) -> Iterator[Found]:
        found: Found | None
        while self._go_to(_BETWEEN if self._open else _OUTSIDE):
            self._cut = self._line
            char = self._text[self._at]
            if self._open and self._over:
                found = self._after_list(char)
            elif self._open and char in "]}":
                # A brace that closes no element: the list's end is lost.
                self._at += 1
                self._open, self._over = (self._open, True) if char == "]" else (0, False)
                self._may_be_answer = True
                continue
            else:
                if char == "{" and self._may_be_answer and not self._open:
                    if self._enter():
                        continue
                    self._may_be_answer = False
                found = self._value()
            if found is not None:
                yield found
        if self._lines.broken:
            yield Found(self._cut, None, TRUNCATED)

    def _fill(self) -> None:
        """See to it that an object that begins here is there as a whole."""
        ahead = len(self._text) - self._at
        if self._ended or ahead >= _LONGEST_OBJECT:
            return
        self._count()
        parts = [self._text[self._at :]]
        while not self._ended and ahead < _LONGEST_OBJECT:
            piece = next(self._pieces, None)
            self._ended = piece is None
            parts.append(piece or "")
            ahead += len(parts[-1])
        self._text, self._at, self._counted = "".join(parts), 0, 0

    def _count(self) -> None:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at

    def _go_to(self, pattern: Any) -> bool:
        """Pass over what matches; whether anything comes after it."""
        while True:
            self._fill()
            self._at = past(pattern, self._text, self._at)
            self._count()
            if self._at < len(self._text):
                return True
            if self._ended:
                return False

    def _enter(self) -> bool:
        """Go to the list of an answer, if one begins here."""
        inside = list_inside(self._text, self._at)
        if inside is not None:
            self._at, self._open = inside
            self._over = False
        return inside is not None

    def _value(self) -> Found | None:
        """The value that begins here, or why there is none."""
        try:
            content, end = DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return self._broken()
        is_object = isinstance(content, dict)
        if is_object and not self._open and holds_list(content) and self._enter():
            return None
        text, self._at = self._text[self._at : end], end
        return Found(self._line, text) if is_object else Found(self._line, None, NO_OBJECT)

    def _broken(self) -> Found | None:
        """Go on where the next object seems to begin, after one that is broken."""
        reason, begin = INVALID, self._at + 1
        while (following := _NEXT_OBJECT.search(self._text, begin)) is None:
            if self._ended:
                self._at = len(self._text)
                return None if self._lines.broken else Found(self._cut, None, reason)
            self._at = len(self._text) - 1
            self._fill()
            reason, begin = TOO_LONG, self._at
        self._at = following.end() - 1
        return Found(self._cut, None, reason)

    def _after_list(self, char: str) -> Found | None:
        """Pass over one more member of an answer, after its list."""
        if char == "]":
            self._at += 1
            return None
        if char == "}":
            self._at += 1
            self._open -= 1
            self._may_be_answer = True
            return None
        try:
            key, at = DECODER.raw_decode(self._text, self._at)
            at = past(_SPACE, self._text, at)
            if isinstance(key, str) and self._text[at : at + 1] == ":":
                at = past(_SPACE, self._text, at + 1)
                _, self._at = DECODER.raw_decode(self._text, at)
                return None
        except (ValueError, RecursionError):
            pass
        self._open = 0
        return self._broken()
