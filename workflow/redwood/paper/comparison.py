"""What tells models apart in Table I: multiples of the floor, and marks.

*Multiple of the floor*: value / floor, how many times as far from real rows a sample is as other
real rows are. In [0, ∞), no unit, less is better; below 1 by chance only. It takes a measure of
which less is better and that tends to 0 as rows of one law grow in number (its `limit`), so that
its floor is what chance leaves. C2ST tends to 1/2, an attack to its false alarms, the paper's WD to
no number that is known: near those a quotient says nothing, and they have none.

*Typical multiple*: the geometric mean of max(1, multiple) over all measures that have multiples,
except those whose aspect is privacy or simulation; the mean for quotients (P. J. Fleming and J. J.
Wallace, CACM 29 (1986) 218). A measure that one model has no multiple of is left out for all, so
that rows compare. In [1, ∞), less is better.

*Leaders*: the best model of a measure, and every other that the intervals do not tell from it,

    |a − b| ≤ 1.96 √(s_a² + s_b²),    1.96 s = the half of the interval that faces the other,

for s a standard error; the half, since some intervals are cut at 0. Models share the holdout rows,
so their errors go together and differences are surer than that: the rule is on the careful side, it
calls more models equal than it might. Of the simulation the interval is the range of the seeds. A
measure of which no model has an interval, as with one seed, has no leaders: of chance nothing is
known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from redwood.paper.evaluations import Measure, Measures

# Aspects of measures that do not say how much the rows are like real ones.
PRIVACY, SIMULATION = "privacy", "simulation"

_ROUNDING = 1e-9


def is_of_faithfulness(measure: Measure) -> bool:
    """Whether a measure is one of how much the rows are like real ones."""
    return measure["aspect"] not in (PRIVACY, SIMULATION)


def multiple(measure: Measure | None) -> float | None:
    """A measure's value over its floor; `None` where that has no meaning or is not known."""
    if measure is None or measure["direction"] != "lower" or measure["limit"] != 0:
        return None
    value, floor = measure["value"], measure["floor"]
    if value is None or floor is None or floor <= 0:
        return None
    return float(value / floor)


def compared_measures(measured: Mapping[str, Measures]) -> list[str]:
    """The measures of faithfulness of which every model has a multiple, in the models' order."""
    names = dict.fromkeys(name for measures in measured.values() for name in measures)
    found = {name: [measures.get(name) for measures in measured.values()] for name in names}
    return [
        name
        for name, of_models in found.items()
        if all(one is not None and is_of_faithfulness(one) for one in of_models)
        and all(multiple(one) is not None for one in of_models)
    ]


def typical_multiples(measured: Mapping[str, Measures]) -> dict[str, float]:
    """Model → typical multiple of the floor; empty if there is no measure to compare by."""
    names = compared_measures(measured)
    if not names:
        return {}
    multiples = {
        model: [multiple(measures[name]) or 0.0 for name in names]
        for model, measures in measured.items()
    }
    return {
        model: float(np.exp(np.log(np.maximum(found, 1.0)).mean()))
        for model, found in multiples.items()
    }


def floor_range(measure: Measure) -> tuple[float, float] | None:
    """The least and the greatest floor of the draws of real rows, if there were such draws."""
    draws = measure.get("floor_draws")
    return (min(draws), max(draws)) if draws else None


def reaches_floor(measure: Measure) -> bool:
    """Whether the interval of a measure reaches its floor or the floor of some draw.

    Where the floor is of one sample, it is as unsure as the value: what counts is whether the
    interval of their difference reaches 0. The value is then not told from that of real rows, or it
    is better.
    """
    if measure["value"] is None or measure["floor"] is None:
        return False
    if (difference := measure.get("difference")) is not None:
        measure = {**measure, "low": difference[0], "high": difference[1]}
        measure |= {"floor": 0.0, "floor_draws": []}
    floors = measure["floor"], *(floor_range(measure) or ())
    reaches_from_above, reaches_from_below = (
        measure["low"] <= max(floors),
        measure["high"] >= min(floors),
    )
    return {
        "lower": reaches_from_above,
        "higher": reaches_from_below,
        "near floor": reaches_from_above and reaches_from_below,
    }[measure["direction"]]


def leaders(name: str, measured: Mapping[str, Measures]) -> set[str]:
    """The best model of a measure and those not told from it.

    Args:
        name: of the measure; where it is best near the floor, what counts is |value − floor|.
        measured: model → measures by name, without controls.
    """
    losses = {
        model: loss
        for model, measures in measured.items()
        if (loss := _loss(measures.get(name))) is not None
    }
    # Means of equal values of the seeds differ from them by rounding.
    widths = {model: loss.below + loss.above for model, loss in losses.items()}
    if all(width <= _ROUNDING * abs(losses[model].value) for model, width in widths.items()):
        return set()
    best = min(losses.values(), key=lambda loss: loss.value)
    return {
        model
        for model, loss in losses.items()
        if loss.value - best.value <= np.hypot(best.above, loss.below)
    }


@dataclass(frozen=True)
class _Loss:
    """A measure as a quantity of which less is better, with both halves of its interval."""

    value: float
    below: float
    above: float


def _loss(measure: Measure | None) -> _Loss | None:
    if measure is None or measure["value"] is None:
        return None
    value, below = measure["value"], measure["value"] - measure["low"]
    above = measure["high"] - measure["value"]
    if measure["direction"] == "lower":
        return _Loss(value, below, above)
    if measure["direction"] == "higher":
        return _Loss(-value, above, below)
    if measure["floor"] is None:
        return None
    away = value - measure["floor"]
    return _Loss(away, below, above) if away >= 0 else _Loss(-away, above, below)
