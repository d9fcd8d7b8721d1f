"""The audit: how many of the planted canaries an attacker finds in a sample.

The attacker knows all canaries and real rows of the same law, and scores each row of a canary by
how much closer synthetic rows are to it than real ones are,

    ln d_real(x) − ln d_synthetic(x),

the score of `redwood.evaluation.measures.attack_density`, with distances as there. A canary's score
is the mean over its rows in one attack and the largest in another; the more successful attack
counts. What is measured for each level is the share of planted canaries that are found where one in
ten of the others is taken for planted: 0.1 by chance. Its upper bound is the 95 % quantile of a
bootstrap over canaries (B. Efron and R. Tibshirani, An Introduction to the Bootstrap, Chapman &
Hall 1993, chapter 13): few canaries prove little, and leave it high.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.nearest import distance_to_closest
from redwood.outputs import write_json
from redwood.release.canaries import CANARY, LEVEL, PLANTED, canary_description
from redwood.roc import RocCurve
from redwood.seeds import generator
from redwood.tables import TableDescription, read_table

FALSE_ALARMS = 0.1
_RESAMPLES = 2000
_BOUND = 0.95
_LEAST = 1e-9


def audit(
    table: Path, train: Path, canaries: Path, synthetic: Path, seed: int, output: Path
) -> dict[str, Any]:
    """Write for each level how many planted canaries are found, as JSON.

    Args:
        table: the table's description.
        train: real rows without canaries.
        canaries: all canaries, as `redwood release plant` wrote them.
        synthetic: the sample of a model that was trained with the planted ones among its rows.
        seed: of the bootstrap.
        output: level → `planted`, `others` (numbers of canaries), `found` (share), `at_most` (its
            upper bound), `attack` (which one).

    Returns:
        What `output` holds, with its `levels`.

    Raises:
        InputError: a table cannot be read or holds no canaries.
    """
    description = TableDescription.load(table)
    features = description.only_features()
    real, made = (read_table(path, features) for path in (train, synthetic))
    rows = read_table(canaries, canary_description(description))
    if not len(rows):
        raise InputError(f"{canaries}: holds no canaries")
    to_real, to_made = (
        np.log(np.maximum(distance_to_closest(rows, reference, features, real), _LEAST))
        for reference in (real, made)
    )
    scores = rows[[CANARY.name, LEVEL.name, PLANTED.name]].assign(score=to_real - to_made)
    levels = {
        level: _found(of_level, generator(seed, "audit", level))
        for level, of_level in scores.groupby(LEVEL.name, sort=False)
    }
    summary = {"false_alarms": FALSE_ALARMS, "levels": levels}
    write_json(output, summary)
    return summary


def _found(scores: pd.DataFrame, random: np.random.Generator) -> dict[str, float | int | str]:
    """How many planted canaries of one level the more successful attack finds."""
    canaries = scores.groupby(CANARY.name, sort=False)
    planted = canaries[PLANTED.name].first().to_numpy() == 1
    results = []
    for attack in ("mean", "max"):
        score = canaries["score"].agg(attack).to_numpy()
        members, others = score[planted], score[~planted]
        resampled = [
            _share_found(random.choice(members, len(members)), random.choice(others, len(others)))
            for _ in range(_RESAMPLES)
        ]
        results.append(
            {
                "planted": len(members),
                "others": len(others),
                "found": _share_found(members, others),
                "at_most": float(np.quantile(resampled, _BOUND)),
                "attack": attack,
            }
        )
    return max(results, key=lambda result: result["at_most"])


def _share_found(members: np.ndarray, others: np.ndarray) -> float:
    return RocCurve.of_scores(members, others).true_positives_at(FALSE_ALARMS)
