"""Packages that come only with an extra of the library, such as `redwood[simulation]`.

A stage imports such a package where it needs it, plainly. Whoever starts the stage, the command
line or the Python API, does so inside `explained()`, so that a missing package is answered with the
line that installs it.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from redwood.errors import InputError

# The modules that each extra of pyproject.toml brings, as they are imported.
EXTRAS: dict[str, tuple[str, ...]] = {
    "models": ("torch", "safetensors", "sklearn", "imblearn"),
    "evaluation": ("catboost",),
    "simulation": ("simgrid", "numba"),
    "sdv": ("sdv", "ctgan", "rdt", "copulas", "joblib"),
    "cluster": (
        "rocrate",
        "snakemake",
        "snakemake_interface_executor_plugins",
        "snakemake_interface_logger_plugins",
    ),
}


def require(module: str) -> ModuleType:
    """Import the module `module` that an extra brings.

    Raises:
        InputError: it is not installed; the message names the extra and how to install it.

    Example:
        >>> require("json").dumps([1])
        '[1]'
    """
    with explained():
        return importlib.import_module(module)


@contextmanager
def explained() -> Iterator[None]:
    """Turn a failed import of a package that an extra brings into an `InputError`.

    Other failed imports pass unchanged: they are errors of ours.

    Raises:
        InputError: the message names the package, the extra and how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = next((name for name, modules in EXTRAS.items() if package in modules), None)
        if extra is None:
            raise
        raise InputError(missing(package, extra)) from error


def missing(package: str, extra: str) -> str:
    """What to tell a user who lacks `package`, which `extra` brings."""
    how = f"pip install 'redwood[{extra}]'"
    if package == "simgrid":
        how = "python -m redwood.setup_simgrid (it compiles SimGrid, once: 4 to 12 minutes)"
    elif package in EXTRAS["sdv"]:
        how += " (its licence is the Business Source License 1.1: read it first)"
    return f"{package} is not installed; it comes with the extra {extra!r}: {how}"
