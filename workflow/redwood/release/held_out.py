"""An audit without canaries: units that were in training against units that were held out.

Where a table was split by unit (`records.split.method` task or user), the units of the holdout are
what canaries that were never planted are: of the same law, but unknown to the model. So any sample
can be judged without a training, other people's, too (the idea of arXiv 2606.16952). Half of the
held-out units are the real rows that the attackers of `redwood.release.attacks` compare with, the
others are what training units are told from; they are halved by the widest unit that is in one
part alone. What it cannot see is what the model would have done
with units like none in the table.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.release.attacks import (
    LEARNED,
    learned_scores,
    row_scores,
    unit_scores,
    without_names,
)
from redwood.release.canaries import RECORD, size_class
from redwood.release.combinations import FEWER_THAN, combined
from redwood.release.judging import Judgement
from redwood.release.shares import FALSE_ALARMS, RISK, strata
from redwood.seeds import generator
from redwood.tables import TableDescription, read_table

_UNIT = " unit"
_SIZES = (1, 5, 20, 50, 200)
# With fewer held-out units to tell from, a tenth of them is no threshold.
_LEAST_UNITS = 20
# More units tell little more, but take their time.
_MOST_UNITS = 1000


def audit_units(
    table: Path, train: Path, holdout: Path, synthetic: Path, level: str, seed: int, output: Path
) -> dict[str, Any]:
    """Write how many training units are told from held-out ones by a sample, as JSON.

    Args:
        table: the table's description.
        train: the rows that the sample was made from.
        holdout: rows of other units of the same law.
        synthetic: the sample.
        level: the column that names units, or `record`.
        seed: of what is drawn.
        output: what is found of all units and by size, kind of attacker and so on, as of a level
            of `redwood.release.audit`, the units of training being the planted ones;
            `combinations`, the share of the rare ones of training that are in the sample
            (`back`) and in as many held-out rows (`by_chance`).

    Returns:
        What `output` holds.

    Raises:
        InputError: a table cannot be read, has no such column, has units in both parts, or too few
            held-out ones.
    """
    full = TableDescription.load(table)
    seen = without_names(full)
    known, unknown = (_with_units(read_table(path, full), level, full) for path in (train, holdout))
    if both := set(known[_UNIT]) & set(unknown[_UNIT]) if level != RECORD else set():
        raise InputError(
            f"{holdout}: {len(both)} of its {unknown[_UNIT].nunique()} units of {level!r} are in "
            f"{train}, too; expected units of either alone: split by {level}"
        )
    made = read_table(synthetic, seen)
    random = generator(seed, "units", level)
    number_held_out = unknown[_UNIT].nunique()
    if number_held_out < 2 * _LEAST_UNITS:
        raise InputError(
            f"{holdout}: has {number_held_out} units of {level!r}, expected {2 * _LEAST_UNITS} or "
            "more"
        )
    # Rows of one task are alike, those of a training task have none of theirs among the held-out.
    split_by = next((name for name in full.units if _disjoint(known, unknown, name)), _UNIT)
    apart = unknown[split_by].astype(object).where(unknown[split_by].notna(), unknown[_UNIT])
    half = random.permutation(pd.unique(apart))[: apart.nunique() // 2]
    compared, others = unknown[apart.isin(half)], unknown[~apart.isin(half)]
    parts = [_some(rows, random) for rows in (known, others)]
    rows = pd.concat(parts, ignore_index=True)
    is_known = np.arange(len(rows)) < len(parts[0])
    number, _ = pd.factorize(rows[_UNIT] + np.where(is_known, " known", " unknown"))
    counts = np.bincount(number)
    size = np.array([size_class(int(count), _SIZES) for count in counts])
    planted = np.bincount(number, weights=is_known) > 0
    stratum = strata(size, planted)
    units = pd.DataFrame(
        {"rows": counts, "size": size, "planted": planted, "group": stratum, "judged": True}
    )
    units["part"] = units.index
    scores = unit_scores(row_scores(rows, compared, made, seen), number)
    one = np.zeros(len(units))
    scores[LEARNED] = learned_scores(scores, counts, one, planted, units.index.to_numpy(), seed)
    content = {
        "level": level,
        "false_alarms": FALSE_ALARMS,
        "confidence": 1 - RISK,
        **Judgement(units, scores, seed, "units", level).told(),
        "combinations": _rare_combinations(known, unknown, made, seen, random),
    }
    write_json(output, content)
    return content


def _with_units(rows: pd.DataFrame, level: str, description: TableDescription) -> pd.DataFrame:
    """The rows that are of a unit, and its name."""
    if level == RECORD:
        return rows.assign(**{_UNIT: np.arange(len(rows)).astype(str)})
    if not description[level].is_categorical:
        raise InputError(
            f"--level is {level!r}, a {description[level].kind} column, expected names"
        )
    return rows.dropna(subset=[level]).assign(**{_UNIT: lambda named: named[level]})


def _disjoint(known: pd.DataFrame, unknown: pd.DataFrame, name: str) -> bool:
    """Whether no unit is in both parts, and each has some."""
    units = set(known[name].dropna()), set(unknown[name].dropna())
    return bool(units[0] and units[1]) and units[0].isdisjoint(units[1])


def _some(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The rows of all units, or of some if there are very many."""
    units = pd.unique(rows[_UNIT])
    if len(units) <= _MOST_UNITS:
        return rows
    return rows[rows[_UNIT].isin(random.choice(units, _MOST_UNITS, replace=False))]


def _rare_combinations(
    known: pd.DataFrame,
    unknown: pd.DataFrame,
    made: pd.DataFrame,
    description: TableDescription,
    random: np.random.Generator,
) -> dict[str, Any]:
    """Rare combinations of training: the shares that the sample and held-out rows have.

    Of the sample and of the held-out rows as many are looked at, drawn at random.
    """
    of_known, *others = combined((known, made, unknown), description, known)
    pairs = pd.DataFrame({"combination": of_known, "unit": known[_UNIT].to_numpy()})
    supported = pairs.drop_duplicates()["combination"].value_counts()
    rare = supported.index[supported < FEWER_THAN].to_numpy()
    as_many = min(map(len, others))
    drawn = [random.permutation(combinations)[:as_many] for combinations in others]
    shares = [float(np.isin(rare, one).mean()) if len(rare) else None for one in drawn]
    return {"rare": len(rare), "back": shares[0], "by_chance": shares[1]}
