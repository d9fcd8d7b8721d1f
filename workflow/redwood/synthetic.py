"""Generated dumps: what they are called, and the mark that tells them from genuine ones.

The workflow asks for the names before anything runs, so nothing here needs more than the options.
"""

import json
import math
from pathlib import Path
from typing import Any, Final

from redwood.configuration import Generate
from redwood.inputs import read_text
from redwood.outputs import file_digest, write_json

MARKER: Final = "_SYNTHETIC.json"
# One after another, so that the default run meets every reader.
FORMATS: Final = ("csv.gz", "csv.zst", "jsonl.gz", "json", "parquet")
_DAYS_PER_FILE = 30
_ROWS_PER_FILE = 400_000
# Rows for each user-analysis job that is asked for: other activities come on top.
_ROWS_PER_JOB = 1.6


def dump_names(options: Generate) -> tuple[str, ...]:
    """The names of the dumps in order of time; they follow from the options alone."""
    number = max(
        len(FORMATS),
        math.ceil(options.days / _DAYS_PER_FILE),
        math.ceil(options.jobs * _ROWS_PER_JOB / _ROWS_PER_FILE),
    )
    digits = max(2, len(str(number)))
    return tuple(
        f"jobs_{index + 1:0{digits}d}.{FORMATS[index % len(FORMATS)]}" for index in range(number)
    )


def format_of(name: str) -> str:
    """The format of a dump, one of `FORMATS`."""
    return name.partition(".")[2]


def write_marker(folder: Path, summary: dict[str, Any]) -> None:
    """Mark the dumps in `folder` as generated: every file's digest, beside the `summary`."""
    files = sorted(file for file in folder.iterdir() if file.name != MARKER)
    digests = {file.name: file_digest(file) for file in files}
    write_json(folder / MARKER, {"synthetic": True, **summary, "sha256": digests})


def is_synthetic(path: Path, digest: str) -> bool:
    """Whether a file was generated: named by the marker beside it, and unchanged since.

    Args:
        path: the file.
        digest: its SHA-256.

    Raises:
        InputError: the marker is damaged.
    """
    try:
        marker = json.loads(read_text(path.parent / MARKER))
        return marker["sha256"][path.name] == digest
    except (OSError, ValueError, KeyError, TypeError):
        return False
