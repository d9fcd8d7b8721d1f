"""Reading what stages hand on to each other: JSON files, and whether a file is what was written."""

import json
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from redwood.errors import InputError
from redwood.outputs import CONTENTS, file_digest, kept_digest

# What to do about a file that cannot be read. It may be the only copy of somebody's data.
REMEDY = "if a run made it, make it again"

# A stage's folder holds files, or one folder of them for each seed.
_DEPTH = 2
_LISTED = re.compile(r"([0-9a-f]{64})  (.+)")


def read_json(path: str | Path, what: str) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        path: the file.
        what: what it should be, for the error message.

    Raises:
        InputError: the file is missing or damaged, is not JSON, or holds something else than an
            object.
    """
    try:
        content = json.loads(read_text(path))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such {what}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected a {what} in JSON") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a {what} in JSON: {error}; {REMEDY}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a {what}: expected a JSON object")
    return content


def read_text(path: str | Path) -> str:
    """The text of a file in UTF-8, which is as it was written.

    Raises:
        InputError: it is damaged.
        OSError, UnicodeDecodeError: it cannot be read, which callers put in words of their own.
    """
    require_intact(path)
    return Path(path).read_text(encoding="utf-8")


def require_intact(path: str | Path) -> None:
    """Make sure that a file, or all of a stage's folder, is as the stage wrote it.

    Files of which no digest was kept, such as your own, are not checked.

    Args:
        path: a file, or a folder with the list of its contents.

    Raises:
        InputError: a file is damaged or, of a folder, missing.
    """
    path = Path(path)
    if os.path.isdir(path):
        for name, digest in contents_of(path).items():
            _require_digest(path / name, digest, path / CONTENTS, _again(path))
        return
    # Whoever reads it says what else is wrong, such as a name that is too long.
    if not os.path.exists(path):
        return
    for folder in list(path.parents)[:_DEPTH]:
        listed = contents_of(folder).get(path.relative_to(folder).as_posix())
        if listed is not None:
            _require_digest(path, listed, folder / CONTENTS, _again(folder))
            return
    _require_kept(path, REMEDY)


def contents_of(folder: Path) -> dict[str, str]:
    """Relative path → digest of what a stage has written into a folder; none without its list.

    Raises:
        InputError: the list is damaged.
    """
    path = folder / CONTENTS
    if path.exists():
        _require_kept(path, _again(folder))
    return listed_digests(path)


def _require_kept(path: Path, remedy: str) -> None:
    """Make sure of a file of which a digest may be kept."""
    if (kept := kept_digest(path)) and kept[0].exists():
        digest = listed_digests(kept[0]).get(kept[1], "another file")
        _require_digest(path, digest, kept[0], remedy)


def _again(folder: Path) -> str:
    return f"make the folder {folder} again"


def _require_digest(path: Path, digest: str, told: Path, remedy: str) -> None:
    if not path.is_file():
        raise InputError(f"{path}: missing, though {told} lists it; {remedy}")
    found = _digest(path, *_state(path))
    if found != digest:
        raise InputError(
            f"{path}: damaged or edited: its SHA-256 is {found}, {told} has {digest}; {remedy}"
        )


def files_of(path: Path) -> Iterator[Path]:
    """The files of a result in order: itself, or those in it if it is a folder.

    Hidden ones are left out: marks and locks of Snakemake, and files that are being written.
    """
    if not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not entry.name.startswith("."):
            yield from files_of(entry)


def listed_digests(path: Path) -> dict[str, str]:
    """Relative path → digest of the files in a list as `sha256sum` writes it; none without a list.

    Raises:
        InputError: a line is not a digest and a path.
    """
    digests, unreadable = read_digests(path)
    if unreadable:
        raise InputError(
            f"{path}: damaged: expected a digest and a path in each line, but not in line "
            f"{unreadable[0]}; {_again(path.parent)}"
        )
    return digests


def read_digests(path: Path) -> tuple[dict[str, str], list[int]]:
    """The same, and the numbers of the lines that are not a digest and a path, or of a path twice.

    Raises:
        InputError: there is something else than a file, or one that may not be read.
    """
    try:
        return _listed(path, *_state(path))
    except (FileNotFoundError, NotADirectoryError):
        return {}, []
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


# A stage opens the same files again and again, for one column after the other: what has been read
# of a file holds as long as its size and times do.
def _state(path: Path) -> tuple[int, int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns


@lru_cache(maxsize=4096)
def _digest(path: Path, size: int, changed: int, touched: int) -> str:
    return file_digest(path)


@lru_cache(maxsize=64)
def _listed(path: Path, size: int, changed: int, touched: int) -> tuple[dict[str, str], list[int]]:
    digests: dict[str, str] = {}
    unreadable = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        match = _LISTED.fullmatch(line.decode("utf-8", "replace"))
        if match is None or match[2] in digests:
            unreadable.append(number)
        else:
            digests[match[2]] = match[1]
    return digests, unreadable
