"""The software and the machine: versions and the processor, no name of a host or a user."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# What can change a number in a table, and Snakemake.
PACKAGES = (
    "snakemake", "numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "threadpoolctl", "torch",
    "sdv", "copulas", "ctgan", "rdt", "imbalanced-learn", "catboost", "duckdb", "simgrid", "matplotlib", "zstandard", "pydantic",
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
