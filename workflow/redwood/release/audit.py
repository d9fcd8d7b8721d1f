"""The audit: how many of the planted canaries attackers find in a sample, by level, size and kind.

Several attackers score each canary (`redwood.release.attacks`), and the most successful one counts
(`redwood.release.judging`). Shares and their bounds are told by size and by kind. What the release
gate judges are groups of sizes: each size by itself, if enough of its canaries were planted, and
otherwise joined with the next larger ones. How far the audit reaches is the largest size that
enough canaries have.
"""

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
from redwood.release.shares import ENOUGH, FALSE_ALARMS, RISK
from redwood.tables import TableDescription, read_table, table_digest


def audit(
    table: Path,
    train: Path,
    canaries: Path,
    synthetic: Path,
    seed: int,
    output: Path,
    up_to_rows: int | None = None,
) -> dict[str, Any]:
    """Write for each level how many planted canaries are found, as JSON.

    Args:
        table: the table's description.
        train: real rows without canaries.
        canaries: all canaries, in the folder that `redwood release plant` wrote.
        synthetic: the sample of a model that was trained with the planted ones among its rows.
        seed: of what is drawn.
        output: level → what is found of all judged canaries, `groups`, `sizes`, `kinds`,
            `attackers`; docs/evaluation.md describes the parts.
        up_to_rows: only canaries of up to so many rows are judged; `None` for all.

    Returns:
        What `output` holds.

    Raises:
        InputError: a table cannot be read or holds no canaries.
    """
    sizes = _planted_sizes(canaries)
    full = TableDescription.load(table)
    seen = without_names(full)
    real, made = read_table(train, full), read_table(synthetic, seen)
    rows = read_table(canaries, canary_description(full))
    if not len(rows):
        raise InputError(f"{canaries}: holds no canaries")
    number, names = pd.factorize(rows[CANARY.name])
    first = rows.drop_duplicates(CANARY.name)
    units = pd.DataFrame(
        {
            "level": first[LEVEL.name].to_numpy(),
            "kind": first[KIND.name].to_numpy(),
            "group": pd.factorize(first[LEVEL.name] + " " + first[GROUP.name].astype(str))[0],
            "planted": first[PLANTED.name].to_numpy() == 1,
            "rows": np.bincount(number, minlength=len(names)),
        }
    )
    # A whole unit is told with the size whose group it is of.
    least = units.groupby("group")["rows"].transform("min")
    units["size"] = [size_class(of_group, sizes) for of_group in least]
    units["part"] = units["group"]
    units["judged"] = units["size"] <= up_to_rows if up_to_rows else True
    scores = unit_scores(row_scores(rows, real, made, seen), number)
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
        of_rows = np.isin(number, of_level.index)
        found = Judgement(of_level, scores.loc[of_level.index], seed, "audit", str(level)).told()
        found["units"] = _real_units(real, str(level), found.get("up_to_rows", 0))
        of_units = real[level] if level != RECORD else None
        found["combinations"] = {
            name: returning(
                rows[of_rows & (rows[PLANTED.name] == planted)], real, made, seen, of_units
            )
            for name, planted in (("planted", 1), ("others", 0))
        }
        levels[str(level)] = found
    summary = {
        "false_alarms": FALSE_ALARMS,
        "confidence": 1 - RISK,
        "enough": ENOUGH,
        "up_to_rows": up_to_rows,
        "digests": {
            name: table_digest(path)
            for name, path in (("train", train), ("canaries", canaries), ("synthetic", synthetic))
        },
        "levels": levels,
    }
    write_json(output, summary)
    return summary


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
