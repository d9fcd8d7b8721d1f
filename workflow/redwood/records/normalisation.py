"""Chunks of text → typed records without names of persons.

No later step sees a name: users and tasks leave this one as keyed hashes, dataset names as their
project, step and type, and sites, types and groups as `vocabulary` lets them out.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.configuration import SPOKEN, Cleaning
from redwood.readers import dataset_names
from redwood.readers.foreign import systems
from redwood.readers.reading import Chunk
from redwood.readers.values import (
    LARGEST,
    are_sentinels,
    is_absent,
    shown,
    to_numbers,
    to_times,
)
from redwood.records.privacy import HashKey, hashed
from redwood.records.vocabulary import MASK, NO_EVIDENCE, Evidence, Vocabulary
from redwood.sites import Site, SiteTable

# Typed columns that are read one to one from a raw one.
TIMES = ("creationtime", "modificationtime", "starttime", "endtime")
QUANTITIES = {
    "pandaid": "pandaid",
    "nfiles": "ninputdatafiles",
    "size": "inputfilebytes",
    "cputime": "cpuconsumptiontime",
    "hs06sec": "hs06sec",
    "requestedtime": "maxwalltime",
    "memory": "maxrss",
    "attempt": "attemptnr",
    "actualcores": "actualcorecount",
    "askedcores": "corecount",
}
_WHOLE = frozenset({"pandaid", "nfiles", "size", "attempt", "actualcores", "askedcores"})
AMBIGUOUS_DATES = (
    "the month is first in {}, where a day as 3/4/2025 may be either; set "
    "records.cleaning.day_first (--day-first, --month-first) to say so"
)
_ROBOT_TYPES = ("gangarobot", "hc_")
# A task that PanDA did not get from JEDI, and a user that BigPanDA does not know.
_NOBODY = frozenset({"0", "unknown"})


class Words(NamedTuple):
    """A categorical column: `codes` int32 [n], -1 where missing, into `values`."""

    codes: np.ndarray
    values: list[str]

    def where(self, holds: Callable[[str], bool]) -> np.ndarray:
        """The rows whose word satisfies a condition, bool [n]; not those without one."""
        return np.array([*map(holds, self.values), False], dtype=bool)[self.codes]

    def at(self, rows: np.ndarray) -> list[str | None]:
        """The words of some rows."""
        texts = [*self.values, None]
        return [texts[code] for code in self.codes[rows].tolist()]


class Unusable(NamedTuple):
    """Cells of one raw column that hold something else than the typed `column` is for.

    `rows` are positions in the chunk, `values` what may be shown of the cells; `sentinels` are
    those of `rows`, bool, whose cells are a number or time that stands for nothing.
    """

    column: str
    raw: str
    rows: np.ndarray
    values: list[str]
    sentinels: np.ndarray


@dataclass
class Records:
    """The typed records of a chunk, n of them.

    Attributes:
        chunk: what they were made of.
        numbers: quantity → float64 [n], NaN where missing.
        times: time → datetime64[us] [n] UTC, NaT where missing.
        words: category → Words [n].
        is_daod, is_robot: of the input dataset and of the job, bool [n].
        core_power: HS23 per core of the site, NaN where the table of sites does not know it, [n].
        acquaintance: `known`, `folded`, `unknown` or `masked` as words [n]: how the table of sites
            knows the site.
        evidence: what tells which masked words may come out.
        unusable: cells that hold something else than they should.
        present: raw columns, lower case, in which some row has a value.
    """

    chunk: Chunk
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    times: dict[str, np.ndarray] = field(default_factory=dict)
    words: dict[str, Words] = field(default_factory=dict)
    is_daod: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    is_robot: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    core_power: np.ndarray = field(default_factory=lambda: np.empty(0))
    acquaintance: Words = field(default_factory=lambda: Words(np.empty(0, dtype=np.int32), []))
    unusable: list[Unusable] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    evidence: Evidence = NO_EVIDENCE

    def __len__(self) -> int:
        return len(self.chunk.records)

    def is_missing(self, name: str) -> np.ndarray:
        """Where a typed column has no value, bool [n]."""
        if name in self.numbers:
            return np.isnan(self.numbers[name])
        if name in self.times:
            return np.isnat(self.times[name])
        return self.words[name].codes < 0


class Normaliser:
    """Types the chunks of one dump after another.

    Args:
        options: how the dump is to be read.
        key: what users and tasks are hashed with.
        sites: queue → site.
        nameless: whether no cell can hold the name of a person.
    """

    def __init__(
        self, options: Cleaning, key: HashKey, sites: SiteTable, *, nameless: bool
    ) -> None:
        self._options, self._key, self._sites = options, key, sites
        self._vocabulary = Vocabulary(options, key, nameless=nameless)
        self._ambiguous: Counter = Counter()
        self._month_first = False

    @property
    def assumptions(self) -> Counter:
        """What had to be assumed of dates → number of rows, over all chunks so far.

        Nothing if a date of the dump shows what comes first in it.
        """
        return Counter() if self._month_first else +self._ambiguous

    def records(self, chunk: Chunk) -> Records:
        """The typed records of a chunk, as many as it has."""
        records = Records(chunk)
        for name in TIMES:
            self._read_times(records, name)
        for name, raw in QUANTITIES.items():
            self._read_quantity(records, name, raw)
        records.numbers["cores"] = _cores(
            records.numbers.pop("actualcores"), records.numbers.pop("askedcores")
        )
        self._hash(records, "user", ("produsername", "produserid"))
        self._hash(records, "task", ("jeditaskid", "taskid"))
        for name in ("jobstatus", "prodsourcelabel", "processingtype"):
            records.words[name] = _mapped(self._distinct(records, name), str.lower)
        self._read_datasets(records)
        self._read_site(records)
        groups = self._distinct(records, "workinggroup")
        records.words["workinggroup"] = _mapped(groups, self._vocabulary.group)
        _note(records, "workinggroup", groups, records.words["workinggroup"])
        spoken = {column: records.words[column] for column in SPOKEN}
        records.evidence = self._vocabulary.evidence(spoken, records.words["user"])
        return records

    def _read_times(self, records: Records, name: str) -> None:
        cells = records.chunk.cells.get(name)
        if cells is None:
            records.times[name] = np.full(len(records), np.datetime64("NaT", "us"))
            return
        times, unreadable, sentinel, ambiguous, month_first = to_times(
            cells,
            self._options.utc_offset_hours,
            day_first=self._options.day_first,
            first_time=systems()[records.chunk.system].FIRST_TIME,
        )
        records.times[name] = times
        if unreadable.any() or not np.isnat(times).all():
            records.present.add(name)
        self._ambiguous[AMBIGUOUS_DATES.format(name.upper())] += int(ambiguous.sum())
        self._month_first = self._month_first or month_first
        _note_rows(records, name, name, unreadable, sentinel)

    def _read_quantity(self, records: Records, name: str, raw: str) -> None:
        """A number ≥ 0, whole where it counts something."""
        cells = records.chunk.cells.get(raw)
        if cells is None:
            records.numbers[name] = np.full(len(records), np.nan)
            return
        values, unreadable = to_numbers(cells)
        if unreadable.any() or not np.isnan(values).all():
            records.present.add(raw)
        sentinel = np.zeros(len(values), dtype=bool) if raw == "pandaid" else are_sentinels(values)
        wrong = unreadable | (values < 0) | (values >= LARGEST) | sentinel
        if name in _WHOLE:
            wrong |= (values != np.floor(values)) & ~np.isnan(values)
        records.numbers[name] = np.where(wrong, np.nan, values)
        _note_rows(records, name, raw, wrong, sentinel)

    def _distinct(self, records: Records, raw: str) -> Words:
        """The stripped words of a raw column."""
        cells = records.chunk.cells.get(raw)
        if cells is None:
            return Words(np.full(len(records), -1, dtype=np.int32), [])
        encoded = cells.dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        words = _mapped(
            Words(codes, encoded.dictionary.to_pylist()),
            lambda cell: None if is_absent(word := cell.strip()) else word,
        )
        if (words.codes >= 0).any():
            records.present.add(raw)
        self._vocabulary.learn_mentioned(words.values)
        return words

    def _hash(self, records: Records, name: str, raws: tuple[str, str]) -> None:
        """Hashes of a person or a task, from the first of two raw columns that has one."""
        first, other = (
            _mapped(
                self._distinct(records, raw),
                lambda word: None if word.lower() in _NOBODY else word,
            )
            for raw in raws
        )
        if name == "user":
            self._vocabulary.learn_owners((*first.values, *other.values))
        named = _first_of(first, other)
        records.words[name] = Words(named.codes, hashed(named.values, self._key, name))

    def _read_datasets(self, records: Records) -> None:
        """Project, step and type of the input, from the dataset's name, else the file columns."""
        names = self._distinct(records, "proddblock")
        parsed = [dataset_names.parse(name) for name in names.values]
        project, prodstep = (
            _merged(names.codes, [getattr(fields, part) for fields in parsed])
            for part in ("project", "prodstep")
        )
        datatype = _merged(names.codes, [self._data_type(fields.datatype) for fields in parsed])
        file_projects = self._distinct(records, "inputfileproject")
        file_types = self._distinct(records, "inputfiletype")
        typed = [dataset_names.parse_data_type(name) for name in file_types.values]
        unnamed = names.codes < 0
        type_codes = np.where(unnamed, file_types.codes, -1)
        file_type = _merged(type_codes, [self._data_type(short) for short, _ in typed])
        file_project = _mapped(file_projects, dataset_names.parse_project)
        records.words["project"] = _first_of(project, file_project)
        records.words["prodstep"] = prodstep
        records.words["datatype"] = _first_of(datatype, file_type)
        is_daod = np.array([*(fields.is_daod for fields in parsed), False], dtype=bool)
        type_is_daod = np.array([*(derived for _, derived in typed), False], dtype=bool)
        records.is_daod = np.where(unnamed, type_is_daod[file_types.codes], is_daod[names.codes])
        records.is_robot = (
            records.words["processingtype"].where(lambda word: word.startswith(_ROBOT_TYPES))
            | names.where(dataset_names.is_robot)
            | file_projects.where(dataset_names.is_robot)
        )

    def _read_site(self, records: Records) -> None:
        queues = self._distinct(records, "computingsite")
        sites = [self._sites.find(queue) for queue in queues.values]
        powers = [site.core_power if site else None for site in sites]
        records.core_power = np.array([*powers, None], dtype=float)[queues.codes]
        named = [
            self._site_name(queue, site) for queue, site in zip(queues.values, sites, strict=True)
        ]
        records.words["computingsite"] = _merged(queues.codes, [name for name, _ in named])
        records.acquaintance = _merged(queues.codes, [how for _, how in named])
        _note(records, "computingsite", queues, records.words["computingsite"])

    def _site_name(self, queue: str, site: Site | None) -> tuple[str | None, str]:
        """What a site is called in the job table, and how it is known.

        A name that is on no list may be a person's: it is masked, so that the row is not lost. What
        looks like a person's name is not a site.
        """
        if site is not None:
            folds = self._options.fold_sites and site.queue != queue
            return (site.queue, "folded") if folds else (queue, "known")
        listed = self._sites.is_listed(queue)
        name = self._vocabulary.word("computingsite", queue, listed=listed)
        return name, "masked" if name is not None and name.startswith(MASK) else "unknown"

    def _data_type(self, short: str | None) -> str | None:
        if short is None:
            return None
        listed = dataset_names.is_official_type(short)
        return self._vocabulary.word("datatype", short, listed=listed)


def _mapped(words: Words, function: Callable[[str], str | None]) -> Words:
    """`function` of each word; equal results share a code, and `None` is missing."""
    return _merged(words.codes, map(function, words.values))


def _merged(codes: np.ndarray, values: Iterable[str | None]) -> Words:
    """Words with every value once, missing where it is `None`."""
    places: dict[str, int] = {}
    translated = [
        -1 if value is None else places.setdefault(value, len(places)) for value in values
    ]
    return Words(np.array([*translated, -1], dtype=np.int32)[codes], list(places))


def _first_of(first: Words, other: Words) -> Words:
    """The words of `first`, and where it has none those of `other`."""
    codes = np.where(
        first.codes >= 0,
        first.codes,
        np.where(other.codes >= 0, other.codes + len(first.values), -1),
    )
    return _merged(codes, [*first.values, *other.values])


def _cores(actual: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Cores used where a job reported them, else those asked for; 0 says nothing."""
    actual, asked = (np.where(values > 0, values, np.nan) for values in (actual, asked))
    return np.where(np.isnan(actual), asked, actual)


def _note_rows(
    records: Records, column: str, raw: str, wrong: np.ndarray, sentinel: np.ndarray | None = None
) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        cells = records.chunk.cells[raw].take(pa.array(rows)).to_pylist()
        values = [shown(cell.strip()) for cell in cells]
        sentinels = np.zeros(len(rows), dtype=bool) if sentinel is None else sentinel[rows]
        records.unusable.append(Unusable(column, raw, rows, values, sentinels))


def _note(records: Records, column: str, found: Words, taken: Words) -> None:
    """Note the cells of `column` that have a word which was not taken."""
    _note_rows(records, column, column, (found.codes >= 0) & (taken.codes < 0))
