"""What a manifest says about files: their sizes and digests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from redwood.artefacts.naming import ELSEWHERE, INPUT, MANIFEST
from redwood.errors import InputError
from redwood.inputs import read_json


@dataclass(frozen=True)
class Content:
    """The bytes of a file: how many, and their SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of a run, each by its name.

    Attributes:
        results: by path relative to the folder of the dataset.
        folders: those of the results that a job has written whole.
        inputs: by path relative to the project.
        elsewhere: inputs from outside the project, by a name.
        dumps: those of the inputs in the project that are raw records.
        commit: of the source; `None` if it was not known.
        changed: whether the source had changes that were not committed.
    """

    results: dict[str, Content]
    folders: tuple[str, ...]
    inputs: dict[str, Content]
    elsewhere: dict[str, Content]
    dumps: tuple[str, ...]
    commit: str | None
    changed: bool


def read_manifest(results: Path) -> Manifest:
    """The manifest in the folder of a dataset.

    Raises:
        InputError: there is none, or it is not one that this library has written.
    """
    path = results / MANIFEST
    content = read_json(path, "manifest")
    try:
        entities = {entity["@id"]: entity for entity in content["@graph"]}
        files = dict(_files(entities))
        folders = tuple(
            unquote(identifier)
            for identifier, entity in entities.items()
            if entity["@type"] == "Dataset" and identifier != "./" and identifier[0] != "#"
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a manifest as REDWOOD writes it: {error!r}") from None
    commits = [name for name in entities if name.startswith("swh:1:rev:")]
    return Manifest(
        results={name: one for name, one in files.items() if name[0] != "#" and ":" not in name},
        folders=folders,
        inputs=_named(files, INPUT),
        elsewhere=_named(files, ELSEWHERE),
        dumps=tuple(sorted(_dumps(entities))),
        commit=commits[0].removeprefix("swh:1:rev:") if commits else None,
        changed="#uncommitted" in entities,
    )


def _dumps(entities: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What was cleaned, and no fact of this project's."""
    for entity in entities.values():
        if entity["@type"] == "CreateAction" and entity["name"] == "records_clean_file":
            for used in entity["object"]:
                name = unquote(used["@id"])
                if name.startswith(INPUT) and not name.startswith(f"{INPUT}resources/"):
                    yield name.removeprefix(INPUT)


def _files(entities: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Content]]:
    for identifier, entity in entities.items():
        if "sha256" in entity and not identifier.startswith("swh:"):
            yield unquote(identifier), Content(int(entity["contentSize"]), str(entity["sha256"]))


def _named(files: dict[str, Content], prefix: str) -> dict[str, Content]:
    return {
        name.removeprefix(prefix): content
        for name, content in files.items()
        if name.startswith(prefix)
    }
