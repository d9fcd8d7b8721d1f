"""Writing so that nothing is ever seen half-written: write beside, then rename."""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from redwood.errors import InputError

# In a folder that a stage writes: the digests of what is in it, in the format of `sha256sum`. So a
# copy is known to be one whatever its files' times, and damage shows when a file is read. What
# begins with `_` or `.` is no part of a table to pandas, pyarrow, DuckDB and Spark.
CONTENTS = "_contents.sha256"
# What earlier versions called it, which other readers took for a part of a table.
_EARLIER_CONTENTS = "contents.sha256"
# In the folder of a dataset: below it, `tables/table1.csv.sha256` is the same of the one file
# `tables/table1.csv`. The workflow makes it; elsewhere no digests are kept, nor of hidden files.
DIGESTS = ".digests"

# Endings that say a format.
_FORMATS: Final = (
    *(".arrow", ".csv", ".feather", ".gz", ".html", ".json", ".jsonl", ".md", ".parquet", ".tex"),
    *(".tsv", ".txt", ".xlsx", ".zip", ".zst"),
)

# Names of what is being written: of which machine, which start of it, which container's processes,
# and the process, with the time of its start, as numbers of processes come again.
_PARTIAL = re.compile(
    r"\..+\.(?P<machine>[0-9a-f]{8})(?P<start>[0-9a-f]{8})(?P<space>[0-9a-f]{4})"
    r"-(?P<process>\d+)-(?P<since>\d+)\.partial"
)
# No machine tells which processes another has; the longest jobs of clusters end sooner.
_ABANDONED_S = 14 * 86400


@contextmanager
def writing(path: str | os.PathLike, *, lasting: bool = True) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` once the block succeeds.

    The parent folder is made. If the block raises, the partial file and folders made for it are
    removed and whatever `path` held before stays as it was. Of a result its digest is kept, see
    `kept_digest`, unless it is not a lasting one.
    """
    path = Path(path)
    partial, made = _partial(path), _make_parents(path)
    try:
        yield partial
        _sync(partial)
        kept = kept_digest(path) if lasting else None
        digest = file_digest(partial) if kept else ""
        os.replace(partial, path)
        _sync(path.parent)
        if kept:
            write_text(kept[0], f"{digest}  {kept[1]}\n")
    except OSError as error:
        # What a full disk refuses has no name of its own.
        error.filename = error.filename or str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)
        _remove_empty(made)


@contextmanager
def writing_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yield an empty folder beside `path`; it replaces `path` once the block succeeds.

    With what the block wrote comes a list of its digests, see `write_contents`.

    Raises:
        InputError: `path` holds files that are no earlier result and would be lost.
    """
    path = Path(path)
    _require_replaceable(path)
    partial, made = _partial(path), _make_parents(path)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        write_contents(partial)
        for file in partial.rglob("*"):
            _sync(file)
        digest = file_digest(partial / CONTENTS)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        os.replace(partial, path)
        _sync(path.parent)
        if kept := kept_digest(path / CONTENTS):
            # Digests that its files had when they were written one by one.
            shutil.rmtree(kept[0].parent, ignore_errors=True)
            write_text(kept[0], f"{digest}  {kept[1]}\n")
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        _remove_empty(made)


def _make_parents(path: Path) -> list[Path]:
    """Make the folders in which something is to be; those that were not there, innermost first."""
    made = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    return made


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders that were made for what has not come."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def require_ending(path: str | os.PathLike, *endings: str) -> None:
    """Make sure that the name of what is to be written does not say another format.

    A name that says none will do.

    Args:
        path: the name.
        endings: those of the format; none for a folder.

    Raises:
        InputError: it says another.
    """
    path = Path(path)
    if path.suffix.lower() in _FORMATS and not path.name.endswith(endings):
        expected = f"a name that ends with {' or '.join(endings)}" if endings else "a folder's name"
        raise InputError(f"{path}: its ending is that of another format, expected {expected}")


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with writing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all. NaN and infinities are refused.

    Raises:
        InputError: the ending of `path` says another format.
    """
    require_ending(path, ".json")
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_contents(folder: str | os.PathLike) -> None:
    """Write `_contents.sha256` into `folder`: SHA-256 and relative path of each file below it."""
    folder = Path(folder)
    paths = {
        file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()
    }
    paths.pop(CONTENTS, None)
    lines = [f"{file_digest(paths[name])}  {name}\n" for name in sorted(paths)]
    write_text(folder / CONTENTS, "".join(lines))


def kept_digest(path: Path) -> tuple[Path, str] | None:
    """The file that keeps the digest of a result, and the name that `path` has in it.

    The file lists one digest in the format of `sha256sum`; the name is the path in the folder of
    the dataset. `None` if no digest is kept of this file.
    """
    for folder in path.parents:
        if (folder / DIGESTS).is_dir():
            name = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in name.parts)
            return None if hidden else (folder / DIGESTS / f"{name}.sha256", name.as_posix())
    return None


def is_abandoned(partial: Path) -> bool:
    """Whether a file or folder was being written by a process that has ended, however it did.

    What a process of another machine, or of another container here, was writing is abandoned if
    nothing in it has changed for two weeks. False for all that `writing` and `writing_folder` did
    not name.
    """
    name = _PARTIAL.fullmatch(partial.name)
    if name is None:
        return False
    machine, start, space = _here()
    if name["machine"] == machine:
        if name["start"] != start:
            return True
        if name["space"] == space and int(name["since"]):
            return _since(int(name["process"])) != int(name["since"])
    try:
        changed = max(path.lstat().st_mtime for path in (partial, *partial.rglob("*")))
    except FileNotFoundError:
        return False
    return time.time() - changed > _ABANDONED_S


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


def _partial(path: Path) -> Path:
    """Where this process writes what is to be `path`."""
    process = os.getpid()
    return path.with_name(
        f".{path.name}.{''.join(_here())}-{process}-{_since(process) or 0}.partial"
    )


@cache
def _here() -> tuple[str, str, str]:
    """Digests of this machine, of its present start, and of whose processes are seen here."""
    space = Path("/proc/self/ns/pid")
    told = (
        platform.node() + _text("/etc/machine-id"),
        _text("/proc/sys/kernel/random/boot_id"),
        os.readlink(space) if space.is_symlink() else "",
    )
    machine, start, space_digest = (hashlib.sha256(text.encode()).hexdigest() for text in told)
    return machine[:8], start[:8], space_digest[:4]


def _text(path: str) -> str:
    return Path(path).read_text() if os.path.exists(path) else ""


def _since(process: int) -> int | None:
    """When a process started, in ticks since the machine did; `None` if it has ended (Linux)."""
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(fields[18])


def _require_replaceable(folder: Path) -> None:
    """Raise an `InputError` if a folder holds a file of which no digest is kept."""
    known = {CONTENTS, _EARLIER_CONTENTS}
    for listed in (folder / CONTENTS, folder / _EARLIER_CONTENTS):
        if listed.is_file():
            known |= {line[66:] for line in listed.read_text(errors="replace").splitlines()}
    for file in sorted(folder.rglob("[!.]*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name not in known:
            if (kept := kept_digest(file)) and kept[0].is_file():
                continue
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
