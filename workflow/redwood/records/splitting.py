"""The job table → training, validation and test rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from redwood.configuration import Split
from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.records.synthetic import file_digest
from redwood.seeds import generator
from redwood.tables import TableDescription, read_table, write_table

PARTS = ("train", "validation", "test")


def split(table: Path, jobs: Path, options: Split, seed: int, output: Path) -> None:
    """Write train, validation and test.parquet and split.json to the folder `output`.

    Every row goes to exactly one part; within a part rows keep their order.

    Args:
        table: the table description.
        jobs: the job table, sorted by creationtime.
        options: method and shares.
        seed: the run's seed.
        output: folder for the results.

    Raises:
        InputError: the table has no `task` (method task), or a part would be empty.
    """
    description = TableDescription.load(table)
    frame = read_table(jobs, description)
    counts = part_sizes(len(frame), options)
    if options.method == "random":
        part = _random(counts, seed)
    elif options.method == "time":
        part = _by_time(frame, counts)
    else:
        part = _by_task(frame, description, counts, seed)
    parts = {}
    for number, name in enumerate(PARTS):
        rows = frame[part == number]
        if rows.empty:
            raise InputError(
                f"{jobs}: a split by {options.method} leaves no {name} row of {len(frame)}"
            )
        path = output / f"{name}.parquet"
        write_table(rows, path, description)
        times = rows["creationtime"]
        parts[name] = {
            "rows": len(rows),
            "first": times.iloc[0].isoformat(),
            "last": times.iloc[-1].isoformat(),
            "sha256": file_digest(path),
        }
    write_json(
        output / "split.json",
        {"rows": len(frame), "seed": seed, **options.model_dump(mode="json"), "parts": parts},
    )


def part_sizes(rows: int, options: Split) -> tuple[int, int, int]:
    """How many rows each part gets: shares rounded to whole rows, the test part the rest."""
    train, validation = round(options.train * rows), round(options.validation * rows)
    return train, validation, rows - train - validation


def _random(counts: tuple[int, ...], seed: int) -> np.ndarray:
    """Part number of each row, [rows], drawn without regard to anything."""
    return generator(seed, "records", "split").permutation(np.repeat(range(len(PARTS)), counts))


def _by_time(frame: pd.DataFrame, counts: tuple[int, ...]) -> np.ndarray:
    """The earliest rows train, the latest test."""
    part = np.empty(len(frame), dtype=np.int64)
    order = np.argsort(frame["creationtime"].to_numpy(), kind="stable")
    part[order] = np.repeat(range(len(PARTS)), counts)
    return part


def _by_task(
    frame: pd.DataFrame, description: TableDescription, counts: tuple[int, ...], seed: int
) -> np.ndarray:
    """Whole tasks, in random order, to the part in whose share the middle of each falls.

    A row without a task is a task of its own. The shares hold up to half of the largest task.
    """
    if "task" not in description:
        raise InputError(
            f"records.split.method is 'task', but table {description.name!r} has no column 'task'"
        )
    task, _ = pd.factorize(frame["task"])
    alone = task < 0
    task[alone] = task.max(initial=-1) + 1 + np.arange(alone.sum())
    sizes = np.bincount(task)
    order = generator(seed, "records", "split").permutation(len(sizes))
    middle = np.empty(len(sizes))
    middle[order] = np.cumsum(sizes[order]) - sizes[order] / 2
    return np.searchsorted(np.cumsum(counts)[:-1], middle, side="right")[task]
