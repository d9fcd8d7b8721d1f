"""The part of a run that may be given to a reviewer, in one archive that checks itself."""

import gzip
import hashlib
import zipfile
from base64 import b64encode
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import writing
from redwood.runs.checking import (
    CONFIGURATION,
    MANIFEST,
    SOURCE,
    SUMS,
    Manifest,
    check,
    read_manifest,
    without_training,
)
from redwood.runs.source_code import archive

# Aggregates, and what the release gate has cleared. Not here, because they hold rows of people's
# records or rows that were made to resemble them: dumps, records and their card, models, samples,
# shadow models, distances of single rows, simulated jobs, sites and flows by the hour.
_SHARED = (
    "tables/*",
    "figures/*",
    "evaluation/*/measures.json",
    "evaluation/*/columns.csv",
    "evaluation/*/association.parquet",
    "simulation/platform.json",
    "simulation/calibration.csv",
    "simulation/outcomes.csv",
    "simulation/outcomes.json",
    "simulation/runs/*/*/summary.json",
    "simulation/runs/*/*/seed-*/summary.json",
    "release/decisions/*/decision.json",
    "release/decisions/*/note.html",
    "release/decisions/*/note.md",
    "release/decisions/*/published/*",
)
_PACKAGE = Path(__file__).resolve().parents[1]
_BUNDLED = _PACKAGE / "runs/bundled"
# What the bundle's check needs of this library: Python's standard library is enough for these.
_LIBRARY = ("errors.py", "inputs.py", "outputs.py", "runs/checking.py")
# The earliest date that an archive can hold; with the present one, two bundles would differ.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """What is in an archive.

    Attributes:
        files: names, without the folder that all are in.
        left_out: a line for what could be expected in it and is not.
    """

    files: tuple[str, ...]
    left_out: tuple[str, ...]


def bundle(results: Path, output: Path) -> Bundle:
    """Write the archive of a run; the same run gives the same bytes.

    Args:
        results: the folder of a dataset, in `results/` of its project.
        output: the archive to write (ZIP).

    Raises:
        InputError: results are not what their manifest says, or the source that made them is not
            a commit of the project.
    """
    manifest = read_manifest(results)
    faults = check(results).findings
    if faults:
        raise InputError(
            f"{results}: {len(faults)} files are not what the manifest says, first {faults[0]}; "
            "run the workflow, which makes them and the manifest again"
        )
    source = _source(results, manifest)
    files = {path.name: path.read_bytes() for path in sorted(_BUNDLED.iterdir()) if path.is_file()}
    for name in _LIBRARY:
        files[f"library/redwood/{name}"] = (_PACKAGE / name).read_bytes()
    files[SOURCE] = gzip.compress(source, mtime=0)
    folder = f"results/{results.name}"
    names = [MANIFEST, CONFIGURATION, *(name for name in manifest.results if is_shared(name))]
    for name in names:
        files[f"{folder}/{name}"] = (results / name).read_bytes()
    report = results.parent / "report.html"
    missing = _why_not(report, results, manifest)
    if not missing:
        files["report.html"] = report.read_bytes()
    files[SUMS] = _sums(files)
    _write(output, f"redwood-{results.name}", files)
    return Bundle(tuple(sorted(files)), (f"{report}: {missing}",) if missing else ())


def is_shared(name: str) -> bool:
    """Whether a result may leave the house, by its path in the folder of the dataset."""
    parts = without_training(name).split("/")
    return any(
        len(parts) == len(pattern.split("/")) and all(map(fnmatchcase, parts, pattern.split("/")))
        for pattern in _SHARED
    )


def _why_not(report: Path, results: Path, manifest: Manifest) -> str:
    """Why the report is left out, in words; empty if it is not.

    A report shows the card of the records and tells where dumps lie.
    """
    source = read_json(results / CONFIGURATION, "configuration")["records"]["source"]
    if not report.is_file():
        return "not there"
    if manifest.elsewhere or source["files"] or source["bigpanda"]:
        return "left out, as it describes records that are not public"
    text = report.read_text(encoding="utf-8")
    for table in sorted((results / "tables").glob("*.html")):
        if b64encode(table.read_bytes()).decode() not in text:
            return f"left out, as it shows another {table.name} than these results have"
    return ""


def _source(results: Path, manifest: Manifest) -> bytes:
    """The source that made the results, as a tar archive, without any raw dump."""
    if manifest.commit is None:
        raise InputError(
            f"{results / MANIFEST}: the commit is not known, so there is no source to bundle; "
            "expected a run in a git checkout"
        )
    if manifest.changed:
        raise InputError(
            f"{results / MANIFEST}: the source of commit {manifest.commit[:12]} was changed and "
            "not committed; commit it, then make the manifest again: ./run --forcerun manifest"
        )
    return archive(results.resolve().parents[1], manifest.commit, without=manifest.dumps)


def _sums(files: dict[str, bytes]) -> bytes:
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


def _write(output: Path, folder: str, files: dict[str, bytes]) -> None:
    with writing(output) as partial, zipfile.ZipFile(partial, "w") as opened:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{name}", _DATE)
            entry.create_system = 3  # Unix, whose permissions follow
            entry.external_attr = (0o755 if name in ("check", "check.py") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(entry, files[name], compresslevel=9)
