"""The configuration as Snakemake puts it together from files, for commands that run without it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redwood.cluster.reading import read_yaml
from redwood.configuration import Configuration, validate


def read_configuration(files: Sequence[Path]) -> Configuration:
    """The configuration of some files, each on top of those before it.

    Raises:
        InputError: a file cannot be read, or what it says is wrong.
    """
    content: dict[str, Any] = {}
    for file in files:
        content = _merged(content, read_yaml(file, "a configuration"))
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
