"""What Snakemake remembers of the jobs that made the results."""

import json
import os
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

# A younger record may be one that is being written.
_SETTLED_S = 60


@dataclass(frozen=True)
class Record:
    """How a file was made.

    Attributes:
        command: the shell line.
        inputs: the files that were read.
    """

    command: str
    inputs: tuple[str, ...]


class Records:
    """Snakemake's records in a folder; nothing is written there."""

    def __init__(self, folder: Path = Path(".snakemake")) -> None:
        self._folder = folder

    def of(self, path: str) -> Record | None:
        """How a file was made; `None` if it never was, or nobody knows."""
        try:
            content = json.loads(self._path("metadata", path).read_text("utf-8"))
            return Record(content["shellcmd"] or "", tuple(content["input"] or ()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_incomplete(self, path: str) -> bool:
        """Whether the job that makes a file was begun and not ended."""
        return self._path("incomplete", path).exists()

    def _path(self, kind: str, path: str) -> Path:
        """Snakemake's own naming: base64, cut where a file's name would be too long."""
        name, longest = urlsafe_b64encode(path.encode()).decode(), 254
        parts = [name[start : start + longest] for start in range(0, len(name), longest)]
        return self._folder.joinpath(kind, *(f"@{part}" for part in parts[:-1]), parts[-1])


def mark_damaged(folder: Path = Path(".snakemake")) -> None:
    """Turn records that a crash of the machine has cut off into marks of incomplete results.

    Snakemake passes over such a record, and so over what it says: a result would never be stale
    again. What is marked, Snakemake makes anew.
    """
    records, marks = folder / "metadata", folder / "incomplete"
    for path in records.rglob("*"):
        if not path.is_file() or time.time() - path.stat().st_mtime < _SETTLED_S:
            continue
        try:
            json.loads(path.read_text("utf-8"))
        except ValueError:
            mark = marks / path.relative_to(records)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_text("{}")
            os.remove(path)
