"""What a surrogate does to the simulation, as measures that join Table I.

An outcome of the simulation on a model's jobs is compared with that on recorded jobs under the same
policy. Lengths and amounts are compared by the mean over the policies of |ln(synthetic/recorded)|,
0.1 being ten per cent; the order of the policies by the τ that Table II has, with its interval
(`redwood.paper.agreement`). The floor is what other real jobs give, which are as good as the
recorded ones (a workload of role `floor`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from redwood.paper.agreement import TOO_FEW, Runs, rankings, too_few
from redwood.paper.outcomes import Outcomes
from redwood.paper.style import RECORDED

_RANKED = "turnaround_mean"
RANKING = "sim_ranking"


def outcome_measures(read: Outcomes) -> dict[str, dict[str, dict[str, Any]]]:
    """Model → measure → title, definition, unit, direction, value, low, high, floor and note.

    `low` and `high` are the least and the greatest value of a seed, and of the order of policies
    the ends of its interval, the value itself where one seed gives none; an outcome that is 0 on
    one side, or missing, under every policy is left out.

    Args:
        read: outcomes of single runs; workload `recorded` is what all others are compared with.
            Without it: no measures.
    """
    runs = read.runs
    floor = next((name for name, role in read.roles.items() if role == "floor"), None)
    table = runs.pivot_table("value", ["workload", "seed"], ["outcome", "policy"], dropna=False)
    if RECORDED not in table.index.get_level_values("workload"):
        return {}
    recorded = table.loc[RECORDED].mean()
    outcomes = recorded.index.unique("outcome")
    models = [name for name in runs["workload"].unique() if name != RECORDED]
    found: dict[str, dict[str, dict[str, Any]]] = {model: {} for model in models}
    for outcome, about in read.described.items():
        comparison = about["comparison"]
        if comparison is not None and outcome in outcomes:
            offset = comparison["offset"]
            values = {
                model: _log_ratios(table.loc[model][outcome], recorded[outcome], offset)
                for model in models
            }
            _add(found, f"sim_{outcome}", values, floor, _described(comparison))
    orders = _orders(read)
    for model, numbers in orders.items():
        of_real = orders[floor]["value"] if floor in orders else None
        found[model][RANKING] = {**_RANKING_DESCRIBED, **numbers, "floor": of_real}
    return found


_RANKING_DESCRIBED = {
    "title": "order of policies",
    "definition": "Kendall's τ of the policies' mean turnarounds on synthetic and on recorded "
    "jobs, as in Table II: 1 if both put the policies in the same order. The interval reaches over "
    "all orders that seeds and jobs leave open; floor: copied real jobs.",
    "unit": "1",
    "direction": "higher",
}


def _described(comparison: Mapping[str, Any]) -> dict[str, str]:
    return {
        "title": f"simulated {comparison['title']}",
        "definition": f"|ln ratio| of the {comparison['what']}, on synthetic over recorded jobs; "
        "mean over the policies. In brackets: least and greatest of the seeds; floor: copied real "
        "jobs.",
        "unit": "1",
        "direction": "lower",
    }


def _log_ratios(synthetic: pd.DataFrame, recorded: pd.Series, offset: float) -> np.ndarray:
    """The mean |ln ratio| of each seed: (seeds,), NaN where no policy has both sides."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.abs(np.log((synthetic + offset) / (recorded + offset)).to_numpy())
    known = np.isfinite(logs)
    sums = np.where(known, logs, 0.0).sum(axis=1)
    counts = known.sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def _orders(read: Outcomes) -> dict[str, dict[str, Any]]:
    """Model → value, low and high of the order of the policies, as Table II has them, and note."""
    of_main = replace(read, runs=read.runs[read.runs["outcome"] == _RANKED])
    if of_main.runs.empty:
        return {}
    ranked = rankings(Runs.of(of_main))
    ranked = ranked[(ranked["workload"] != RECORDED) & ranked["tau"].notna()]
    return {
        row["workload"]: {
            "value": row["tau"],
            "low": row["tau"] if np.isnan(row["low"]) else row["low"],
            "high": row["tau"] if np.isnan(row["high"]) else row["high"],
            **({"note": TOO_FEW} if too_few(row) else {}),
        }
        for row in ranked.to_dict("records")
    }


def _add(
    found: dict[str, dict[str, dict[str, Any]]],
    name: str,
    values: Mapping[str, np.ndarray],
    real: str | None,
    described: Mapping[str, str],
) -> None:
    """Put a measure beside the others of each model, unless no model has it.

    Args:
        found: model → measures, to which it is added.
        name: its name.
        values: model → its values, one a seed.
        real: the workload of real jobs, whose values are the floor.
        described: what it is.
    """
    known = {model: of_seeds[np.isfinite(of_seeds)] for model, of_seeds in values.items()}
    if not any(map(len, known.values())):
        return
    floor = float(known[real].mean()) if real is not None and len(known.get(real, ())) else None
    for model, of_seeds in known.items():
        numbers = dict.fromkeys(("value", "low", "high"))
        if len(of_seeds):
            numbers = {
                "value": float(of_seeds.mean()),
                "low": float(of_seeds.min()),
                "high": float(of_seeds.max()),
            }
        found[model][name] = {**described, **numbers, "floor": floor}
