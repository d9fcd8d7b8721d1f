"""The engines that can run a scenario. Each is one module; being here registers it by its name.

An engine says itself what it is:

* `TITLE`, what tables call it; `LICENCE`; `WHERE` to get it, in words;
* `EXECUTABLE`, the program that it needs, `None` if it is a part of REDWOOD;
* `ASKS_POLICIES`, whether it asks the policies of a scenario; one that decides by itself runs once
  whatever they are, and its run is called as it is, `redwood.configuration.policies_in`;
* `VERSIONS`, beginnings of the versions that are known to work, and `version(program)`, which one
  an executable is, `None` if that cannot be told;
* `left_out(scenario, environment)`, what of a scenario it cannot express, a sentence each: they go
  into the summary of a run, onto the terminal and into the comparison of engines;
* `simulate(case)`, which runs one seed and returns its log, see `redwood.simulation.case.Case`.
  It may import what it needs there; the module itself is light.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType

from redwood import plugins
from redwood.configuration import OURS
from redwood.errors import InputError
from redwood.programs import Program, find_program

__all__ = ["OURS", "Found", "find", "load", "require", "survey", "variable"]


@dataclass(frozen=True)
class Found:
    """An engine, and whether its program is there.

    Attributes:
        name, title, licence, where: as its module says.
        executable: what is looked for; `None` of one that needs no program.
        program: what was found, `None` if nothing was.
        version: of the program, `None` if it cannot be told.
        known: whether that version is known to work; `None` if it cannot be told.
        problem: why what was named cannot be used; empty if nothing is wrong.
    """

    name: str
    title: str
    licence: str
    where: str
    executable: str | None
    program: Program | None
    version: str | None
    known: bool | None
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Whether it can simulate here."""
        return self.executable is None or self.program is not None

    def __str__(self) -> str:
        """In one line: found or not, where, which version, or where to get it."""
        if self.executable is None:
            return f"{self.title}: {self.where}"
        if self.program is None:
            why = self.problem or f"no {self.executable} on the PATH"
            return f"{self.title}: {why}; {self.where} ({self.licence})"
        version = f"version {self.version}" if self.version else "version unknown"
        known = ", not one that is known to work" if self.known is False else ""
        return f"{self.title}: {self.program.place}, {version}{known}"


def load(name: str) -> ModuleType:
    """The module of an engine.

    Raises:
        InputError: there is no such engine; the message lists those there are.
    """
    return plugins.load(__name__, name)


def variable(name: str) -> str:
    """The variable of the environment that may say where the program of an engine is."""
    return f"REDWOOD_{name.upper()}"


def survey(programs: Mapping[str, str] = MappingProxyType({})) -> list[Found]:
    """All engines, and which of them can simulate here; for `redwood doctor`.

    Args:
        programs: engine → path of its program, or container image, as for `find`.
    """
    return [find(name, programs.get(name)) for name in plugins.names(__name__)]


def find(name: str, given: str | None = None, *, ask: bool = True) -> Found:
    """An engine, and whether its program is there.

    Args:
        name: of the engine.
        given: path of its program, or container image, instead of what the variable
            `REDWOOD_NAME` says, or else of one on the PATH.
        ask: whether the program is asked for its version.

    Raises:
        InputError: there is no such engine.
    """
    engine, program, version, problem = load(name), None, None, ""
    if engine.EXECUTABLE is not None:
        try:
            named = given or os.environ.get(variable(name)) or None
            program = find_program(engine.EXECUTABLE, named)
        except InputError as error:
            problem = str(error)
    if program is not None and ask:
        version = engine.version(program)
    return Found(
        name,
        engine.TITLE,
        engine.LICENCE,
        engine.WHERE,
        engine.EXECUTABLE,
        program,
        version,
        None if version is None else version.startswith(tuple(engine.VERSIONS)),
        problem,
    )


def require(name: str, given: str | None = None) -> Found:
    """An engine that can simulate here.

    Raises:
        InputError: there is no such engine, or its program is missing; it says where to get it.
    """
    found = find(name, given)
    if not found.usable:
        raise InputError(f"engine {name!r} is not there: {found}")
    return found
