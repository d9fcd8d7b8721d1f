"""Who made the software and under which licence, from CITATION.cff."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood.errors import InputError


@dataclass(frozen=True)
class Author:
    """Who made the software: a person, or an organisation."""

    name: str
    is_person: bool


@dataclass(frozen=True)
class Citation:
    """The software as it wants to be cited.

    Attributes:
        title: its name and what it is.
        version: its version.
        licence: an identifier of SPDX.
        authors: in order.
    """

    title: str
    version: str
    licence: str
    authors: tuple[Author, ...]


def read_citation(path: Path) -> Citation:
    """Read a file in the Citation File Format.

    Raises:
        InputError: the file is missing, or lacks one of the keys that are read.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Citation(
            str(content["title"]),
            str(content["version"]),
            str(content["license"]),
            tuple(_author(author) for author in content["authors"]),
        )
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected the citation of the software") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a citation in the Citation File Format: {reason}") from None


def _author(entry: dict[str, Any]) -> Author:
    """An organisation has a name, a person a given and a family name."""
    if "name" in entry:
        return Author(entry["name"], is_person=False)
    return Author(f"{entry['given-names']} {entry['family-names']}", is_person=True)
