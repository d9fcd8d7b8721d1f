"""The configuration as Snakemake reads it from files, for commands that run without Snakemake."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from redwood.configuration import Configuration, validate
from redwood.errors import InputError


def read_configuration(files: Sequence[Path]) -> Configuration:
    """The configuration of some files, each on top of those before it.

    Raises:
        InputError: a file cannot be read, or what it says is wrong.
    """
    content: dict[str, Any] = {}
    for file in files:
        content = _merged(content, _read(file))
    return validate(content, ", ".join(map(str, files)))


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` on top of `below`: sections are merged, lists and values replaced."""
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}: expected a configuration") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}: expected keys and values")
    return content
