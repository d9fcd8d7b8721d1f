"""Reading what is evaluated: real and synthetic tables, and the real rows drawn for the floor."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation.contract import Samples
from redwood.names import nth_row
from redwood.seeds import generator
from redwood.tables import (
    DENSITIES,
    TableDescription,
    read_table,
    table_columns,
    to_numbers,
    to_scale,
)

# Synthetic rows are thinned to so much if three real samples of that size can then be drawn.
_MOST_KEPT = 0.99


@dataclass(frozen=True)
class RealRows:
    """The real rows that samples are measured by.

    Attributes:
        description: the features.
        train: (training rows) features.
        holdout: (holdout rows) features, in time order.
        train_units, holdout_units: the columns that name units, of the same rows; `None` where the
            table names none or one of the files lacks them.
    """

    description: TableDescription
    train: pd.DataFrame
    holdout: pd.DataFrame
    train_units: pd.DataFrame | None
    holdout_units: pd.DataFrame | None

    def draws(self, rows: int, random: np.random.Generator) -> list[pd.DataFrame]:
        """Two or three samples of as many training rows, which share none, in time order."""
        drawn = random.permutation(len(self.train))
        return [
            in_time_order(self.train.iloc[drawn[begin : begin + rows]], self.description)
            for begin in range(0, min(3, len(self.train) // rows) * rows, rows)
        ]

    def samples(
        self,
        synthetic: pd.DataFrame,
        draws: Sequence[pd.DataFrame],
        options: Evaluation,
        seed: int,
        **more: Any,
    ) -> Samples:
        """Synthetic rows, in time order, beside these, and real ones in their place."""
        fresh, *others = draws
        return Samples(
            description=self.description,
            train=self.train,
            holdout=self.holdout,
            synthetic=synthetic,
            fresh=fresh,
            others=tuple(others),
            target=options.target,
            groups=options.groups,
            seed=seed,
            target_class=options.target_class,
            conditionals=options.conditionals,
            train_units=self.train_units,
            holdout_units=self.holdout_units,
            **more,
        )


def read_real(table: Path, train: Path, holdout: Path, options: Evaluation) -> RealRows:
    """Read the rows that were learned from, and the holdout.

    Raises:
        InputError: as `evaluate`.
    """
    described = TableDescription.load(table)
    if "target" in options.model_fields_set:
        _require_target(described.only_features(), options.target, table)
    named = all(set(described.units) <= set(table_columns(path)) for path in (train, holdout))
    units = list(described.units) if named else []
    described = described.with_units() if named else described.only_features()
    features = described.only_features()
    names = [column.name for column in features.columns]
    known = read_rows(train, described, 4 * options.groups)
    unseen = in_time_order(read_rows(holdout, described, 2 * options.groups), features)
    return RealRows(
        features,
        known[names],
        unseen[names],
        known[units] if units else None,
        unseen[units] if units else None,
    )


def read_samples(
    table: Path,
    train: Path,
    holdout: Path,
    synthetic: Path,
    options: Evaluation,
    seed: int,
    previous: Path | None = None,
    densities: Path | None = None,
) -> tuple[Samples, dict[str, int]]:
    """Read the tables and draw the real rows that stand in for a perfect surrogate.

    The real samples, three where `train` has enough rows and two otherwise, have as many rows as
    the synthetic one and share none. Where `train` is too small even for two, or too small for
    three by a few rows, as after a split of 60 to 20 %, the synthetic rows are thinned.

    Returns:
        the samples, and how many rows each table has.
    """
    real = read_real(table, train, holdout, options)
    made = read_rows(synthetic, real.description, 2 * options.groups)
    released = [] if previous is None else [read_rows(previous, real.description, 1)]
    rows = sample_size(len(made), len(real.train))
    if rows < len(made):
        print(
            f"evaluates {rows} of {len(made)} synthetic rows: the floor takes "
            f"{len(real.train) // rows} samples of that size from the {len(real.train)} training "
            "rows",
            file=sys.stderr,
        )
    random = generator(seed, "evaluation")
    draws = real.draws(rows, random)
    chosen, left_out = np.split(random.permutation(len(made)), [rows])
    released += [made.iloc[left_out]] if len(left_out) else []
    samples = real.samples(
        in_time_order(made.iloc[chosen], real.description),
        draws,
        options,
        seed,
        earlier=pd.concat(released, ignore_index=True) if released else None,
        densities=(
            None if densities is None else _read_densities(densities, real.train, real.holdout)
        ),
    )
    given = {"train": len(real.train), "holdout": len(real.holdout), "synthetic": len(made)}
    return samples, given | ({} if previous is None else {"previous": len(released[0])})


def sample_size(synthetic: int, train: int) -> int:
    """How many synthetic rows are evaluated: all, or as many as real samples can have."""
    for_three = train // 3
    if _MOST_KEPT * synthetic <= for_three:
        return min(synthetic, for_three)
    return min(synthetic, train // 2)


def _require_target(description: TableDescription, target: str, table: Path) -> None:
    numeric = [column.name for column in description.numeric_features]
    if target in numeric:
        return
    problem = "a categorical feature" if target in description else "no feature"
    raise InputError(
        f"evaluation.target is {target!r}, which is {problem} of {table}; "
        f"expected one of {', '.join(numeric) or 'its numeric features, of which it has none'}"
    )


def read_rows(path: Path, description: TableDescription, least: int) -> pd.DataFrame:
    """A table with at least `least` rows, each of its numbers on the scale of its column."""
    frame = read_table(path, description)
    if len(frame) < least:
        raise InputError(
            f"{path}: {len(frame)} rows, expected at least {least}, "
            "in proportion to evaluation.groups, the groups of the intervals"
        )
    for column in description.numeric_features:
        numbers = to_numbers(frame[column.name], column)
        with np.errstate(invalid="ignore", divide="ignore"):
            off_scale = np.flatnonzero(~np.isfinite(to_scale(numbers, column)))
        if len(off_scale):
            wanted = " above -1, as its scale is log(1 + x)" if column.scale == "log" else ""
            raise InputError(
                f"{path}: {nth_row(off_scale[0])}: {column.name!r} is {numbers[off_scale[0]]:g}, "
                f"expected a finite number{wanted}"
            )
    return frame


def _read_densities(
    path: Path, train: pd.DataFrame, holdout: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """The log densities of the training and of the holdout rows, one for each row of theirs."""
    frame = read_table(path, DENSITIES)
    found = []
    for origin, rows in (("train", train), ("holdout", holdout)):
        values = frame.loc[frame["origin"] == origin, "log_density"].to_numpy(np.float64)
        if len(values) != len(rows):
            raise InputError(
                f"{path}: {len(values)} rows of origin {origin!r}, expected {len(rows)}, one for "
                f"each row of the {origin} table"
            )
        found.append(values)
    return found[0], found[1]


def in_time_order(frame: pd.DataFrame, description: TableDescription) -> pd.DataFrame:
    """The rows sorted by the first timestamp; as they are where there is none."""
    for column in description.features:
        if column.kind == "timestamp":
            order = np.argsort(to_numbers(frame[column.name], column), kind="stable")
            return frame.iloc[order].reset_index(drop=True)
    return frame.reset_index(drop=True)
