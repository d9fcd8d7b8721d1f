"""Scoring rows: what a trained model holds likely, for attacks on it and for comparisons."""

from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.names import nth_row
from redwood.surrogates.contract import load_surrogate
from redwood.tables import DENSITIES, read_table, write_table


def score_rows(folder: Path, train: Path, holdout: Path, output: Path) -> tuple[int, int]:
    """Write the log densities of training and holdout rows by the model in `folder`.

    Args:
        folder: the trained model.
        train: the rows that it learned from.
        holdout: rows of the same table that it never saw.
        output: the table to write, `redwood.tables.DENSITIES`: one row for each row of both, in
            their order.

    Returns:
        how many rows were scored, and how many of them are impossible to the model (−∞).

    Raises:
        InputError: `folder` is no model, the model has no density, or a table cannot be read.
    """
    surrogate = load_surrogate(folder)
    scored = []
    for origin, path in (("train", train), ("holdout", holdout)):
        rows = read_table(path, surrogate.description)
        densities = surrogate.log_density(rows)
        if np.isnan(densities).any():
            row = int(np.flatnonzero(np.isnan(densities))[0])
            raise InputError(f"{path}: {nth_row(row)}: {surrogate.name} has no density there")
        scored.append(pd.DataFrame({"origin": origin, "log_density": densities}))
    frame = pd.concat(scored, ignore_index=True)
    write_table(frame, output, DENSITIES)
    return len(frame), int(np.isneginf(frame["log_density"]).sum())
