"""The release gate: a sample is written for publication only if it may be published.

It may if

* the sample passes the privacy measures (`redwood.evaluation.verdict`);
* at each level that is asked for (records, tasks, users …) an attacker who may raise a false alarm
  on one canary in ten surely finds no more than three in ten of the planted ones
  (`redwood.evaluation.audit`): three times what chance does, and what differential privacy with
  ε = ln 3 ≈ 1.1 would allow (P. Kairouz et al., arXiv 1311.0776, theorem 2.1).

What was not measured, or on too few canaries, does not hold: the gate fails closed. The decision
says in words what failed.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood.errors import InputError
from redwood.evaluation.audit import FALSE_ALARMS
from redwood.evaluation.canaries import RECORD
from redwood.evaluation.release_note import ReleaseNote, as_html, as_markdown
from redwood.inputs import read_json
from redwood.outputs import write_json, write_text, writing_folder
from redwood.tables import TableDescription, table_digest, table_rows

MOST_FOUND = 3 * FALSE_ALARMS


@dataclass(frozen=True)
class Criterion:
    """What must hold of a sample, and whether it does.

    Attributes:
        name: what the criterion is about.
        holds: whether it does; what is not known does not.
        words: what was found, for a reader.
    """

    name: str
    holds: bool
    words: str


def decide(
    table: Path,
    sample: Path,
    evaluation: Path,
    audit: Path,
    model: str,
    levels: Sequence[str],
    output: Path,
) -> bool:
    """Decide whether a sample may be published, and write the folder `output`.

    `decision.json`, `note.md` and `note.html` say what was decided and why; `published/` holds the
    sample, its description and the note if it may be published, and only the note if not.

    Args:
        table: description of the sample's table.
        sample: the synthetic rows.
        evaluation: what `redwood evaluate` wrote of this very sample.
        audit: what `redwood release audit` wrote of a twin of the model.
        model: the model's name.
        levels: at which levels canaries must be safe: `record`, names of columns.
        output: the folder to write; what it held is replaced.

    Returns:
        whether the sample may be published.

    Raises:
        InputError: a file cannot be read, or the evaluation is one of another sample.
    """
    measured = read_json(evaluation / "measures.json", "evaluation")
    digest = table_digest(sample)
    found = measured.get("digests", {}).get("synthetic")
    if found != digest:
        raise InputError(
            f"{evaluation}: is of a sample with digest {found!r}, expected {digest!r}, that of "
            f"{sample}: evaluate it first"
        )
    criteria = [
        _privacy(measured),
        *_canaries(read_json(audit, "audit"), TableDescription.load(table), levels),
    ]
    passes = all(criterion.holds for criterion in criteria)
    description = TableDescription.load(table).only_features()
    note = ReleaseNote(
        model=model,
        table=description,
        rows=table_rows(sample),
        digest=digest,
        passes=passes,
        criteria=[(criterion.name, criterion.holds, criterion.words) for criterion in criteria],
        measures=measured["measures"],
    )
    decision = {
        "model": model,
        "released": passes,
        "criteria": {
            criterion.name: {"holds": criterion.holds, "words": criterion.words}
            for criterion in criteria
        },
        "sample": {"rows": note.rows, "sha256": digest},
    }
    with writing_folder(output) as folder:
        write_json(folder / "decision.json", decision)
        write_text(folder / "note.md", as_markdown(note))
        write_text(folder / "note.html", as_html(note))
        published = folder / "published"
        published.mkdir()
        write_text(published / "NOTE.md", as_markdown(note))
        if passes:
            shutil.copyfile(sample, published / "sample.parquet")
            description.save(published / "table.json")
    return passes


def _privacy(measured: Mapping[str, Any]) -> Criterion:
    privacy = measured.get("privacy", {})
    words = privacy.get("words", "the evaluation does not say")
    return Criterion("privacy of the sample", privacy.get("passes") is True, words)


def _canaries(
    audit: Mapping[str, Any], table: TableDescription, levels: Sequence[str]
) -> list[Criterion]:
    """A criterion for each level."""
    if not levels:
        return [Criterion("canaries", False, "no level was asked for, so nothing was tried")]
    found = audit.get("levels", {})
    return [_level(level, found.get(level), table) for level in levels]


def _level(level: str, found: Mapping[str, Any] | None, table: TableDescription) -> Criterion:
    name = f"planted {level}s"
    if found is None:
        known = level == RECORD or level in table
        reason = (
            f"there were too few rows to plant {level}s"
            if known
            else f"the table has no column {level!r} that tells {level}s apart; leave the level "
            "out if there is nothing to protect at it"
        )
        return Criterion(name, False, f"not tried: {reason}")
    words = (
        f"{_percent(found['found'])} of {found['planted']} planted {level}s are found where "
        f"{_percent(FALSE_ALARMS)} of those never planted are taken for planted; surely at most "
        f"{_percent(found['at_most'])}, {_percent(MOST_FOUND)} allowed"
    )
    return Criterion(name, found["at_most"] <= MOST_FOUND, words)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
