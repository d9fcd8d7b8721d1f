"""Which raw dumps a run reads: those that it makes or gets first, or those that are there."""

import os
from glob import glob
from pathlib import Path
from urllib.parse import urlsplit

from redwood.configuration import Source
from redwood.errors import InputError
from redwood.readers.files import find_files, short_names
from redwood.records.windows import file_names as bigpanda_names
from redwood.synthetic import dump_names


def raw_dumps(source: Source, folder: str) -> dict[str, str]:
    """Name → path of each dump.

    Args:
        source: where the configuration says that records come from.
        folder: where dumps lie that are made or got.

    Raises:
        InputError: a file is not there, and there is nothing to get instead of all of them.
    """
    if source.generate is not None:
        return {name: f"{folder}/generated/{name}" for name in dump_names(source.generate)}
    if source.bigpanda is not None:
        return {name: f"{folder}/bigpanda/{name}" for name in bigpanda_names(source.bigpanda)}
    there = files_there(source)
    missing = [pattern for pattern in source.files if pattern not in there]
    if not missing:
        paths = find_files(there)
        names = [name.replace("/", "__") for name in short_names(paths)]
        return dict(zip(names, map(str, paths), strict=True))
    if source.retrieve is not None and not there:
        name = retrieved_name(source.retrieve.url)
        return {name: f"{folder}/{name}"}
    raise InputError(
        f"records.source.files: nothing exists at {', '.join(missing)}; relative paths of a "
        f"configuration count from the project's root, {Path.cwd()}"
    )


def files_there(source: Source) -> list[str]:
    """Those of the configured files, folders and globs at which there is something."""
    return [pattern for pattern in source.files if glob(pattern, recursive=True)]


def retrieved_name(url: str) -> str:
    """The name under which a public trace is kept."""
    return os.path.basename(urlsplit(url).path)
