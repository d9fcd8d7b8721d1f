"""The steps of cleaning, in order: each rejects rows for one reason, and all are counted.

A further step is a further entry of `STEPS`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from redwood.configuration import Cleaning
from redwood.records.job_table import ALTERNATIVES, FINAL_STATES, REQUIRED
from redwood.records.normalisation import Records

# Values that may be shown when a row is rejected for them; others may be a cell that slipped.
_KNOWN_STATES = frozenset(
    {
        *FINAL_STATES,
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


@dataclass(frozen=True)
class Rejection:
    """Rows that a step rejects: bool [n], the raw column at fault, what may be shown of it [n]."""

    rows: np.ndarray
    column: str = ""
    shown: np.ndarray | None = None


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


def needed_columns(options: Cleaning) -> tuple[str, ...]:
    """The columns of the job table in which a kept row must have a value."""
    return tuple(dict.fromkeys((*REQUIRED, *options.features)))


def _duplicates(records: Records, _: Cleaning) -> Iterator[Rejection]:
    frame = records.frame
    # Missing times sort first: NaT is the smallest integer.
    modified = frame["modificationtime"].to_numpy().view(np.int64)
    order = np.lexsort((np.arange(len(frame)), modified))
    identifiers = frame["pandaid"].iloc[order]
    repeated = identifiers.duplicated(keep="last") & identifiers.notna()
    rows = np.zeros(len(frame), dtype=bool)
    rows[order] = repeated.to_numpy()
    yield Rejection(rows, "pandaid", _as_whole_text(frame["pandaid"]))


def _not_final(records: Records, _: Cleaning) -> Iterator[Rejection]:
    if "jobstatus" in records.present:
        states = records.frame["jobstatus"]
        rows = ~states.isin(FINAL_STATES).to_numpy()
        yield Rejection(rows, "jobstatus", _known_or_hidden(states, _KNOWN_STATES))


def _other_activity(records: Records, options: Cleaning) -> Iterator[Rejection]:
    if options.analysis_of_daod:
        labels = records.frame["prodsourcelabel"]
        rows = (labels != "user").to_numpy()
        yield Rejection(rows, "prodsourcelabel", _known_or_hidden(labels, _KNOWN_LABELS))


def _other_input(records: Records, options: Cleaning) -> Iterator[Rejection]:
    if options.analysis_of_daod:
        frame = records.frame
        # A data type is shown only where it comes from the name of an official dataset.
        official = frame["datatype"].where(frame["prodstep"].notna())
        values = official.astype(object).fillna("").to_numpy()
        yield Rejection(~frame["is_daod"].to_numpy(), "proddblock", values)


def _robots(records: Records, options: Cleaning) -> Iterator[Rejection]:
    if not options.keep_robots:
        yield Rejection(records.frame["is_robot"].to_numpy(), "processingtype")


def _unusable(records: Records, options: Cleaning) -> Iterator[Rejection]:
    size = len(records.frame)
    for name in sources_of(records, needed_columns(options)):
        cells = records.unusable[records.unusable["column"] == name]
        for raw, some in cells.groupby("raw", sort=True):
            rows, values = np.zeros(size, dtype=bool), np.full(size, "", dtype=object)
            rows[some["row"]] = True
            values[some["row"]] = some["value"]
            yield Rejection(rows, str(raw), values)


def _missing(records: Records, options: Cleaning) -> Iterator[Rejection]:
    for name in needed_columns(options):
        raw = next((raw for raw in ALTERNATIVES[name] if raw in records.present), "")
        yield Rejection(records.frame[name].isna().to_numpy(), raw)


def sources_of(records: Records, names: tuple[str, ...]) -> tuple[str, ...]:
    """The typed columns that the job table's columns `names` are made of."""
    made_of = {
        "workload": ("cputime",) if "cpuconsumptiontime" in records.present else ("hs06sec",),
        "queuetime": ("starttime",),
        "walltime": ("starttime", "endtime"),
    }
    return tuple(dict.fromkeys(part for name in names for part in made_of.get(name, (name,))))


STEPS: Final = (
    Step(
        "duplicate",
        "the same PANDAID stands elsewhere with a later MODIFICATIONTIME (or, if equal, later on)",
        _duplicates,
    ),
    Step("not_final", "JOBSTATUS is none of finished, failed, closed, cancelled", _not_final),
    Step("other_activity", "PRODSOURCELABEL is not user", _other_activity),
    Step("not_daod", "the input is no DAOD dataset", _other_input),
    Step("robot", "a test job: gangarobot or HammerCloud", _robots),
    Step("invalid_value", "a needed cell is text, negative, or not whole", _unusable),
    Step("missing_value", "a needed cell is empty, or a time is PanDA's default", _missing),
)


def _as_whole_text(numbers: pd.Series) -> np.ndarray:
    return np.array(
        ["" if np.isnan(number) else str(int(number)) for number in numbers], dtype=object
    )


def _known_or_hidden(values: pd.Series, known: frozenset[str]) -> np.ndarray:
    shown = {
        value: value if value in known else f"<text of {len(value)} characters>"
        for value in values.cat.categories
    }
    return values.astype(object).map(shown).fillna("").to_numpy()
