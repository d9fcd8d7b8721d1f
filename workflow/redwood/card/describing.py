"""The data card: what a table holds, on one page, for whoever decides whether it is usable.

`card.json` holds the facts, `card.html` shows them; neither holds a hash of a user or a task, nor a
category that fewer than five rows have.
"""

from pathlib import Path
from typing import Any

from redwood.card.findings import verdict
from redwood.card.page import page
from redwood.card.survey import RARE, rejects, survey
from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.job_table import COLUMNS
from redwood.outputs import write_json, write_text
from redwood.tables import TableDescription


def card(
    table: Path,
    jobs: Path,
    cleaning: Path | None,
    rejected: Path | None,
    split: Path | None,
    output: Path,
) -> None:
    """Write card.html, self-contained, and card.json to the folder `output`.

    Args:
        table: the table description, of whatever table.
        jobs: the table, a parquet file or a folder of them.
        cleaning: cleaning.json, the account of the cleaning, if there was any.
        rejected: rejected.parquet, the rows that it did not keep.
        split: split.json, the account of the split, if there was any.
        output: folder for the results.

    Raises:
        InputError: an input is missing or is not what it should be.
    """
    description = TableDescription.load(table)
    account = _account(cleaning) if cleaning else None
    division = _read(split, "account of a split", ("parts", "rule", "seed")) if split else None
    facts: dict[str, Any] = {
        "dataset": description.name,
        "noun": "job" if "creationtime" in description else "row",
        "synthetic": account.get("synthetic", False) if account else None,
        **survey(jobs, description),
        "lacking": [n for n in COLUMNS if n not in description] if account else [],
        "cleaning": account,
        "rejects": rejects(rejected) if rejected else None,
        "split": division,
    }
    facts = {**facts, "verdict": verdict(facts)}
    write_json(output / "card.json", facts)
    write_text(output / "card.html", page(facts))


def _account(path: Path) -> dict[str, Any]:
    """cleaning.json, without the names of sites too rare to be named."""
    keys = (
        *("rows", "files", "unreadable", "steps", "blanked_cells", "workload", "sites"),
        *("assumptions", "hash_key", "options"),
    )
    account = _read(path, "account of a cleaning", keys)
    named = {n: rows for n, rows in account["sites"]["unknown_names"].items() if rows >= RARE}
    return {**account, "sites": {**account["sites"], "unknown_names": named}}


def _read(path: Path, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
    content = read_json(path, what)
    lacking = [key for key in keys if key not in content]
    if lacking:
        raise InputError(f"{path}: not an {what}: it has no {', '.join(lacking)}")
    return content
