"""What Snakemake remembers of the jobs that made the results."""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path


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
