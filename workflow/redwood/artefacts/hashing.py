"""Digests of files, however large, and which files a result consists of."""

from collections.abc import Iterator
from pathlib import Path

from redwood.errors import InputError
from redwood.outputs import file_digest


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    try:
        return file_digest(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def files_of(path: Path) -> Iterator[Path]:
    """The files of a result in order: itself, or what lies in it if it is a folder.

    Hidden ones are left out: marks and locks of Snakemake, and what is being written.
    """
    if not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not entry.name.startswith("."):
            yield from files_of(entry)
