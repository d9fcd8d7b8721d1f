"""What several trainings of a model come to: the mean, with an interval for rows and trainings.

Training t has the value v_t = μ + a_t + e_t: a_t is what its seed makes of the model, e_t what the
rows at hand make of it. By the law of total variance

    Var v_t = Var E[v_t | training] + E Var[v_t | training],

the part between trainings and the part within each. In the mean of T trainings the first is
divided by T. The second is not, since all trainings are compared with the same holdout rows, whose
errors do not average out. So the interval of the mean v̄ reaches down to v̄ − h with

    h² = (t₀.₉₇₅,T₋₁)² s²/T + mean of (v_t − low_t)²,

and up likewise: s² is the variance of the v_t, t the quantile of Student's distribution with T − 1
degrees of freedom, and low_t the end of the interval over the rows. Total variance as within plus
between is the form of D. B. Rubin's rules (Multiple Imputation for Nonresponse in Surveys, Wiley
1987); adding the squares of two halves, each with a quantile of its own, is the MOVER (G. Y. Zou
and A. Donner, Statistics in Medicine 27 (2008) 1693), which keeps lopsided intervals lopsided. The
v_t also differ by their samples' rows, which are in both parts: the interval is on the wide side.
With one training there is nothing to tell how much trainings differ: the interval is over the rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from redwood.intervals import within

_LEVEL = 0.975


def over_trainings(measures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One measure of all trainings of a model, with `trainings`, the number that have a value.

    Args:
        measures: of `measures.json`, one of each training, the first training first.

    Returns:
        the first training's measure if there is no other; else `value` is the mean, `low` and
        `high` cover rows and trainings, and so does `difference`, the interval of value − floor,
        where there is one; `floor` is the mean of the floors.
    """
    known = [measure for measure in measures if measure["value"] is not None]
    first = dict(known[0] if known else measures[0])
    if len(known) < 2:
        combined = first | {"trainings": 1}
    else:
        values, lows, highs = (
            np.array([measure[key] for measure in known], dtype=np.float64)
            for key in ("value", "low", "high")
        )
        # Intervals that do not go below 0, or that are cut at 1, stay so.
        low, high = within(
            *_interval(values, lows, highs),
            0.0 if lows.min() >= 0 else None,
            1.0 if highs.max() == 1 else None,
        )
        floors = [measure["floor"] for measure in known if measure["floor"] is not None]
        combined = first | {
            "value": float(values.mean()),
            "low": float(low),
            "high": float(high),
            "floor": float(np.mean(floors)) if floors else None,
            "floor_draws": [draw for measure in known for draw in measure.get("floor_draws", [])],
            "trainings": len(known),
        }
        if all(measure.get("difference") is not None for measure in known):
            ends = np.array([measure["difference"] for measure in known], dtype=np.float64)
            differences = values - np.array([measure["floor"] for measure in known])
            combined["difference"] = list(map(float, _interval(differences, *ends.T)))
    notes = list(dict.fromkeys(measure.get("note", "") for measure in known))
    if len(notes) > 1:
        combined["note"] = f"First training: {notes[0]}" if notes[0] else ""
    if 0 < len(known) < len(measures):
        missing = f"{len(known)} of {len(measures)} trainings have a value"
        combined["note"] = "; ".join(filter(None, (combined.get("note", ""), missing)))
    return combined


def _interval(values: np.ndarray, lows: np.ndarray, highs: np.ndarray) -> tuple[float, float]:
    """The interval of the mean of values, (trainings,), with intervals over the rows."""
    between = stdtrit(len(values) - 1, _LEVEL) * values.std(ddof=1) / np.sqrt(len(values))
    below, above = (
        np.hypot(between, np.sqrt(np.mean(halves**2))) for halves in (values - lows, highs - values)
    )
    return values.mean() - below, values.mean() + above
