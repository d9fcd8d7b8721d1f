"""A conda channel of fabricated packages, which stand for what the environments name.

A package holds links to the same package of the environment that runs the tests, and needs what
that one needs. An environment made of them therefore imports what it lists and nothing else. Its
`python` is a virtual environment of the Python that runs the tests, called 3.11 whichever it is,
and writes down every command that it runs. What compiles SimGrid is not there: `pip` links the
SimGrid of the tests, `patchelf` writes down what it was told, the rest are empty.
"""

import hashlib
import io
import json
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler.platform import Subdir

from redwood import setup_simgrid

STAND_INS = Path(__file__).parent / "stand_ins"
PYPI_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "python-duckdb": "duckdb",
    "typst-py": "typst",
}
CONDA_NAMES = {pypi: conda for conda, pypi in PYPI_NAMES.items()}
PACKAGES = Path(f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages")


def pins(environment: Path) -> dict[str, str]:
    """Package → version as an environment's file pins it, empty where it does not."""
    dependencies = yaml.safe_load(environment.read_text())["dependencies"]
    return {name: version for name, _, version in (line.partition("=") for line in dependencies)}


def build_channel(folder: Path, environments: Iterable[Path]) -> None:
    """Fill `folder` with packages for `environments` on this platform, not indexed yet."""
    wanted = {name: pin for path in environments for name, pin in pins(path).items()}
    patchelf = {"bin/patchelf": (STAND_INS / "patchelf.sh").read_bytes()}
    fabricated = {
        "python": (f"{wanted['python']}.0", _python()),
        "pip": ("1.0", _pip()),
        "patchelf": ("1.0", patchelf),
    }
    compiling = {pin.partition("==")[0] for pin in setup_simgrid.TOOLS}
    for name in sorted({*wanted, *_needed(wanted)}):
        distribution = _distribution(name)
        if name in fabricated:
            version, content = fabricated[name]
            _pack(folder, name, version, [], content)
        elif name in compiling or distribution is None:
            _pack(folder, name, wanted.get(name) or "1.0", [], {f"share/{name}": b""})
        else:
            version = Version(distribution.version).public
            depends = ["python", *sorted(_requirements(distribution) - compiling)]
            _pack(folder, name, version, depends, links(distribution))
    (folder / "noarch").mkdir()


def links(distribution: metadata.Distribution) -> dict[str, Path]:
    """Path in an environment → the file or folder of the tests' environment that it links to.

    A folder is linked as a whole unless it holds other packages' files too.
    """
    owners = _owners()
    linked = set()
    for file in distribution.files or []:
        heads = ["/".join(file.parts[: depth + 1]) for depth in range(len(file.parts))]
        if heads[0] not in ("..", "__pycache__"):
            linked.add(next((head for head in heads if len(owners[head]) == 1), heads[-1]))
    return {f"{PACKAGES}/{path}": Path(distribution.locate_file(path)) for path in linked}


@cache
def _owners() -> dict[str, set[str]]:
    """Path of a file or folder in site-packages → the distributions that have files there."""
    owners = defaultdict(set)
    for distribution in metadata.distributions():
        name = distribution.name
        for file in distribution.files or []:
            for depth in range(1, len(file.parts) + 1):
                owners["/".join(file.parts[:depth])].add(name)
    return owners


def _needed(names: Iterable[str]) -> set[str]:
    """The conda names of all that `names` need, as their distributions' metadata says."""
    pending, found = list(names), set()
    while pending:
        distribution = _distribution(pending.pop())
        for name in _requirements(distribution) - found if distribution else ():
            found.add(name)
            pending.append(name)
    return found


def _distribution(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(PYPI_NAMES.get(name, name))
    except metadata.PackageNotFoundError:
        return None


def _requirements(distribution: metadata.Distribution) -> set[str]:
    required = map(Requirement, distribution.requires or [])
    names = {
        canonicalize_name(line.name)
        for line in required
        if line.marker is None or line.marker.evaluate({"extra": ""})
    }
    return {CONDA_NAMES.get(name, name) for name in names}


def _python() -> dict[str, bytes | Path]:
    program = Path(sys.executable).resolve()
    settings = f"home = {program.parent}\ninclude-system-site-packages = false\n"
    return {
        "bin/python": program,
        "pyvenv.cfg": settings.encode(),
        f"{PACKAGES}/record_command.py": (STAND_INS / "record_command.py").read_bytes(),
        f"{PACKAGES}/record_command.pth": b"import record_command\n",
    }


def _pip() -> dict[str, bytes | Path]:
    simgrid = metadata.distribution("simgrid")
    carried = {
        f"share/pip/simgrid=={simgrid.version}/{Path(path).name}": target
        for path, target in links(simgrid).items()
    }
    return {f"{PACKAGES}/pip/__main__.py": (STAND_INS / "pip.py").read_bytes(), **carried}


def _pack(
    folder: Path, name: str, version: str, depends: list[str], content: dict[str, bytes | Path]
) -> None:
    """Write one package, of files (bytes; programs in `bin`) and of links (paths)."""
    subdir = str(Subdir.current())
    archive = folder / subdir / f"{name}-{version}-0.tar.bz2"
    paths = [_described(path, source) for path, source in sorted(content.items())]
    index = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": depends,
        "subdir": subdir,
    }
    documents = {
        "info/index.json": index,
        "info/paths.json": {"paths": paths, "paths_version": 1},
    }
    content = content | {path: json.dumps(value).encode() for path, value in documents.items()}
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:bz2", compresslevel=1) as tar:
        for path, source in content.items():
            entry = tarfile.TarInfo(path)
            if isinstance(source, Path):
                entry.type, entry.linkname = tarfile.SYMTYPE, str(source)
                tar.addfile(entry)
            else:
                entry.size, entry.mode = len(source), 0o755 if path.startswith("bin/") else 0o644
                tar.addfile(entry, io.BytesIO(source))


def _described(path: str, source: bytes | Path) -> dict[str, str | int]:
    """The line of `info/paths.json` of a file or a link."""
    if isinstance(source, Path):
        return {"_path": path, "path_type": "softlink"}
    digest = hashlib.sha256(source).hexdigest()
    return {
        "_path": path,
        "path_type": "hardlink",
        "sha256": digest,
        "size_in_bytes": len(source),
    }
