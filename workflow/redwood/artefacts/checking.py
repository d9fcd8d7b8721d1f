"""Whether results and inputs still are what the manifest says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redwood.artefacts.hashing import files_of, sha256
from redwood.artefacts.reading import Content, read_manifest


@dataclass
class Check:
    """What a check has found.

    Attributes:
        verified: files whose bytes are those that the manifest names.
        findings: a line for each that is missing, differs or was added.
        not_looked_for: inputs from outside the project of which nobody said where they are.
    """

    verified: int = 0
    findings: list[str] = field(default_factory=list)
    not_looked_for: list[str] = field(default_factory=list)


def check(results: Path, elsewhere: Sequence[Path] = ()) -> Check:
    """Compare every file that a manifest names with what is there.

    Args:
        results: the folder of a dataset, in `results/` of its project.
        elsewhere: folders with the inputs that lie outside the project.

    Raises:
        InputError: there is no manifest, or a file cannot be read.
    """
    manifest, found = read_manifest(results), Check()
    for name, content in manifest.results.items():
        _look(results / name, name, content, found)
    for folder in manifest.folders:
        there = results / folder
        for file in files_of(there) if there.is_dir() else ():
            name = file.relative_to(results).as_posix()
            if name not in manifest.results:
                found.findings.append(f"{name}: added after the run")
    project = results.resolve().parents[1]
    for name, content in manifest.inputs.items():
        _look(project / name, f"input {name}", content, found)
    if elsewhere:
        _look_elsewhere(elsewhere, manifest.elsewhere, found)
    else:
        found.not_looked_for.extend(manifest.elsewhere)
    return found


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
    if sha256(path) != content.sha256:
        return f"changed: as many bytes ({size:,}), but others"
    return None


def _look(path: Path, name: str, content: Content, found: Check) -> None:
    words = difference(path, content)
    if words is None:
        found.verified += 1
    else:
        found.findings.append(f"{name}: {words}")


def _look_elsewhere(folders: Iterable[Path], wanted: dict[str, Content], found: Check) -> None:
    """Look for inputs by their bytes: a manifest does not tell where they were."""
    sizes = {content.size for content in wanted.values()}
    there = {
        sha256(file)
        for folder in folders
        for file in files_of(folder)
        if file.is_file() and file.stat().st_size in sizes
    }
    for name, content in wanted.items():
        if content.sha256 in there:
            found.verified += 1
        else:
            found.findings.append(f"input {name}: no file given has the bytes that were read")
