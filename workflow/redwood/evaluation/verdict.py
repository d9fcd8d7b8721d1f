"""Whether a sample keeps its training rows private, as far as was measured, in one line of words.

A sample passes if

* near copies: the interval of their share does not lie above what four of five draws of unseen real
  rows have, so that a burst that was met again is not taken for copies;
* distance attack, density attack: at a false-positive rate of 1 % it surely finds no more than 3 %
  of the training rows, three times what chance does. So much could be found of a sample under
  differential privacy with ε = ln 3 ≈ 1.1 (P. Kairouz et al., arXiv 1311.0776, theorem 2.1), a
  strong guarantee; where rows come in bursts even the exact law of one more row is above chance
  (`dcr_share`).

It fails if one of them does not hold, and is not judged if one was not measured. Passing is no
guarantee such as differential privacy itself: it says that these attacks found nothing.

The likelihood attack is one of who has the model, not just the sample; its outcome is said beside,
as whether the model's folder may be shared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_FOUND = 0.03
_MOST_DRAWS = 0.8

Measured = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the privacy measures come to.

    Attributes:
        passes: whether every criterion holds; `None` if some could not be judged and none failed.
        words: the line for a reader, with the reasons.
    """

    passes: bool | None
    words: str


def privacy_verdict(measured: Mapping[str, Measured]) -> Verdict:
    """Judge the measures of `measures.json`: name → value, low, high and floor."""
    judged = [
        _few_near_copies(_known(measured, "near_copies")),
        _few_rows_found(_known(measured, "attack_distance"), "distance"),
        _few_rows_found(_known(measured, "attack_density"), "density"),
    ]
    reasons = "; ".join([words for _, words in judged] + _of_the_model(measured))
    holds = [holds for holds, _ in judged]
    if False in holds:
        return Verdict(False, f"fails: {reasons}")
    if None in holds:
        return Verdict(None, f"not judged: {reasons}")
    return Verdict(True, f"passes what was tried: {reasons}")


def _known(measured: Mapping[str, Measured], name: str) -> Measured | None:
    measure = measured.get(name)
    return None if measure is None or measure["value"] is None else measure


def _few_near_copies(measure: Measured | None) -> tuple[bool | None, str]:
    if measure is None:
        return None, "near copies were not measured"
    holds = measure["low"] <= np.quantile(measure["floor_draws"] or [measure["floor"]], _MOST_DRAWS)
    if holds:
        return True, "no more near copies of training rows than chance accounts for"
    words = (
        f"at least {_percent(measure['low'])} of the rows are closer to training rows than chance "
        f"accounts for, {_percent(measure['value'])} as measured: copies, or nearly"
    )
    return False, words


def _few_rows_found(measure: Measured | None, attack: str) -> tuple[bool | None, str]:
    if measure is None:
        return None, f"no attack by {attack} was tried"
    words = (
        f"an attack by {attack} finds {_percent(measure['value'])} of the training rows at 1 % "
        "false alarms"
    )
    holds = measure["high"] <= MOST_FOUND
    if not holds:
        words += f", not surely at most the {_percent(MOST_FOUND)} allowed"
    return holds, words


def _of_the_model(measured: Mapping[str, Measured]) -> list[str]:
    measure = _known(measured, "attack_likelihood")
    if measure is None:
        return []
    found = f"who has the model itself finds {_percent(measure['value'])}"
    if measure["high"] <= MOST_FOUND:
        return [found]
    return [f"{found}: share the sample, not the model"]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
