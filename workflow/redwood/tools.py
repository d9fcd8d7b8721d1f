"""Programs outside of Python that REDWOOD can use: what each is for, and whether it is here.

A room of the library says in its module `tools.py` which it uses, as `TOOLS`; `redwood doctor`
finds these modules by being there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

from redwood import plugins
from redwood.programs import find_program

# A program that does not tell its version within this time is said to be there, without one.
_PATIENCE_S = 5.0
_VERSION = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")


@dataclass(frozen=True)
class Tool:
    """A program that something of REDWOOD uses if it is there.

    Attributes:
        name: what people call it.
        programs: names on the PATH; the first that is there is taken.
        purpose: what REDWOOD does with it.
        get: where it is to be had.
        ask: the arguments with which it tells its version.
        answers: what of its answer is the version.
        must_answer: whether it is of no use without such an answer.
    """

    name: str
    programs: tuple[str, ...]
    purpose: str
    get: str
    ask: tuple[str, ...] = ("--version",)
    answers: re.Pattern[str] = field(default=_VERSION)
    must_answer: bool = False

    def find(self) -> "Found | None":
        """Where it is and which version; `None` if it is not here, or of no use."""
        program = next(filter(None, map(find_program, self.programs)), None)
        if program is None:
            return None
        told = self.answers.search(program.said(*self.ask, limit_s=_PATIENCE_S))
        if told is None and self.must_answer:
            return None
        return Found(program.place, "" if told is None else told[0].strip())


@dataclass(frozen=True)
class Found:
    """A program that is here.

    Attributes:
        path: where.
        version: as it says it itself; empty if it does not say.
    """

    path: str
    version: str


def all_tools() -> Iterator[Tool]:
    """The tools of every room, room by room."""
    for room in plugins.names("redwood"):
        package = find_spec(f"redwood.{room}")
        if package is None or package.submodule_search_locations is None:
            continue
        if find_spec(f"redwood.{room}.tools") is not None:
            yield from import_module(f"redwood.{room}.tools").TOOLS
