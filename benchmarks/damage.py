"""How long a run looks for damaged results, against the digests of all files by `sha256sum`.

Results are made up: as many files, by themselves and in folders of jobs, as a run of the default
configuration leaves. The reference reads them all, from the page cache. Beside it stands what
reading all takes here, as `redwood artefacts check` does.

    python benchmarks/damage.py [--quick] [RESULTS]
"""

import argparse
import json
import os
import platform as machine
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.outputs import DIGESTS, writing, writing_folder
from redwood.runs.damage import Digests, find_damage

# Of the default configuration.
FOLDERS, IN_FOLDER, ALONE = 150, 9, 170
BYTES, QUICK_BYTES = 600_000, 60_000
TIMES = 5


def make(results: Path, size: int) -> None:
    """Results of about this many bytes a file."""
    (results / DIGESTS).mkdir(parents=True)
    for number in range(FOLDERS):
        with writing_folder(results / f"runs/{number}") as folder:
            for file in range(IN_FOLDER):
                (folder / f"{file}.parquet").write_bytes(os.urandom(size))
    for number in range(ALONE):
        with writing(results / f"tables/{number}.csv") as partial:
            partial.write_bytes(os.urandom(size))


def look(results: Path, afresh: bool) -> tuple[float, int]:
    """Seconds that it takes to look for damage, and the number of files that are intact."""
    begin = time.perf_counter()
    digests = Digests(results, afresh)
    found = find_damage(results, digests)
    digests.save()
    if found.files or found.added:
        sys.exit(f"{results}: damaged: {found.files | found.added}")
    return time.perf_counter() - begin, len(found.intact)


def reference(results: Path) -> float:
    """Seconds that sha256sum takes for the same files."""
    files = [path for path in results.rglob("*") if path.is_file() and DIGESTS not in path.parts]
    begin = time.perf_counter()
    subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the bytes")
    parser.add_argument("results", nargs="?", type=Path, help="of a finished run; else made up")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = arguments.results
        if results is None:
            results = Path(folder, "made")
            make(results, QUICK_BYTES if arguments.quick else BYTES)
        first, files = look(results, afresh=True)
        size = sum(path.stat().st_size for path in results.rglob("*") if path.is_file())
        by_sha256sum = min(reference(results) for _ in range(TIMES))
        everything = min(look(results, afresh=True)[0] for _ in range(TIMES))
        seconds = min(look(results, afresh=False)[0] for _ in range(TIMES))
    line = {
        "name": "damage",
        "value": round(seconds, 3),
        "unit": "s to look for damage in results of which nothing has changed",
        "reference": {"name": "sha256sum of all files", "value": round(by_sha256sum, 3)},
        "ratio": round(by_sha256sum / seconds, 1),
        "ratio_is": "how many times as long the reference takes",
        "reading_all_s": round(everything, 3),
        "first_time_s": round(first, 3),
        "files": files,
        "gb": round(size / 1e9, 2),
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
