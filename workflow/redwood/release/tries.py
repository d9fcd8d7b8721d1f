"""How often a release was tried: the ledger that keeps a gate from being tried until it opens.

What an audit finds depends on seeds: of the canaries, the training, the sample. A model that is
found a little too often would pass with one seed in two. So each decision is entered in a ledger
beside the decisions, by the model, its options and the digest of its training rows, and by what
came out: the digests of the audited and of the published sample. The same once more is no further
try; anything else is. The bound of the n-th try has to hold but for a chance of

    risk / n²,

so that over all tries the chance of a bound that is too low stays below 1.65 times that of a single
one (Bonferroni's inequality, with the parts that sum to π²/6). A ledger can be deleted; who does so
deceives himself.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood.inputs import read_json
from redwood.outputs import write_json
from redwood.release.shares import RISK


@dataclass(frozen=True)
class Tries:
    """What the ledger says of a release.

    Attributes:
        number: which try this is of the model with these options and training rows, from 1.
        with_other_options: tries of the model on these training rows with other options.
    """

    number: int
    with_other_options: int


def risk_of_try(number: int) -> float:
    """The chance of being too low that the bound of the n-th try may have."""
    return RISK / number**2


def enter(
    ledger: Path, model: str, options: Mapping[str, Any], train: str, outcome: Mapping[str, str]
) -> Tries:
    """Enter a decision in the ledger, and say how many there were.

    Args:
        ledger: a JSON file, which is made if there is none.
        model: the model's name.
        options: its options.
        train: the digest of its training rows.
        outcome: what the decision was on, digests by name.

    Raises:
        InputError: the ledger is damaged.
    """
    content = read_json(ledger, "ledger of tries") if ledger.exists() else {}
    text = json.dumps(options, sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    entries = content.setdefault("tries", [])
    same = [entry for entry in entries if (entry["model"], entry["train"]) == (model, train)]
    mine = [entry for entry in same if entry["options"] == key]
    if dict(outcome) not in [entry["outcome"] for entry in mine]:
        entry = {"model": model, "train": train, "options": key, "outcome": dict(outcome)}
        entries.append(entry)
        mine.append(entry)
        write_json(ledger, content)
    return Tries(len(mine), len(same) - sum(entry["options"] == key for entry in same))
