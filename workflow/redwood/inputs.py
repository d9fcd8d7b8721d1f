"""Reading what stages hand on to each other: JSON files, and whether a file is what was written."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from redwood.errors import InputError
from redwood.outputs import CONTENTS, file_digest

# What to do about a file that cannot be read. Nobody should delete a file of their own.
REMEDY = "if a run made it, delete it and run again"

# A stage's folder holds files, or one folder of them for each seed.
_DEPTH = 2


def read_json(path: str | Path, what: str) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        path: the file.
        what: what it should be, for the error message.

    Raises:
        InputError: the file is missing or damaged, is not JSON, or holds something else than an
            object.
    """
    require_intact(path)
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such {what}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected a {what} in JSON") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a {what} in JSON: {error}; {REMEDY}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a {what}: expected a JSON object")
    return content


def require_intact(path: str | Path) -> None:
    """Make sure that a file, or all of a stage's folder, is as the stage wrote it.

    Files that no stage's folder lists, such as your own, are not checked.

    Args:
        path: a file, or a folder with the list of its contents.

    Raises:
        InputError: a file is damaged or, of a folder, missing.
    """
    path = Path(path)
    if path.is_dir():
        for name, digest in listed_digests(path / CONTENTS).items():
            _require_digest(path / name, digest, path)
        return
    for folder in list(path.parents)[:_DEPTH]:
        listed = listed_digests(folder / CONTENTS).get(path.relative_to(folder).as_posix())
        if listed is not None and path.exists():
            _require_digest(path, listed, folder)


def _require_digest(path: Path, digest: str, folder: Path) -> None:
    again = f"delete the folder {folder} and make it again"
    if not path.is_file():
        raise InputError(f"{path}: missing, though {folder / CONTENTS} lists it; {again}")
    found = _digest(path, *_state(path))
    if found != digest:
        raise InputError(
            f"{path}: damaged or edited: its SHA-256 is {found}, {folder / CONTENTS} has {digest}; "
            f"{again}"
        )


def listed_digests(path: Path) -> dict[str, str]:
    """Relative path → digest of the files in a list as `sha256sum` writes it; none without a list.

    Raises:
        InputError: a line is not a digest and a path.
    """
    try:
        return _listed(path, *_state(path))
    except (FileNotFoundError, NotADirectoryError):
        return {}


# A stage opens the same files again and again, for one column after the other: what has been read
# of a file holds as long as its size and time do.
def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


@lru_cache(maxsize=4096)
def _digest(path: Path, size: int, time: int) -> str:
    return file_digest(path)


@lru_cache(maxsize=64)
def _listed(path: Path, size: int, time: int) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        pairs = [line.split("  ", maxsplit=1) for line in lines]
        return {name: digest for digest, name in pairs}
    except ValueError:
        raise InputError(
            f"{path}: damaged: expected a digest and a path in each line; delete the folder "
            f"{path.parent} and make it again"
        ) from None
