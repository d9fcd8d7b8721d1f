"""One pass over a table: what its columns hold, when its rows were made, and some of them.

Counts are exact. Quantiles are those of a uniform sample of rows where there are more than that.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from redwood.progress import ProgressReport
from redwood.seeds import generator
from redwood.tables import Column, TableDescription, arrow_schema, scan_table, table_rows

# Columns that tell one person or one task from another: of these only counts are shown.
PRIVATE: Final = ("user", "task")
QUANTILE_ROWS: Final = 1_000_000
SHOWN_ROWS: Final = 8
# Beyond so many different numbers a column's are no longer told apart.
MOST_DISTINCT: Final = 5_000_000

_HOUR_US = 3_600_000_000


class WordCounts:
    """How often each value of a categorical column occurs."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.missing = 0

    def add(self, values: pa.ChunkedArray) -> None:
        found = values.drop_null().value_counts()
        words, numbers = found.field("values").to_pylist(), found.field("counts").to_pylist()
        self.counts.update(dict(zip(words, numbers, strict=True)))
        self.missing += values.null_count

    @property
    def distinct(self) -> int:
        return len(self.counts)


class NumberCounts:
    """Count, range and number of distinct values of a numeric, integer or timestamp column.

    Timestamps are whole µs since 1970. Infinite values are counted and then left aside.
    """

    def __init__(self) -> None:
        self.rows = self.missing = self.infinite = self.zeros = self.negative = 0
        self.total = 0.0
        self.minimum: float | None = None
        self.maximum: float | None = None
        self._distinct: np.ndarray | None = None
        self._pending: list[np.ndarray] = []
        self._many = False

    def add(self, values: pa.ChunkedArray) -> None:
        present = _numbers(values)
        self.missing += len(values) - len(present)
        if present.dtype.kind == "f":
            finite = np.isfinite(present)
            self.infinite += int(np.count_nonzero(~finite))
            present = present[finite]
        self.rows += len(present)
        if not len(present):
            return
        self.zeros += int(np.count_nonzero(present == 0))
        self.negative += int(np.count_nonzero(present < 0))
        self.total += float(present.sum(dtype=np.float64))
        low, high = present.min().item(), present.max().item()
        self.minimum = low if self.minimum is None else min(self.minimum, low)
        self.maximum = high if self.maximum is None else max(self.maximum, high)
        if not self._many:
            self._pending.append(np.unique(present))
            if sum(map(len, self._pending)) > max(1_000_000, len(self._known)):
                self._merge()

    @property
    def distinct(self) -> int:
        """Number of different values, `MOST_DISTINCT` where there are more."""
        self._merge()
        return MOST_DISTINCT if self._many else len(self._known)

    @property
    def has_more(self) -> bool:
        """Whether there are more different values than `distinct` says."""
        self._merge()
        return self._many

    @property
    def _known(self) -> np.ndarray:
        return np.empty(0) if self._distinct is None else self._distinct

    def _merge(self) -> None:
        if self._pending:
            self._distinct = np.unique(np.concatenate([self._known, *self._pending]))
            self._pending = []
        if len(self._known) > MOST_DISTINCT:
            self._distinct, self._many = None, True


class RowSample:
    """A uniform sample of so many rows, the same however the rows are spread over pieces.

    Every row draws a number; those with the smallest ones are the sample, in order of it.
    """

    def __init__(self, size: int, schema: pa.Schema) -> None:
        self._size = size
        self._draws, self._rows = np.empty(0), schema.empty_table()
        self._waiting: list[tuple[np.ndarray, pa.Table]] = []
        self._limit = 1.0

    def add(self, draws: np.ndarray, rows: pa.Table) -> None:
        """Offer rows with the numbers that they drew, float64 [rows] in [0, 1)."""
        chosen = np.flatnonzero(draws < self._limit)
        if len(chosen) > self._size:
            chosen = np.sort(chosen[np.argpartition(draws[chosen], self._size)[: self._size]])
        if len(chosen) < len(draws):
            draws, rows = draws[chosen], rows.take(pa.array(chosen))
        self._waiting.append((draws, rows))
        if sum(len(draws) for draws, _ in self._waiting) > self._size:
            self._settle()

    def rows(self) -> pa.Table:
        self._settle()
        return self._rows

    def _settle(self) -> None:
        draws = np.concatenate([self._draws, *(draws for draws, _ in self._waiting)])
        rows = pa.concat_tables([self._rows, *(rows for _, rows in self._waiting)])
        order = np.argsort(draws)[: self._size]
        self._draws, self._rows = draws[order], rows.take(pa.array(order)).combine_chunks()
        self._waiting = []
        if len(order) == self._size:
            self._limit = float(self._draws[-1])


@dataclass
class Survey:
    """What one pass over a table finds.

    Attributes:
        description: the table's description.
        rows: number of rows.
        words: categorical column → its counts.
        numbers: other column → its counts.
        quantile_rows: a sample of the other columns, as they are in the table.
        shown: some rows, features only and no private ones.
        clock: the column that says when a row was made, `None` where there is none.
        hours: hour since 1970 → rows made in it.
        states: (site, final state) → rows; empty where the table has no such columns.
    """

    description: TableDescription
    rows: int
    words: dict[str, WordCounts]
    numbers: dict[str, NumberCounts]
    quantile_rows: pa.Table
    shown: pa.Table
    clock: str | None
    hours: Counter[int]
    states: Counter[tuple[str | None, str | None]]

    def sample(self, name: str) -> np.ndarray:
        """The finite values of a column that is not categorical in the sample, ascending."""
        values = _numbers(self.quantile_rows.column(name)).astype(np.float64)
        return np.sort(values[np.isfinite(values)])


def survey(jobs: Path, description: TableDescription) -> Survey:
    """Read a table once.

    Args:
        jobs: a parquet file or a folder of them.
        description: the table's description.

    Raises:
        InputError: as `redwood.tables.scan_table`.
    """
    words = {c.name: WordCounts() for c in description.columns if c.is_categorical}
    numbers = {c.name: NumberCounts() for c in description.columns if not c.is_categorical}
    shown = [c.name for c in description.features if c.name not in PRIVATE]
    schema = arrow_schema(description)
    quantile_rows = RowSample(QUANTILE_ROWS, _only(schema, list(numbers)))
    shown_rows = RowSample(SHOWN_ROWS, _only(schema, shown))
    clock = _clock(description)
    has_states = {"computingsite", "jobstatus"} <= set(words)
    hours, states = Counter(), Counter()
    draw = generator(0, "records", "card")
    rows = 0
    with ProgressReport("describing", table_rows(jobs), "rows") as report:
        for piece in scan_table(jobs, description):
            for name, counts in (words | numbers).items():
                counts.add(piece.column(name))
            draws = draw.random(piece.num_rows)
            quantile_rows.add(draws, piece.select(list(numbers)))
            shown_rows.add(draws, piece.select(shown))
            if clock is not None:
                hours.update(_hours(piece.column(clock.name)))
            if has_states:
                states.update(_states(piece))
            rows += piece.num_rows
            report.advance(piece.num_rows)
    return Survey(
        description,
        rows,
        words,
        numbers,
        quantile_rows.rows(),
        shown_rows.rows(),
        clock.name if clock else None,
        hours,
        states,
    )


def _clock(description: TableDescription) -> Column | None:
    times = [column for column in description.columns if column.kind == "timestamp"]
    return next((c for c in times if c.name == "creationtime"), times[0] if times else None)


def _only(schema: pa.Schema, names: list[str]) -> pa.Schema:
    return pa.schema([schema.field(name) for name in names], schema.metadata)


def _numbers(values: pa.ChunkedArray) -> np.ndarray:
    """The values that are there, int64 or float64; times in µs since 1970."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    present = values.drop_null().to_numpy()
    return present[~np.isnan(present)] if present.dtype.kind == "f" else present


def _hours(times: pa.ChunkedArray) -> dict[int, int]:
    found, counts = np.unique(_numbers(times) // _HOUR_US, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _states(piece: pa.Table) -> dict[tuple[str | None, str | None], int]:
    groups = piece.group_by(["computingsite", "jobstatus"]).aggregate([([], "count_all")])
    columns = (groups.column(name).to_pylist() for name in groups.column_names)
    return {(site, state): count for site, state, count in zip(*columns, strict=True)}
