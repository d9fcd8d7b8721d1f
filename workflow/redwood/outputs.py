"""Writing so that nothing is ever seen half-written: write beside, then rename."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redwood.errors import InputError

# In a folder that a stage writes: the digests of what is in it, in the format of `sha256sum`. So a
# copy is known to be one whatever its files' times, and damage shows when a file is read.
CONTENTS = "contents.sha256"


@contextmanager
def writing(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` once the block succeeds.

    The parent folder is made. If the block raises, the partial file is removed and whatever `path`
    held before stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def writing_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yield an empty folder beside `path`; it replaces `path` once the block succeeds.

    With what the block wrote comes a list of its digests, see `write_contents`.

    Raises:
        InputError: `path` holds files that are no earlier result and would be lost.
    """
    path = Path(path)
    _require_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        write_contents(partial)
        for file in partial.rglob("*"):
            _sync(file)
        if path.exists():
            shutil.rmtree(path)
        os.replace(partial, path)
        _sync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with writing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all. NaN and infinities are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_contents(folder: str | os.PathLike) -> None:
    """Write `contents.sha256` into `folder`: SHA-256 and relative path of each file below it."""
    folder = Path(folder)
    paths = {
        file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()
    }
    paths.pop(CONTENTS, None)
    lines = [f"{file_digest(paths[name])}  {name}\n" for name in sorted(paths)]
    write_text(folder / CONTENTS, "".join(lines))


def file_digest(*paths: str | os.PathLike) -> str:
    """The SHA-256 of a file, as hexadecimal digits; of several files, one after the other.

    Raises:
        InputError: a file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with open(path, "rb") as stream:
                hashlib.file_digest(stream, lambda: digest)
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(f"{path}: no such file") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def _require_replaceable(folder: Path) -> None:
    """Raise an `InputError` if a folder holds a file that its list of digests does not know."""
    listed = folder / CONTENTS
    known = {CONTENTS}
    if listed.is_file():
        known |= {line[66:] for line in listed.read_text(errors="replace").splitlines()}
    for file in sorted(folder.rglob("[!.]*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name not in known:
            raise InputError(
                f"{file}: no earlier result, and {folder} is to be replaced: move it away, or name "
                "another folder"
            )


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, outlast a crash of the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems keep names at once and know no syncing of folders.
        if error.errno != errno.EINVAL or not path.is_dir():
            raise
    finally:
        os.close(descriptor)
