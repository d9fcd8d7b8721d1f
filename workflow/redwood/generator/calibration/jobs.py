"""Dumps → arrays to measure: every job once, in its last state, independent of cleaning."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.errors import InputError
from redwood.readers import dataset_names
from redwood.readers.reading import Chunk, Source, find_files, read, short_names
from redwood.readers.values import text, to_numbers, to_times
from redwood.sites import load_sites

NUMBERS: Final = (
    *("pandaid", "parentid", "jeditaskid", "cpuconsumptiontime", "corecount", "actualcorecount"),
    *("ninputdatafiles", "inputfilebytes", "maxpss"),
)
TIMES: Final = ("creationtime", "starttime", "endtime", "modificationtime")
_WORDS = ("jobstatus", "prodsourcelabel", "processingtype", "produsername", "workinggroup")
# Columns of which only counts whether they have a value.
_PRESENCE = ("batchid", "cpuconsumptionunit", "computingelement")
_DATASET = ("proddblock", "inputfileproject")
_NO_WORD = -1


@dataclass
class Words:
    """A column of words: `codes` int32 [n], -1 where null, into `values`."""

    codes: np.ndarray
    values: list[str]

    def are(self, holds: Callable[[str], bool]) -> np.ndarray:
        """Which rows have a word that satisfies a condition, bool [n]."""
        return np.array([*map(holds, self.values), False], dtype=bool)[self.codes]

    def __getitem__(self, rows: np.ndarray) -> "Words":
        return Words(self.codes[rows], self.values)


@dataclass
class JobTable:
    """Distinct jobs in order of creation, n of them.

    Attributes:
        numbers: raw column → float64 [n], NaN where there is none.
        times: raw column → s since 1970, float64 [n], NaN where there is none.
        words: `jobstatus`, `prodsourcelabel`, `processingtype`, `produsername`, `workinggroup`,
            `computingsite` (queues folded into sites), `project`, `prodstep`, `datatype`.
        flags: bool [n]: `is_daod`, `scoped`, `slashed`, `unmerged`, `has_dataset`,
            `project_scoped`, `has_project`, and whether `batchid`, `cpuconsumptionunit`,
            `computingelement` have values.
    """

    numbers: dict[str, np.ndarray]
    times: dict[str, np.ndarray]
    words: dict[str, Words]
    flags: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.numbers["pandaid"])


def _field(field: str, dataset: str) -> str | None:
    return getattr(dataset_names.parse(dataset), field)


class _Vocabulary:
    """Words met so far, and what each is mapped to."""

    def __init__(self, mapped: Callable[[str], str | None] = lambda word: word) -> None:
        self._mapped = mapped
        self._codes: dict[str, int] = {}
        self._of_value: dict[str | None, int] = {None: _NO_WORD}
        self.values: list[str] = []

    def codes(self, cells: pa.Array) -> np.ndarray:
        encoded = text(cells).dictionary_encode()
        codes = np.array(
            [self._code(word) for word in encoded.dictionary.to_pylist()] + [_NO_WORD],
            dtype=np.int32,
        )
        return codes[pc.fill_null(encoded.indices, _NO_WORD).to_numpy(zero_copy_only=False)]

    def _code(self, word: str) -> int:
        if word not in self._codes:
            value = self._mapped(word)
            if value is not None and value not in self._of_value:
                self._of_value[value] = len(self.values)
                self.values.append(value)
            self._codes[word] = self._of_value[value]
        return self._codes[word]


def read_jobs(inputs: list[Path]) -> JobTable:
    """Read dumps.

    Raises:
        InputError: there is no dump, one cannot be read at all, or no row tells of a job.
    """
    paths = find_files(inputs)
    wanted = frozenset((*NUMBERS, *TIMES, *_WORDS, *_PRESENCE, *_DATASET, "computingsite"))
    vocabularies = {name: _Vocabulary() for name in _WORDS}
    sites = load_sites()
    vocabularies["computingsite"] = _Vocabulary(
        lambda queue: site.queue if (site := sites.find(queue)) else queue
    )
    for field in ("project", "prodstep", "datatype"):
        vocabularies[field] = _Vocabulary(partial(_field, field))
    pieces: list[dict[str, np.ndarray]] = []
    for path, name in zip(paths, short_names(paths), strict=True):
        for chunk in read(Source(path, name, {}, wanted)):
            if len(chunk.records):
                pieces.append(dict(_columns(chunk, vocabularies)))
    columns = {
        name: np.concatenate([piece.pop(name) for piece in pieces])
        for name in list(next(iter(pieces), ()))
    }
    kept = _last_states(columns) if columns else np.zeros(0, np.int64)
    if not len(kept):
        raise InputError(
            f"{', '.join(map(str, inputs))}: no row has a pandaid and a creationtime, expected jobs"
        )
    columns = {name: column[kept] for name, column in columns.items()}
    return JobTable(
        {name: columns[name] for name in NUMBERS},
        {name: columns[name] for name in TIMES},
        {
            name: Words(columns[name], vocabulary.values)
            for name, vocabulary in vocabularies.items()
        },
        {name: column for name, column in columns.items() if column.dtype == bool},
    )


def _columns(
    chunk: Chunk, vocabularies: dict[str, _Vocabulary]
) -> Iterator[tuple[str, np.ndarray]]:
    """What is measured of a chunk, column by column, [n]."""
    number = len(chunk.records)
    nothing = pa.nulls(number, pa.string())
    for name in NUMBERS:
        yield name, to_numbers(chunk.cells.get(name, nothing)).numbers
    for name in TIMES:
        times = to_times(chunk.cells.get(name, nothing)).times
        seconds = times.astype("datetime64[us]").astype(np.int64) / 1e6
        yield name, np.where(np.isnat(times), np.nan, seconds)
    for name in (*_WORDS, "computingsite"):
        yield name, vocabularies[name].codes(chunk.cells.get(name, nothing))
    for name in _PRESENCE:
        yield name, _mask(pc.is_valid(text(chunk.cells.get(name, nothing))))
    dataset = text(chunk.cells.get("proddblock", nothing))
    for field in ("project", "prodstep", "datatype"):
        yield field, vocabularies[field].codes(dataset)
    yield "is_daod", _mask(pc.match_substring(dataset, ".DAOD_"))
    yield "has_dataset", _mask(pc.is_valid(dataset))
    yield "scoped", _mask(pc.match_substring(dataset, ":"))
    yield "slashed", _mask(pc.ends_with(dataset, "/"))
    yield "unmerged", _mask(pc.starts_with(dataset, "panda.um."))
    project = text(chunk.cells.get("inputfileproject", nothing))
    yield "has_project", _mask(pc.is_valid(project))
    yield "project_scoped", _mask(pc.match_substring_regex(project, "^[^:]+_[^:]+:[^:]+_[^:]+$"))


def _mask(array: pa.Array) -> np.ndarray:
    return pc.fill_null(array, False).to_numpy(zero_copy_only=False)


def _last_states(columns: dict[str, np.ndarray]) -> np.ndarray:
    """The rows of distinct jobs, of each the one that changed last, in order of creation."""
    identifier, changed = columns["pandaid"], columns["modificationtime"]
    there = np.flatnonzero(~np.isnan(identifier) & ~np.isnan(columns["creationtime"]))
    order = there[np.lexsort((np.nan_to_num(changed[there]), identifier[there]))]
    last = np.ones(len(order), bool)
    last[:-1] = identifier[order][1:] != identifier[order][:-1]
    kept = order[last]
    return kept[np.lexsort((identifier[kept], columns["creationtime"][kept]))]
