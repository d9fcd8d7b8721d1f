"""The job table → training, validation and test rows, without ever holding the table in memory.

A first pass reads times and tasks and gives every row its part, one byte a row; a second one
streams the rows into the three files.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from redwood.configuration import Split
from redwood.errors import InputError
from redwood.outputs import file_digest, write_json, writing
from redwood.progress import ProgressReport
from redwood.seeds import generator
from redwood.tables import TableDescription, arrow_schema, scan_table

PARTS = ("train", "validation", "test")
# Columns whose equal values go to one part, if that is the method.
_UNITS = ("task", "user")
# Part number of a row that is not drawn where `rows` asks for fewer than there are.
_UNUSED = -1
# Rows of a row group of the parts, whatever the size of the files that are read.
_ROW_GROUP = 131_072


def split(table: Path, jobs: Path, options: Split, seed: int, output: Path) -> None:
    """Write train, validation and test.parquet and, last, split.json to the folder `output`.

    Every row that is used goes to exactly one part; within a part rows keep their order. Equal rows
    give equal bytes, however they are spread over files.

    Args:
        table: the table description.
        jobs: the job table, a parquet file or a folder of them.
        options: method, shares and number of rows to use.
        seed: the run's seed.
        output: folder for the results.

    Raises:
        InputError: the table has no timestamp (method time) or no such column (methods task and
            user), or a part would be empty.
    """
    description = TableDescription.load(table)
    time = time_column(description)
    if options.method == "time" and time is None:
        kinds = ", ".join(f"{column.name} ({column.kind})" for column in description.columns)
        raise InputError(
            f"records.split.method is 'time', but table {description.name!r} has no timestamp; it "
            f"has {kinds}"
        )
    if options.method in _UNITS and options.method not in description:
        raise InputError(
            f"records.split.method is {options.method!r}, but table {description.name!r} has no "
            f"column {options.method!r}"
        )
    rows = _read_rows(jobs, description, options, time)
    part = _divide(rows, options, seed)
    counts = {name: int(np.count_nonzero(part == i)) for i, name in enumerate(PARTS)}
    used = sum(counts.values())
    for name, count in counts.items():
        if not count:
            raise InputError(f"{jobs}: a split by {options.method} leaves no {name} row of {used}")
    with ExitStack() as stack:
        paths = [stack.enter_context(writing(output / f"{name}.parquet")) for name in PARTS]
        spans = _write_parts(jobs, description, part, paths, time)
        digests = [file_digest(path) for path in paths]
        # An account of other parts than those that stand beside it would be worse than none.
        (output / "split.json").unlink(missing_ok=True)
    write_json(
        output / "split.json",
        {
            "rows": len(part),
            "used": used,
            "rule": _rule(options, len(part), used, time),
            "seed": seed,
            **options.model_dump(mode="json", exclude={"rows"}),
            "parts": {
                name: {"rows": counts[name], "first": first, "last": last, "sha256": digest}
                for name, (first, last), digest in zip(PARTS, spans, digests, strict=True)
            },
            "near_copies": None if rows.task is None else _near_copies(rows.task, part),
        },
    )


def time_column(description: TableDescription) -> str | None:
    """The column by whose times rows are parted: `creationtime`, else the first timestamp."""
    times = [column.name for column in description.columns if column.kind == "timestamp"]
    return "creationtime" if "creationtime" in times else next(iter(times), None)


def part_sizes(rows: int, options: Split) -> tuple[int, int, int]:
    """How many rows each part gets: shares rounded to whole rows, the test part the rest."""
    train, validation = round(options.train * rows), round(options.validation * rows)
    return train, validation, rows - train - validation


class _Rows(NamedTuple):
    """What decides on the parts of n rows.

    Attributes:
        number: n.
        time: of each row in µs since 1970, int64 [n]; `None` where it does not matter.
        task: number of the task in order of appearance, -1 where there is none, int32 [n]; `None`
            where the table has no tasks.
        user: that of the user, likewise; `None` where it does not matter.
    """

    number: int
    time: np.ndarray | None
    task: np.ndarray | None
    user: np.ndarray | None


def _read_rows(
    jobs: Path, description: TableDescription, options: Split, time: str | None
) -> _Rows:
    # Some column has to be read for the number of rows.
    units = [name for name in dict.fromkeys(("task", options.method)) if name in _UNITS]
    units = [name for name in units if name in description]
    read = dict.fromkeys(name for name in (time, *units) if name and name in description)
    names = list(read) or [description.columns[0].name]
    number, times = 0, []
    empty = np.empty(0, dtype=np.int32)
    numbers: dict[str, list[np.ndarray]] = {name: [empty] for name in units}
    known: dict[str, dict[str, int]] = {name: {} for name in units}
    for piece in scan_table(jobs, description, names):
        if options.method == "time" and piece.column(time).null_count:
            raise InputError(f"{jobs}: a row without {time!r}, expected a time for each")
        if options.method == "time":
            times.append(piece.column(time).cast(pa.int64()).to_numpy())
        for name in units:
            numbers[name].append(_unit_numbers(piece.column(name), known[name]))
        number += piece.num_rows
    return _Rows(
        number,
        np.concatenate([empty, *times]) if options.method == "time" else None,
        **{name: np.concatenate(numbers[name]) if name in units else None for name in _UNITS},
    )


def _unit_numbers(units: pa.ChunkedArray, known: dict[str, int]) -> np.ndarray:
    """Number of each task or user, int32 [n], -1 for none; `known` learns new ones."""
    encoded = units.combine_chunks().dictionary_encode()
    numbers = [known.setdefault(unit, len(known)) for unit in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(len(numbers)).to_numpy(zero_copy_only=False)
    return np.array([*numbers, -1], dtype=np.int32)[codes]


def _divide(rows: _Rows, options: Split, seed: int) -> np.ndarray:
    """Part number of each row, `_UNUSED` for those not drawn, int8 [rows]."""
    if options.rows is None or options.rows >= rows.number:
        chosen: slice | np.ndarray = slice(None)
        number = rows.number
    else:
        number = options.rows
        drawn = np.arange(rows.number) < number
        chosen = generator(seed, "records", "sample").permutation(drawn)
    counts = part_sizes(number, options)
    part = np.full(rows.number, _UNUSED, dtype=np.int8)
    if options.method == "random":
        part[chosen] = generator(seed, "records", "split").permutation(_in_turn(counts))
    elif rows.time is not None:
        part[chosen] = _by_time(rows.time[chosen], counts)
    else:
        unit = rows.user if options.method == "user" else rows.task
        assert unit is not None, "a split by units that the table does not have"
        part[chosen] = _by_unit(unit[chosen], counts, seed)
    return part


def _in_turn(counts: tuple[int, ...]) -> np.ndarray:
    return np.repeat(np.arange(len(counts), dtype=np.int8), counts)


def _by_time(time: np.ndarray, counts: tuple[int, ...]) -> np.ndarray:
    """The earliest rows train, the latest test."""
    part = np.empty(len(time), dtype=np.int8)
    part[np.argsort(time, kind="stable")] = _in_turn(counts)
    return part


def _by_unit(unit: np.ndarray, counts: tuple[int, ...], seed: int) -> np.ndarray:
    """Assign whole tasks or users, in random order, to the part in whose share their middle falls.

    A row without one is one of its own. The shares hold up to half of the largest one.
    """
    alone = unit < 0
    own = unit.max(initial=-1) + 1 + np.arange(np.count_nonzero(alone))
    unit = unit.astype(np.int64)
    unit[alone] = own
    sizes = np.bincount(unit)
    order = generator(seed, "records", "split").permutation(len(sizes))
    middle = np.empty(len(sizes))
    middle[order] = np.cumsum(sizes[order]) - sizes[order] / 2
    part = np.searchsorted(np.cumsum(counts)[:-1], middle, side="right").astype(np.int8)
    return part[unit]


def _near_copies(task: np.ndarray, part: np.ndarray) -> dict[str, dict[str, Any]]:
    """How many validation and test rows are of a task of which other rows train."""
    trained = np.zeros(task.max(initial=-1) + 2, dtype=bool)
    trained[task[part == PARTS.index("train")]] = True
    # Rows without a task, number -1, look at the last place.
    trained[-1] = False
    copies = {}
    for name in PARTS[1:]:
        tasks = task[part == PARTS.index(name)]
        number = int(np.count_nonzero(trained[tasks]))
        copies[name] = {
            "rows": len(tasks),
            "of_a_training_task": number,
            "share": number / len(tasks),
        }
    return copies


def _rule(options: Split, rows: int, used: int, time: str | None) -> str:
    """One sentence that says how a row came to its part."""
    if used < rows:
        which = f"{used:,} of {rows:,} jobs, drawn uniformly without replacement, are divided "
    elif options.rows is not None and options.rows > rows:
        which = f"all {rows:,} jobs, fewer than the {options.rows:,} asked for, are divided "
    else:
        which = f"all {rows:,} jobs are divided "
    rest = 1 - options.train - options.validation
    shares = " / ".join(f"{100 * share:g}" for share in (options.train, options.validation))
    shares = f"{shares} / {100 * rest:.6g} % into training / validation / test"
    how = {
        "random": f"at random, {shares}, counts rounded to whole jobs",
        "time": f"by {time}, {shares}: the earliest train, the latest test",
        **{
            unit: f"by {unit}, {shares} as nearly as whole {unit}s allow: {unit}s in random order, "
            f"all jobs of a {unit} in one part, a job without a {unit} alone"
            for unit in _UNITS
        },
    }[options.method]
    return which + how


def _write_parts(
    jobs: Path,
    description: TableDescription,
    part: np.ndarray,
    paths: list[Path],
    time: str | None,
) -> list[tuple[str | None, str | None]]:
    """Stream the rows to the files of their parts; first and last time of each, ISO."""
    first = 0
    with ExitStack() as stack:
        writers = [stack.enter_context(_PartWriter(path, description, time)) for path in paths]
        report = stack.enter_context(ProgressReport("splitting", len(part), "rows"))
        for piece in scan_table(jobs, description):
            of_piece = part[first : first + piece.num_rows]
            for number, writer in enumerate(writers):
                writer.add(piece.filter(pa.array(of_piece == number)))
            first += piece.num_rows
            report.advance(piece.num_rows)
    return [writer.span() for writer in writers]


class _PartWriter:
    """Writes rows to a parquet file in row groups of one size, whatever the pieces they come in."""

    def __init__(self, path: Path, description: TableDescription, time: str | None) -> None:
        self._time = time
        self._schema = arrow_schema(description)
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", write_page_checksum=True
        )
        self._pieces: list[pa.Table] = []
        self._waiting = 0
        self._times: list[Any] = []

    def __enter__(self) -> "_PartWriter":
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        if failure is None and self._waiting:
            self._write(pa.concat_tables(self._pieces))
        self._writer.close()

    def add(self, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        if self._time is not None:
            span = pc.min_max(rows.column(self._time))
            self._times += [moment for moment in span.as_py().values() if moment is not None]
        self._pieces.append(rows)
        self._waiting += rows.num_rows
        if self._waiting < _ROW_GROUP:
            return
        table = pa.concat_tables(self._pieces)
        for group in _slices(table):
            self._write(group)
        self._waiting %= _ROW_GROUP
        self._pieces = [table.slice(table.num_rows - self._waiting)]

    def span(self) -> tuple[str | None, str | None]:
        """First and last time, `None` if there is none."""
        if not self._times:
            return None, None
        return min(self._times).isoformat(), max(self._times).isoformat()

    def _write(self, group: pa.Table) -> None:
        self._writer.write_table(group.combine_chunks(), row_group_size=_ROW_GROUP)


def _slices(table: pa.Table) -> Iterator[pa.Table]:
    """All whole row groups of a table."""
    for start in range(0, table.num_rows - _ROW_GROUP + 1, _ROW_GROUP):
        yield table.slice(start, _ROW_GROUP)
