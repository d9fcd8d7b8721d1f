"""Records of Snakemake's that a crash of the machine has damaged."""

import json
import os
import time
from pathlib import Path

# A younger record may be one that is being written.
_SETTLED_S = 60


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
