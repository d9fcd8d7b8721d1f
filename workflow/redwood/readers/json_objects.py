"""A JSON text in any shape → its objects, one after the other or many at once.

Shapes: arrays of objects; objects one after the other, over one or several lines each, with commas
or without; BigPanDA's answer {"selectionsummary": …, "jobs": […], …}; Elasticsearch's
{"hits": {"hits": […]}}; and any number of these one after the other.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from redwood.readers.blocks import Lines, line_ends
from redwood.readers.json_columns import INVALID, NO_OBJECT
from redwood.readers.json_keys import DECODER, holds_list

TRUNCATED: Final = "truncated_file"
TOO_LONG: Final = "line_too_long"

# Text that goes on for more characters than this is no object.
_LONGEST_OBJECT = 1 << 24
# At least this many characters are tried as a list of whole objects, or this many objects singly.
_LEAST_REACH, _SINGLES = 1 << 16, 100
# How far back from there to look for the end of an object, and of the list.
_MOST_BRACES, _LIST_ENDS = 500, 3

# An object that is the value of a key has a colon before it.
_NEXT_OBJECT = re.compile(r"[,\n}]\s*\{")
_BORDER = re.compile(r"\}\s*,\s*\{")
_LIST_END = re.compile(r"\}\s*\]")
_BETWEEN = re.compile(r"[\s,]*")
_OUTSIDE = re.compile(r"[\s,\[\]}]*")
# Matches anywhere, which its type cannot say.
_SPACE: Any = re.compile(r"\s*")
_INDENTATION = np.array([byte in b" \t," for byte in range(256)])
_DEEPEST_INDENTATION = 64


@dataclass(frozen=True)
class Many:
    """Elements of a list, as texts [n], and the line on which each begins, int64 [n]."""

    texts: pa.Array
    lines: np.ndarray


@dataclass(frozen=True)
class One:
    """An object and the line on which it begins, or the reason why there is no object."""

    content: dict[str, Any] | str
    line: int


def past(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where what matches `pattern` from `at` on ends; `at` itself if nothing does."""
    found = pattern.match(text, at)
    return at if found is None else found.end()


def list_inside(text: str, at: int) -> tuple[int, int] | None:
    """Where the list of an answer begins that begins at `at`; `None` if it is no answer.

    Returns:
        The place of the first element, and how many braces are open there.
    """
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
            if key in ("jobs", "hits") and text[at] == "[":
                return at + 1, 1
            if key == "hits" and text[at] == "{" and (inner := list_inside(text, at)):
                return inner[0], inner[1] + 1
            _, at = DECODER.raw_decode(text, at)
            at = past(_SPACE, text, at)
            if text[at] != ",":
                return None
    except (ValueError, IndexError, RecursionError):
        return None


class Objects:
    """Reads the objects of a file.

    Args:
        lines: the file.
        elements: takes a JSON array apart, `None` if it is no JSON.
    """

    def __init__(self, lines: Lines, elements: Callable[[bytes], pa.Array | None]) -> None:
        self._lines, self._pieces, self._elements = lines, lines.texts(), elements
        self._text, self._at, self._line, self._counted = "", 0, 1, 0
        self._ended = False
        # The line on which what comes next, or is cut off, begins.
        self._cut = 1
        # Braces of an answer that are open, and whether its list is over.
        self._open, self._over = 0, False
        self._may_be_answer = True
        self._reach, self._singles = _LONGEST_OBJECT, 0

    def __iter__(self) -> Iterator[One | Many]:
        found: One | Many | None
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
            elif char == "{":
                found = self._at_object()
            else:
                found = self._single()
            if found is not None:
                yield found
        if self._lines.broken:
            yield One(TRUNCATED, self._cut)

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

    def _at_object(self) -> One | Many | None:
        if self._may_be_answer and not self._open:
            if self._enter():
                return None
            self._may_be_answer = False
        if self._singles:
            self._singles -= 1
        else:
            many = self._many()
            if many is not None:
                return many
        return self._single()

    def _enter(self) -> bool:
        """Go to the list of an answer, if one begins here."""
        inside = list_inside(self._text, self._at)
        if inside is not None:
            self._at, self._open = inside
            self._over = False
        return inside is not None

    def _single(self) -> One | None:
        """The value that begins here, or why there is none."""
        try:
            content, end = DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return self._broken()
        if not isinstance(content, dict):
            content = NO_OBJECT
        elif not self._open and holds_list(content) and self._enter():
            return None
        self._at = end
        return One(content, self._line)

    def _broken(self) -> One | None:
        """Go on where the next object seems to begin, after one that is broken."""
        reason, begin = INVALID, self._at + 1
        while (following := _NEXT_OBJECT.search(self._text, begin)) is None:
            if self._ended:
                self._at = len(self._text)
                return None if self._lines.broken else One(reason, self._cut)
            self._at = len(self._text) - 1
            self._fill()
            reason, begin = TOO_LONG, self._at
        self._at = following.end() - 1
        return One(reason, self._cut)

    def _after_list(self, char: str) -> One | None:
        """Pass over one more member of an answer, after its list."""
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

    def _many(self) -> Many | None:
        """As many objects of a list as begin and end within reach."""
        while True:
            stop = min(len(self._text), self._at + self._reach)
            for end in self._borders(stop):
                many = self._taken_apart(end)
                if many is not None:
                    self._reach = min(2 * self._reach, _LONGEST_OBJECT)
                    return many
            if self._reach <= _LEAST_REACH:
                self._singles = _SINGLES
                return None
            self._reach = max((stop - self._at) // 2, _LEAST_REACH)

    def _borders(self, stop: int) -> Iterator[int]:
        """Places before `stop` at which an object may be over and another, or the end, come."""
        if self._ended and stop == len(self._text):
            # What comes after the list of an answer may hold lists too.
            yield from self._behind(_LIST_END, stop, _LIST_ENDS)
        yield from self._behind(_BORDER, stop, 1)

    def _behind(self, pattern: re.Pattern[str], stop: int, most: int) -> Iterator[int]:
        """Behind the last `most` braces before `stop` with which `pattern` begins."""
        for _ in range(_MOST_BRACES):
            stop = self._text.rfind("}", self._at, stop)
            if stop < 0 or not most:
                return
            if pattern.match(self._text, stop):
                most -= 1
                yield stop + 1

    def _taken_apart(self, end: int) -> Many | None:
        data = self._text[self._at : end].encode()
        texts = self._elements(b"[" + data + b"]")
        if texts is None:
            return None
        feeds = line_ends(data)
        if len(feeds):
            begins = _element_lines(data, feeds)
            if len(begins) != len(texts):
                return None
            lines = self._line + begins
        else:
            lines = np.full(len(texts), self._line)
        self._at = end
        self._count()
        return Many(texts, lines)


def _element_lines(data: bytes, feeds: np.ndarray) -> np.ndarray:
    """The lines, from 0, on which elements begin in the usual layouts: a brace comes first."""
    codes = np.frombuffer(data, dtype=np.uint8)
    begins = _unindented(codes, np.concatenate([[0], feeds + 1]))
    behind = codes[begins] == ord("}")
    begins[behind] = _unindented(codes, np.minimum(begins[behind] + 1, len(codes) - 1))
    return np.flatnonzero(codes[begins] == ord("{"))


def _unindented(codes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The places moved on to what is neither blank nor comma."""
    for _ in range(_DEEPEST_INDENTATION):
        indented = _INDENTATION[codes[places]]
        if not indented.any():
            break
        places = places + indented
    return places
