#!/usr/bin/env python3
"""Checks this bundle: every file against its digest, and the results against their manifest.

./check                 whether all is as it was bundled (Python's standard library is enough)
./check --rerun         makes the results anew from the source here, and compares the tables
"""

import argparse
import hashlib
import json
import shlex
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import unquote

BUNDLE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"
SOURCE = "source.tar.gz"
MANIFEST = "ro-crate-metadata.json"
CONFIGURATION = "configuration.json"
REVISION = "swh:1:rev:"


def main() -> int:
    """Check, and rerun if asked for; 0 if all is well, 1 if not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rerun", action="store_true", help="make the results anew")
    parser.add_argument("--folder", type=Path, help="where to; a temporary folder by default")
    parser.add_argument("--cores", help="cores to use; all by default", default="all")
    parser.add_argument(
        "--command",
        default="./run",
        help="what runs the workflow in the unpacked source; ./run sets up an environment first "
        "(2 GB); 'snakemake' does where one with the locked packages is active",
    )
    options = parser.parse_args()
    faults = check(BUNDLE)
    for fault in faults:
        print(fault)
    if faults:
        print(f"{len(faults)} faults: this is not what was bundled")
        return 1
    if not options.rerun:
        return 0
    folder = options.folder or Path(tempfile.mkdtemp(prefix="redwood-rerun-"))
    return rerun(BUNDLE, folder, shlex.split(options.command), options.cores)


def check(bundle: Path) -> list:
    """What is wrong with a bundle, a line each; says what was verified."""
    sums = read_sums(bundle)
    faults = []
    for name, digest in sums.items():
        path = bundle / name
        if not path.is_file():
            faults.append(f"{name}: missing")
        elif sha256(path) != digest:
            faults.append(f"{name}: changed")
    for path in sorted(bundle.rglob("*")):
        name = path.relative_to(bundle).as_posix()
        if path.is_file() and name not in sums and name != SUMS and "__pycache__" not in path.parts:
            faults.append(f"{name}: not part of the bundle")
    if faults:
        return faults
    results = results_of(bundle)
    told = manifest_digests(results)
    here = [name for name in told if (results / name).is_file()]
    faults = [
        f"{results.name}/{name}: not what the manifest says the run has made"
        for name in here
        if sha256(results / name) != told[name]
    ]
    commit = commit_of(results)
    with tarfile.open(bundle / SOURCE) as archive:
        if archive.pax_headers.get("comment") != commit:
            faults.append(f"{SOURCE}: not of commit {commit}, which made the results")
    if not faults:
        print(f"{len(sums)} files are as they were bundled ({SUMS} is {sha256(bundle / SUMS)})")
        print(f"{len(here)} of them are results, as the manifest of the run says ({MANIFEST})")
        print(f"{SOURCE} is of commit {commit}, which made them")
        print(
            f"{len(told) - len(here)} results that the manifest names are not here: records, "
            "models, samples and jobs are not given away; their digests are in the manifest"
        )
    return faults


def rerun(bundle: Path, folder: Path, command: list, cores: str) -> int:
    """Make the results anew in `folder` and compare the tables; 0 if they are the same in print."""
    results = results_of(bundle)
    configuration = json.loads((results / CONFIGURATION).read_text(encoding="utf-8"))
    missing = dumps_needed(configuration)
    if missing:
        print(f"cannot be made anew: the raw records are not here ({', '.join(missing)})")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        print(f"{folder}: not empty, expected a new folder")
        return 1
    with tarfile.open(bundle / SOURCE) as archive:
        # Pythons that know it warn without it.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **safely)
    (folder / CONFIGURATION).write_bytes((results / CONFIGURATION).read_bytes())
    line = run_line(command, cores)
    print(f"in {folder}: {' '.join(map(shlex.quote, line))}", flush=True)
    status = subprocess.run(line, cwd=folder, check=False).returncode
    if status:
        print(f"the run failed with exit status {status}")
        return 1
    return compare_tables(results, folder / "results" / results.name)


def run_line(command: list, cores: str) -> list:
    """The command line that makes all results anew."""
    return [*command, "--configfile", CONFIGURATION, "--cores", cores]


def dumps_needed(configuration: dict) -> list:
    """The raw records that the run has read and a rerun can neither make nor get."""
    source = configuration["records"]["source"]
    return [source["bigpanda"]["url"]] if source["bigpanda"] else source["files"]


def compare_tables(bundled: Path, again: Path) -> int:
    """Say how the tables of two runs compare; 0 if they are the same, at least in print."""
    differing = []
    for path in sorted((bundled / "tables").iterdir()):
        other = again / "tables" / path.name
        if not other.is_file():
            print(f"{path.name}: was not made again")
            return 1
        if sha256(path) != sha256(other):
            differing.append(path.name)
    if not differing:
        print("all tables are the same, byte for byte")
        return 0
    print(f"other bytes: {', '.join(differing)}")
    printed = [name for name in differing if name.endswith(".md")]
    for name in printed:
        print(f"{name}: not the same in print, compare it with {again / 'tables' / name}")
    if not printed:
        print("all tables are the same in print; only digits that are not printed differ")
    return 1 if printed else 0


def read_sums(bundle: Path) -> dict:
    """Name → digest, from the format of `sha256sum`."""
    try:
        lines = (bundle / SUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        sys.exit(f"{bundle / SUMS}: missing; without it nothing can be checked")
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def results_of(bundle: Path) -> Path:
    """The folder of the dataset."""
    (manifest,) = bundle.glob(f"results/*/{MANIFEST}")
    return manifest.parent


def entities(results: Path) -> list:
    """All that the manifest of the run, an RO-Crate, tells of."""
    return json.loads((results / MANIFEST).read_text(encoding="utf-8"))["@graph"]


def commit_of(results: Path) -> str:
    """The commit that made the results."""
    (name,) = (one["@id"] for one in entities(results) if one["@id"].startswith(REVISION))
    return name[len(REVISION) :]


def manifest_digests(results: Path) -> dict:
    """Path → digest of each file of the results."""
    return {
        unquote(entity["@id"]): entity["sha256"]
        for entity in entities(results)
        if "sha256" in entity and not entity["@id"].startswith(("#", "swh:"))
    }


def sha256(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while True:
            piece = stream.read(1 << 20)
            if not piece:
                return digest.hexdigest()
            digest.update(piece)


if __name__ == "__main__":
    sys.exit(main())
