"""Reading what evaluation and simulation wrote."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from redwood import tables
from redwood.errors import InputError
from redwood.inputs import REMEDY, require_intact
from redwood.names import nth_row


def read_parquet(path: Path, what: str, columns: Sequence[str], missing: str) -> pd.DataFrame:
    """These columns of a table that a stage wrote into a folder.

    Args:
        path: the table.
        what: what the folder is, for the message.
        columns: the columns to read.
        missing: what it means that the folder lacks the table, for the message.

    Raises:
        InputError: there is no such folder or table, it is damaged, is not parquet, or lacks a
            column.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder of {what}")
    if not path.exists():
        raise InputError(f"{path.parent}: has no {path.name}: {missing}")
    frame = tables.read_parquet(path)
    _require_columns(frame, path, columns)
    return frame[list(columns)]


def read_csv(
    path: Path, columns: Sequence[str], numbers: Sequence[str], may_be_empty: bool = False
) -> pd.DataFrame:
    """A CSV file with at least these columns, of which some hold numbers.

    Raises:
        InputError: there is none, it is damaged, a column is missing, or a value is no number; or
            it has no rows, unless it may have none.
    """
    require_intact(path)
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such table") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a CSV table: {error}; {REMEDY}") from None
    _require_columns(frame, path, columns)
    if frame.empty and not may_be_empty:
        raise InputError(f"{path}: the table has no rows")
    for column in numbers:
        values = pd.to_numeric(frame[column], errors="coerce")
        wrong = values.isna() & frame[column].notna()
        if wrong.any():
            row = int(wrong.argmax())
            raise InputError(
                f"{path}: {nth_row(row)}: {column} is {frame[column].iloc[row]!r}, expected a "
                "number"
            )
        frame[column] = values
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


def named_folders(folders: Sequence[Path]) -> dict[str, Path]:
    """Folders by their own names, which are those of the models.

    Raises:
        InputError: two have the same name.
    """
    named = folders_by_name(folders)
    for name, (first, *others) in named.items():
        if others:
            raise InputError(f"{others[0]}: model {name!r} is the one of {first} too")
    return {name: first for name, (first,) in named.items()}


def folders_by_name(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """All folders of each name, in their order.

    Raises:
        InputError: a folder is given twice.
    """
    named: dict[str, list[Path]] = {}
    seen = set()
    for folder in folders:
        # Of `.` or `a/..` the name shows only once resolved.
        path = folder.resolve()
        if path in seen:
            raise InputError(f"{folder}: is given twice")
        seen.add(path)
        named.setdefault(path.name, []).append(folder)
    return named


def _require_columns(frame: pd.DataFrame, path: Path, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in frame.columns:
            raise InputError(
                f"{path}: column {column!r} is missing; it has {', '.join(frame.columns)}"
            )
