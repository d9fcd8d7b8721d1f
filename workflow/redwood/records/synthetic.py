"""The mark of generated dumps: which files are made up, so that nobody takes them for genuine."""

import json
from pathlib import Path
from typing import Any

from redwood.outputs import file_digest, write_json

MARKER = "_SYNTHETIC.json"


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
    """
    try:
        marker = json.loads((path.parent / MARKER).read_text(encoding="utf-8"))
        return marker["sha256"][path.name] == digest
    except (OSError, ValueError, KeyError, TypeError):
        return False
