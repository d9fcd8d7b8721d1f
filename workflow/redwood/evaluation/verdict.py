"""Whether a sample keeps its training rows private, as far as was measured, in one line of words.

A sample passes if

* near copies: the interval of their share does not lie above that of holdout rows, 1 %;
* distance attack: at a false-positive rate of 1 % it surely finds no more than 2 % of the training
  rows, twice what chance does.

It fails if one of them does not hold, and is not judged if one was not measured. Passing is no
guarantee such as differential privacy: it says that these attacks found nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_FOUND = 0.02


@dataclass(frozen=True)
class Verdict:
    """What the privacy measures come to.

    Attributes:
        passes: whether every criterion holds; `None` if some could not be judged and none failed.
        words: the line for a reader, with the reasons.
    """

    passes: bool | None
    words: str


def privacy_verdict(measured: Mapping[str, Mapping[str, Any]]) -> Verdict:
    """Judge the measures of `measures.json`: name → value, low, high and floor."""
    judged = {name: _criterion(measured.get(name)) for name, _criterion in _CRITERIA.items()}
    reasons = "; ".join(words for _, words in judged.values())
    holds = [holds for holds, _ in judged.values()]
    if False in holds:
        return Verdict(False, f"fails: {reasons}")
    if None in holds:
        return Verdict(None, f"not judged: {reasons}")
    return Verdict(True, f"passes what was tried: {reasons}")


def _few_near_copies(measure: Mapping[str, Any] | None) -> tuple[bool | None, str]:
    if measure is None or measure["value"] is None:
        return None, "near copies were not measured"
    words = (
        f"{_percent(measure['value'])} of the rows are near copies of training rows, "
        f"{_percent(measure['floor'])} of unseen real rows are"
    )
    return measure["low"] <= measure["floor"], words


def _few_rows_found(measure: Mapping[str, Any] | None) -> tuple[bool | None, str]:
    if measure is None or measure["value"] is None:
        return None, "no attack was tried"
    words = (
        f"an attack by distance finds {_percent(measure['value'])} of the training rows at 1 % "
        "false alarms"
    )
    return measure["high"] <= MOST_FOUND, words


_CRITERIA = {"near_copies": _few_near_copies, "attack_distance": _few_rows_found}


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
