"""One dump → one cleaned file: its rows, each judged by itself, ready to be gathered with others.

A cleaned file is a folder: `candidates.parquet` (rows that no step rejects, under the names of the
job table, words on no list masked), `rejected.parquet`, `words.parquet` and `names.parquet` (what
tells which of these words may come out, see `vocabulary`) and, written last, `account.json`.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.inputs import require_intact
from redwood.job_table import COLUMNS, RAW_COLUMNS
from redwood.outputs import file_digest, write_json, writing_folder
from redwood.progress import ProgressReport
from redwood.readers.foreign import PANDA, in_own_words, systems
from redwood.readers.reading import Chunk, Source, format_of, read
from redwood.records.derivation import add_derived
from redwood.records.normalisation import QUANTITIES, TIMES, Normaliser, Records, Words
from redwood.records.privacy import hash_key
from redwood.records.steps import STEPS, Verdicts, judge
from redwood.records.vocabulary import EVIDENCE, NAMES
from redwood.sites import SITES_FILE, load_sites
from redwood.synthetic import is_synthetic

ACCOUNT: Final = "account.json"
ACQUAINTANCES: Final = ("known", "folded", "unknown", "masked")
# Raw columns whose unusable cells are counted, by the bit that marks them in `_blanked`.
BLANKABLE: Final = (*QUANTITIES.values(), *TIMES, "computingsite", "workinggroup")
# In candidates.parquet beside the columns of the job table: where a row stands and how it came by
# its values.
_MARKS = {
    "record": pa.int64(),
    "line": pa.int64(),
    "pandaid": pa.int64(),
    "modificationtime": pa.timestamp("us", tz="UTC"),
    "_workload": pa.int8(),
    "_default_power": pa.bool_(),
    "_site": pa.int8(),
    "_blanked": pa.int32(),
}
_WORD = pa.dictionary(pa.int32(), pa.string())
_TYPES = {
    "numeric": pa.float64(),
    "integer": pa.int64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "categorical": _WORD,
}
_CANDIDATES = pa.schema(
    {**_MARKS, **{name: _TYPES[column.kind] for name, column in COLUMNS.items()}}
)
_REJECTED = pa.schema(
    {
        "record": pa.int64(),
        "line": pa.int64(),
        "pandaid": pa.int64(),
        "modificationtime": pa.timestamp("us", tz="UTC"),
        "reason": _WORD,
        "column": _WORD,
        "value": pa.string(),
    }
)


@dataclass(frozen=True)
class CleanedFile:
    """A cleaned file on disk and its account."""

    folder: Path
    account: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> "CleanedFile":
        """Open what `clean_file` wrote.

        Raises:
            InputError: the folder holds no cleaned file, or it is damaged.
        """
        require_intact(folder)
        try:
            return cls(folder, json.loads((folder / ACCOUNT).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            raise InputError(
                f"{folder}: no cleaned file; expected what `redwood records clean-file` writes"
            ) from None

    @property
    def candidates(self) -> pq.ParquetFile:
        return pq.ParquetFile(self.folder / "candidates.parquet")

    @property
    def rejected(self) -> pq.ParquetFile:
        return pq.ParquetFile(self.folder / "rejected.parquet")


def clean_file(
    path: Path,
    name: str,
    output: Path,
    options: Cleaning,
    seed: int,
    key_file: Path | None = None,
    sites: Path = SITES_FILE,
) -> None:
    """Clean one dump into the folder `output`; memory does not grow with its size.

    Args:
        path: the dump.
        name: how reports name it.
        output: folder for the cleaned file.
        options: what to keep and how to read it.
        seed: the run's seed; keys the hashes of made-up users and of pseudonyms only.
        key_file: random key for the hashes of all dumps of a run, if the environment has none.
        sites: table of sites and their core powers.

    Raises:
        InputError: the dump cannot be read at all or, if a run made it, is not as it was made; rows
            that cannot be read are rejected instead.
    """
    digest = file_digest(path)
    synthetic = is_synthetic(path, digest)
    form = format_of(path)
    # Only a format that is a system's own tells of its users before it is read.
    of_system = form in systems() and systems()[form].IS_NAMELESS
    nameless = options.pseudonymous or of_system or synthetic
    key = hash_key(seed, nameless=nameless, file=key_file)
    normaliser = Normaliser(options, key, load_sites(sites), nameless=nameless)
    renames = {raw.lower(): to.lower() for raw, to in options.columns.items()}
    account = _Account()
    with writing_folder(output) as folder, ProgressReport("cleaning", 0, "rows") as report:
        with (
            pq.ParquetWriter(folder / "candidates.parquet", _CANDIDATES, **_WRITING) as candidates,
            pq.ParquetWriter(folder / "rejected.parquet", _REJECTED, **_WRITING) as rejected,
            pq.ParquetWriter(folder / "words.parquet", EVIDENCE, **_WRITING) as words,
            pq.ParquetWriter(folder / "names.parquet", NAMES, **_WRITING) as names,
        ):
            for chunk in read(Source(path, name, renames, RAW_COLUMNS)):
                records = normaliser.records(chunk)
                origin = add_derived(records, options)
                verdicts = judge(records, options)
                kept = _candidates(records, origin, verdicts)
                candidates.write_table(kept)
                rejected.write_table(_rejected(records, verdicts))
                for part, rows in zip((words, names), records.evidence, strict=True):
                    if len(rows):
                        part.write_table(rows)
                account.add(records, verdicts, kept)
                report.advance(len(records) + len(chunk.unreadable))
        write_json(
            folder / ACCOUNT,
            {
                "file": name,
                "format": form,
                "bytes": path.stat().st_size,
                "sha256": digest,
                "synthetic": synthetic,
                **account.content(normaliser.assumptions),
                "key": {"origin": key.origin, "fingerprint": key.fingerprint},
                "options": options.model_dump(mode="json"),
                "sites": file_digest(sites),
            },
        )


_WRITING = {"compression": "zstd", "compression_level": 1}


class _Account:
    """Counts over the chunks of a dump."""

    def __init__(self) -> None:
        self._rows = 0
        self._unreadable: Counter = Counter()
        self._rejected: Counter = Counter()
        self._assumptions: Counter = Counter()
        self._values: Counter = Counter()
        self._present: set[str] = set()
        self._system = PANDA

    def add(self, records: Records, verdicts: Verdicts, kept: pa.Table) -> None:
        chunk = records.chunk
        self._rows += len(records) + len(chunk.unreadable)
        self._unreadable.update(unreadable.reason for unreadable in chunk.unreadable)
        counts = np.bincount(verdicts.steps[~verdicts.kept], minlength=len(STEPS))
        self._rejected.update(dict(zip(_REASONS, counts.tolist(), strict=True)))
        self._assumptions += chunk.assumptions
        self._system = chunk.system
        self._present |= records.present
        for name in COLUMNS:
            self._values[name] += kept.num_rows - kept.column(name).null_count

    def content(self, of_dates: Counter) -> dict[str, Any]:
        rejected = {reason: self._rejected[reason] for reason in _REASONS}
        unreadable = dict(sorted(self._unreadable.items()))
        return {
            "system": self._system,
            "rows": self._rows,
            "candidates": self._rows - sum(rejected.values()) - sum(unreadable.values()),
            "unreadable": unreadable,
            "rejected": rejected,
            "assumptions": dict(sorted((self._assumptions + of_dates).items())),
            "present": sorted(self._present),
            "values": {name: self._values[name] for name in COLUMNS},
        }


_REASONS = [step.reason for step in STEPS]


def _candidates(records: Records, origin: np.ndarray, verdicts: Verdicts) -> pa.Table:
    """The rows that no step rejects, typed."""
    rows = np.flatnonzero(verdicts.kept)
    site = records.acquaintance
    ranks = np.array([*map(ACQUAINTANCES.index, site.values), -1], dtype=np.int8)[site.codes]
    columns = {
        **_place(records.chunk, rows),
        "pandaid": _whole(records.numbers["pandaid"][rows]),
        "modificationtime": _utc(records.times["modificationtime"][rows]),
        "_workload": pa.array(origin[rows]),
        "_default_power": pa.array(np.isnan(records.core_power[rows])),
        "_site": pa.array(ranks[rows]),
        "_blanked": pa.array(_blanked(records)[rows]),
    }
    for name, column in COLUMNS.items():
        if column.kind == "categorical":
            columns[name] = _words(records.words[name], rows)
        elif column.kind == "timestamp":
            columns[name] = _utc(records.times[name][rows])
        elif column.kind == "integer":
            columns[name] = _whole(records.numbers[name][rows])
        else:
            columns[name] = pa.array(records.numbers[name][rows], from_pandas=True)
    return pa.table(columns, schema=_CANDIDATES)


def _rejected(records: Records, verdicts: Verdicts) -> pa.Table:
    """The rows that a step rejects, and those that no reader could make sense of."""
    rows = np.flatnonzero(~verdicts.kept)
    judged = pa.table(
        {
            **_place(records.chunk, rows),
            "pandaid": _whole(records.numbers["pandaid"][rows]),
            "modificationtime": _utc(records.times["modificationtime"][rows]),
            "reason": _words(Words(verdicts.steps, _REASONS), rows),
            "column": _own_words(records.chunk.system, verdicts.columns[rows]),
            "value": pa.array(verdicts.values[rows], pa.string()),
        },
        schema=_REJECTED,
    )
    unreadable = records.chunk.unreadable
    if not unreadable:
        return judged
    size = len(unreadable)
    unread = pa.table(
        {
            "record": pa.array([entry.record for entry in unreadable], pa.int64()),
            "line": _line(np.array([entry.line for entry in unreadable], dtype=np.int64)),
            "pandaid": pa.nulls(size, pa.int64()),
            "modificationtime": pa.nulls(size, pa.timestamp("us", tz="UTC")),
            "reason": pa.array([entry.reason for entry in unreadable]).dictionary_encode(),
            "column": pa.nulls(size, pa.string()).dictionary_encode(),
            "value": pa.nulls(size, pa.string()),
        },
        schema=_REJECTED,
    )
    return pa.concat_tables([judged, unread]).unify_dictionaries()


def _own_words(system: str, columns: np.ndarray) -> pa.Array:
    """Raw columns of PanDA, upper case, in the words of the system that the rows come from."""
    encoded = pa.array(columns, pa.string()).dictionary_encode()
    words = [in_own_words(system, raw) for raw in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(words, pa.string()))


def _blanked(records: Records) -> np.ndarray:
    """A bit for each raw column of `BLANKABLE` in which a row has an unusable cell, int32 [n]."""
    bits = np.zeros(len(records), dtype=np.int32)
    for cells in records.unusable:
        bits[cells.rows] |= 1 << BLANKABLE.index(cells.raw)
    return bits


def _place(chunk: Chunk, rows: np.ndarray) -> dict[str, pa.Array]:
    return {"record": pa.array(chunk.records[rows]), "line": _line(chunk.lines[rows])}


def _line(lines: np.ndarray) -> pa.Array:
    return pa.array(lines, pa.int64(), mask=lines < 0)


def _whole(numbers: np.ndarray) -> pa.Array:
    missing = np.isnan(numbers)
    return pa.array(np.where(missing, 0, numbers).astype(np.int64), mask=missing)


def _utc(times: np.ndarray) -> pa.Array:
    return pa.array(times, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))


def _words(words: Words, rows: np.ndarray) -> pa.DictionaryArray:
    """The words of some rows; no other word may stand in the dictionary."""
    codes = words.codes[rows]
    used = np.zeros(len(words.values) + 1, dtype=bool)
    used[codes] = True
    used[-1] = False
    indices = (np.cumsum(used, dtype=np.int32) - 1)[codes]
    values = [words.values[code] for code in np.flatnonzero(used).tolist()]
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, mask=codes < 0), pa.array(values, pa.string())
    )
