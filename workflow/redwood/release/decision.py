"""The decision: a sample is written for publication only if it may be published.

It may if

* the sample passes the privacy measures (the verdict of `redwood evaluate`);
* at each level that is asked for (records, tasks, users …) and for each group of sizes of which
  enough canaries were planted an attacker who may raise a false alarm on one canary in ten finds at
  most three in ten of the planted ones, with 95 % confidence (`redwood.release.audit`): three times
  what chance finds, and what differential privacy with ε = ln 3 ≈ 1.1 would allow (P. Kairouz et
  al., arXiv 1311.0776, theorem 2.1). As all groups have to pass, each may be judged at this
  confidence by itself;
* it still does at the confidence that the number of tries asks for (`redwood.release.tries`).

A check fails if nothing was measured, or on too few canaries: the gate fails closed. The decision
says in words what failed, and what is protected up to which size.

Units that are named by a feature get new names in what is published, numbers in the order in which
they appear: a name would give away that its unit was there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import require_ending, write_json, write_text, writing_folder
from redwood.release.canaries import RECORD
from redwood.release.judging import MOST_TRIES
from redwood.release.note import ReleaseNote, as_html, as_markdown
from redwood.release.note_found import found_by_size_and_kind, found_picture
from redwood.release.shares import FALSE_ALARMS, sizes_in_words
from redwood.release.tries import Tries, enter, risk_of_try
from redwood.tables import TableDescription, read_table, table_digest, table_rows, write_table

MOST_FOUND = 3 * FALSE_ALARMS


@dataclass(frozen=True)
class Check:
    """What was checked of a sample, and whether it passed.

    Attributes:
        kind: `privacy`, the verdict of the privacy measures on the sample itself, `canaries`, or
            `tries`, how often the release was tried.
        level: at which canaries were planted: `record` or the name of a column; `None` where none
            were.
        passed: whether the sample passed; it did not if the answer is not known.
        title: what was checked, for a reader.
        text: what was found, for a reader.
        groups: of the canaries that were judged, each with its `rows`, how many were `planted`, the
            share that was `found`, and the upper bound of it that counts, `at_most`.
    """

    kind: Literal["privacy", "canaries", "tries"]
    level: str | None
    passed: bool
    title: str
    text: str
    groups: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Protection:
    """What a release promises at a level.

    Attributes:
        level: `record` or the name of a column that names units.
        up_to_rows: units of so many rows are protected; 0 if none are.
        any_size: whether there are no larger ones.
        text: the same for a reader, and what is not promised.
    """

    level: str
    up_to_rows: int
    any_size: bool
    text: str


def decide(
    table: Path,
    sample: Path,
    evaluation: Path,
    audit: Path,
    model: str,
    levels: Sequence[str],
    output: Path,
    surrogate: Path | None = None,
    shadows: Sequence[Path] = (),
) -> bool:
    """Decide whether a sample may be published, and write the folder `output`.

    `decision.json`, `note.md` and `note.html` say what was decided and why; `published/` holds the
    sample, its description and the note if it may be published, and only the note if not. The
    ledger of tries is the file `output`.tries.json beside the folder.

    Args:
        table: description of the sample's table.
        sample: the synthetic rows.
        evaluation: what `redwood evaluate` wrote of this very sample.
        audit: what `redwood release audit` wrote of the shadow models.
        model: the model's name.
        levels: at which levels canaries must be safe: `record`, names of columns.
        output: the folder to write; what it held is replaced.
        surrogate: the folder of the model that made the sample; its options tell releases apart in
            the ledger.
        shadows: the folders of the shadow models.

    Returns:
        whether the sample may be published.

    Raises:
        InputError: a file cannot be read, the evaluation is one of another sample, or a shadow
            model has other options than the model.
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
    audited = read_json(audit, "audit")
    _require_current(audited, audit)
    full = TableDescription.load(table)
    options = _options(surrogate, shadows)
    ledger = output.with_name(f"{output.name}.tries.json")
    digests = audited["digests"]
    outcome = {
        "sample": digest,
        "audited": ",".join(digests["synthetic"]),
        "canaries": ",".join(digests["canaries"]),
    }
    tries = enter(ledger, model, options, digests["train"], outcome)
    checks = [_privacy(measured, levels), *_canaries(audited, full, levels, tries), _tries(tries)]
    passes = all(check.passed for check in checks)
    protections = _protections(audited, full, levels, checks)
    description = full.only_features()
    with writing_folder(output) as folder:
        published = folder / "published"
        published.mkdir()
        if passes:
            # Not a copy of the file: that may hold columns which nobody has judged.
            made = published / "sample.parquet"
            write_table(
                _named_anew(read_table(sample, description), description), made, description
            )
            description.save(published / "table.json")
            digest = table_digest(made)
        note = ReleaseNote(
            model=model,
            table=description,
            rows=table_rows(sample),
            digest=digest,
            passes=passes,
            up_to_rows=audited["up_to_rows"],
            protections=[protection.text for protection in protections],
            checks=[(check.title, check.passed, check.text) for check in checks],
            picture=found_picture(
                [(check.level, check.groups) for check in checks], audited, MOST_FOUND, FALSE_ALARMS
            ),
            found=found_by_size_and_kind(audited, levels),
            measures=measured["measures"],
        )
        decision = {
            "model": model,
            "released": passes,
            "up_to_rows": audited["up_to_rows"],
            "shadow_models": audited["shadow_models"],
            "checks": [asdict(check) for check in checks],
            "protects": [asdict(protection) for protection in protections],
            "sizes": {
                level: audited["levels"][level]["sizes"]
                for level in levels
                if level in audited["levels"]
            },
            "tries": asdict(tries),
            "sample": {"rows": note.rows, "sha256": digest},
        }
        write_json(folder / "decision.json", decision)
        write_text(folder / "note.md", as_markdown(note))
        write_text(folder / "note.html", as_html(note))
        write_text(published / "NOTE.md", as_markdown(note))
    return passes


def _require_current(audited: Mapping[str, Any], path: Path) -> None:
    keys = ("digests", "levels", "up_to_rows", "shadow_models")
    missing = [key for key in keys if key not in audited]
    if missing:
        raise InputError(
            f"{path}: has no {missing[0]}: not an audit, or one of an earlier version, which is "
            "made again by `redwood release audit`"
        )


def _options(surrogate: Path | None, shadows: Sequence[Path]) -> dict[str, Any]:
    """The options of the model, which are the shadow models', too; none if they are not known."""
    folders = [*([surrogate] if surrogate else []), *shadows]
    options = [
        read_json(folder / "model.json", "description of a model").get("options", {})
        for folder in folders
    ]
    for folder, others in zip(folders[1:], options[1:], strict=True):
        differ = sorted(
            name for name in {*options[0], *others} if options[0].get(name) != others.get(name)
        )
        if differ:
            raise InputError(
                f"{folder}: {differ[0]} is {others.get(differ[0])!r}, expected "
                f"{options[0].get(differ[0])!r}, as of {folders[0]}: the audit is of other options"
            )
    return dict(options[0]) if options else {}


def _named_anew(rows: pd.DataFrame, description: TableDescription) -> pd.DataFrame:
    """The rows with new names of units, numbers in the order in which they appear."""
    new = {}
    for name in description.units:
        numbers, known = pd.factorize(rows[name])
        width = len(str(len(known)))
        new[name] = np.array([f"{name} {n + 1:0{width}}" for n in range(len(known))], object)[
            numbers
        ]
    return rows.assign(**new)


def _privacy(measured: Mapping[str, Any], levels: Sequence[str]) -> Check:
    """The verdict on the sample; what it leaves to planted records counts if they are asked for."""
    privacy = measured.get("privacy", {})
    text = privacy.get("words", "the evaluation does not say")
    left = privacy.get("left_to_canaries") is True and RECORD in levels
    return Check(
        "privacy", None, privacy.get("passes") is True or left, "privacy of the sample", text
    )


def _tries(tries: Tries) -> Check:
    """Whether the release was not tried too often, and how often that was."""
    text = f"this is try {tries.number} of this model with these options and training rows"
    if tries.number > 1:
        text += (
            f"; what holds at the first try with 95 % confidence has to hold now with "
            f"{100 * (1 - risk_of_try(tries.number)):.4g} %"
        )
    if tries.with_other_options:
        text += f"; with other options there were {tries.with_other_options}"
    if tries.number > MOST_TRIES:
        text += f"; after {MOST_TRIES} no further one counts"
    return Check("tries", None, tries.number <= MOST_TRIES, "number of tries", text)


def _canaries(
    audited: Mapping[str, Any], table: TableDescription, levels: Sequence[str], tries: Tries
) -> list[Check]:
    """A check for each level."""
    if not levels:
        reason = "no level was asked for, so nothing was tried"
        return [Check("canaries", None, False, "canaries", reason)]
    return [
        Check(
            "canaries",
            level,
            *_level(level, audited, table, tries.number),
            _groups(level, audited, tries.number),
        )
        for level in levels
    ]


def _groups(level: str, audited: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
    """What was found of the groups of a level that are judged, by the bound that counts."""
    found = audited["levels"].get(level)
    return [
        {
            **{key: group[key] for key in ("rows", "planted", "found")},
            "at_most": group["at_most_of_try"][min(number, MOST_TRIES) - 1],
        }
        for group in (found["groups"] if found else [])
        if group["judged"]
    ]


def _level(
    level: str, audited: Mapping[str, Any], table: TableDescription, number: int
) -> tuple[bool, str, str]:
    """Whether few enough canaries of a level are found; title and text for a reader."""
    title = f"planted {level}s"
    found = audited["levels"].get(level)
    judged = [group for group in found["groups"] if group["judged"]] if found else []
    if found is None or not judged:
        return False, title, f"not tried: {_why_not(level, audited, table)}"
    bounds = [group["at_most_of_try"][min(number, MOST_TRIES) - 1] for group in judged]
    told = [
        (f"of {sizes_in_words(group['rows'])}: " if level != RECORD else "")
        + f"the attacker finds {_percent(group['found'])} of {group['planted']} planted {level}s, "
        f"{100 * (1 - risk_of_try(number)):.4g} % upper bound {_percent(bound)}"
        for group, bound in zip(judged, bounds, strict=True)
    ]
    text = (
        f"{'; '.join(told)}; limit {_percent(MOST_FOUND)}, at a {_percent(FALSE_ALARMS)} "
        f"false-alarm rate on {found['others']} never planted (guessing: {_percent(FALSE_ALARMS)})"
    )
    passed = all(bound <= MOST_FOUND for bound in bounds)
    asked = audited["up_to_rows"]
    if asked and found["up_to_rows"] < min(asked, found["units"]["largest"]):
        passed = False
        text += f"; too few canaries of {asked} rows were planted"
    return passed, title, text


def _why_not(level: str, audited: Mapping[str, Any], table: TableDescription) -> str:
    if level == RECORD or level in table:
        asked = audited["up_to_rows"]
        return f"there were too few rows to plant {level}s" + (
            f" of up to {asked} rows" if asked and level in audited["levels"] else ""
        )
    return (
        f"the table has no column {level!r} that tells {level}s apart; leave the level out if "
        "there is nothing to protect at it"
    )


def _protections(
    audited: Mapping[str, Any],
    table: TableDescription,
    levels: Sequence[str],
    checks: Sequence[Check],
) -> list[Protection]:
    """What is protected at each level that is asked for or that the table tells apart."""
    passed = {check.level: check.passed for check in checks if check.kind == "canaries"}
    all_levels = dict.fromkeys([*levels, *table.units])
    return [
        _protection(level, audited, table, passed.get(level, False), level in levels)
        for level in all_levels
    ]


def _protection(
    level: str, audited: Mapping[str, Any], table: TableDescription, passed: bool, asked: bool
) -> Protection:
    found = audited["levels"].get(level)
    if not asked:
        return Protection(level, 0, False, f"**{level}s**: not tried, nothing is promised")
    if found is None or "up_to_rows" not in found:
        why = _why_not(level, audited, table)
        return Protection(level, 0, False, f"**{level}s**: not tried, nothing is promised: {why}")
    if not passed:
        words = "found too often" if level == RECORD else "of no size: found too often"
        return Protection(level, 0, False, f"**{level}s**: not protected, {words}")
    if level == RECORD:
        return Protection(level, 1, True, f"**{level}s**: protected")
    reach, units = found["up_to_rows"], found["units"]
    if not units["beyond"]:
        text = f"**{level}s**: protected; the largest has {units['largest']} rows"
        return Protection(level, reach, True, text)
    tried = [size for size in found["sizes"] if size["size"] > reach]
    planted = sum(size["planted"] for size in tried)
    caught = sum(size["found"] * size["planted"] for size in tried)
    text = (
        f"**{level}s**: those of up to {reach} rows are protected. Larger ones are not promised: "
        f"{units['beyond']:,} of {units['number']:,}, with "
        f"{_percent(units['rows_beyond'] / units['rows'])} of the rows"
    )
    if planted:
        text += f"; {planted} such {level}s were planted, of which about {caught:.0f} are found"
    return Protection(level, reach, False, text)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
