"""The steps of cleaning that look at one row alone, in order; each rejects for one reason.

A further step is a further entry of `STEPS`. Two reasons need all dumps and are found when they are
gathered: see `LATE_REASONS`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from redwood.configuration import Cleaning
from redwood.job_table import ALTERNATIVES, FINAL_STATES, MADE_OF, REQUIRED
from redwood.readers.foreign import systems
from redwood.records.normalisation import Records
from redwood.records.vocabulary import MASK

# Values that may be shown when a row is rejected for them; others may come from another column.
_KNOWN_STATES = frozenset(
    {
        *FINAL_STATES,
        *(state for system in systems().values() for state in system.STATES.values()),
        *("pending", "defined", "waiting", "assigned", "throttled", "activated", "sent"),
        *("starting", "running", "holding", "merging", "transferring", "unknown", "part"),
    }
)
_KNOWN_LABELS = frozenset(
    {
        *("managed", "user", "panda", "ddm", "test", "prod_test", "rc_test", "rc_test2", "rc_alrb"),
        *("ptest", "install", "software", "grid", "jedi", "simul", "tier0", "validation"),
    }
)

Shown = Callable[[np.ndarray], list[str | None]]


def _at(values: dict[int, str | None], rows: np.ndarray) -> list[str | None]:
    return [values[row] for row in rows.tolist()]


def _nothing(rows: np.ndarray) -> list[str | None]:
    return [None] * len(rows)


@dataclass(frozen=True)
class Rejection:
    """Rows that a step rejects.

    Attributes:
        rows: bool [n].
        column: the raw column at fault, lower case.
        shown: positions of rows → what may be shown of the cells at fault.
    """

    rows: np.ndarray
    column: str
    shown: Shown = _nothing


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        reason: code that stands in rejected.parquet.
        description: one line for a reader of cleaning.json.
        find: (records, options) → what to reject, column by column.
    """

    reason: str
    description: str
    find: Callable[[Records, Cleaning], Iterator[Rejection]]


@dataclass(frozen=True)
class Verdicts:
    """What became of n records: position in `STEPS` [n] int8, -1 where kept; raw column [n] and
    what may be shown of its cell [n], `None` where there is nothing to say."""

    steps: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        return self.steps < 0


def judge(records: Records, options: Cleaning) -> Verdicts:
    """The first step that rejects each record, if any does."""
    size = len(records)
    steps = np.full(size, -1, dtype=np.int8)
    columns, values = np.full(size, None, dtype=object), np.full(size, None, dtype=object)
    for number, step in enumerate(STEPS):
        for rejection in step.find(records, options):
            rows = np.flatnonzero(rejection.rows & (steps < 0))
            if len(rows):
                steps[rows] = number
                columns[rows] = rejection.column.upper() or None
                values[rows] = [value or None for value in rejection.shown(rows)]
    return Verdicts(steps, columns, values)


def needed_columns(options: Cleaning) -> tuple[str, ...]:
    """The columns of the job table in which a kept row must have a value."""
    return tuple(dict.fromkeys((*REQUIRED, *options.features)))


def _not_final(records: Records, options: Cleaning) -> Iterator[Rejection]:
    states = records.words["jobstatus"]
    rows = states.where(lambda state: state not in FINAL_STATES)
    yield Rejection(rows, "jobstatus", _known_or_hidden(records, "jobstatus", _KNOWN_STATES))
    if "jobstatus" in needed_columns(options):
        yield Rejection(states.codes < 0, "jobstatus")


def _other_activity(records: Records, options: Cleaning) -> Iterator[Rejection]:
    if options.analysis_of_daod:
        rows = ~records.words["prodsourcelabel"].where(lambda label: label == "user")
        known = _known_or_hidden(records, "prodsourcelabel", _KNOWN_LABELS)
        yield Rejection(rows, "prodsourcelabel", known)


def _other_input(records: Records, options: Cleaning) -> Iterator[Rejection]:
    if options.analysis_of_daod:
        # A data type is shown only where it comes from the name of an official dataset.
        official = records.words["prodstep"].codes >= 0

        def data_types(rows: np.ndarray) -> list[str | None]:
            types = records.words["datatype"].at(rows)
            return [
                name if known and name and not name.startswith(MASK) else None
                for name, known in zip(types, official[rows], strict=True)
            ]

        yield Rejection(~records.is_daod, "proddblock", data_types)


def _robots(records: Records, options: Cleaning) -> Iterator[Rejection]:
    if not options.keep_robots:
        yield Rejection(records.is_robot, "processingtype")


def _unusable(
    records: Records, options: Cleaning, *, sentinels: bool = False
) -> Iterator[Rejection]:
    for name in needed_columns(options):
        missing = records.is_missing(name)
        for cells in records.unusable:
            if cells.column not in MADE_OF.get(name, (name,)):
                continue
            rows = np.zeros(len(records), dtype=bool)
            rows[cells.rows] = missing[cells.rows] & (cells.sentinels == sentinels)
            yield Rejection(
                rows,
                cells.raw,
                partial(_at, dict(zip(cells.rows.tolist(), cells.values, strict=True))),
            )


def _missing(records: Records, options: Cleaning) -> Iterator[Rejection]:
    for name in needed_columns(options):
        alternatives = ALTERNATIVES[name]
        raw = next((raw for raw in alternatives if raw in records.chunk.cells), alternatives[0])
        yield Rejection(records.is_missing(name), raw)


STEPS: Final = (
    Step("not_final", "JOBSTATUS is none of finished, failed, closed, cancelled", _not_final),
    Step("other_activity", "PRODSOURCELABEL is not user", _other_activity),
    Step("not_daod", "the input is not a DAOD dataset", _other_input),
    Step("robot", "a test job: gangarobot or HammerCloud", _robots),
    Step(
        "sentinel",
        "a needed cell has a number or time that stands for nothing: -999, 1e20, the largest "
        "integer or floating-point number of 32 or 64 bits, 9999-12-31",
        partial(_unusable, sentinels=True),
    ),
    Step(
        "invalid_value",
        "a needed cell is text, negative or not whole, or a name where a site's should stand",
        _unusable,
    ),
    Step("missing_value", "a needed cell is empty, or a time is PanDA's default", _missing),
)

DUPLICATE, STATELESS = "duplicate", "no_state"
LATE_REASONS: Final = {
    STATELESS: "JOBSTATUS is empty, though other rows have one",
    DUPLICATE: "the same PANDAID stands elsewhere with a later MODIFICATIONTIME (or, if equal, "
    "further on)",
}


def _known_or_hidden(records: Records, name: str, known: frozenset[str]) -> Shown:
    def show(rows: np.ndarray) -> list[str | None]:
        return [
            word if word is None or word in known else f"<text of {len(word)} characters>"
            for word in records.words[name].at(rows)
        ]

    return show
