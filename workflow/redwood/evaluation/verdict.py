"""Whether a sample keeps its training rows private, as far as was measured, in one line of words.

The criteria are those of the measures themselves, their `judge`:

* near copies: the interval of their share does not lie above what four of five draws of unseen real
  rows have, so that a burst that was met again is not taken for copies;
* distance attack, density attack: at a false-positive rate of 1 % the interval of what it finds
  does not reach beyond 3 % of the training rows, three times what chance finds. As much could be
  found of a sample under differential privacy with ε = ln 3 ≈ 1.1 (P. Kairouz et al., arXiv
  1311.0776, theorem 2.1), a strong guarantee; where rows come in bursts even the exact law of one
  more row is above chance (`dcr_share`).

The sample fails if one of them does not hold, and is not judged if one was not measured. Passing is
no guarantee such as differential privacy itself: it says that these attacks found nothing.

Where the holdout rows are of other units than the training rows, such as after a split by task,
they cannot judge attacks on rows (`redwood.evaluation.membership`). If all that can be judged
holds, the rest is left to canaries: to records that the release gate plants among training rows.

Few rows are not judged either: of 1,000 holdout rows, ten decide what 1 % false alarms find, and
the ends of the intervals are so far off that honest real rows fail.

A measure that needs the model's densities is about an attacker who has the model, not just the
sample. What it finds does not count here; it is added as a remark on sharing the model's folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redwood import plugins
from redwood.evaluation.contract import MEASURES

# Of honest real samples of two tables 37 % fail at 500 rows, 10 % at 1,500, 5 % at 2,000, 1 % here.
LEAST_ROWS = 2_500


@dataclass(frozen=True)
class Verdict:
    """What the privacy measures come to.

    Attributes:
        passes: whether every criterion holds; `None` if some could not be judged and none failed.
        words: the line for a reader, with the reasons.
        left_to_canaries: whether all that the holdout can judge holds, and the rest has to be
            judged by records planted among the training rows.
    """

    passes: bool | None
    words: str
    left_to_canaries: bool = False


def privacy_verdict(
    measured: Mapping[str, Mapping[str, Any]], rows: int, shares_units: bool = True
) -> Verdict:
    """Judge the measures of `measures.json`: name → value, low, high and floor.

    Every measure there is that judges privacy counts, whether it was asked for or not.

    Args:
        measured: the measures.
        rows: of the sample or of the holdout, whichever are fewer.
        shares_units: whether holdout rows are of the same units as training rows.
    """
    verdicts: list[bool | None] = []
    reasons, remarks, left = [], [], []
    for name in dict.fromkeys([*measured, *plugins.names(MEASURES)]):
        plugin = plugins.load(MEASURES, name)
        if not hasattr(plugin, "judge"):
            continue
        measure = measured.get(name)
        known = measure is not None and measure["value"] is not None
        if getattr(plugin, "NEEDS_DENSITIES", False):
            remarks += [plugin.judge(measure)[1]] if known else []
            continue
        if not shares_units and getattr(plugin, "NEEDS_SHARED_UNITS", False):
            left.append(plugin.TITLE)
            continue
        holds, words = plugin.judge(measure) if known else (None, f"{plugin.TITLE}: not measured")
        verdicts.append(holds)
        reasons.append(words)
    if left:
        remarks.append(
            f"{' and '.join(left)}: cannot be judged, as the holdout rows are of other units than "
            "the training rows; left to planted records, which the release gate tries"
        )
    said = "; ".join(reasons + remarks)
    if rows < LEAST_ROWS and not left:
        few = f"too few rows to judge, {rows:,} where at least {LEAST_ROWS:,} of the sample and of "
        return Verdict(None, f"not judged: {few}the holdout are needed; what was found: {said}")
    if False in verdicts:
        return Verdict(False, f"fails: {said}")
    if None in verdicts:
        return Verdict(None, f"not judged: {said}")
    if left:
        return Verdict(None, f"not judged in full: {said}", left_to_canaries=True)
    return Verdict(True, f"passes what was tried: {said}")
