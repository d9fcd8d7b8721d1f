"""Files that a clock has dated wrongly."""

import os
import time
from collections.abc import Iterable
from pathlib import Path


def redate_future(folders: Iterable[Path]) -> None:
    """Give now as their time to the files below `folders` that are from the future.

    Snakemake fails a job whose result is older than what it read, as everything is that is made
    after a clock has jumped back. What a file's time was matters to nobody: its content counts.
    """
    now = time.time()
    for folder in folders:
        for path in folder.rglob("*"):
            if path.lstat().st_mtime <= now:
                continue
            try:
                os.utime(path, (now, now), follow_symlinks=False)
            except OSError:
                # Of what only can be read Snakemake itself says what is wrong.
                continue
