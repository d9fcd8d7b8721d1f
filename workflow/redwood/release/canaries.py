"""Planted canaries: made-up records, tasks and users, half of which a model is trained with.

Whether a sample gives away a real task or user cannot be seen from the rows alone: after a random
split the same tasks are in training and in the holdout. So units are made up in pairs, one of each
pair is planted among the training rows, and a shadow model, one of the same kind and with the same
options, is trained on those. If something tells planted units from the others in the shadow model's
sample, training in this way has given it away (N. Carlini et al., The Secret Sharer, arXiv
1802.08232, section 4; one training serves all canaries at once: T. Steinke et al., arXiv
2305.08846).

A canary is a real unit, or a run of its rows, moved to another time; how its rows belong together
is kept. Half of the pairs are left like that and are as easily told as real units are. The other
half is also recombined: each category becomes one of another row, and numbers are shifted so that
their median is the number of another row. Such a unit is like no other, which is hardest to keep
secret. In a table without a time all pairs are recombined.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.outputs import require_ending, write_json, writing_folder
from redwood.seeds import generator
from redwood.tables import (
    Column,
    TableDescription,
    from_numbers,
    from_scale,
    read_table,
    to_numbers,
    to_scale,
    write_table,
)

# The level whose units are single rows; every other is named as the column that names its units.
RECORD = "record"

CANARY = Column("canary", "categorical", role="auxiliary", meaning="the canary that the row is of")
LEVEL = Column("canary_level", "categorical", role="auxiliary", meaning="what a canary is one of")
PLANTED = Column("canary_planted", "integer", role="auxiliary", meaning="1 if it was, else 0")

# Planted rows of all levels per training row: more would make another table of it.
_MOST_PLANTED = 0.1


@dataclass(frozen=True)
class Planting:
    """Which canaries to make.

    Attributes:
        levels: `record`, or names of columns whose equal values make a unit.
        units: canaries of each level, half of them planted; fewer where these would have more than
            their part of a tenth of the training rows.
        most_rows: the most rows of a unit; a longer unit is cut to a run of that length.
    """

    levels: tuple[str, ...]
    units: int
    most_rows: int


def canary_description(description: TableDescription) -> TableDescription:
    """The features, and for each row which canary it is of and whether that was planted."""
    features = description.only_features()
    return TableDescription(features.name, (*features.columns, CANARY, LEVEL, PLANTED))


def plant(table: Path, train: Path, planting: Planting, seed: int, output: Path) -> dict[str, Any]:
    """Write training rows with canaries among them, and all canaries, into the folder `output`.

    A level whose column the table lacks has no canaries; `planting.json` says so.

    Args:
        table: the table's description.
        train: the training rows.
        planting: what to plant.
        seed: same seed, same canaries.
        output: the folder: `train.parquet` with the features only, `canaries.parquet` as
            `canary_description` says, `planting.json`.

    Returns:
        What `planting.json` holds: `rows`, how many there were and were planted, and `levels`, how
        many canaries (`units`) of how many rows each level has.

    Raises:
        InputError: a table cannot be read, or allows no canaries at all.
    """
    require_ending(output)
    full = TableDescription.load(table)
    features = full.only_features()
    rows = read_table(train, full)
    units = {level: _real_units(rows, level, full) for level in planting.levels}
    part = _MOST_PLANTED * len(rows) / max(1, sum(map(bool, units.values())))
    made = {
        level: _canaries(rows, real, features, planting, part, generator(seed, "canaries", level))
        for level, real in units.items()
    }
    canaries = [
        canary.assign(**{CANARY.name: f"{level} {number}", LEVEL.name: level})
        for level, of_level in made.items()
        for number, canary in enumerate(of_level)
    ]
    if not canaries:
        raise InputError(
            f"{train}: {len(rows)} rows are too few for canaries of {', '.join(planting.levels)}"
        )
    frame = pd.concat(canaries, ignore_index=True)
    names = [column.name for column in features.columns]
    planted = frame.loc[frame[PLANTED.name] == 1, names]
    together = pd.concat([rows[names], planted], ignore_index=True)
    order = generator(seed, "canaries", "order").permutation(len(together))
    summary = {
        "rows": {"train": len(rows), "planted": len(planted)},
        "levels": {
            level: {"units": len(of_level), "rows": sum(map(len, of_level))}
            for level, of_level in made.items()
        },
    }
    with writing_folder(output) as folder:
        write_table(together.iloc[order], folder / "train.parquet", features)
        write_table(frame, folder / "canaries.parquet", canary_description(full))
        write_json(folder / "planting.json", summary)
    return summary


def _canaries(
    rows: pd.DataFrame,
    units: list[np.ndarray],
    features: TableDescription,
    planting: Planting,
    most_planted: float,
    random: np.random.Generator,
) -> list[pd.DataFrame]:
    """Canaries made of the real units of a level, each a table of its rows, one of two planted.

    They are drawn until `most_planted` rows would be planted.
    """
    canaries: list[pd.DataFrame] = []
    planted_rows = 0
    timed = any(column.kind == "timestamp" for column in features.columns)
    for number in range(planting.units // 2 if units else 0):
        pair = [
            _run(units[random.integers(len(units))], planting.most_rows, random) for _ in range(2)
        ]
        planted_rows += len(pair[0])
        if planted_rows > most_planted:
            break
        for is_planted, chosen in zip((1, 0), pair, strict=True):
            canary = _moved(rows.iloc[chosen], rows, features, random)
            if number % 2 or not timed:
                canary = _recombined(canary, rows, features, random)
            canaries.append(canary.assign(**{PLANTED.name: is_planted}))
    return canaries


def _real_units(rows: pd.DataFrame, level: str, description: TableDescription) -> list[np.ndarray]:
    """The rows of each real unit of a level; none if the table does not tell its units apart."""
    if level == RECORD:
        return list(np.arange(len(rows))[:, None])
    if level not in description:
        return []
    groups = rows.groupby(level, sort=True, dropna=True).indices
    return [np.sort(found) for found in groups.values() if len(found) > 1]


def _run(unit: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    """A run of consecutive rows of a unit, at most `most` of them."""
    first = random.integers(max(0, len(unit) - most) + 1)
    return unit[first : first + most]


def _moved(
    unit: pd.DataFrame, rows: pd.DataFrame, features: TableDescription, random: np.random.Generator
) -> pd.DataFrame:
    """The unit's features at another time; what goes beyond the end goes on at the beginning."""
    moved = unit[[column.name for column in features.columns]].reset_index(drop=True)
    by = random.uniform()
    for column in features.columns:
        if column.kind != "timestamp":
            continue
        times = to_numbers(rows[column.name], column)
        low, span = times.min(), max(np.ptp(times), 1.0)
        own = to_numbers(moved[column.name], column)
        moved[column.name] = from_numbers(low + (own - low + by * span) % span, column)
    return moved


def _recombined(
    unit: pd.DataFrame, rows: pd.DataFrame, features: TableDescription, random: np.random.Generator
) -> pd.DataFrame:
    """The unit's features with categories of other rows, and numbers about those of other rows."""
    columns = {}
    for column in features.columns:
        values, others = unit[column.name], rows[column.name]
        if column.is_categorical:
            known = pd.unique(values)
            drawn = others.iloc[random.integers(len(rows), size=len(known))]
            columns[column.name] = values.map(dict(zip(known, drawn, strict=True)))
        elif column.kind == "timestamp":
            columns[column.name] = values
        else:
            own, ranged = (to_scale(to_numbers(v, column), column) for v in (values, others))
            set_off = own - np.median(own) + ranged[random.integers(len(rows))]
            numbers = from_scale(np.clip(set_off, ranged.min(), ranged.max()), column)
            columns[column.name] = from_numbers(numbers, column)
    return pd.DataFrame(columns)
