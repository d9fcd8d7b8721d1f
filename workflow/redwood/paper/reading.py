"""Reading what evaluation and simulation wrote."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.errors import InputError


def read_json(path: Path, what: str) -> Any:
    """The content of a JSON file.

    Raises:
        InputError: there is none, or it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such {what}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a {what} in JSON: {error}") from None


def read_parquet(path: Path, what: str) -> pd.DataFrame | None:
    """A table that a stage wrote; `None` if it left it out, as for a measure not applicable."""
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder of {what}")
    return pd.read_parquet(path) if path.exists() else None


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A CSV file with at least these columns.

    Raises:
        InputError: there is none, or a column is missing.
    """
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such table") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a CSV table: {error}") from None
    for column in columns:
        if column not in frame.columns:
            raise InputError(
                f"{path}: column {column!r} is missing; it has {', '.join(frame.columns)}"
            )
    return frame


def named_paths(arguments: Sequence[str], option: str) -> dict[str, Path]:
    """`name=path` arguments of the command line, in their order.

    Raises:
        InputError: one is not of that form, or two have the same name.
    """
    named: dict[str, Path] = {}
    for argument in arguments:
        name, separator, path = argument.partition("=")
        if not (name and separator and path):
            raise InputError(f"{option} is {argument!r}, expected MODEL=PATH")
        if name in named:
            raise InputError(f"{option}: {name!r} is given twice")
        named[name] = Path(path)
    return named
