"""The audit: how many of the planted canaries attackers find in samples, by level, size and kind.

A shadow model holds only so many canaries, and few of them prove little. Those of several shadow
models, each with canaries of its own, are judged together; scores are compared within the sample of
one. Several attackers score each canary (`redwood.release.attacks`), and the most successful one
counts (`redwood.release.judging`). Shares and their bounds are told by size and by kind. What the
release gate judges are groups of sizes: each size by itself, if enough of its canaries were planted
in a shadow model, and otherwise joined with the next larger ones. How far the audit reaches is the
largest size that enough canaries have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import write_json
from redwood.release.attacks import (
    LEARNED,
    learned_scores,
    row_scores,
    unit_scores,
    without_names,
)
from redwood.release.canaries import (
    CANARY,
    GROUP,
    KIND,
    LEVEL,
    PLANTED,
    RECORD,
    canary_description,
    size_class,
)
from redwood.release.combinations import returning
from redwood.release.judging import Judgement
from redwood.release.least_epsilon import proved
from redwood.release.shares import ENOUGH, FALSE_ALARMS, RISK
from redwood.seeds import generator
from redwood.tables import TableDescription, read_table, table_digest


@dataclass(frozen=True)
class Shadow:
    """A shadow model, as the audit sees it.

    Attributes:
        canaries: all canaries, in the folder that `redwood release plant` wrote.
        synthetic: the sample of a model that was trained with the planted ones among its rows.
    """

    canaries: Path
    synthetic: Path


def audit(
    table: Path,
    train: Path,
    shadows: Sequence[Shadow],
    seed: int,
    output: Path,
    up_to_rows: int | None = None,
) -> dict[str, Any]:
    """Write for each level how many planted canaries are found, as JSON.

    Args:
        table: the table's description.
        train: real rows without canaries.
        shadows: at least one; models of the same kind and options, each with other canaries.
        seed: of what is drawn.
        output: level → what is found of all judged canaries, `groups`, `sizes`, `kinds`,
            `attackers`, `epsilon_at_least`; docs/publish_a_sample.md describes the parts.
        up_to_rows: only canaries of up to so many rows are judged; `None` for all.

    Returns:
        What `output` holds.

    Raises:
        InputError: a table cannot be read or holds no canaries, or two shadow models have the same.
    """
    digests = [table_digest(shadow.canaries) for shadow in shadows]
    for place, digest in enumerate(digests):
        if digest in digests[:place]:
            raise InputError(
                f"{shadows[place].canaries}: has the canaries of "
                f"{shadows[digests.index(digest)].canaries}, expected others (another seed)"
            )
    full = TableDescription.load(table)
    real = read_table(train, full)
    tried = [_tried(shadow, full, real) for shadow in shadows]
    units = pd.concat([one.units for one in tried], keys=range(len(tried)), names=["sample"])
    units = units.reset_index("sample").reset_index(drop=True)
    units["group"] = pd.factorize(units["sample"].astype(str) + " " + units["group"])[0]
    units["part"] = units["group"]
    # All of a group or none, as any of it might have been planted.
    largest = units.groupby("group")["rows"].transform("max")
    units["judged"] = largest <= up_to_rows if up_to_rows else True
    scores = pd.concat([one.scores for one in tried], ignore_index=True)
    scores[LEARNED] = learned_scores(
        scores,
        units["rows"].to_numpy(),
        pd.factorize(units["level"])[0],
        units["planted"].to_numpy(),
        units["group"].to_numpy(),
        seed,
    )
    levels = {}
    for level, of_level in units.groupby("level", sort=False):
        judgement = Judgement(of_level, scores.loc[of_level.index], seed, "audit", str(level))
        found = judgement.told() | _proved(of_level, scores.loc[of_level.index], seed, str(level))
        found["units"] = _real_units(real, str(level), found.get("up_to_rows", 0))
        found["combinations"] = _combinations([one.combinations[str(level)] for one in tried])
        levels[str(level)] = found
    summary = {
        "false_alarms": FALSE_ALARMS,
        "confidence": 1 - RISK,
        "enough": ENOUGH,
        "shadow_models": len(shadows),
        "up_to_rows": up_to_rows,
        "digests": {
            "train": table_digest(train),
            "canaries": digests,
            "synthetic": [table_digest(shadow.synthetic) for shadow in shadows],
        },
        "levels": levels,
    }
    write_json(output, summary)
    return summary


def _proved(units: pd.DataFrame, scores: pd.DataFrame, seed: int, level: str) -> dict[str, float]:
    """The ε that the samples surely exceed by the canaries that are judged, if there are some."""
    judged = units["judged"].to_numpy(bool)
    if not judged.any():
        return {}
    # The learned attacker was told who was planted in other groups.
    simple = scores.drop(columns=LEARNED).to_numpy()[judged]
    group, planted = (units[name].to_numpy()[judged] for name in ("group", "planted"))
    random = generator(seed, "audit", level, "epsilon")
    return {"epsilon_at_least": proved(simple, group, planted, random)}


@dataclass(frozen=True)
class _Tried:
    """The canaries of one shadow model.

    Attributes:
        units: of each its `level`, `kind`, `group`, `planted`, `rows` and `size`.
        scores: (units, attackers).
        combinations: level → `planted` and `others` → what `returning` says of these.
    """

    units: pd.DataFrame
    scores: pd.DataFrame
    combinations: dict[str, dict[str, dict[str, Any]]]


def _tried(shadow: Shadow, full: TableDescription, real: pd.DataFrame) -> _Tried:
    sizes = _planted_sizes(shadow.canaries)
    seen = without_names(full)
    made = read_table(shadow.synthetic, seen)
    rows = read_table(shadow.canaries, canary_description(full))
    if not len(rows):
        raise InputError(f"{shadow.canaries}: holds no canaries")
    number, names = pd.factorize(rows[CANARY.name])
    first = rows.drop_duplicates(CANARY.name)
    units = pd.DataFrame(
        {
            "level": first[LEVEL.name].to_numpy(),
            "kind": first[KIND.name].to_numpy(),
            "group": (first[LEVEL.name] + " " + first[GROUP.name].astype(str)).to_numpy(),
            "planted": first[PLANTED.name].to_numpy() == 1,
            "rows": np.bincount(number, minlength=len(names)),
        }
    )
    # A whole unit is told with the size whose group it is of.
    least = units.groupby("group")["rows"].transform("min")
    units["size"] = [size_class(of_group, sizes) for of_group in least]
    combinations = {}
    for level in units["level"].unique():
        of_level = rows[LEVEL.name] == level
        of_units = real[level] if level != RECORD else None
        combinations[str(level)] = {
            name: returning(
                rows[of_level & (rows[PLANTED.name] == planted)], real, made, seen, of_units
            )
            for name, planted in (("planted", 1), ("others", 0))
        }
    return _Tried(units, unit_scores(row_scores(rows, real, made, seen), number), combinations)


def _combinations(of_shadows: Sequence[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What `returning` says of the planted and of the others, of all shadow models together."""
    told = {}
    for name in of_shadows[0]:
        parts = [of_shadow[name] for of_shadow in of_shadows]
        rare = sum(part["rare"] for part in parts)
        back = sum(part["rare"] * (part["back"] or 0.0) for part in parts)
        told[name] = {"rare": rare, "back": back / rare if rare else None}
    return told


def _planted_sizes(canaries: Path) -> tuple[int, ...]:
    """The sizes of canaries that `redwood release plant` made, from `planting.json` beside them."""
    path = canaries.with_name("planting.json")
    levels = read_json(path, "account of a planting").get("levels", {})
    try:
        return tuple(sorted({int(size) for level in levels.values() for size in level["sizes"]}))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not an account of a planting: {error!r}") from None


def _real_units(real: pd.DataFrame, level: str, reach: int) -> dict[str, int]:
    """How many real units a level has, and how many have more rows than the audit reaches."""
    counts = np.ones(len(real), int) if level == RECORD else real[level].value_counts().to_numpy()
    beyond = counts[counts > reach]
    return {
        "number": len(counts),
        "rows": int(counts.sum()),
        "largest": int(counts.max()),
        "beyond": len(beyond),
        "rows_beyond": int(beyond.sum()),
    }
