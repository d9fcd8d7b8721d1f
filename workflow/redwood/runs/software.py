"""The software as it is cited, its versions and the machine; no name of a host or a user."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from redwood.errors import InputError

# What can change a number in a table, and Snakemake.
PACKAGES = (
    "snakemake", "numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "threadpoolctl", "torch",
    "ctgan", "rdt", "catboost", "duckdb", "simgrid", "matplotlib", "zstandard", "pydantic",
)  # fmt: skip


def package_versions() -> dict[str, str]:
    """Version of each of `PACKAGES` that this Python has."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """What this machine is, by the name of each property."""
    return {
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "operating system": f"{platform.system()} {platform.release()}",
        "C library": " ".join(platform.libc_ver()),
        "processor": _processor(),
    }


def _processor() -> str:
    """The processor's model, or its architecture where the system does not tell the model."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


@dataclass(frozen=True)
class Author:
    """Who made the software: a person, or an organisation."""

    name: str
    is_person: bool


@dataclass(frozen=True)
class Citation:
    """The software as it wants to be cited.

    Attributes:
        title: its name and what it is.
        version: its version.
        licence: an identifier of SPDX.
        authors: in order.
    """

    title: str
    version: str
    licence: str
    authors: tuple[Author, ...]


def read_citation(path: Path) -> Citation:
    """Read a file in the Citation File Format.

    Raises:
        InputError: the file is missing, or lacks one of the keys that are read.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Citation(
            str(content["title"]),
            str(content["version"]),
            str(content["license"]),
            tuple(_author(author) for author in content["authors"]),
        )
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected the citation of the software") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a citation in the Citation File Format: {reason}") from None


def _author(entry: dict[str, Any]) -> Author:
    """An organisation has a name, a person a given and a family name."""
    if "name" in entry:
        return Author(entry["name"], is_person=False)
    return Author(f"{entry['given-names']} {entry['family-names']}", is_person=True)
