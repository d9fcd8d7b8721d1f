"""What is damaged of the results: files that are no longer what the jobs wrote.

Each writer keeps the digest of what it has written, see `outputs`: `_contents.sha256` in a folder,
`.digests/PATH.sha256` of a file by itself and of each such list. To compare them all would read all
results; a file whose size and times are as when it was last read is not read again.
"""

import json
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import files_of, read_digests
from redwood.outputs import CONTENTS, DIGESTS, file_digest, write_text

_SEEN = f"{DIGESTS}/seen.json"
_SUFFIX = ".sha256"


class Digests:
    """Digests of the files of a dataset.

    Args:
        results: the folder of the dataset.
        afresh: read every file; otherwise those alone that have another size or time than when they
            were read last. The time of a file's last change, unlike that of its content, nobody
            can set, so only a fault of the disk itself passes unseen.
    """

    def __init__(self, results: Path, afresh: bool = False) -> None:
        self._results = results
        self._known = {} if afresh else _seen(results)
        self._now: dict[str, list[int | str]] = {}

    def of(self, path: Path) -> str:
        """The SHA-256 of a file below `results`, or of another one.

        Raises:
            InputError: it is missing or cannot be read.
        """
        if not path.is_relative_to(self._results) or not path.is_file():
            return file_digest(path)
        name, status = path.relative_to(self._results).as_posix(), path.stat()
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        for known in (self._now, self._known):
            match known.get(name):
                case [*before, str(digest)] if before == state:
                    break
        else:
            digest = file_digest(path)
        self._now[name] = [*state, digest]
        return digest

    def save(self) -> None:
        """Let the next run know what was read."""
        path = self._results / _SEEN
        if not path.parent.is_dir() or self._now == _seen(self._results):
            return
        # Where the disk is full or can only be read, the next one reads the files, too.
        with suppress(OSError):
            write_text(path, json.dumps(self._now))


@dataclass
class Damage:
    """What is no longer as it was written.

    Attributes:
        files: name in the folder of the dataset → what is wrong with it, in words.
        added: the same for files in a stage's folder that the stage did not write.
        folders: those that a list tells of.
        intact: names of the files that are as they were written.
    """

    files: dict[str, str] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    intact: set[str] = field(default_factory=set)

    def makers(self, name: str, outputs: Collection[str], results: Path) -> set[str]:
        """Those of `outputs` whose jobs write the file again: itself or a folder that it is in.

        Of a file that no rule names, such as a list, those that the same job has written: all of
        its folder, or the mark of the folder, `_….json`.
        """
        path, parent = f"{results}/{name}", str(Path(name).parent)
        found = {output for output in outputs if f"{path}/".startswith(f"{output}/")}
        return found or {
            output
            for output in outputs
            if Path(output).parent == results / parent
            and (parent in self.folders or Path(output).name.startswith("_"))
        }


def find_damage(results: Path, digests: Digests) -> Damage:
    """Compare each file of a dataset with the digest that was kept when it was written.

    A file by itself that is missing is no damage: Snakemake makes it again.
    """
    found, expected = Damage(), {}
    lists = {path.relative_to(results).as_posix() for path in _lists(results)}
    for path in sorted((results / DIGESTS).rglob(f"*{_SUFFIX}")):
        name = path.relative_to(results / DIGESTS).as_posix().removesuffix(_SUFFIX)
        if Path(name).name == CONTENTS and (results / name).parent.is_dir():
            lists.add(name)
        elif not os.path.lexists(results / name):
            continue
        expected[name] = _read(path)[0].get(name, "")
    for name in sorted(lists):
        folder, (listed, unreadable) = Path(name).parent, _read(results / name)
        found.folders.add(str(folder))
        words = _words(results / name, expected.pop(name), digests) if name in expected else ""
        if unreadable and not words:
            words = f"line {unreadable[0]} is not a digest and a path"
        if words:
            # What it tells of the folder's files cannot be relied on; they are made again with it.
            found.files[name] = words
            continue
        found.intact.add(name)
        expected |= {(folder / one).as_posix(): digest for one, digest in listed.items()}
        there = {path.relative_to(results).as_posix() for path in files_of(results / folder)}
        for file in sorted(there - {name, *((folder / one).as_posix() for one in listed)}):
            found.added[file] = "added to the folder after it was made: move it elsewhere"
    for name, digest in sorted(expected.items()):
        if words := _words(results / name, digest, digests):
            found.files[name] = words
        else:
            found.intact.add(name)
    return found


def _words(path: Path, digest: str, digests: Digests) -> str:
    """How a file differs from what was written; empty if it does not."""
    if path.is_dir():
        return "a folder, expected a file"
    if not path.is_file():
        return "missing"
    try:
        if digests.of(path) == digest:
            return ""
    except InputError as error:
        return str(error).removeprefix(f"{path}: ")
    if not digest:
        return f"its digest in {DIGESTS} cannot be read"
    return "changed since it was made" if path.stat().st_size else "empty"


def _lists(results: Path) -> Iterator[Path]:
    for path in results.rglob(CONTENTS):
        if not any(part.startswith(".") for part in path.relative_to(results).parts):
            yield path


def _read(path: Path) -> tuple[dict[str, str], list[int]]:
    """What can be read of a list, and which lines cannot."""
    try:
        return read_digests(path)
    except InputError:
        return {}, []


def _seen(results: Path) -> dict[str, list[int | str]]:
    """What was read last: nothing if that is damaged itself."""
    try:
        content = json.loads((results / _SEEN).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
