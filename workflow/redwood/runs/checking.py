"""Whether files still are what was written: results against their manifest, a bundle as a whole.

A bundle carries this module, with the ground that it stands on, for its own check: Python's
standard library is enough.
"""

import os
import re
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from redwood.errors import InputError
from redwood.inputs import files_of, read_digests, read_json
from redwood.outputs import file_digest, kept_digest
from redwood.runs.damage import Digests, find_damage

MANIFEST = "ro-crate-metadata.json"
CONFIGURATION = "configuration.json"
# Before the names of inputs, which lie outside the folder that a manifest describes: those in the
# project by their paths, others by their last parts.
INPUT = "#project/"
ELSEWHERE = "#elsewhere/"
# Of a bundle: the digests of all that is in it, the names of what is not, the run's report, and the
# source that made the results.
SUMS = "SHA256SUMS"
LEFT_OUT = "LEFT_OUT"
REPORT = "report.html"
SOURCE = "source.tar.gz"
# What its check needs of this library: Python's standard library is enough for these. As a whole
# package they come before one that is installed, which may be of another version.
LIBRARY = (
    *("__init__.py", "errors.py", "inputs.py", "outputs.py"),
    *(f"runs/{name}.py" for name in ("__init__", "checking", "damage")),
)
_ALWAYS = (
    *("README.md", "check", "check.py", LEFT_OUT, SOURCE),
    *(f"library/redwood/{name}" for name in LIBRARY),
)
# Aggregates, and what the release gate has cleared. Not here, because they hold rows of people's
# records or rows that were made to resemble them: dumps, records and their card, models, samples,
# shadow models, distances of single rows, simulated jobs, sites and flows by the hour.
_SHARED = (
    "tables/*",
    "figures/*",
    "evaluation/*/measures.json",
    "evaluation/*/columns.csv",
    "evaluation/*/association.parquet",
    "other_floors/other_floors.json",
    "simulation/platform.json",
    "simulation/calibration.csv",
    "simulation/outcomes.csv",
    "simulation/outcomes.json",
    "simulation/runs/*/*/summary.json",
    "simulation/runs/*/*/seed-*/summary.json",
    "simulation/engines/comparison.*",
    "simulation/engines/*/*/*/summary.json",
    "release/decisions/*/decision.json",
    "release/decisions/*/note.*",
    "release/decisions/*/published/*",
)

_REVISION = "swh:1:rev:"


@dataclass(frozen=True)
class Content:
    """The bytes of a file: how many, and their SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of a run, each by its name.

    Attributes:
        results: by path relative to the folder of the dataset.
        folders: those of the results that a job has written whole.
        inputs: by path relative to the project.
        elsewhere: inputs from outside the project, by a name.
        dumps: those of the inputs in the project that are raw records.
        commit: of the source; `None` if it was not known.
        changed: whether the source had changes that were not committed.
    """

    results: dict[str, Content]
    folders: tuple[str, ...]
    inputs: dict[str, Content]
    elsewhere: dict[str, Content]
    dumps: tuple[str, ...]
    commit: str | None
    changed: bool


_NOTHING = Manifest({}, (), {}, {}, (), None, False)


@dataclass
class Check:
    """What a check has found.

    Attributes:
        verified: files whose bytes are the ones that are named.
        findings: a line for each file that is missing, differs or was added.
        not_looked_for: inputs from outside the project of which nobody said where they are.
    """

    verified: int = 0
    findings: list[str] = field(default_factory=list)
    not_looked_for: list[str] = field(default_factory=list)

    def look(self, path: Path, name: str, content: Content) -> None:
        """Compare a file with what it was."""
        words = difference(path, content)
        if words is None:
            self.verified += 1
        else:
            self.findings.append(f"{name}: {words}")


def check(results: Path, elsewhere: Sequence[Path] = ()) -> Check:
    """Compare every file with what its job wrote, and with what the manifest names.

    All are read, and the next run makes again what is damaged. Before a run has ended for the first
    time there is no manifest to compare with.

    Args:
        results: the folder of a dataset, in `results/` of its project.
        elsewhere: folders with the inputs that lie outside the project.

    Raises:
        InputError: there is neither a manifest nor a digest of any file, or a file cannot be read.
    """
    digests, found = Digests(results, afresh=True), Check()
    damage = find_damage(results, digests)
    wrong = damage.files | damage.added
    if MANIFEST in wrong or ((wrong or damage.intact) and not (results / MANIFEST).exists()):
        manifest = _NOTHING
        # Its digest outlives it.
        if (kept := kept_digest(results / MANIFEST)) and kept[0].exists():
            wrong.setdefault(MANIFEST, "missing")
    else:
        manifest = read_manifest(results)
    for name, content in manifest.results.items():
        if words := difference(results / name, content, digests.of):
            wrong[name] = words
    for folder in manifest.folders:
        there = results / folder
        for file in files_of(there) if there.is_dir() else ():
            name = file.relative_to(results).as_posix()
            if name not in manifest.results:
                wrong[name] = "added after the run"
    digests.save()
    found.findings += [f"{name}: {words}" for name, words in sorted(wrong.items())]
    found.verified = len((manifest.results.keys() | damage.intact) - wrong.keys())
    project = results.resolve().parents[1]
    for name, content in manifest.inputs.items():
        found.look(project / name, f"input {name}", content)
    if elsewhere:
        _look_elsewhere(elsewhere, manifest.elsewhere, found)
    else:
        found.not_looked_for.extend(manifest.elsewhere)
    return found


def check_bundle(bundle: Path) -> Check:
    """Compare every file of an unpacked bundle with its digest, and the results with the manifest.

    Raises:
        InputError: a list of digests or the manifest is missing or is not one.
    """
    (sums, unreadable), found = read_digests(bundle / SUMS), Check()
    if not sums:
        raise InputError(
            f"{bundle / SUMS}: missing or not a list; without it nothing can be checked"
        )
    found.findings += [
        f"{SUMS}: line {number}: expected the digest of a file and its path, each file once"
        for number in unreadable
    ]
    for name, digest in sums.items():
        if words := _difference_in_bundle(bundle, name, digest):
            found.findings.append(f"{name}: {words}")
        else:
            found.verified += 1
    folders = {parent.as_posix() for name in sums for parent in Path(name).parents}
    for folder, subfolders, files in os.walk(bundle):
        for path in (Path(folder, name) for name in sorted([*subfolders, *files])):
            name = path.relative_to(bundle).as_posix()
            is_link = path.is_symlink()
            known = folders if path.is_dir() and not is_link else {*sums, SUMS}
            if name not in known or (name == SUMS and is_link):
                found.findings.append(f"{name}: not part of the bundle")
    return found if found.findings else _whole(bundle, sums, found)


def _difference_in_bundle(bundle: Path, name: str, digest: str) -> str:
    """How a file of a bundle differs from what was bundled; empty if it does not."""
    path = bundle / name
    if not path.is_relative_to(bundle) or ".." in path.parts:
        return "a path that leads out of the bundle"
    try:
        if any((bundle / one).is_symlink() for one in (Path(name), *Path(name).parents[:-1])):
            return "a link, expected a file"
        if not path.is_file():
            return "missing"
        return "" if file_digest(path) == digest else "changed"
    except (InputError, OSError) as error:
        return f"cannot be read: {error}"


def _whole(bundle: Path, sums: Collection[str], found: Check) -> Check:
    """Look for what a bundle must have, by its manifest, whatever its list of digests says."""
    results = bundled_results(bundle)
    manifest = read_manifest(results)
    expected = [*_ALWAYS, *(f"results/{results.name}/{name}" for name in (CONFIGURATION, MANIFEST))]
    if (
        LEFT_OUT in sums
        and f"\n{REPORT}: ".encode() not in b"\n" + (bundle / LEFT_OUT).read_bytes()
    ):
        expected.append(REPORT)
    found.findings += [
        f"{name}: neither here nor in {SUMS}, but part of every bundle"
        for name in expected
        if name not in sums
    ]
    for name, content in manifest.results.items():
        if f"results/{results.name}/{name}" not in sums:
            if is_shared(name):
                found.findings.append(
                    f"{results.name}/{name}: neither here nor in {SUMS}, but in the manifest"
                )
        elif file_digest(results / name) != content.sha256:
            found.findings.append(
                f"{results.name}/{name}: not what the manifest says the run has made"
            )
    try:
        with tarfile.open(bundle / SOURCE) as archive:
            commit = archive.pax_headers.get("comment")
    except (OSError, EOFError, tarfile.TarError, zlib.error):
        commit = None
    if commit != manifest.commit:
        found.findings.append(f"{SOURCE}: not of commit {manifest.commit}, which made the results")
    return found


def bundled_results(bundle: Path) -> Path:
    """The folder of the dataset in an unpacked bundle."""
    folders = [manifest.parent for manifest in bundle.glob(f"results/*/{MANIFEST}")]
    if len(folders) != 1:
        raise InputError(f"{bundle}: {len(folders)} manifests in results/*/, expected one")
    return folders[0]


def is_shared(name: str) -> bool:
    """Whether a result may leave the house, by its path in the folder of the dataset."""
    parts = without_training(name).split("/")
    return any(
        len(parts) == len(pattern.split("/")) and all(map(fnmatchcase, parts, pattern.split("/")))
        for pattern in _SHARED
    )


def difference(
    path: Path, content: Content, digest: Callable[[Path], str] = file_digest
) -> str | None:
    """In words, how a file, of which `digest` tells the SHA-256, differs; `None` if it does not.

    Raises:
        InputError: it cannot be read.
    """
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size < content.size:
        return f"truncated: {size:,} of {content.size:,} bytes"
    if size > content.size:
        return f"changed: {size:,} bytes, not {content.size:,}"
    if digest(path) != content.sha256:
        return f"changed: as many bytes ({size:,}), but others"
    return None


def without_training(name: str) -> str:
    """The path of a result without the folder of a further training: `trainings/2/…`."""
    return re.sub(r"^trainings/\d+/", "", name)


def read_manifest(results: Path) -> Manifest:
    """The manifest in the folder of a dataset, an RO-Crate.

    Raises:
        InputError: there is none, or it is not one that this library has written.
    """
    path = results / MANIFEST
    content = read_json(path, "manifest")
    try:
        entities = {entity["@id"]: entity for entity in content["@graph"]}
        files = {
            unquote(name): Content(int(entity["contentSize"]), str(entity["sha256"]))
            for name, entity in entities.items()
            if "sha256" in entity and not name.startswith("swh:")
        }
        folders = tuple(
            unquote(name)
            for name, entity in entities.items()
            if entity["@type"] == "Dataset" and name != "./" and name[0] != "#"
        )
        dumps = tuple(sorted(_dumps(entities)))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a manifest as REDWOOD writes it: {error!r}") from None
    commits = [name for name in entities if name.startswith(_REVISION)]
    return Manifest(
        results={name: one for name, one in files.items() if name[0] != "#" and ":" not in name},
        folders=folders,
        inputs=_with_prefix(files, INPUT),
        elsewhere=_with_prefix(files, ELSEWHERE),
        dumps=dumps,
        commit=commits[0].removeprefix(_REVISION) if commits else None,
        changed="#uncommitted" in entities,
    )


def _dumps(entities: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The inputs of cleaning, but for the facts of this project."""
    for entity in entities.values():
        if entity["@type"] == "CreateAction" and entity["name"] == "records_clean_file":
            for used in entity["object"]:
                name = unquote(used["@id"])
                if name.startswith(INPUT) and not name.startswith(f"{INPUT}resources/"):
                    yield name.removeprefix(INPUT)


def _with_prefix(files: dict[str, Content], prefix: str) -> dict[str, Content]:
    return {
        name.removeprefix(prefix): content
        for name, content in files.items()
        if name.startswith(prefix)
    }


def _look_elsewhere(folders: Iterable[Path], wanted: dict[str, Content], found: Check) -> None:
    """Look for inputs by their bytes: a manifest does not tell where they were."""
    sizes = {content.size for content in wanted.values()}
    there = {
        file_digest(file)
        for folder in folders
        for file in files_of(folder)
        if file.is_file() and file.stat().st_size in sizes
    }
    for name, content in wanted.items():
        if content.sha256 in there:
            found.verified += 1
        else:
            found.findings.append(f"input {name}: no file given has the bytes that were read")
