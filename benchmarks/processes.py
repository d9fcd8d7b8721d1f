"""Commands of benchmarks in processes of their own: how long they take, and how much memory."""

import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import psutil

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
SAMPLED_S = 0.05


def redwood(*arguments: str | Path, log: Path | None = None) -> tuple[float, float]:
    """Seconds and peak GB of a command of redwood and of the processes it starts."""
    return python("-m", "redwood", *arguments, log=log)


def python(*arguments: str | Path, log: Path | None = None) -> tuple[float, float]:
    """Seconds and peak GB of Python with these arguments and of the processes it starts.

    What it says goes to standard error, or into the file `log`. It finds the library.
    """
    command = [sys.executable, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(WORKFLOW)}
    begin = time.perf_counter()
    with log.open("w") if log else nullcontext(sys.stderr) as said:
        process = psutil.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
        peak = 0
        while process.poll() is None:
            try:
                family = [process, *process.children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in family))
            except psutil.NoSuchProcess:
                pass
            time.sleep(SAMPLED_S)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}")
    return time.perf_counter() - begin, peak / 1e9
