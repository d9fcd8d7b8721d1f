"""The data card: what a table holds, on one page, for whoever decides whether it is usable.

`card.json` holds the facts, `card.html` shows them; neither holds a hash of a user or a task, nor a
category that fewer than five rows have.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np

from redwood.card.arrivals import arrivals
from redwood.card.findings import verdict
from redwood.card.page import page
from redwood.card.survey import PRIVATE, Survey, WordCounts, survey
from redwood.card.wording import moment
from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.job_table import COLUMNS, FINAL_STATES
from redwood.outputs import write_json, write_text
from redwood.tables import Column, TableDescription, scan_table

# Categories of fewer rows are not named.
RARE: Final = 5
_SHOWN_VALUES = 10
_SHOWN_SITES = 10
_HISTOGRAM_BINS = 40
# Values at fault are told apart up to so many a reason.
_MOST_VALUES = 20_000
_REJECTED = TableDescription(
    "rejected rows",
    tuple(Column(name, "categorical", role="auxiliary") for name in ("reason", "column", "value")),
)


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
    found = survey(jobs, description)
    columns = [_column(column, found) for column in description.columns]
    facts: dict[str, Any] = {
        "dataset": description.name,
        "noun": "job" if "creationtime" in description else "row",
        "synthetic": account.get("synthetic", False) if account else None,
        "rows": found.rows,
        "quantile_rows": found.quantile_rows.num_rows,
        "columns": columns,
        "lacking": [n for n in COLUMNS if n not in description] if account else [],
        "sample": _sample(found),
        "arrivals": arrivals(found),
        "states": _states(found.states),
        "cleaning": account,
        "rejects": _rejects(rejected) if rejected else None,
        "split": division,
    }
    facts = {**facts, "verdict": verdict(facts)}
    write_json(output / "card.json", facts)
    write_text(output / "card.html", page(facts))


def _account(path: Path) -> dict[str, Any]:
    """cleaning.json, without the names of sites too rare to be named."""
    keys = ("rows", "files", "unreadable", "steps", "blanked_cells", "workload", "sites")
    keys += ("assumptions", "hash_key", "options")
    account = _read(path, "account of a cleaning", keys)
    named = {n: rows for n, rows in account["sites"]["unknown_names"].items() if rows >= RARE}
    return {**account, "sites": {**account["sites"], "unknown_names": named}}


def _read(path: Path, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
    content = read_json(path, what)
    lacking = [key for key in keys if key not in content]
    if lacking:
        raise InputError(f"{path}: not an {what}: it has no {', '.join(lacking)}")
    return content


def _column(column: Column, found: Survey) -> dict[str, Any]:
    """What there is to know of one column; times as text, UTC."""
    facts: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "unit": column.unit,
        "role": column.role,
        "scale": column.scale,
        "meaning": column.meaning,
        "private": column.name in PRIVATE and column.is_categorical,
    }
    if column.is_categorical:
        return facts | _words(found.words[column.name], facts["private"])
    counts = found.numbers[column.name]
    sample = found.sample(column.name)
    unsorted = found.quantile_rows.column(column.name).drop_null()[:3]
    values = {
        "minimum": counts.minimum,
        "median": _quantile(sample, 0.5),
        "percentile_99": _quantile(sample, 0.99),
        "maximum": counts.maximum,
    }
    examples = unsorted.cast("int64").to_pylist() if column.kind == "timestamp" else None
    if column.kind == "timestamp":
        values = {name: None if v is None else moment(v) for name, v in values.items()}
        examples = [moment(value) for value in examples]
    else:
        examples = [value for value in unsorted.to_pylist() if np.isfinite(value)]
        values["mean"] = counts.total / counts.rows if counts.rows else None
    return {
        **facts,
        "distinct": counts.distinct,
        "more_distinct": counts.has_more,
        "missing": counts.missing,
        "infinite": counts.infinite,
        "zeros": counts.zeros,
        "negative": counts.negative,
        **values,
        "examples": examples,
        "histogram": _histogram(sample, column.scale),
    }


def _words(counts: WordCounts, private: bool) -> dict[str, Any]:
    ranked = sorted(counts.counts.items(), key=lambda item: (-item[1], item[0]))
    named = [] if private else [item for item in ranked if item[1] >= RARE][:_SHOWN_VALUES]
    rows = counts.counts.total()
    return {
        "distinct": counts.distinct,
        "more_distinct": False,
        "missing": counts.missing,
        "top": [{"value": word, "rows": number} for word, number in named],
        "others": {
            "values": counts.distinct - len(named),
            "rows": rows - sum(number for _, number in named),
        },
        "rare_values": sum(number < RARE for _, number in ranked),
        "largest": ranked[0][1] if ranked else 0,
        "examples": [word for word, _ in named[:3]],
    }


def _quantile(ascending: np.ndarray, level: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed."""
    if not len(ascending):
        return None
    return ascending[max(0, int(np.ceil(level * len(ascending))) - 1)].item()


def _histogram(sample: np.ndarray, scale: str) -> list[int]:
    """Counts in equal bins from the smallest to the largest value, on the column's scale."""
    if not len(sample):
        return []
    is_log = scale == "log" and sample[0] >= 0
    values = np.log1p(sample) if is_log else sample
    if values[0] == values[-1]:
        return [len(values)]
    return np.histogram(values, bins=_HISTOGRAM_BINS)[0].tolist()


def _sample(found: Survey) -> dict[str, Any]:
    """Some rows; categories too rare to be named are left out of them."""
    columns = {}
    for name in found.shown.column_names:
        values = found.shown.column(name)
        if name in found.words:
            counts = found.words[name].counts
            words = values.to_pylist()
            columns[name] = [w if counts[w] >= RARE else "(rare)" for w in words]
        elif found.description[name].kind == "timestamp":
            columns[name] = [moment(value) for value in values.cast("int64").to_pylist()]
        else:
            numbers = values.to_pylist()
            columns[name] = [v if np.isfinite(v) else "(infinite)" for v in numbers]
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return {"columns": list(columns), "rows": rows}


def _states(counts: Counter[tuple[str | None, str | None]]) -> dict[str, Any] | None:
    """Final states at the sites of most rows, and at all others together."""
    if not counts:
        return None
    states = [*FINAL_STATES, "other"]
    sites: dict[str | None, Counter] = {}
    for (site, state), number in counts.items():
        known = state if state in FINAL_STATES else "other"
        sites.setdefault(site, Counter())[known] += number
    ranked = sorted(sites.items(), key=lambda item: (-item[1].total(), item[0] or ""))
    named = [(site, by) for site, by in ranked if site is not None and by.total() >= RARE]
    named = named[:_SHOWN_SITES]
    everywhere = sum(sites.values(), Counter())
    rest = everywhere - sum((by for _, by in named), Counter())
    if not everywhere["other"]:
        states.remove("other")

    def counted(by: Counter) -> dict[str, int]:
        return {state: by[state] for state in states}

    return {
        "all": counted(everywhere),
        "sites": [{"site": site, "states": counted(by)} for site, by in named],
        "others": {"sites": len(sites) - len(named), "states": counted(rest)},
    }


def _rejects(rejected: Path) -> list[dict[str, Any]]:
    """Rejected rows by reason and raw column at fault, with their most frequent values."""
    rows: Counter[tuple[str, str | None]] = Counter()
    values: dict[tuple[str, str | None], Counter] = {}
    full = set()
    for piece in scan_table(rejected, _REJECTED):
        groups = piece.group_by(["reason", "column", "value"]).aggregate([([], "count_all")])
        for group in groups.to_pylist():
            key, number = (group["reason"], group["column"]), group["count_all"]
            rows[key] += number
            known = values.setdefault(key, Counter())
            if group["value"] is not None and key not in full:
                known[group["value"]] += number
        full = {key for key, known in values.items() if len(known) > _MOST_VALUES}
    return [
        {
            "reason": key[0],
            "column": key[1],
            "rows": number,
            "values": [
                {"value": value, "rows": count}
                for value, count in sorted(values[key].items(), key=lambda v: (-v[1], v[0]))[:5]
                if count >= RARE and key not in full
            ],
        }
        for key, number in sorted(rows.items(), key=lambda item: (-item[1], str(item[0])))
    ]
