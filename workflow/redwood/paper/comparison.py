"""What tells models apart in Table I: multiples of the floor, and marks.

*Multiple of the floor*: value / floor, how many times as far from real rows a sample is as other
real rows are. In [0, ∞), no unit, less is better; below 1 by chance only. It takes a measure of
which less is better and that tends to 0 as rows of one law grow in number (its `limit`), so that
its floor is what chance leaves. C2ST tends to 1/2, an attack to its false alarms, the paper's WD to
no number that is known: near those a quotient says nothing, and they have none.

*Typical multiple*: the geometric mean of max(1, multiple) over all measures that have multiples,
except those whose aspect is law, privacy or simulation; the mean for quotients (P. J. Fleming and
J. J. Wallace, CACM 29 (1986) 218). A measure that one model has no multiple of is left out for all,
so that rows compare. In [1, ∞), less is better.

*Multiple of the second floor*, and its typical value: the same, with what real rows of other units
score as the floor, over the measures that are of the law (`of_law`): those that do not ask for the
same realisation of it.

*Leaders*: the best model of a measure, and every other that the intervals do not tell from it,

    |a − b| ≤ 1.96 √(s_a² + s_b²),    1.96 s = the half of the interval that faces the other,

for s a standard error; the half, since some intervals are cut at 0. Models share the holdout rows,
so their errors go together and differences are surer than that: the rule is on the careful side, it
calls more models equal than it might. Of the simulation the interval is the range of the seeds. A
measure of which no model has an interval, as with one seed, has no leaders: of chance nothing is
known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from redwood.paper.evaluations import Measure, Measures

# Aspects of measures that do not say how much the rows are like real ones.
PRIVACY, SIMULATION, LAW = "privacy", "simulation", "law"

_ROUNDING = 1e-9


def is_of_faithfulness(measure: Measure) -> bool:
    """Whether a measure is one of how much the rows are like these very real ones."""
    return measure["aspect"] not in (LAW, PRIVACY, SIMULATION)


def is_of_law(measure: Measure) -> bool:
    """Whether a measure does not ask for the same realisation of the law."""
    return bool(measure.get("of_law", False))


def multiple(measure: Measure | None, floor: str = "floor") -> float | None:
    """A measure's value over its floor; `None` where that has no meaning or is not known.

    Args:
        measure: of a model.
        floor: which: `floor`, or `other_floor` for that of other units.
    """
    if measure is None or measure["direction"] != "lower" or measure["limit"] != 0:
        return None
    value, of_real = measure["value"], measure.get(floor)
    if value is None or of_real is None or of_real <= 0:
        return None
    return float(value / of_real)


def other_multiple(measure: Measure | None) -> float | None:
    """A measure's value over what real rows of other units score."""
    return multiple(measure, "other_floor")


def compared_measures(measured: Mapping[str, Measures]) -> list[str]:
    """The measures of faithfulness of which every model has a multiple, in the models' order."""
    return _compared(measured, is_of_faithfulness, multiple)


def compared_of_law(measured: Mapping[str, Measures]) -> list[str]:
    """The measures of the law of which every model has a multiple of the second floor."""
    return _compared(measured, is_of_law, other_multiple)


def typical_multiples(measured: Mapping[str, Measures]) -> dict[str, float]:
    """Model → typical multiple of the floor; empty if there is no measure to compare by."""
    return _typical(measured, compared_measures(measured), multiple)


def typical_other_multiples(measured: Mapping[str, Measures]) -> dict[str, float]:
    """Model → typical multiple of the second floor of measures of the law, likewise."""
    return _typical(measured, compared_of_law(measured), other_multiple)


def typical_of_draws(measures: Measures, names: Sequence[str], draws: str) -> list[float]:
    """What the draws of real rows behind a floor come to by the typical multiple themselves.

    Each draw against the mean of the others. As a multiple below 1 counts as 1, that is a little
    above 1, and so is a sample of which nothing better can be asked.

    Args:
        measures: of a model.
        names: the measures that the typical multiple is over.
        draws: which: `floor_draws`, or `other_floor_draws` for those of other units.

    Returns:
        one for each draw, over the measures that have most; none where no measure has two.
    """
    found = [measures[name].get(draws) or [] for name in names]
    number = max(map(len, found), default=0)
    if number < 2:
        return []
    values = np.array([of_one for of_one in found if len(of_one) == number], dtype=np.float64)
    others = (values.sum(axis=1, keepdims=True) - values) / (number - 1)
    known = (others > 0).all(axis=1)
    if not known.any():
        return []
    multiples = np.maximum(values[known] / others[known], 1.0)
    return [float(typical) for typical in np.exp(np.log(multiples).mean(axis=0))]


def _compared(
    measured: Mapping[str, Measures],
    counts: Callable[[Measure], bool],
    of: Callable[[Measure | None], float | None],
) -> list[str]:
    names = dict.fromkeys(name for measures in measured.values() for name in measures)
    found = {name: [measures.get(name) for measures in measured.values()] for name in names}
    return [
        name
        for name, of_models in found.items()
        if all(one is not None and counts(one) for one in of_models)
        and all(of(one) is not None for one in of_models)
    ]


def _typical(
    measured: Mapping[str, Measures],
    names: Sequence[str],
    of: Callable[[Measure | None], float | None],
) -> dict[str, float]:
    if not names:
        return {}
    multiples = {
        model: [of(measures[name]) or 0.0 for name in names] for model, measures in measured.items()
    }
    return {
        model: float(np.exp(np.log(np.maximum(found, 1.0)).mean()))
        for model, found in multiples.items()
    }


def floor_range(measure: Measure, draws: str = "floor_draws") -> tuple[float, float] | None:
    """The least and the greatest floor of the draws of real rows, if there were such draws.

    Args:
        measure: of a model.
        draws: which: `floor_draws`, or `other_floor_draws` for those of other units.
    """
    found = measure.get(draws)
    return (min(found), max(found)) if found else None


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
