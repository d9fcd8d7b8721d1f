"""Whether files still are what was written: results against their manifest, a bundle as a whole.

A bundle carries this module, with the ground that it stands on, for its own check: Python's
standard library is enough.
"""

import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from redwood.errors import InputError
from redwood.inputs import listed_digests, read_json
from redwood.outputs import file_digest

MANIFEST = "ro-crate-metadata.json"
CONFIGURATION = "configuration.json"
# Before the names of inputs, which lie outside the folder that a manifest describes: those in the
# project by their paths, others by their last parts.
INPUT = "#project/"
ELSEWHERE = "#elsewhere/"
# Of a bundle: the digests of all that is in it, and the source that made the results.
SUMS = "SHA256SUMS"
SOURCE = "source.tar.gz"

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
    """Compare every file that a manifest names with the file that is there.

    Args:
        results: the folder of a dataset, in `results/` of its project.
        elsewhere: folders with the inputs that lie outside the project.

    Raises:
        InputError: there is no manifest, or a file cannot be read.
    """
    manifest, found = read_manifest(results), Check()
    for name, content in manifest.results.items():
        found.look(results / name, name, content)
    for folder in manifest.folders:
        there = results / folder
        for file in files_of(there) if there.is_dir() else ():
            name = file.relative_to(results).as_posix()
            if name not in manifest.results:
                found.findings.append(f"{name}: added after the run")
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
    sums, found = listed_digests(bundle / SUMS), Check()
    if not sums:
        raise InputError(f"{bundle / SUMS}: missing; without it nothing can be checked")
    for name, digest in sums.items():
        if not (bundle / name).is_file():
            found.findings.append(f"{name}: missing")
        elif file_digest(bundle / name) != digest:
            found.findings.append(f"{name}: changed")
        else:
            found.verified += 1
    for path in sorted(bundle.rglob("*")):
        name = path.relative_to(bundle).as_posix()
        if path.is_file() and name not in {*sums, SUMS} and "__pycache__" not in path.parts:
            found.findings.append(f"{name}: not part of the bundle")
    if found.findings:
        return found
    results = bundled_results(bundle)
    manifest = read_manifest(results)
    for name, content in manifest.results.items():
        if (results / name).is_file() and file_digest(results / name) != content.sha256:
            found.findings.append(
                f"{results.name}/{name}: not what the manifest says the run has made"
            )
    with tarfile.open(bundle / SOURCE) as archive:
        if archive.pax_headers.get("comment") != manifest.commit:
            found.findings.append(
                f"{SOURCE}: not of commit {manifest.commit}, which made the results"
            )
    return found


def bundled_results(bundle: Path) -> Path:
    """The folder of the dataset in an unpacked bundle."""
    folders = [manifest.parent for manifest in bundle.glob(f"results/*/{MANIFEST}")]
    if len(folders) != 1:
        raise InputError(f"{bundle}: {len(folders)} manifests in results/*/, expected one")
    return folders[0]


def difference(path: Path, content: Content) -> str | None:
    """In words, how a file differs from what it was; `None` if it does not.

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
    if file_digest(path) != content.sha256:
        return f"changed: as many bytes ({size:,}), but others"
    return None


def files_of(path: Path) -> Iterator[Path]:
    """The files of a result in order: itself, or those in it if it is a folder.

    Hidden ones are left out: marks and locks of Snakemake, and files that are being written.
    """
    if not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not entry.name.startswith("."):
            yield from files_of(entry)


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
