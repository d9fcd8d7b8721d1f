"""What the columns of a table hold, counted by SQL; a few columns at a time are in memory.

Counts are exact. Quantiles are those of a uniform sample of rows where there are more than that.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from redwood.card.arrivals import arrivals
from redwood.card.wording import moment
from redwood.job_table import FINAL_STATES
from redwood.progress import ProgressReport
from redwood.seeds import generator
from redwood.sql import database
from redwood.tables import Column, TableDescription, arrow_schema, scan_table, table_rows

Facts = dict[str, Any]

# Columns that tell one person or one task from another: of these only counts are shown.
PRIVATE: Final = ("user", "task")
# Categories of fewer rows are not named.
RARE: Final = 5
QUANTILE_ROWS: Final = 1_000_000
# Read at once, some 16 bytes each: one column at least, of small tables all.
_CELLS: Final = 16_000_000
_SHOWN_ROWS: Final = 8
_SHOWN_VALUES: Final = 10
_SHOWN_SITES: Final = 10
_HISTOGRAM_BINS: Final = 40
_INFINITE: Final = (np.inf, -np.inf)
_REJECTED: Final = TableDescription(
    "rejected rows",
    tuple(Column(name, "categorical", role="auxiliary") for name in ("reason", "column", "value")),
)


def survey(jobs: Path, description: TableDescription) -> Facts:
    """The facts of a table's columns.

    Args:
        jobs: a parquet file or a folder of them.
        description: the table's description.

    Returns:
        `rows`, `quantile_rows` (how many quantiles and shapes are of), `columns`, `sample` (some
        rows, features only and no private ones), `arrivals` and `states`, the latter two `None`
        where the table has no such columns.

    Raises:
        InputError: as `redwood.tables.scan_table`.
    """
    rows = table_rows(jobs)
    # Every row draws a number; those with the smallest ones are the sample, in order of it.
    drawn = np.argsort(generator(0, "records", "card").random(rows))[:QUANTILE_ROWS]
    clock = _clock(description)
    columns: list[Facts] = []
    shown: dict[str, list[Any]] = {}
    span = None
    with (
        ProgressReport("describing", len(description.columns), "columns") as report,
        database("1GB") as connection,
    ):
        for column, values in _columns(jobs, description, rows):
            connection.register("t", pa.table({"x": values}))
            some: list[Any]
            if column.is_categorical:
                facts, some = _words(connection, values, drawn, column.name in PRIVATE)
            else:
                facts, some = _numbers(connection, values, drawn, column)
            columns.append(_described(column) | facts)
            if column in description.features and not columns[-1]["private"]:
                shown[column.name] = some
            if column.name == clock:
                span = arrivals(clock, values.drop_null().cast("int64").to_numpy())
            connection.unregister("t")
            report.advance()
        return {
            "rows": rows,
            "quantile_rows": len(drawn),
            "columns": columns,
            "sample": {
                "columns": list(shown),
                "rows": [list(row) for row in zip(*shown.values(), strict=True)],
            },
            "arrivals": span,
            "states": _states(connection, jobs, description),
        }


def rejects(rejected: Path) -> list[Facts]:
    """Rejected rows by reason and raw column at fault, with their most frequent values."""
    with database() as connection:
        counted = [
            piece.group_by(["reason", "column", "value"]).aggregate([([], "count_all")])
            for piece in scan_table(rejected, _REJECTED)
        ]
        if not counted:
            return []
        connection.register("counted", pa.concat_tables(counted))
        found = connection.execute(
            f"""
            WITH faults AS (SELECT reason, "column", value, sum(count_all)::BIGINT AS rows
                            FROM counted GROUP BY ALL)
            SELECT reason, "column", sum(rows)::BIGINT AS all_rows,
                list({{'value': value, 'rows': rows}} ORDER BY rows DESC, value)
                    FILTER (value IS NOT NULL AND rows >= {RARE})
            FROM faults GROUP BY reason, "column"
            ORDER BY all_rows DESC, reason, "column"
            """
        ).fetchall()
    return [
        {"reason": reason, "column": column, "rows": rows, "values": (values or [])[:5]}
        for reason, column, rows, values in found
    ]


def _columns(
    jobs: Path, description: TableDescription, rows: int
) -> Iterator[tuple[Column, pa.ChunkedArray]]:
    """The columns one after the other, read some together: a table may have many files."""
    at_once = max(1, _CELLS // max(1, rows))
    for first in range(0, len(description.columns), at_once):
        columns = description.columns[first : first + at_once]
        table = _table(jobs, description, [column.name for column in columns])
        for column in columns:
            yield column, table.column(column.name)


def _table(jobs: Path, description: TableDescription, names: list[str]) -> pa.Table:
    chosen = TableDescription(description.name, tuple(description[name] for name in names))
    return pa.concat_tables([arrow_schema(chosen).empty_table(), *scan_table(jobs, chosen)])


def _clock(description: TableDescription) -> str | None:
    """The column that says when a row was made."""
    times = [column.name for column in description.columns if column.kind == "timestamp"]
    return "creationtime" if "creationtime" in times else next(iter(times), None)


def _described(column: Column) -> Facts:
    return {
        "name": column.name,
        "kind": column.kind,
        "unit": column.unit,
        "role": column.role,
        "scale": column.scale,
        "meaning": column.meaning,
        "private": column.name in PRIVATE and column.is_categorical,
    }


def _words(
    connection: duckdb.DuckDBPyConnection, values: pa.ChunkedArray, drawn: np.ndarray, private: bool
) -> tuple[Facts, list[str]]:
    """The facts of a categorical column, and its values in the rows that are shown."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE counts AS SELECT x AS value, count(*) AS rows FROM t "
        "WHERE x IS NOT NULL GROUP BY x"
    )
    distinct, rows, rare, largest = connection.execute(
        f"SELECT count(*), coalesce(sum(rows), 0)::BIGINT, count(*) FILTER (rows < {RARE}), "
        "coalesce(max(rows), 0) FROM counts"
    ).fetchall()[0]
    top = connection.execute(
        f"SELECT value, rows FROM counts WHERE rows >= {RARE} ORDER BY rows DESC, value "
        f"LIMIT {0 if private else _SHOWN_VALUES}"
    ).fetchall()
    some = values.take(pa.array(drawn[:_SHOWN_ROWS])).to_pylist()
    named = connection.execute(
        f"SELECT value FROM counts WHERE rows >= {RARE} AND list_contains(?, value)", [some]
    ).fetchall()
    facts = {
        "distinct": distinct,
        "missing": values.null_count,
        "top": [{"value": value, "rows": number} for value, number in top],
        "others": {
            "values": distinct - len(top),
            "rows": rows - sum(number for _, number in top),
        },
        "rare_values": rare,
        "largest": largest,
        "examples": [value for value, _ in top[:3]],
    }
    return facts, [word if (word,) in named else "(rare)" for word in some]


def _numbers(
    connection: duckdb.DuckDBPyConnection,
    values: pa.ChunkedArray,
    drawn: np.ndarray,
    column: Column,
) -> tuple[Facts, list[float | str | None]]:
    """The facts of any other column, and its values in the rows that are shown.

    Infinite values are counted and then left aside. Times are text, UTC.
    """
    is_time = column.kind == "timestamp"
    number = "epoch_us(x)" if is_time else "x"
    missing, infinite = connection.execute(
        f"SELECT count(*) FILTER (x IS NULL OR isnan({number}::DOUBLE)), "
        f"count(*) FILTER (isinf({number}::DOUBLE)) FROM t"
    ).fetchall()[0]
    distinct, zeros, negative, minimum, maximum, mean = connection.execute(
        "SELECT count(DISTINCT n), count(*) FILTER (n = 0), count(*) FILTER (n < 0), min(n), "
        f"max(n), favg(n::DOUBLE) FROM (SELECT {number} AS n FROM t) WHERE isfinite(n::DOUBLE)"
    ).fetchall()[0]
    taken = (values.cast("int64") if is_time else values).combine_chunks().take(pa.array(drawn))
    numbers = taken.drop_null().to_numpy().astype(np.float64)
    sample = np.sort(numbers[np.isfinite(numbers)])
    spread = {
        "minimum": minimum,
        "median": _quantile(sample, 0.5),
        "percentile_99": _quantile(sample, 0.99),
        "maximum": maximum,
    }
    examples = taken.drop_null()[:3].to_pylist()
    some = taken[:_SHOWN_ROWS].to_pylist()
    if is_time:
        spread = {name: None if v is None else moment(v) for name, v in spread.items()}
        examples = [moment(value) for value in examples]
        some = [None if value is None else moment(value) for value in some]
    else:
        spread["mean"] = mean
        examples = [value for value in examples if np.isfinite(value)]
        some = ["(infinite)" if value in _INFINITE else value for value in some]
    return {
        "distinct": distinct,
        "missing": missing,
        "infinite": infinite,
        "zeros": zeros,
        "negative": negative,
        **spread,
        "examples": examples,
        "histogram": _histogram(sample, column.scale),
        "histogram_span": [sample[0].item(), sample[-1].item()] if len(sample) else None,
    }, some


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
    edges = np.linspace(values[0], values[-1], _HISTOGRAM_BINS + 1)
    # Equal values, or such that differ in their last digits only.
    if not (np.diff(edges) > 0).all():
        return [len(values)]
    return np.histogram(values, _HISTOGRAM_BINS)[0].tolist()


def _states(
    connection: duckdb.DuckDBPyConnection, jobs: Path, description: TableDescription
) -> Facts | None:
    """Final states at the sites of most rows, and at all others together."""
    names = ["computingsite", "jobstatus"]
    if not all(name in description and description[name].is_categorical for name in names):
        return None
    connection.register("jobs", _table(jobs, description, names))
    states = ", ".join(
        f"count(*) FILTER (jobstatus = '{state}') AS {state}" for state in FINAL_STATES
    )
    found = connection.execute(
        f"SELECT computingsite, {states}, count(*) AS all_rows FROM jobs GROUP BY computingsite "
        "ORDER BY all_rows DESC, coalesce(computingsite, '')"
    ).fetchall()
    if not found:
        return None
    rows = {site: np.array([*known, total - sum(known)]) for site, *known, total in found}
    named = [site for site, n in rows.items() if site is not None and n.sum() >= RARE]
    named = named[:_SHOWN_SITES]
    nothing = np.zeros(len(FINAL_STATES) + 1, dtype=np.int64)
    everywhere = sum(rows.values(), nothing)
    rest = everywhere - sum((rows[site] for site in named), nothing)
    shown = [*FINAL_STATES, "other"] if everywhere[-1] else FINAL_STATES

    def counted(numbers: np.ndarray) -> dict[str, int]:
        return dict(zip(shown, numbers.tolist(), strict=False))

    return {
        "all": counted(everywhere),
        "sites": [{"site": site, "states": counted(rows[site])} for site in named],
        "others": {"sites": len(rows) - len(named), "states": counted(rest)},
    }
