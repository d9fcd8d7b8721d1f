"""Cleaned files → the job table, partitioned by day, with an account of every row.

Input rows = kept + rejected. Rejected rows go to rejected.parquet with file, line and reason, and
cleaning.json counts them step by step. No more than a span of days is held in memory at once.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.outputs import write_json, writing, writing_folder
from redwood.progress import ProgressReport
from redwood.readers.foreign import PANDA, in_own_words
from redwood.records.cleaned_file import ACQUAINTANCES, BLANKABLE, CleanedFile
from redwood.records.derivation import WORKLOAD_ORIGINS
from redwood.records.duplicates import superseded
from redwood.records.privacy import ENVIRONMENT_VARIABLE
from redwood.records.requirements import check_alike, check_columns, describe
from redwood.records.steps import DUPLICATE, LATE_REASONS, STATELESS, STEPS
from redwood.records.unmasking import Unmasked, exceptions, spoken, unmask
from redwood.records.vocabulary import MASK
from redwood.tables import Column, TableDescription, arrow_schema

_REJECTED = TableDescription(
    "rejected rows",
    (
        Column("file", "categorical", role="auxiliary", meaning="dump"),
        Column("record", "integer", role="auxiliary", meaning="row of the dump, from 1"),
        Column("line", "integer", role="auxiliary", meaning="line of the dump, from 1"),
        Column("reason", "categorical", role="auxiliary", meaning="code of the step"),
        Column("column", "categorical", role="auxiliary", meaning="raw column at fault"),
        Column("value", "categorical", role="auxiliary", meaning="its value where harmless"),
    ),
)
# Jobs of consecutive days that are sorted in memory at once, some 300 bytes each.
_SPAN_ROWS = 1_000_000
_DAY_US = 86_400_000_000
_WRITING = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}


def gather(
    folders: Sequence[Path],
    output: Path,
    dataset: str,
    options: Cleaning,
    span_rows: int = _SPAN_ROWS,
    key_file: Path | None = None,
) -> None:
    """Write jobs/, rejected.parquet, table.json and, last, cleaning.json to the folder `output`.

    Args:
        folders: cleaned files, in the order of the dumps.
        output: folder for the results; `jobs/day=2024-01-31/jobs.parquet` holds the jobs created
            that day, UTC, in order of time and PandaID.
        dataset: name of the table.
        options: what they were cleaned with.
        span_rows: how many jobs may be held in memory at once, unless one day has more.
        key_file: the random key of the hashes, if the environment has none.

    Raises:
        InputError: the files were cleaned with other options or different keys, a configured
            feature that no dump has, or no row left; then rejected.parquet and cleaning.json are
            there to say why.
    """
    files = [CleanedFile.load(folder) for folder in folders]
    total = sum(file.account["rows"] for file in files)
    if not total:
        raise InputError(f"{_listed(files)}: no rows")
    check_alike(files, options)
    check_columns(files, options)
    for option in exceptions(options):
        print(
            f"records.cleaning.{option} is set: words on no list come out, however few owners have "
            "them",
            file=sys.stderr,
        )
    unmasked = unmask(files, options, key_file)
    with ProgressReport("gathering", 2 * total, "rows") as report:
        survey = _Survey(files, unmasked)
        with writing(output / "rejected.parquet") as partial:
            survey.write_rejected(partial, report)
        description = describe(files, dataset, options)
        tally = _Tally({column: set(words.values()) for column, words in unmasked.items()})
        if survey.kept:
            with writing_folder(output / "jobs") as folder:
                for jobs in survey.days(folder, span_rows):
                    jobs.write(description, tally)
                    report.advance(jobs.table.num_rows)
            description.save(output / "table.json")
    write_json(output / "cleaning.json", _account(files, survey, tally, description, options))
    if not survey.kept:
        reasons = ", ".join(f"{number} {reason}" for reason, number in survey.most_common())
        raise InputError(
            f"{_listed(files)}: none of its {total} rows is left: {reasons}; "
            f"{output / 'rejected.parquet'} has them all"
        )
    _mention_random_key(files, description)


class _Group(NamedTuple):
    """A row group of a cleaned file's candidates: which of them stay, and their days."""

    file: CleanedFile
    number: int
    kept: np.ndarray
    first_day: int
    last_day: int


class _Survey:
    """What the gathered files hold, found without reading more than identifiers and times."""

    def __init__(self, files: Sequence[CleanedFile], unmasked: Unmasked) -> None:
        self._files, self._unmasked = files, unmasked
        self._superseded = superseded(files)
        self._has_states = any("jobstatus" in file.account["present"] for file in files)
        self._groups: list[_Group] = []
        self._days: Counter = Counter()
        self.kept_of: Counter = Counter()
        self.late: Counter = Counter()
        self.reasons: Counter = Counter()

    @property
    def kept(self) -> int:
        return sum(self.kept_of.values())

    def most_common(self) -> list[tuple[str, int]]:
        """Rejected rows by reason and column, the most frequent first."""
        return self.reasons.most_common()

    def write_rejected(self, path: Path, report: ProgressReport) -> None:
        """Write all rejected rows in the order of the dumps; learn which candidates stay."""
        schema = arrow_schema(_REJECTED)
        with pq.ParquetWriter(path, schema, **_WRITING) as writer:
            for file, superseded_rows in zip(self._files, self._superseded, strict=True):
                with file.rejected as part:
                    rejected = [part.read(columns=["record", "line", "reason", "column", "value"])]
                rejected += self._late(file, superseded_rows)
                rows = _as_strings(pa.concat_tables(rejected)).sort_by("record")
                name = pa.array([file.account["file"]] * len(rows), pa.string())
                rows = rows.add_column(0, "file", name).cast(schema)
                writer.write_table(rows)
                self._count(rows)
                report.advance(file.account["rows"])

    def days(self, folder: Path, span_rows: int) -> Iterator["_Jobs"]:
        """The jobs day by day, each with the folder of its partition."""
        span: list[int] = []
        for day in sorted(self._days):
            if span and sum(self._days[other] for other in span) + self._days[day] > span_rows:
                yield from self._read_span(folder, span[0], span[-1])
                span = []
            span.append(day)
        if span:
            yield from self._read_span(folder, span[0], span[-1])

    def _late(self, file: CleanedFile, superseded_rows: np.ndarray) -> Iterator[pa.Table]:
        """The candidates of a file that only the other files tell to reject."""
        columns = ["record", "line", "pandaid", "creationtime", "jobstatus"]
        first = 0
        with file.candidates as part:
            for number in range(part.num_row_groups):
                group = part.read_row_group(number, columns=columns)
                begin, end = np.searchsorted(superseded_rows, (first, first + len(group)))
                lost = superseded_rows[begin:end] - first
                stateless = np.zeros(len(group), dtype=bool)
                if self._has_states:
                    stateless = group.column("jobstatus").is_null().to_numpy()
                kept = ~stateless
                kept[lost] = False
                stateless[lost] = False
                first += len(group)
                self._note_group(file, number, kept, group.column("creationtime"))
                system = file.account["system"]
                yield _rejected_late(group.take(lost), DUPLICATE, "PANDAID", system)
                stateless_rows = group.filter(pa.array(stateless))
                yield _rejected_late(stateless_rows, STATELESS, "JOBSTATUS", system)

    def _note_group(
        self, file: CleanedFile, number: int, kept: np.ndarray, created: pa.ChunkedArray
    ) -> None:
        days = _days_of(created)[kept]
        if not len(days):
            return
        found, counts = np.unique(days, return_counts=True)
        self._days.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        self._groups.append(_Group(file, number, kept, int(found[0]), int(found[-1])))
        self.kept_of[file.account["file"]] += len(days)

    def _count(self, rejected: pa.Table) -> None:
        counts = rejected.group_by(["reason", "column"]).aggregate([([], "count_all")])
        for row in counts.to_pylist():
            at = f" in {row['column']}" if row["column"] else ""
            self.reasons[row["reason"] + at] += row["count_all"]
            if row["reason"] in LATE_REASONS:
                self.late[row["reason"]] += row["count_all"]

    def _read_span(self, folder: Path, first: int, last: int) -> Iterator["_Jobs"]:
        pieces = []
        for group in self._groups:
            if group.last_day < first or group.first_day > last:
                continue
            with group.file.candidates as part:
                table = part.read_row_group(group.number)
            days = _days_of(table.column("creationtime"))
            chosen = group.kept & (days >= first) & (days <= last)
            table = table.filter(pa.array(chosen)).drop_columns(["record", "line"])
            pieces.append(spoken(table, self._unmasked))
        table = pa.concat_tables(pieces).unify_dictionaries()
        table = table.sort_by([("creationtime", "ascending"), ("pandaid", "ascending")])
        days = _days_of(table.column("creationtime"))
        begins = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
        for begin, end in zip(begins, [*begins[1:], len(days)], strict=True):
            day = np.datetime64(int(days[begin]), "D")
            yield _Jobs(folder / f"day={day}" / "jobs.parquet", table.slice(begin, end - begin))


@dataclass
class _Tally:
    """Counts over all jobs that are kept; `shared` are the words on no list that come out."""

    shared: dict[str, set[str]]
    words: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    missing: Counter = field(default_factory=Counter)
    origins: Counter = field(default_factory=Counter)
    acquaintances: Counter = field(default_factory=Counter)
    unknown_sites: Counter = field(default_factory=Counter)
    blanked: Counter = field(default_factory=Counter)
    default_power: int = 0


class _Jobs(NamedTuple):
    """The jobs of one day, and the file they go to."""

    path: Path
    table: pa.Table

    def write(self, description: TableDescription, tally: _Tally) -> None:
        schema = arrow_schema(description)
        jobs = _as_strings(self.table.select(schema.names)).cast(schema)
        self.path.parent.mkdir()
        pq.write_table(jobs, self.path, **_WRITING)
        tally.missing.update({name: jobs.column(name).null_count for name in schema.names})
        self._count_marks(tally)

    def _count_marks(self, tally: _Tally) -> None:
        origins = np.bincount(self.table.column("_workload"), minlength=len(WORKLOAD_ORIGINS))
        tally.origins.update(dict(zip(WORKLOAD_ORIGINS, origins.tolist(), strict=True)))
        tally.default_power += pc.sum(self.table.column("_default_power")).as_py()
        site = self.table.column("_site").to_numpy()
        counts = np.bincount(site, minlength=len(ACQUAINTANCES))
        tally.acquaintances.update(dict(zip(ACQUAINTANCES, counts.tolist(), strict=True)))
        strangers = pa.array(site >= ACQUAINTANCES.index("unknown"))
        for name in self.table.column("computingsite").filter(strangers).value_counts().to_pylist():
            if not name["values"].startswith(MASK):
                tally.unknown_sites[name["values"]] += name["counts"]
        for column, shared in tally.shared.items():
            words = self.table.column(column)
            known = words.chunk(0).dictionary.to_pylist()
            if any(word in shared or word.startswith(MASK) for word in known):
                for word in words.drop_null().value_counts().to_pylist():
                    if word["values"] in shared or word["values"].startswith(MASK):
                        tally.words[column][word["values"]] += word["counts"]
        bits = self.table.column("_blanked").to_numpy()
        for bit, raw in enumerate(BLANKABLE):
            tally.blanked[raw] += int(np.count_nonzero(bits & (1 << bit)))


def _rejected_late(rows: pa.Table, reason: str, at: str, system: str) -> pa.Table:
    """Candidates as rejected rows; other systems' jobs may have a hash in place of a number."""
    size = len(rows)
    is_number = at == "PANDAID" and system == PANDA
    value = rows.column("pandaid").cast(pa.string()) if is_number else pa.nulls(size)
    return pa.table(
        {
            "record": rows.column("record"),
            "line": rows.column("line"),
            "reason": pa.array([reason] * size, pa.string()).dictionary_encode(),
            "column": pa.array([in_own_words(system, at)] * size, pa.string()).dictionary_encode(),
            "value": value.cast(pa.string()),
        }
    )


def _as_strings(table: pa.Table) -> pa.Table:
    """The same table with plain strings for dictionaries."""
    fields = [
        pa.field(entry.name, pa.string()) if pa.types.is_dictionary(entry.type) else entry
        for entry in table.schema
    ]
    return table.cast(pa.schema(fields))


def _days_of(created: pa.ChunkedArray) -> np.ndarray:
    """Days since 1970-01-01 UTC, int64 [n]."""
    return created.cast(pa.int64()).to_numpy() // _DAY_US


def _account(
    files: Sequence[CleanedFile],
    survey: _Survey,
    tally: _Tally,
    description: TableDescription,
    options: Cleaning,
) -> dict[str, Any]:
    """The content of cleaning.json."""
    accounts = [file.account for file in files]
    total = sum(account["rows"] for account in accounts)
    unreadable: Counter = sum((Counter(a["unreadable"]) for a in accounts), Counter())
    rejected: Counter = sum((Counter(a["rejected"]) for a in accounts), Counter()) + survey.late
    if total != survey.kept + rejected.total() + unreadable.total():
        raise AssertionError(f"{total} rows in, {survey.kept} kept, {rejected}, {unreadable}")
    described = {step.reason: step.description for step in STEPS} | LATE_REASONS
    steps, left = [], total - unreadable.total()
    for reason, text in described.items():
        left -= rejected[reason]
        steps.append(
            {"reason": reason, "description": text, "rejected": rejected[reason], "left": left}
        )
    origins = {account["key"]["origin"] for account in accounts}
    unlisted = {name: _unlisted(words) for name, words in sorted(tally.words.items())}
    known = {name: tally.acquaintances[name] for name in ACQUAINTANCES}
    masked = unlisted.get("computingsite", _unlisted(Counter()))["masked"]["rows"]
    known |= {"unknown": known["unknown"] + known["masked"] - masked, "masked": masked}
    return {
        "dataset": description.name,
        "synthetic": all(account["synthetic"] for account in accounts),
        "rows": {"input": total, "kept": survey.kept, "rejected": total - survey.kept},
        "files": [
            {
                **{key: account[key] for key in ("file", "format", "bytes", "sha256", "rows")},
                "kept": survey.kept_of[account["file"]],
                "rejected": account["rows"] - survey.kept_of[account["file"]],
            }
            for account in accounts
        ],
        "unreadable": dict(sorted(unreadable.items())),
        "steps": steps,
        "blanked_cells": {
            # Cells of kept rows that were unusable and, not being needed, became missing.
            raw.upper(): number
            for raw, number in sorted(tally.blanked.items())
            if number
        },
        "workload": {
            **{name: tally.origins[name] for name in WORKLOAD_ORIGINS[1:]},
            "default_core_power": tally.default_power,
        },
        "sites": {
            **known,
            "unknown_names": dict(sorted(tally.unknown_sites.items())),
        },
        # Words on no list: those that come out because they are shared, and those that do not.
        "words": unlisted,
        "exceptions": exceptions(options),
        "assumptions": dict(
            sorted(sum((Counter(a["assumptions"]) for a in accounts), Counter()).items())
        ),
        "hash_key": next((o for o in ("random", "environment") if o in origins), "seed"),
        "columns": {
            entry.name: {"role": entry.role, "missing": tally.missing[entry.name]}
            for entry in description.columns
        },
        "options": options.model_dump(mode="json"),
    }


def _unlisted(words: Counter) -> dict[str, dict[str, int]]:
    masked = Counter({word: rows for word, rows in words.items() if word.startswith(MASK)})
    return {
        name: {"words": len(some), "rows": some.total()}
        for name, some in (("shared", words - masked), ("masked", masked))
    }


def _mention_random_key(files: Sequence[CleanedFile], description: TableDescription) -> None:
    is_random = any(file.account["key"]["origin"] == "random" for file in files)
    if is_random and ("user" in description or "task" in description):
        print(
            "users and tasks are hashed with a random key; "
            f"set {ENVIRONMENT_VARIABLE} to get the same hashes in another run",
            file=sys.stderr,
        )


def _listed(files: Sequence[CleanedFile]) -> str:
    names = [file.account["file"] for file in files]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
