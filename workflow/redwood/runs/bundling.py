"""The part of a run that may be given to a reviewer, in one archive that checks itself."""

import gzip
import hashlib
import zipfile
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import files_of, read_json
from redwood.outputs import file_digest, require_ending, writing
from redwood.runs.checking import (
    CONFIGURATION,
    LEFT_OUT,
    LIBRARY,
    MANIFEST,
    REPORT,
    SOURCE,
    SUMS,
    Manifest,
    check,
    is_shared,
    read_manifest,
    without_training,
)
from redwood.runs.comparing import OF_TIMES, PAPER
from redwood.runs.source_code import archive

_PACKAGE = Path(__file__).resolve().parents[1]
_BUNDLED = _PACKAGE / "runs/bundled"
# How the report was made, to which it has a link: Snakemake's own report.
_WORKFLOW = "workflow.html"
# Why files are left out.
_ROWS = "rows of records, or made from them; the manifest has its digest"
_TIMES = "tells of times, not of results"
_UNKNOWN = "no result that the manifest names"
# The earliest date that an archive can hold; with the present one, two bundles would differ.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """What is in an archive.

    Attributes:
        files: names, without the folder that all are in.
        left_out: name of each file of the run that is not in it → why.
    """

    files: tuple[str, ...]
    left_out: dict[str, str]

    @property
    def told(self) -> list[str]:
        """What is left out, in few lines: logs together, and results of one stage and one name."""
        groups: Counter[tuple[str, str]] = Counter()
        for name, why in self.left_out.items():
            folders, last = name.split("/")[:-1], name.split("/")[-1]
            if why == _TIMES:
                name = "/".join(folders[:3])
            elif len(folders) > 3:
                name = f"{'/'.join(folders[:3])}/…/{last}"
            groups[name, why] += 1
        return [
            f"left out: {name}{f' ({number} files)' * (number > 1)}: {why}"
            for (name, why), number in groups.items()
        ]


def bundle(results: Path, output: Path) -> Bundle:
    """Write the archive of a run; the same run gives the same bytes.

    Args:
        results: the folder of a dataset, in `results/` of its project.
        output: the archive to write (ZIP).

    Raises:
        InputError: results are not what their manifest says, or the source that made them is not
            a commit of the project; or the ending of `output` says another format.
    """
    require_ending(output, ".zip")
    manifest = read_manifest(results)
    faults = check(results).findings
    if faults:
        raise InputError(
            f"{results}: {len(faults)} files are not what the manifest says, first {faults[0]}; "
            "run the workflow, which makes them and the manifest again"
        )
    source = _source(results, manifest)
    files = {path.name: path.read_bytes() for path in sorted(_BUNDLED.iterdir()) if path.is_file()}
    for name in LIBRARY:
        files[f"library/redwood/{name}"] = (_PACKAGE / name).read_bytes()
    files[SOURCE] = gzip.compress(source, mtime=0)
    folder = f"results/{results.name}"
    names = [MANIFEST, CONFIGURATION, *(name for name in manifest.results if is_shared(name))]
    paper = [path.relative_to(results).as_posix() for path in sorted((results / PAPER).glob("*"))]
    why_no_paper = _why_not(results / PAPER / "paper.pdf", results, manifest)
    names += [] if why_no_paper else paper
    for name in names:
        files[f"{folder}/{name}"] = (results / name).read_bytes()
    left_out = {
        f"{folder}/{name}": why_no_paper if name in paper else _why_left_out(name, manifest)
        for name in sorted(path.relative_to(results).as_posix() for path in files_of(results))
        if name not in names
    }
    report = results.parent / REPORT
    if why := _why_not(report, results, manifest):
        left_out[REPORT] = why
    else:
        files[REPORT] = report.read_bytes()
        if _shows_tables(report.with_name(_WORKFLOW), results):
            files[_WORKFLOW] = report.with_name(_WORKFLOW).read_bytes()
    files[LEFT_OUT] = "".join(f"{name}: {why}\n" for name, why in left_out.items()).encode()
    files[SUMS] = _sums(files)
    _write(output, f"redwood-{results.name}", files)
    return Bundle(tuple(sorted(files)), left_out)


def _why_left_out(name: str, manifest: Manifest) -> str:
    if name in manifest.results:
        return _ROWS
    return _TIMES if without_training(name).split("/")[0] in OF_TIMES else _UNKNOWN


def _why_not(page: Path, results: Path, manifest: Manifest) -> str:
    """Why the report or the paper is left out, in words; empty if it is not.

    They show what is known of the records and tell where dumps lie.
    """
    source = read_json(results / CONFIGURATION, "configuration")["records"]["source"]
    if not page.is_file():
        return "not there"
    if manifest.elsewhere or source["files"] or source["bigpanda"]:
        return "describes records that are not public"
    shown = page.read_bytes()
    for table in sorted((results / "tables").glob("*.html")):
        if file_digest(table).encode() not in shown:
            return f"shows another {table.name} than these results have"
    return ""


def _shows_tables(page: Path, results: Path) -> bool:
    """Whether a report of Snakemake's is there and is of these results."""
    if not page.is_file():
        return False
    text = page.read_text(encoding="utf-8")
    tables = (results / "tables").glob("*.html")
    return all(b64encode(table.read_bytes()).decode() in text for table in tables)


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
