"""Which surrogate to publish and which to replay, in one paragraph, by rules.

1. Controls are never published, nor is a model whose sample fails the checks of privacy or was not
   judged by them, nor, where the release gate decided on any model, one that it did not release.
   Where the holdout rows are of other units than the training rows, the holdout cannot judge
   attacks on rows: what the release gate found then stands for them.
2. Of the others, the one to publish is the one with the least typical multiple, to one decimal:
   of the second floor in measures of the law, since what is published is to be like what others
   would have sent; of the floor, where there is no second one (`redwood.paper.comparison`). Among
   equals it is the one with the lower C2ST in sequence, if that was measured.
3. Every model that would come before it or equal it by 2 alone is named, with the reason why it was
   not chosen.
4. If the interval of a C2ST does not reach the floor, the paragraph says that the rows are told
   from real ones.
5. Where there is a second floor, the model to replay this very load is the one with the least
   typical multiple of the floor, chosen likewise, whether it may be published or not.

A C2ST is an area under the ROC curve, and so the probability that of one synthetic and one real row
the classifier gives the higher score to the synthetic one (J. A. Hanley and B. J. McNeil, Radiology
143 (1982) 29), which is how it is put here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import expm1, inf, isclose, log
from pathlib import Path
from typing import Any

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.agreement import TOO_FEW
from redwood.paper.comparison import (
    PRIVACY,
    reaches_floor,
    typical_multiples,
    typical_other_multiples,
)
from redwood.paper.evaluations import LAW_ROLE, Evaluated, Measure, Measures
from redwood.paper.rendering import plain_number

_ROWS, _SEQUENCE = "c2st", "c2st_sequence"
_ORDER, _QUEUE = "sim_ranking", "sim_queue_time_mean"
# Below this τ, and below that of real jobs of others, policies are said to rank otherwise: a pair
# in twenty changes places.
_ALIKE = 0.9
# A level of the release gate that matters wherever a sample is published.
_RECORD = "record"


@dataclass(frozen=True)
class Recommendation:
    """The model to publish, `None` if there is none, and why; and the model to replay."""

    model: str | None
    words: str
    replay: str | None = None


@dataclass(frozen=True)
class Decision:
    """What the release gate decided on a model's sample.

    Attributes:
        released: whether it may be published.
        failed: the checks that it did not pass.
        of_records: whether one of those is about single records, or nothing was checked.
    """

    released: bool
    failed: Sequence[str] = ()
    of_records: bool = False


def read_decision(path: Path) -> tuple[str, Decision]:
    """The model and what the release gate decided on it.

    Args:
        path: a `decision.json`.

    Raises:
        InputError: the file is missing, damaged or no such decision.
    """
    content = read_json(path, "decision of the release gate")
    try:
        failed = [check for check in content["checks"] if check["passed"] is not True]
        of_records = [
            check["kind"] == PRIVACY or check["level"] in (None, _RECORD) for check in failed
        ]
        titles = [str(check["title"]) for check in failed]
        return content["model"], Decision(content["released"] is True, titles, any(of_records))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a decision of the release gate: {error!r}; one of an earlier version is "
            "made again by `redwood release decide`"
        ) from None


def gate_bound(decision: Mapping[str, Any]) -> float | None:
    """The upper bound of what attackers find in the worst group that the release gate judged.

    Args:
        decision: the content of a `decision.json`.

    Returns:
        a share of the planted units, at 95 % confidence; `None` if no group was judged.
    """
    bounds = [group["at_most"] for check in decision["checks"] for group in check["groups"]]
    return max(bounds, default=None)


def recommend(
    evaluated: Mapping[str, Evaluated],
    decisions: Mapping[str, Decision] | None = None,
    others: str = "",
) -> Recommendation:
    """Choose the surrogate to publish and, where there is a second floor, the one to replay.

    Args:
        evaluated: model or control → its measures, those of the simulation among them, and whether
            it passes the checks of privacy.
        decisions: model → what the release gate decided; a model that is not there was not put
            through it. `None` or empty if none was.
        others: whose rows the second floor is of, such as `other tasks`.
    """
    models = [model for model, one in evaluated.items() if not one.is_control]
    if not models:
        return Recommendation(None, "None may be published: there are controls only.")
    measured = {model: one.measures for model, one in evaluated.items()}
    same, law = typical_multiples(measured), typical_other_multiples(measured)
    found = _to_publish(evaluated, models, decisions or {}, law or same, others if law else "")
    if not (law and same):
        return found
    replay = _closest(models, measured, same)
    far = f"typically {_far(same[replay])}"
    if replay == found.model:
        said = f"It is also the closest stand-in for this very load: {far}."
    else:
        own = f"; {found.model}: {same[found.model]:.1f} times" if found.model else ""
        said = f"To replay this very load in house, take {replay}: {far}{own}."
    return replace(found, replay=replay, words=f"{found.words} {said}")


def _to_publish(
    evaluated: Mapping[str, Evaluated],
    models: Sequence[str],
    gate: Mapping[str, Decision],
    typical: Mapping[str, float],
    others: str,
) -> Recommendation:
    """The one to publish by these typical multiples, those of `others` if that is not empty."""
    measured = {model: one.measures for model, one in evaluated.items()}
    privacy = {model: _judged(one, gate.get(model)) for model, one in evaluated.items()}
    passing = [model for model in models if privacy[model]]
    if not passing:
        return Recommendation(None, _none_passes(models, measured, privacy, typical, others))
    if gate:
        withheld = {model: _withheld(gate.get(model)) for model in passing}
        passing = [model for model in passing if not withheld[model]]
        if not passing:
            return Recommendation(None, _none_released(withheld, typical))
    if not typical:
        return Recommendation(
            None,
            f"None is recommended: {_listed(passing)} may be published, but no measure compares "
            "all models with real rows.",
        )

    def why_not(model: str) -> str:
        withheld = _withheld(gate.get(model)) if gate and privacy[model] else ""
        return withheld or _reason(privacy[model], measured[model], measured[chosen])

    chosen = _closest(passing, measured, typical)
    rivals = [
        model
        for model in models
        if model != chosen and _shown(typical[model]) <= _shown(typical[chosen])
    ]
    checks = "the privacy checks and the release gate" if gate else "the privacy checks"
    first = (
        f"It is the only model that passes {checks}: its rows are typically"
        if len(passing) == 1
        else f"Of {len(passing)} models that pass {checks} it is closest: typically"
    )
    law = _of_law(evaluated) if others else {}
    sentences = [
        f"Publish {chosen}. {first} {_far(typical[chosen], others)}.",
        _detection(measured[chosen], others),
        _simulation(measured[chosen], law, others),
        *(f"{model}, at {typical[model]:.1f} times, " + why_not(model) + "." for model in rivals),
    ]
    return Recommendation(chosen, " ".join(filter(None, sentences)))


def _of_law(evaluated: Mapping[str, Evaluated]) -> Measures:
    """The measures of the control that is another realisation, if there is one."""
    found = (one.measures for one in evaluated.values() if one.role == LAW_ROLE)
    return next(found, {})


def _closest(
    models: Sequence[str], measured: Mapping[str, Measures], typical: Mapping[str, float]
) -> str:
    """The model with the least typical multiple; among equals the hardest to tell in sequence."""

    def rank(model: str) -> tuple[float, float, float]:
        in_sequence = _value(measured[model], _SEQUENCE)
        return _shown(typical[model]), inf if in_sequence is None else in_sequence, typical[model]

    return min(models, key=rank)


def _judged(one: Evaluated, decision: Decision | None) -> bool | None:
    """Whether a model passes the checks of privacy; what they leave to canaries the gate judges."""
    return True if one.left_to_canaries and decision is not None else one.passes


def _withheld(decision: Decision | None) -> str:
    """Why the release gate does not let a model's sample through; empty if it does."""
    if decision is None:
        return "was not put through the release gate"
    if decision.released:
        return ""
    withheld = f"is withheld by the release gate ({_listed(decision.failed)})"
    if decision.of_records:
        return withheld
    return f"{withheld}: choose it only where these may be known"


def _none_released(withheld: Mapping[str, str], typical: Mapping[str, float]) -> str:
    reasons = "; ".join(
        f"{model}{f', at {typical[model]:.1f} times the floor,' if model in typical else ''} {why}"
        for model, why in withheld.items()
    )
    return (
        "None may be published: the release gate withholds every model that passes the "
        f"privacy checks. {reasons}."
    )


def _none_passes(
    models: Sequence[str],
    measured: Mapping[str, Measures],
    privacy: Mapping[str, bool | None],
    typical: Mapping[str, float],
    whose: str,
) -> str:
    unjudged = [model for model in models if privacy[model] is None]
    failing = [model for model in models if privacy[model] is False]
    words = "None may be published: no model passes the privacy checks."
    if unjudged:
        others = f"; {_listed(failing)} failed" if failing else ""
        words = (
            f"None may be published: privacy was not judged for {_listed(unjudged)}{others}. "
            "The notes say what is missing."
        )
    if not typical:
        return words
    best = min(models, key=lambda model: typical[model])
    return (
        f"{words} {best} is closest, typically {_far(typical[best], whose)}, but "
        f"{_reason(privacy[best], measured[best], {})}."
    )


def _reason(passes: bool | None, measures: Measures, chosen: Measures) -> str:
    """Why a model is not the one, though it is as faithful as the chosen one."""
    if passes is None:
        return "was not judged for privacy"
    if passes:
        in_sequence, better = (_value(of, _SEQUENCE) for of in (measures, chosen))
        if in_sequence is not None and better is not None and in_sequence > better:
            return "is more easily told from real rows in sequence"
        return "is behind by less than the digits show"
    worst = max(
        (
            (value / floor if floor > 0 else inf, measure["title"], value, floor)
            for measure in measures.values()
            # What needs the model's densities judges the model, not the sample.
            if measure["aspect"] == PRIVACY and not measure["needs_densities"]
            if measure["direction"] == "lower"
            if (value := measure["value"]) and (floor := measure["floor"]) is not None
        ),
        default=None,
    )
    if worst is None:
        return "fails privacy"
    _, title, value, floor = worst
    return f"fails privacy: {title} {plain_number(value, 2)}, real rows {plain_number(floor, 2)}"


def _detection(measures: Measures, others: str) -> str:
    """How well rows, and rows in sequence, are told from real ones, as those of `others` are."""
    tests = {
        name: measures[name]
        for name in (_ROWS, _SEQUENCE)
        if _value(measures, name) is not None and measures[name]["floor"] is not None
    }
    if not tests:
        return ""
    shares = [
        _percent(measure) + (" with the rows before" if name == _SEQUENCE else "")
        for name, measure in tests.items()
    ]
    told = not all(map(reaches_floor, tests.values()))
    found = (
        "Of a real and a synthetic row, a classifier finds the synthetic one in "
        f"{' of cases, '.join(shares)} (C2ST; guessing: 50 %): "
        + ("beware, they are told apart." if told else "they are not told apart.")
    )
    floors = [measure.get("other_floor") for measure in tests.values()]
    own = " and ".join(f"{100 * floor:.0f} %" for floor in floors if floor is not None)
    return f"{found} So are real rows of {others}, in {own}." if told and others and own else found


def _simulation(measures: Measures, law: Measures, others: str) -> str:
    """What its jobs do to the order of the policies and to queue times, and the law's do."""
    order, queue = _value(measures, _ORDER), _value(measures, _QUEUE)
    said = []
    if order is not None:
        said.append(f"brokerage policies {_ranked(measures[_ORDER], _value(law, _ORDER), others)}")
    if queue is not None:
        of_law = _value(law, _QUEUE)
        real = "" if of_law is None else f" (with real jobs of {others} by {_off(of_law)})"
        said.append(f"queue times are off by {_off(queue)}{real}")
    return f"In simulation, {' and '.join(said)}." if said else ""


def _ranked(measure: Measure, of_law: float | None, others: str) -> str:
    """How its jobs rank policies, against what real jobs of `others` reach: more nobody can ask."""
    order, high = measure["value"], measure["high"]
    if TOO_FEW in measure.get("note", ""):
        return f"show no order ({TOO_FEW})"
    if isclose(order, 1.0):
        return "rank as with the recorded jobs"
    if order >= _ALIKE:
        return f"rank nearly as with the recorded jobs (τ {order:.2f})"
    if of_law is None:
        return f"do not rank as with the recorded jobs (τ {order:.2f})"
    ranked = "less well than"
    if _printed(order) >= _printed(of_law):
        ranked = "as well as"
    elif high is not None and high >= of_law:
        ranked = "about as well as"
    return f"rank {ranked} with real jobs of {others} (τ {order:.2f}; those {of_law:.2f})"


def _off(queue: float) -> str:
    return f"{100 * expm1(queue):.0f} %" if queue < log(2) else f"a factor {expm1(queue) + 1:.1f}"


def _printed(order: float) -> float:
    return round(order, 2)


def _value(measures: Measures, name: str) -> float | None:
    return measures[name]["value"] if name in measures else None


def _percent(measure: Measure) -> str:
    return f"{100 * measure['value']:.0f} %"


def _far(typical: float, others: str = "") -> str:
    if others:
        return (
            f"{typical:.1f} times as far from real rows as those of {others} are, by how rows come "
            "and how those who send them behave"
        )
    return f"{typical:.1f} times as far from real rows as other real rows are"


def _shown(typical: float) -> float:
    """What counts of a typical multiple: what is printed of it."""
    return round(typical, 1)


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
