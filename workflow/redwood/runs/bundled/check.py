#!/usr/bin/env python3
"""Checks this bundle: every file against its digest, and the results against their manifest.

./check                 whether all is as it was bundled (Python 3.11 or later is enough)
./check --rerun         makes the results again from the source here, and compares the tables
"""

import sys

# A reviewer's Python may be older than any that this library runs with.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("check needs Python 3.11 or later; 'sha256sum --check SHA256SUMS' does without Python")
# What lies beside this file is to be checked, not to stand in for a module.
if not sys.flags.safe_path:
    del sys.path[0]

import argparse
import filecmp
import hashlib
import json
import shlex
import subprocess
import tarfile
import tempfile
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent


def require_library(bundle: Path) -> None:
    """End unless all in `library/` is as it was bundled: nothing else of it may run."""
    try:
        listed = set((bundle / "SHA256SUMS").read_bytes().splitlines())
        there = {path for path in (bundle / "library").rglob("*") if not path.is_dir()}
        for path in there:
            name = path.relative_to(bundle).as_posix()
            line = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}".encode()
            if line not in listed:
                sys.exit(f"{name}: changed, or not part of the bundle; nothing can be checked")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}; without it nothing can be checked")


if __name__ == "__main__":
    require_library(BUNDLE)
sys.path.insert(0, str(BUNDLE / "library"))
sys.dont_write_bytecode = True

try:
    from redwood.errors import InputError
    from redwood.outputs import file_digest
    from redwood.runs.checking import (
        CONFIGURATION,
        LEFT_OUT,
        MANIFEST,
        SOURCE,
        SUMS,
        bundled_results,
        check_bundle,
        read_manifest,
    )
except ImportError as missing:
    sys.exit(f"library/: {missing}: a file of it is missing; without it nothing can be checked")


def main() -> int:
    """Check, and rerun if asked for; 0 if all is well, 1 if not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rerun", action="store_true", help="make the results again")
    parser.add_argument("--folder", type=Path, help="where to; a temporary folder by default")
    parser.add_argument("--cores", help="cores to use; all by default", default="all")
    parser.add_argument(
        "--command",
        default="./run",
        help="what runs the workflow in the unpacked source; ./run sets up an environment first "
        "(2 GB); 'snakemake' does where one with the locked packages is active",
    )
    options = parser.parse_args()
    try:
        if not check(BUNDLE):
            return 1
        if not options.rerun:
            return 0
        return rerun(BUNDLE, options.folder, shlex.split(options.command), options.cores)
    except (InputError, OSError) as error:
        print(error)
        return 1


def check(bundle: Path) -> bool:
    """Say what is wrong with a bundle or what was verified; whether all is well."""
    found = check_bundle(bundle)
    for line in found.findings:
        print(line)
    if found.findings:
        print(f"{len(found.findings)} faults: this is not what was bundled")
        return False
    results = bundled_results(bundle)
    manifest = read_manifest(results)
    here = sum((results / name).is_file() for name in manifest.results)
    print(
        f"{found.verified} files are as they were bundled ({SUMS} is {file_digest(bundle / SUMS)})"
    )
    print(f"{here} of them are results, as the manifest of the run says ({MANIFEST})")
    print(f"{SOURCE} is of commit {manifest.commit}, which made them")
    print(
        f"{len(manifest.results) - here} results that the manifest names are not here: records, "
        f"models, samples and jobs are not given away; {LEFT_OUT} names them, their digests are in "
        "the manifest"
    )
    return True


def rerun(bundle: Path, folder: Path | None, command: list[str], cores: str) -> int:
    """Make the results again in `folder`, compare the tables; 0 if they are the same in print.

    Without a folder in a new one for temporary files.
    """
    results = bundled_results(bundle)
    configuration = json.loads((results / CONFIGURATION).read_text(encoding="utf-8"))
    missing = dumps_needed(configuration)
    if missing:
        print(f"cannot be made again: the raw records are not here ({', '.join(missing)})")
        return 1
    folder = folder or Path(tempfile.mkdtemp(prefix="redwood-rerun-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        print(f"{folder}: not empty, expected a new folder")
        return 1
    with tarfile.open(bundle / SOURCE) as archive:
        # Pythons that know it warn without it.
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
    (folder / CONFIGURATION).write_bytes((results / CONFIGURATION).read_bytes())
    line = [*command, "--configfile", CONFIGURATION, "--cores", cores]
    print(f"in {folder}: {' '.join(map(shlex.quote, line))}", flush=True)
    status = subprocess.run(line, cwd=folder, check=False).returncode
    if status:
        print(f"the run failed with exit status {status}")
        return 1
    return compare_tables(results, folder / "results" / results.name)


def dumps_needed(configuration: dict) -> list[str]:
    """The raw records that the run has read and a rerun can neither make nor get."""
    source = configuration["records"]["source"]
    return [source["bigpanda"]["url"]] if source["bigpanda"] else source["files"]


def compare_tables(bundled: Path, again: Path) -> int:
    """Say how the tables of two runs compare; 0 if they are the same, at least in print."""
    names = sorted(path.name for path in (bundled / "tables").iterdir())
    same, differing, missing = filecmp.cmpfiles(
        bundled / "tables", again / "tables", names, shallow=False
    )
    for name in missing:
        print(f"{name}: was not made again")
    if len(same) == len(names):
        print("all tables are the same, byte for byte")
    if differing:
        print(f"other bytes: {', '.join(differing)}")
    printed = [name for name in differing if name.endswith(".md")]
    for name in printed:
        print(f"{name}: not the same in print, compare it with {again / 'tables' / name}")
    if differing and not (printed or missing):
        print("all tables are the same in print; only digits that are not printed differ")
    return 1 if printed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
