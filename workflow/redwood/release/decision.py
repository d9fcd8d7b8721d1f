"""The decision: a sample is written for publication only if it may be published.

It may if

* the sample passes the privacy measures (the verdict of `redwood evaluate`);
* at each level that is asked for (records, tasks, users …) an attacker who may raise a false alarm
  on one canary in ten finds at most three in ten of the planted ones, with 95 % confidence
  (`redwood.release.audit`): three times what chance finds, and what differential privacy with
  ε = ln 3 ≈ 1.1 would allow (P. Kairouz et al., arXiv 1311.0776, theorem 2.1).

A check fails if nothing was measured, or on too few canaries: the gate fails closed. The decision
says in words what failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import require_ending, write_json, write_text, writing_folder
from redwood.release.audit import FALSE_ALARMS
from redwood.release.canaries import RECORD
from redwood.release.note import ReleaseNote, as_html, as_markdown
from redwood.tables import TableDescription, read_table, table_digest, table_rows, write_table

MOST_FOUND = 3 * FALSE_ALARMS


@dataclass(frozen=True)
class Check:
    """What was checked of a sample, and whether it passed.

    Attributes:
        kind: `privacy`, the verdict of the privacy measures on the sample itself, or `canaries`.
        level: at which canaries were planted: `record` or the name of a column; `None` where none
            were.
        passed: whether the sample passed; it did not if the answer is not known.
        title: what was checked, for a reader.
        text: what was found, for a reader.
    """

    kind: Literal["privacy", "canaries"]
    level: str | None
    passed: bool
    title: str
    text: str


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
        audit: what `redwood release audit` wrote of a shadow model.
        model: the model's name.
        levels: at which levels canaries must be safe: `record`, names of columns.
        output: the folder to write; what it held is replaced.

    Returns:
        whether the sample may be published.

    Raises:
        InputError: a file cannot be read, or the evaluation is one of another sample.
    """
    require_ending(output)
    measured = read_json(evaluation / "measures.json", "evaluation")
    digest = table_digest(sample)
    found = measured.get("digests", {}).get("synthetic")
    if found != digest:
        raise InputError(
            f"{evaluation}: is of a sample with digest {found!r}, expected {digest!r}, that of "
            f"{sample}: evaluate it first"
        )
    full = TableDescription.load(table)
    checks = [_privacy(measured, levels), *_canaries(read_json(audit, "audit"), full, levels)]
    passes = all(check.passed for check in checks)
    description = full.only_features()
    with writing_folder(output) as folder:
        published = folder / "published"
        published.mkdir()
        if passes:
            # Not a copy of the file: that may hold columns which nobody has judged.
            made = published / "sample.parquet"
            write_table(read_table(sample, description), made, description)
            description.save(published / "table.json")
            digest = table_digest(made)
        note = ReleaseNote(
            model=model,
            table=description,
            rows=table_rows(sample),
            digest=digest,
            passes=passes,
            checks=[(check.title, check.passed, check.text) for check in checks],
            measures=measured["measures"],
        )
        decision = {
            "model": model,
            "released": passes,
            "checks": [asdict(check) for check in checks],
            "sample": {"rows": note.rows, "sha256": digest},
        }
        write_json(folder / "decision.json", decision)
        write_text(folder / "note.md", as_markdown(note))
        write_text(folder / "note.html", as_html(note))
        write_text(published / "NOTE.md", as_markdown(note))
    return passes


def _privacy(measured: Mapping[str, Any], levels: Sequence[str]) -> Check:
    """The verdict on the sample; what it leaves to planted records counts if they are asked for."""
    privacy = measured.get("privacy", {})
    text = privacy.get("words", "the evaluation does not say")
    left = privacy.get("left_to_canaries") is True and RECORD in levels
    return Check(
        "privacy", None, privacy.get("passes") is True or left, "privacy of the sample", text
    )


def _canaries(
    audit: Mapping[str, Any], table: TableDescription, levels: Sequence[str]
) -> list[Check]:
    """A check for each level."""
    if not levels:
        reason = "no level was asked for, so nothing was tried"
        return [Check("canaries", None, False, "canaries", reason)]
    found = audit.get("levels", {})
    return [Check("canaries", level, *_level(level, found.get(level), table)) for level in levels]


def _level(
    level: str, found: Mapping[str, Any] | None, table: TableDescription
) -> tuple[bool, str, str]:
    """Whether few enough canaries of a level are found; title and text for a reader."""
    title = f"planted {level}s"
    if found is None:
        known = level == RECORD or level in table
        reason = (
            f"there were too few rows to plant {level}s"
            if known
            else f"the table has no column {level!r} that tells {level}s apart; leave the level "
            "out if there is nothing to protect at it"
        )
        return False, title, f"not tried: {reason}"
    text = (
        f"{_percent(found['found'])} of {found['planted']} planted {level}s are found where "
        f"{_percent(FALSE_ALARMS)} of those never planted are taken for planted; at most "
        f"{_percent(found['at_most'])} with 95 % confidence, {_percent(MOST_FOUND)} allowed"
    )
    return found["at_most"] <= MOST_FOUND, title, text


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
