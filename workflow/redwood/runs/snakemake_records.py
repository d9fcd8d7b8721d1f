"""What Snakemake remembers in `.snakemake`: for each file that a job has written, which and how."""

import json
import os
import time
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(".snakemake")
# As Snakemake 9.27 writes them; another format may mean something else by the same keys.
FORMAT = 6
# Its digest of a job for which it has made no environment: MD5 of nothing.
_NO_SOFTWARE = "d41d8cd98f00b204e9800998ecf8427e"
# Snakemake splits longer names.
_LONGEST_NAME = 254
# A younger record may be one that is being written.
_SETTLED_S = 60


@dataclass(frozen=True)
class JobRecord:
    """The job that has written a file.

    Attributes:
        format: version of the record's format; in another than `FORMAT` the rest may be wrong.
        rule: its rule.
        inputs: what it read, relative to the project unless it lies elsewhere.
        logs: its log files.
        command: its shell line.
        parameters: its parameters, as Python prints them.
        pins: its environment as in `envs/`, YAML; empty if it has none.
        by_conda: whether conda made that environment; otherwise the run's own Python served.
        start, end: seconds since 1970: from when it was sent to where it ran, until the file was
            last written.
        written: all files that the same job has recorded, in order.
    """

    format: int
    rule: str
    inputs: tuple[str, ...]
    logs: tuple[str, ...]
    command: str
    parameters: tuple[str, ...]
    pins: str
    by_conda: bool
    start: float
    end: float
    written: tuple[str, ...]


class SnakemakeRecords:
    """The records of jobs in Snakemake's folder. Nothing is written there.

    A record whose writing was cut off counts as none, as it does for Snakemake.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder

    @property
    def are_there(self) -> bool:
        """Whether Snakemake keeps records here at all."""
        return (self.folder / "metadata").is_dir()

    def of(self, path: str) -> JobRecord | None:
        """The job that has written the file `path`; `None` where no record says."""
        content = self._contents.get(path)
        if content is None:
            return None
        return JobRecord(
            format=content.get("record_format_version") or 0,
            rule=content.get("rule") or "",
            inputs=tuple(content.get("input") or ()),
            logs=tuple(content.get("log") or ()),
            command=content.get("shellcmd") or "",
            parameters=tuple(content.get("params") or ()),
            pins=b64decode(content.get("conda_env") or "").decode(),
            by_conda=content.get("software_stack_hash") != _NO_SOFTWARE,
            start=content.get("starttime") or 0.0,
            end=content.get("endtime") or 0.0,
            written=tuple(self._written[_job(content)]),
        )

    def is_incomplete(self, path: str) -> bool:
        """Whether the job that writes the file `path` was started and has not ended."""
        return record_file(self.folder / "incomplete", path).exists()

    @cached_property
    def _contents(self) -> dict[str, dict[str, Any]]:
        metadata = self.folder / "metadata"
        return {
            path: content
            for file in _files(metadata)
            if (path := _path_of(file.relative_to(metadata))) is not None
            and isinstance(content := _content(file), dict)
        }

    @cached_property
    def _written(self) -> dict[tuple[Any, ...], list[str]]:
        written = defaultdict(list)
        for path, content in sorted(self._contents.items()):
            written[_job(content)].append(path)
        return written


def record_file(folder: Path, path: str) -> Path:
    """Where Snakemake keeps what it says of the file `path`: the path in base64, split if long.

    Args:
        folder: `metadata` or `incomplete` in Snakemake's folder.
        path: the file as rules name it.
    """
    name = urlsafe_b64encode(path.encode()).decode()
    parts = [name[start : start + _LONGEST_NAME] for start in range(0, len(name), _LONGEST_NAME)]
    return folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])


def mark_damaged(folder: Path = FOLDER) -> None:
    """Turn records that a crash of the machine has cut off into marks of incomplete results.

    Snakemake ignores such a record and so would never again find its result out of date. It makes
    again what is marked as incomplete.
    """
    metadata = folder / "metadata"
    for file in _files(metadata):
        if time.time() - file.stat().st_mtime < _SETTLED_S or _content(file) is not None:
            continue
        mark = folder / "incomplete" / file.relative_to(metadata)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text("{}")
        os.remove(file)


def _files(metadata: Path) -> Iterator[Path]:
    return (file for file in sorted(metadata.rglob("*")) if file.is_file())


def _path_of(name: Path) -> str | None:
    """The path that a record's name stands for; `None` for what a file system has put there."""
    try:
        return urlsafe_b64decode("".join(part.removeprefix("@") for part in name.parts)).decode()
    except ValueError:
        return None


def _content(file: Path) -> Any:
    """What is in a record; `None` if its writing was cut off."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None


def _job(content: dict[str, Any]) -> tuple[Any, ...]:
    """What the records of one job's files have in common, and those of no other job."""
    return content.get("rule"), content.get("shellcmd"), content.get("job_hash")
