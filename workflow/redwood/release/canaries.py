"""Planted canaries: made-up records, tasks and users, some of which a model is trained with.

Whether a sample gives away a real task or user cannot be seen from the rows alone: after a random
split the same tasks are in training and in the holdout. So units are made up in groups of eight, of
each group one is planted among the training rows, and a shadow model, one of the same kind and with
the same options, is trained on those. If something tells planted units from the others in the
shadow model's sample, training in this way has given it away (N. Carlini et al., The Secret Sharer,
arXiv 1802.08232, section 4; one training serves all canaries at once: T. Steinke et al., arXiv
2305.08846). Which of a group is planted is drawn by lot, so that without a leak nothing tells them
apart. Seven others for each planted one cost no training rows and make the attacker's threshold
sharper.

Units of one row are easily hidden where those of two hundred are not, so canaries are made in sizes
(`Planting.sizes`), and in kinds (`redwood.release.kinds`). What is planted keeps the columns that
name units, with made-up names: a canary of a unit has a name that no row had, the names of the
narrower units within it are new, too, and those of the wider ones are its source's. A canary record
keeps all names of its source.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.outputs import require_ending, write_json, writing_folder
from redwood.release.kinds import Maker
from redwood.seeds import generator
from redwood.tables import Column, TableDescription, read_table, write_table

# The level whose units are single rows; every other is named as the column that names its units.
RECORD = "record"

CANARY = Column("canary", "categorical", role="auxiliary", meaning="the canary that the row is of")
LEVEL = Column("canary_level", "categorical", role="auxiliary", meaning="what a canary is one of")
GROUP = Column("canary_group", "integer", role="auxiliary", meaning="of which one was planted")
KIND = Column("canary_kind", "categorical", role="auxiliary", meaning="how the canary was made")
PLANTED = Column("canary_planted", "integer", role="auxiliary", meaning="1 if it was, else 0")

# Canaries of a group, of which one is planted.
IN_GROUP = 8
# Rows that are planted of all levels, per training row: more would make another table of it.
_MOST_PLANTED = 0.1
# Of what a level may plant the part that its largest whole unit may be.
_OF_LARGEST = 20
# And the part that is kept for whole units, which have some more rows than is reckoned with.
_SPARE = 0.05


@dataclass(frozen=True)
class Planting:
    """Which canaries to make.

    Attributes:
        levels: `record`, or names of columns whose equal values make a unit.
        units: canaries of each level, one in eight of them planted; fewer where these would have
            more than their part of a tenth of the training rows.
        sizes: rows of the canaries of a unit, ascending.
    """

    levels: tuple[str, ...]
    units: int = 1800
    sizes: tuple[int, ...] = (1, 5, 20, 50, 200)

    def __post_init__(self) -> None:
        if not self.sizes or sorted(set(self.sizes)) != list(self.sizes) or self.sizes[0] < 1:
            raise InputError(
                f"sizes of canaries are {', '.join(map(str, self.sizes)) or 'none'}, expected "
                "numbers of rows from 1, ascending"
            )


def canary_description(description: TableDescription) -> TableDescription:
    """The features and unit columns, and for each row which canary it is of and how that came."""
    return TableDescription(
        description.name,
        (*description.with_units().columns, CANARY, LEVEL, GROUP, KIND, PLANTED),
        units=description.units,
    )


def plant(table: Path, train: Path, planting: Planting, seed: int, output: Path) -> dict[str, Any]:
    """Write training rows with canaries among them, and all canaries, into the folder `output`.

    A level whose column the table lacks has no canaries; `planting.json` says so.

    Args:
        table: the table's description.
        train: the training rows.
        planting: what to plant.
        seed: same seed, same canaries.
        output: the folder: `train.parquet` with the features and the columns that name units, in
            random order, `canaries.parquet` as `canary_description` says, `planting.json`.

    Returns:
        What `planting.json` holds: `rows`, how many there were and were planted, and `levels`, of
        each how many canaries (`units`, of which `planted`) of how many `rows` it has, and how many
        were planted by size (`sizes`) and by kind (`kinds`).

    Raises:
        InputError: a table cannot be read, or allows no canaries at all.
    """
    require_ending(output)
    full = TableDescription.load(table)
    described = full.with_units()
    rows = read_table(train, full)
    units = {level: _real_units(rows, level, full) for level in planting.levels}
    maker = Maker(rows[[column.name for column in described.columns]], described)
    taken = {name: set(rows[name].dropna()) for name in described.units}
    left = int(_MOST_PLANTED * len(rows))
    made: dict[str, list[pd.DataFrame]] = {}
    # Records first: what they leave of their part is for units, which have more rows.
    ordered = sorted(units, key=lambda level: (level != RECORD, planting.levels.index(level)))
    for place, level in enumerate(ordered):
        others = sum(bool(units[later]) for later in ordered[place:])
        random = generator(seed, "canaries", level)
        made[level] = _canaries(
            maker, units[level], level, planting, left // max(1, others), taken, random
        )
        left -= sum(len(canary) for canary in made[level] if canary[PLANTED.name].iloc[0])
    canaries = [
        canary.assign(**{CANARY.name: f"{level} {number}", LEVEL.name: level})
        for level in planting.levels
        for number, canary in enumerate(made[level])
    ]
    if not canaries:
        raise InputError(
            f"{train}: {len(rows)} rows are too few for canaries of {', '.join(planting.levels)}"
        )
    frame = pd.concat(canaries, ignore_index=True)
    names = [column.name for column in described.columns]
    planted = frame.loc[frame[PLANTED.name] == 1, names]
    together = pd.concat([rows[names], planted], ignore_index=True)
    order = generator(seed, "canaries", "order").permutation(len(together))
    summary = {
        "rows": {"train": len(rows), "planted": len(planted)},
        "levels": {level: _summary(made[level], planting.sizes) for level in planting.levels},
    }
    with writing_folder(output) as folder:
        write_table(together.iloc[order], folder / "train.parquet", described)
        write_table(frame, folder / "canaries.parquet", canary_description(full))
        write_json(folder / "planting.json", summary)
    return summary


def size_class(rows: int, sizes: Sequence[int]) -> int:
    """The largest of `sizes`, ascending, that a unit of so many rows reaches; else the least."""
    return max((size for size in sizes if size <= rows), default=sizes[0])


def allocate(sizes: Sequence[int], wanted: int, rows: int) -> dict[int, int]:
    """How many units of each size to plant within so many rows.

    Each size has an equal part of the rows, and none more units than its equal part of those
    wanted; what is left over goes to the smallest that lack some. Of units of one row, which are
    like single records, half as many will do where there are larger ones.

    Args:
        sizes: rows of the units of each size, ascending.
        wanted: units of all sizes.
        rows: the most rows of all planted units.
    """
    parts = {size: 0.5 if size == 1 < sizes[-1] else 1.0 for size in sizes}
    each = {size: -(-wanted * part // sum(parts.values())) for size, part in parts.items()}
    planted = dict.fromkeys(sizes, 0)
    equal, left = rows // max(1, len(sizes)), rows
    for part in (equal, rows):
        for size in sizes:
            lacking = min(int(each[size]), wanted - sum(planted.values()) + planted[size])
            more = max(0, min(lacking - planted[size], min(part, left) // size))
            planted[size] += more
            left -= more * size
    return planted


def _canaries(
    maker: Maker,
    units: list[np.ndarray],
    level: str,
    planting: Planting,
    most_planted: int,
    taken: Mapping[str, set[str]],
    random: np.random.Generator,
) -> list[pd.DataFrame]:
    """Canaries made of the real units of a level, each its rows; of eight one is planted."""
    wanted = planting.units // IN_GROUP
    largest = max(map(len, units), default=0)
    sizes = [size for size in planting.sizes if size <= largest]
    canaries: list[pd.DataFrame] = []
    number, rows = 0, 0
    allocated = allocate(sizes, wanted, int((1 - _SPARE) * most_planted))
    for size, groups in sorted(allocated.items(), reverse=True):
        kinds = maker.kinds(units, size, _limit(size, planting.sizes, most_planted))
        for group in range(groups):
            kind = kinds[group % len(kinds)]
            sources = kind.sources(IN_GROUP, random)
            planted = random.integers(IN_GROUP)
            rows += len(sources[planted])
            if rows > most_planted:
                return canaries
            for place, source in enumerate(sources):
                canary = kind.make(source, random)
                how: dict[str, int | str] = {GROUP.name: number, KIND.name: kind.name}
                how[PLANTED.name] = int(place == planted)
                canaries.append(_renamed(canary, level, maker.description, taken, random, **how))
            number += 1
    return canaries


def _limit(size: int, sizes: Sequence[int], most_planted: int) -> int:
    """One more than the rows of the largest whole unit among the canaries of a size."""
    following = [later for later in sizes if later > size]
    most = 5 * size // 4 + 1
    return min(most, *following) if following else max(most, most_planted // _OF_LARGEST)


def _real_units(rows: pd.DataFrame, level: str, description: TableDescription) -> list[np.ndarray]:
    """The rows of each real unit of a level; none if the table does not tell its units apart."""
    if level == RECORD:
        return list(np.arange(len(rows))[:, None])
    if level not in description:
        return []
    groups = rows.groupby(level, sort=True, dropna=True).indices
    return [np.sort(found) for found in groups.values()]


def _renamed(
    canary: pd.DataFrame,
    level: str,
    description: TableDescription,
    taken: Mapping[str, set[str]],
    random: np.random.Generator,
    **how: int | str,
) -> pd.DataFrame:
    """The canary with new names of its own unit and of the narrower ones within it, and `how`."""
    units = description.units
    for name in units[units.index(level) :] if level in units else ():
        known = pd.unique(canary[name].dropna())
        new = {value: _new_name(taken[name], random) for value in known}
        canary = canary.assign(**{name: canary[name].map(new).astype(object)})
    return canary.assign(**how)


def _new_name(taken: set[str], random: np.random.Generator) -> str:
    """A name that no unit has, which from now on is taken."""
    while True:
        name = random.bytes(8).hex()
        if name not in taken:
            taken.add(name)
            return name


def _summary(canaries: Sequence[pd.DataFrame], sizes: Sequence[int]) -> dict[str, Any]:
    """How many canaries of a level there are, of how many rows, and how many were planted."""
    planted = [canary for canary in canaries if canary[PLANTED.name].iloc[0]]
    by_size = Counter(size_class(len(canary), sizes) for canary in planted)
    by_kind = Counter(str(canary[KIND.name].iloc[0]) for canary in planted)
    return {
        "units": len(canaries),
        "rows": sum(map(len, canaries)),
        "planted": len(planted),
        "planted_rows": sum(map(len, planted)),
        "sizes": {str(size): by_size[size] for size in sizes},
        "kinds": dict(sorted(by_kind.items())),
    }
