"""The software as it is cited, its versions and the machine; no name of a host or a user."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from redwood.errors import InputError

# What can change a number in a table, and Snakemake.
PACKAGES = (
    *("snakemake", "numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "threadpoolctl", "torch"),
    *("sdv", "copulas", "ctgan", "rdt", "imbalanced-learn", "catboost", "duckdb", "simgrid"),
    *("matplotlib", "zstandard", "pydantic"),
)


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


def read_citation(path: Path) -> dict[str, Any]:
    """The software as it wants to be cited, from a file in the Citation File Format.

    Returns:
        `title`, `version`, `license` (an identifier of SPDX) and `authors`: organisations have a
        `name`, people `given-names` and `family-names`.

    Raises:
        InputError: the file is missing, or lacks one of these keys.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {key: content[key] for key in ("title", "version", "license", "authors")}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected the citation of the software") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a citation in the Citation File Format: {reason}") from None
