"""Drawing rows from a trained model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outliers import collapsed
from redwood.outputs import require_ending, write_json
from redwood.surrogates.contract import load_surrogate
from redwood.table_formats import ENDINGS
from redwood.tables import write_table


def sample_model(
    folder: Path, rows: int, seed: int, output: Path, given: Mapping[str, str]
) -> dict[str, Any]:
    """Draw `rows` rows from the model in `folder` into the table `output`.

    The summary stands beside it, with the suffix `.json`; its `warnings` name columns that have
    collapsed.

    Returns:
        The summary.

    Raises:
        InputError: `folder` is no model, `rows` is below 1, the ending of `output` is no table's,
            or the model cannot condition on `given`.
    """
    require_ending(output, *ENDINGS)
    if rows < 1:
        raise InputError(f"rows is {rows}, expected at least 1")
    surrogate = load_surrogate(folder)
    for column in given:
        _ = surrogate.description[column]
    frame = surrogate.sample(rows, seed, given or None)
    write_table(frame, output, surrogate.description)
    summary = {
        "model": surrogate.name,
        "table": surrogate.description.name,
        "features": [column.name for column in surrogate.description.columns],
        "rows": len(frame),
        "seed": seed,
        "given": dict(given),
        "warnings": [] if given else _collapsed(frame, folder, surrogate.rows),
    }
    write_json(output.with_suffix(".json"), summary)
    return summary


def _collapsed(frame: pd.DataFrame, folder: Path, trained_on: int) -> list[str]:
    """The columns of a sample with fewer distinct values than it should have, by an order.

    Of n of the N training rows at random there are at least n/N of the distinct values that all
    have.
    """
    if not (folder / "train.json").exists():
        return []
    known = read_json(folder / "train.json", "summary of a training").get("distinct", {})
    share = min(1.0, len(frame) / trained_on)
    return collapsed(
        frame.nunique().to_dict(), {column: share * number for column, number in known.items()}
    )


def rows_at(load: float, folder: Path, given: Mapping[str, str]) -> int:
    """The number of rows at `load` times the density of the model's training rows.

    Raises:
        InputError: `folder` is no model, `load` is not positive or asks for less than one row, or
            the model cannot condition on `given`.
    """
    if not 0 < load < float("inf"):
        raise InputError(f"--load is {load}, expected a positive number")
    expected = load_surrogate(folder).expected_rows(given or None)
    rows = round(load * expected)
    if rows < 1:
        raise InputError(
            f"--load is {load}: of {expected} such rows that is less than one; expected more"
        )
    return rows


def parse_conditions(conditions: list[str]) -> dict[str, str]:
    """`column=value` words → column → value.

    Raises:
        InputError: a word has no `=`, or a column comes twice.
    """
    given: dict[str, str] = {}
    for condition in conditions:
        column, equals, value = condition.partition("=")
        if not column or not equals:
            raise InputError(f"--given is {condition!r}, expected column=value")
        if column in given:
            raise InputError(f"--given names the column {column!r} twice")
        given[column] = value
    return given
