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
    "paper": ("typst",),
    "docs": ("sphinx", "myst_parser", "furo", "docutils"),
    "learn": ("gymnasium", "stable_baselines3", "sb3_contrib"),
    "explore": ("bokeh", "tornado"),
    "sdv": ("sdv", "ctgan", "rdt", "copulas", "joblib"),
    "cluster": (
        "rocrate",
        "snakemake",
        "snakemake_interface_executor_plugins",
        "snakemake_interface_logger_plugins",
    ),
}

# What each is for.
PURPOSES = {
    "models": "training and sampling surrogates",
    "evaluation": "the measures that learn",
    "simulation": "simulating",
    "paper": "the PDF of a run's tables and figures",
    "docs": "the documentation as a site",
    "learn": "training agents to be the brokerage",
    "explore": "the page of `redwood explore`",
    "sdv": "the model `sdv`",
    "cluster": "the pipeline, on one machine and on Slurm; manifests",
}
# Those that the default configuration can be run without.
NOT_BY_DEFAULT = ("docs", "learn", "explore")


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
    how = how_to_get(package, extra)
    return f"{package} is not installed; it comes with the extra {extra!r}: {how}"


def how_to_get(package: str, extra: str) -> str:
    """The line that installs `package`, which `extra` brings."""
    # Not by its name, which the index of packages may know as another's.
    how = f"pip install '.[{extra}]' in REDWOOD's folder"
    if package == "simgrid":
        how = "python -m redwood.setup_simgrid (it compiles SimGrid, once: 4 to 12 minutes)"
    elif package in EXTRAS["sdv"]:
        how += " (its licence is the Business Source License 1.1: read it first)"
    return how
