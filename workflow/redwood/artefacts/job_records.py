"""Snakemake's own records: for each file that a job has written, which job and when."""

import json
from base64 import b64decode, urlsafe_b64decode
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood.errors import InputError

METADATA = Path(".snakemake/metadata")
# As Snakemake 9.27 writes them; another format may mean something else by the same keys.
FORMAT = 6
# Its digest of a job for which it has made no environment: MD5 of nothing.
_NO_SOFTWARE = "d41d8cd98f00b204e9800998ecf8427e"


@dataclass(frozen=True)
class JobRecord:
    """The job that has written a file.

    Attributes:
        rule: its rule.
        inputs: what it read, relative to the project unless it lies elsewhere.
        logs: its log files.
        command: its shell line.
        parameters: its parameters, as Python prints them.
        pins: its environment as in `envs/`, YAML; empty if it has none.
        by_conda: whether conda made that environment; otherwise the run's own Python served.
        start, end: seconds since 1970; from when it was handed to where it ran, until the file was
            last written.
        written: all files that the same job has recorded, in order.
    """

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


class JobRecords:
    """The records in a project's `.snakemake/metadata`, by the path of the file written.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(
                f"{folder}: no such folder, expected Snakemake's records of its jobs, which it "
                "keeps there unless told --persistence-backend db"
            )
        self._folder = folder
        self._contents = {
            path: content
            for file in sorted(folder.rglob("*"))
            if file.is_file()
            and (path := _path_of(file.relative_to(folder))) is not None
            and (content := _content(file)) is not None
        }
        self._written = defaultdict(list)
        for path, content in sorted(self._contents.items()):
            self._written[_job(content)].append(path)

    def get(self, path: str) -> JobRecord | None:
        """The job that has written `path`; `None` where no record says.

        Raises:
            InputError: the record is in another format than this version of Snakemake's.
        """
        content = self._contents.get(path)
        if content is None:
            return None
        version = content.get("record_format_version")
        if version != FORMAT:
            raise InputError(
                f"{self._folder}: the record of {path} has format {version!r}, expected {FORMAT} "
                "(Snakemake 9.27); make the file anew with the locked Snakemake: --forcerun"
            )
        return JobRecord(
            rule=content["rule"],
            inputs=tuple(content["input"]),
            logs=tuple(content["log"]),
            command=" ".join(content["shellcmd"].split()),
            parameters=tuple(content["params"]),
            pins=b64decode(content["conda_env"] or "").decode(),
            by_conda=content["software_stack_hash"] != _NO_SOFTWARE,
            start=content["starttime"],
            end=content["endtime"],
            written=tuple(self._written[_job(content)]),
        )


def _path_of(name: Path) -> str | None:
    """The path that a record's name stands for; `None` for what a file system has put there.

    Long names are split into folders.
    """
    encoded = "".join(part.removeprefix("@") for part in name.parts)
    try:
        return urlsafe_b64decode(encoded).decode()
    except ValueError:
        return None


def _content(file: Path) -> dict[str, Any] | None:
    """What a record holds; `None` if its writing was cut off, which Snakemake passes over, too."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None


def _job(content: dict[str, Any]) -> tuple[str | None, str | None, int | None]:
    """What the records of one job's files have in common, and those of no other job."""
    return content.get("rule"), content.get("shellcmd"), content.get("job_hash")
