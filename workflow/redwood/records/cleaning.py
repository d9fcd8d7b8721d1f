"""Raw dumps → the job table, with an account of every row.

Input rows = kept + rejected. Rejected rows go to rejected.parquet with file, line and reason, and
cleaning.json counts them step by step.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.progress import ProgressReport
from redwood.records.job_table import ALTERNATIVES, COLUMNS, RAW_COLUMNS, REQUIRED, column
from redwood.records.normalisation import Records, joined, normalise
from redwood.records.privacy import ENVIRONMENT_VARIABLE, HashKey, hash_key
from redwood.records.readers import Source, find_files, read, short_names
from redwood.records.sites import SITES_FILE, core_powers
from redwood.records.steps import STEPS, needed_columns, sources_of
from redwood.records.synthetic import are_synthetic
from redwood.tables import Column, TableDescription, write_table

_REJECTED = TableDescription(
    "rejected rows",
    (
        Column("file", "categorical", role="auxiliary", meaning="dump"),
        Column("line", "integer", role="auxiliary", meaning="line of the dump, from 1"),
        Column("reason", "categorical", role="auxiliary", meaning="code of the step"),
        Column("column", "categorical", role="auxiliary", meaning="raw column at fault"),
        Column("value", "categorical", role="auxiliary", meaning="its value where harmless"),
    ),
)
_NEVER_RAN = ("closed", "cancelled")


def clean(
    inputs: list[Path],
    output: Path,
    dataset: str,
    seed: int,
    options: Cleaning,
    sites: Path = SITES_FILE,
) -> None:
    """Write jobs.parquet, table.json, rejected.parquet and cleaning.json to the folder `output`.

    Args:
        inputs: dump files, folders or globs.
        output: folder for the results.
        dataset: name of the table.
        seed: the run's seed; keys the hashes of made-up users and of pseudonyms only.
        options: what to keep and how to read it.
        sites: table of sites and their core powers.

    Raises:
        InputError: no dump, a configured feature that no dump has, or no row left.
    """
    paths = find_files(inputs)
    key = hash_key(seed, nameless=options.pseudonymous or are_synthetic(paths))
    dumps = _read_dumps(paths, options, key)
    records = dumps.records
    _check_columns(records, options)
    workload = _add_derived(records, options, sites)
    verdicts, steps = _apply_steps(records, options)
    kept = verdicts["reason"].isna().to_numpy()
    rejected = pd.concat([dumps.unreadable, verdicts[~kept]], ignore_index=True)
    if not kept.any():
        counts = Counter(zip(rejected["reason"], rejected["column"], strict=True)).most_common()
        reasons = ", ".join(
            f"{count} {reason}" + (f" in {column}" if column else "")
            for (reason, column), count in counts
        )
        raise InputError(f"{_listed(inputs)}: none of its {len(rejected)} rows is left: {reasons}")
    if dumps.rows != kept.sum() + len(rejected):
        raise AssertionError(f"{dumps.rows} rows in, {kept.sum()} kept, {len(rejected)} rejected")

    jobs = records.frame[kept]
    jobs = jobs.iloc[np.lexsort((jobs["pandaid"].to_numpy(), jobs["creationtime"].to_numpy()))]
    description = _describe(jobs, dataset, options)
    write_table(_as_described(jobs, description), output / "jobs.parquet", description)
    description.save(output / "table.json")
    write_table(_in_file_order(rejected, dumps), output / "rejected.parquet", _REJECTED)
    account = {
        "dataset": dataset,
        "rows": {"input": dumps.rows, "kept": len(jobs), "rejected": len(rejected)},
        "files": dumps.files,
        "unreadable": dict(sorted(Counter(dumps.unreadable["reason"]).items())),
        "steps": steps,
        "blanked_cells": _blanked(records, options, kept),
        "workload": workload,
        "assumptions": dict(sorted(dumps.assumptions.items())),
        "hash_key": key.origin,
        "columns": {
            column.name: {"role": column.role, "missing": int(jobs[column.name].isna().sum())}
            for column in description.columns
        },
        "options": options.model_dump(mode="json"),
    }
    write_json(output / "cleaning.json", account)
    if key.origin == "random" and ("user" in description or "task" in description):
        print(
            "users and tasks are hashed with a random key; "
            f"set {ENVIRONMENT_VARIABLE} to get the same hashes in another run",
            file=sys.stderr,
        )


@dataclass
class _Dumps:
    """All that was read: `unreadable` has file, line and reason."""

    records: Records
    unreadable: pd.DataFrame
    files: list[dict[str, Any]]
    assumptions: Counter

    @property
    def rows(self) -> int:
        return len(self.records.frame) + len(self.unreadable)


def _read_dumps(paths: list[Path], options: Cleaning, key: HashKey) -> _Dumps:
    renames = {raw.lower(): name.lower() for raw, name in options.columns.items()}
    parts, unreadable, files = [], [], []
    assumptions: Counter = Counter()
    rows = 0
    with ProgressReport("reading dumps", len(paths), "files") as report:
        for path, name in zip(paths, short_names(paths), strict=True):
            begin = rows
            for chunk in read(Source(path, name, renames, RAW_COLUMNS)):
                parts.append(normalise(chunk, key, options.utc_offset_hours))
                unreadable += [(name, line, reason) for line, reason in chunk.unreadable]
                assumptions += chunk.assumptions
                rows += len(chunk.rows) + len(chunk.unreadable)
                report.advance(0, rows=rows)
            if rows == begin:
                raise InputError(f"{name}: the file has no rows")
            files.append({"file": name, "rows": rows - begin})
            report.advance(rows=rows)
    frame = pd.DataFrame(unreadable, columns=["file", "line", "reason"])
    return _Dumps(joined(parts), frame.assign(column=None, value=None), files, assumptions)


def _check_columns(records: Records, options: Cleaning) -> None:
    """Every column that is needed must be one that some dump has."""
    lacking = []
    for name in needed_columns(options):
        if not records.present.intersection(ALTERNATIVES[name]):
            raws = " or ".join(raw.upper() for raw in ALTERNATIVES[name])
            by = "" if name in options.features else ", which every job table needs,"
            lacking.append(f"{name!r}{by} is made of {raws}")
    if lacking:
        have = ", ".join(sorted(raw.upper() for raw in records.present)) or "nothing"
        raise InputError(
            f"records.cleaning.features: no dump has what these need: {'; '.join(lacking)}; "
            f"of PanDA's columns the dumps have values in {have}"
        )
    if options.analysis_of_daod:
        for needed in (("prodsourcelabel",), ALTERNATIVES["datatype"]):
            if not records.present.intersection(needed):
                raws = " or ".join(raw.upper() for raw in needed)
                raise InputError(
                    "records.cleaning.analysis_of_daod is true, but no dump has a value in "
                    f"{raws}; set it to false to keep jobs of every kind"
                )


def _add_derived(records: Records, options: Cleaning, sites: Path) -> dict[str, Any]:
    """Add workload, walltime and queuetime to the records; say what the workload was made of."""
    frame = records.frame
    for name, begin, end in (
        ("queuetime", "creationtime", "starttime"),
        ("walltime", "starttime", "endtime"),
    ):
        seconds = (frame[end] - frame[begin]).dt.total_seconds()
        frame[name] = seconds.where(seconds >= 0)
    if "cpuconsumptiontime" not in records.present:
        frame["workload"] = frame["hs06sec"]
        return {"made_of": "HS06SEC, for want of CPUCONSUMPTIONTIME"}
    never_ran = (
        frame["cputime"].isna() & frame["starttime"].isna() & frame["jobstatus"].isin(_NEVER_RAN)
    )
    unusable = records.unusable["row"][records.unusable["column"] == "cputime"]
    never_ran.iloc[unusable] = False
    frame.loc[never_ran, "cputime"] = 0.0
    powers = core_powers(sites)
    names = frame["computingsite"].cat.categories
    power = frame["computingsite"].map({name: powers.get(name, np.nan) for name in names})
    power = power.astype(np.float64)
    frame["workload"] = frame["cputime"] * power.fillna(options.default_core_power)
    return {
        "made_of": "CPUCONSUMPTIONTIME × core power of the site",
        "rows_with_default_core_power": int(power.isna().sum()),
        "rows_that_never_ran_and_count_as_0": int(never_ran.sum()),
    }


def _apply_steps(records: Records, options: Cleaning) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The verdict on each row (reason, column, value; missing if kept), and the steps' counts."""
    size = len(records.frame)
    verdicts = {name: np.full(size, None, dtype=object) for name in ("reason", "column", "value")}
    open_rows = np.ones(size, dtype=bool)
    counts = []
    for step in STEPS:
        before = int(open_rows.sum())
        for rejection in step.find(records, options):
            rows = open_rows & rejection.rows
            verdicts["reason"][rows] = step.reason
            verdicts["column"][rows] = rejection.column.upper() or None
            if rejection.shown is not None:
                verdicts["value"][rows] = rejection.shown[rows]
            open_rows &= ~rows
        after = int(open_rows.sum())
        counts.append(
            {
                "reason": step.reason,
                "description": step.description,
                "rejected": before - after,
                "left": after,
            }
        )
    frame = pd.DataFrame(verdicts)
    frame.insert(0, "file", records.frame["file"].astype(object))
    frame.insert(1, "line", records.frame["line"])
    return frame, counts


def _describe(jobs: pd.DataFrame, dataset: str, options: Cleaning) -> TableDescription:
    """The features in their configured order, then every other column that has a value."""
    features = [column(name, feature=True) for name in options.features]
    others = [
        column(name, feature=False)
        for name in COLUMNS
        if name not in options.features and (name in REQUIRED or jobs[name].notna().any())
    ]
    return TableDescription(dataset, (*features, *others))


def _as_described(jobs: pd.DataFrame, description: TableDescription) -> pd.DataFrame:
    columns = {}
    for entry in description.columns:
        values = jobs[entry.name].reset_index(drop=True)
        if entry.kind == "timestamp":
            values = values.dt.tz_localize("UTC")
        elif entry.kind == "integer":
            values = values.astype("Int64")
        columns[entry.name] = values
    return pd.DataFrame(columns)


def _in_file_order(rejected: pd.DataFrame, dumps: _Dumps) -> pd.DataFrame:
    position = {entry["file"]: i for i, entry in enumerate(dumps.files)}
    order = np.lexsort((rejected["line"].to_numpy(np.int64), rejected["file"].map(position)))
    ordered = rejected.iloc[order].reset_index(drop=True)
    return ordered.assign(line=ordered["line"].astype("Int64"))


def _blanked(records: Records, options: Cleaning, kept: np.ndarray) -> dict[str, int]:
    """Raw column → cells of kept rows that were unusable and, not being needed, became missing."""
    needed = sources_of(records, needed_columns(options))
    cells = records.unusable
    cells = cells[kept[cells["row"].to_numpy(np.int64)] & ~cells["column"].isin(needed)]
    return dict(sorted(Counter(cells["raw"].str.upper()).items()))


def _listed(inputs: Sequence[Path]) -> str:
    return ", ".join(str(entry) for entry in inputs)
