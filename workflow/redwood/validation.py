"""Checking what people write in configurations and scenarios; errors say what is allowed."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from redwood import plugins
from redwood.errors import InputError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """Keys and values that people write: every key known, no value changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SectionType = TypeVar("SectionType", bound=BaseModel)


def read_section(
    section: type[SectionType], content: dict[str, Any] | str, name: str
) -> SectionType:
    """One section of the configuration, from values or from the JSON text of a command line.

    Args:
        section: its class.
        content: its keys and values, or those as JSON.
        name: what error messages call it.

    Raises:
        InputError: a key or a value is wrong; one line names each, its value and what is allowed.
    """
    try:
        values = json.loads(content) if isinstance(content, str) else content
        return section.model_validate(values)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}: not JSON: {error}: {content!r}") from None
    except ValidationError as error:
        raise InputError(f"{name}: {'; '.join(problems(error, section))}") from None


def known_plugins(
    package: str, chosen: tuple[str, ...], others: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """`chosen`, if all are plug-ins of `package` or of `others` and none is chosen twice.

    Raises:
        ValueError: one is not; the message lists those there are.
    """
    available = (*plugins.names(package), *others)
    for name in chosen:
        if name not in available:
            raise ValueError(f"{name!r} is unknown; there are {', '.join(available)}")
        if chosen.count(name) > 1:
            raise ValueError(f"{name!r} is listed twice")
    return chosen


def problems(error: ValidationError, section: type[BaseModel], prefix: str = "") -> list[str]:
    """One text for each thing that is wrong: the key, its value and what is allowed."""
    found = []
    errors = error.errors(include_url=False)
    for problem in errors:
        # A list whose entries are wrong counts as too short besides.
        here = problem["loc"]
        if any(other["loc"][: len(here)] == here and other["loc"] != here for other in errors):
            continue
        key = ".".join([*([prefix] if prefix else []), *(str(part) for part in problem["loc"])])
        said = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            allowed = ", ".join(_siblings(section, problem["loc"])) or "none"
            found.append(f"{key}: unknown key (value {problem['input']!r}); allowed: {allowed}")
        elif problem["type"] == "model_type":
            found.append(f"{key} is {problem['input']!r}: expected keys and values".lstrip())
        elif isinstance(problem["input"], dict):
            found.append(f"{key}: {said}".removeprefix(": "))
        else:
            found.append(f"{key} is {problem['input']!r}: {said}")
    return found


def _siblings(section: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed where the unknown key at `location` in `section` stands."""
    for part in location[:-1]:
        # Numbers count the entries of a list, whose sections have been found by the list's key.
        if isinstance(part, str) and part in section.model_fields:
            section = next(_sections(section.model_fields[part].annotation), section)
    return list(section.model_fields)


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that stand in an annotation, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)
