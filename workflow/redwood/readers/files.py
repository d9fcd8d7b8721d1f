"""Which files are dumps, and what reports call them; imports nothing that takes long."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from redwood import plugins
from redwood.errors import InputError

_SYSTEMS = "redwood.readers.systems"
FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".psv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".duckdb": "duckdb",
    ".classads": "classads",
    # Logs that a single system writes.
    **{
        ending: system
        for system in plugins.names(_SYSTEMS)
        for ending in plugins.constant(_SYSTEMS, system, "ENDINGS", ())
    },
}
COMPRESSIONS = (".gz", ".zst")
_NO_DATA = (".", "_")


def find_files(inputs: Sequence[str | Path]) -> list[Path]:
    """The dump files that files, folders (searched in depth) and globs stand for, without repeats.

    In a folder, and of what a glob matches, only files with a known ending count. Files and folders
    whose name begins with a dot or an underscore are about the data rather than data, as in
    Hadoop's file systems, and do not count there.

    Raises:
        InputError: an input does not exist, cannot be read, holds no dump, or is a file of unknown
            format.
    """
    found: dict[Path, Path] = {}
    for entry in inputs:
        try:
            files = _found(str(entry))
        except OSError as error:
            raise InputError(
                f"{error.filename or entry}: cannot be read: {error.strerror}"
            ) from None
        for file in files:
            found.setdefault(Path(os.path.realpath(file)), file)
    return list(found.values())


def _found(entry: str) -> list[Path]:
    path = Path(entry)
    if "\0" in entry or not entry:
        raise InputError(f"{entry!r}: no such file or folder")
    if path.is_dir():
        files = list(_inside(path))
        if not files:
            raise InputError(f"{path}: no dump in this folder; known endings: {_endings()}")
        return files
    if path.exists():
        if not path.is_file():
            raise InputError(f"{path}: is neither a file nor a folder")
        format_of(path)
        return [path]
    matches = [Path(match) for match in sorted(glob.glob(entry, recursive=True))]
    if not matches:
        raise InputError(f"{entry}: no such file or folder")
    files = []
    for match in matches:
        if match.is_dir():
            files += _inside(match)
        elif _is_dump(match.name):
            files.append(match)
    if not files:
        raise InputError(f"{entry}: no dump matches; known endings: {_endings()}")
    return files


def _inside(folder: Path) -> Iterator[Path]:
    """The dumps in a folder, in depth, in the order of their paths."""
    files, seen = [], set()
    for place, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
        # A link may lead to a folder that is searched anyway, or to one around it.
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(_NO_DATA)]
        files += [Path(place, name) for name in names if _is_dump(name)]
    yield from sorted(files)


def _raise(error: OSError) -> None:
    raise error


def short_names(paths: Sequence[Path]) -> list[str]:
    """For each path its shortest ending, in whole components, that no other path shares."""
    parts = [path.resolve().parts for path in paths]
    depths = [1] * len(parts)
    clashing = set(range(len(parts)))
    while clashing:
        endings: dict[tuple[str, ...], list[int]] = {}
        for number, own in enumerate(parts):
            endings.setdefault(own[-depths[number] :], []).append(number)
        clashing = {
            number
            for numbers in endings.values()
            if len(numbers) > 1
            for number in numbers
            if depths[number] < len(parts[number])
        }
        for number in clashing:
            depths[number] += 1
    return ["/".join(own[-depth:]) for own, depth in zip(parts, depths, strict=True)]


def format_of(path: Path) -> str:
    """The format of a dump by its ending, one of `FORMATS`.

    Raises:
        InputError: the ending is unknown.
    """
    form = FORMATS.get(Path(_bare(path.name)).suffix)
    if form is None:
        raise InputError(f"{path}: unknown format; known endings: {_endings()}")
    return form


def is_empty_part(path: Path) -> bool:
    """Whether a file is a part without rows of a table that Hadoop or Spark has written."""
    return path.parent.joinpath("_SUCCESS").exists() and path.is_file() and not path.stat().st_size


def _is_dump(name: str) -> bool:
    return not name.startswith(_NO_DATA) and Path(_bare(name)).suffix in FORMATS


def without_endings(name: str) -> str:
    """A dump's name without the endings of its format and compression."""
    bare = name[: len(_bare(name))]
    return Path(bare).stem if Path(bare).suffix.lower() in FORMATS else bare


def _bare(name: str) -> str:
    name = name.lower()
    for ending in COMPRESSIONS:
        name = name.removesuffix(ending)
    return name


def _endings() -> str:
    return f"{', '.join(FORMATS)}; text also with {' or '.join(COMPRESSIONS)}"
