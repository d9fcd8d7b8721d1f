"""Splitting: exact counts, every row once, the same rows each time."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood.configuration import Split
from redwood.errors import InputError
from redwood.records.splitting import PARTS, part_sizes, split
from redwood.tables import Column, TableDescription, read_table, write_table

DESCRIPTION = TableDescription(
    "test",
    (
        Column("creationtime", "timestamp", "s, UTC"),
        Column("number", "integer"),
        Column("task", "categorical", role="auxiliary"),
    ),
)


def make_table(folder: Path, rows: int, description: TableDescription = DESCRIPTION) -> None:
    seconds = np.sort(np.random.default_rng(1).integers(0, rows, rows))
    frame = pd.DataFrame(
        {
            "creationtime": pd.to_datetime(1.7e9 + seconds, unit="s", utc=True),
            "number": np.arange(rows),
            "task": [None if i % 10 == 0 else f"task {i // 7}" for i in range(rows)],
        }
    )
    write_table(frame, folder / "jobs.parquet", description)
    description.save(folder / "table.json")


def split_up(folder: Path, seed: int = 1, **options: object) -> dict[str, pd.DataFrame]:
    chosen = Split(**options)
    split(folder / "table.json", folder / "jobs.parquet", chosen, seed, folder / "out")
    return {name: read_table(folder / "out" / f"{name}.parquet", DESCRIPTION) for name in PARTS}


def test_counts_are_the_papers() -> None:
    assert part_sizes(2_239_654, Split()) == (1_343_792, 447_931, 447_931)


@given(st.integers(10, 10**9), st.floats(0.01, 0.5), st.floats(0.01, 0.4))
def test_counts_add_up(rows: int, train: float, validation: float) -> None:
    counts = part_sizes(rows, Split(train=train, validation=validation))
    assert sum(counts) == rows
    assert min(counts) >= 0


@pytest.mark.parametrize("method", ["random", "time", "task"])
def test_every_row_goes_to_one_part_in_order_of_time(tmp_path: Path, method: str) -> None:
    make_table(tmp_path, 1003)
    parts = split_up(tmp_path, method=method)
    numbers = np.concatenate([part["number"] for part in parts.values()])
    assert np.array_equal(np.sort(numbers), np.arange(1003))
    assert all(part["creationtime"].is_monotonic_increasing for part in parts.values())
    if method != "task":
        assert [len(part) for part in parts.values()] == [602, 201, 200]


def test_by_time_the_past_trains(tmp_path: Path) -> None:
    make_table(tmp_path, 100)
    parts = split_up(tmp_path, method="time")
    assert parts["train"]["number"].tolist() == list(range(60))
    assert parts["test"]["number"].tolist() == list(range(80, 100))


def test_by_task_no_task_is_in_two_parts(tmp_path: Path) -> None:
    make_table(tmp_path, 5000)
    parts = split_up(tmp_path, method="task")
    tasks = [set(part["task"].dropna()) for part in parts.values()]
    assert sum(len(part) for part in tasks) == len(set().union(*tasks))
    assert [len(part) for part in parts.values()] == pytest.approx([3000, 1000, 1000], abs=7)


def test_the_seed_decides(tmp_path: Path) -> None:
    make_table(tmp_path, 500)
    chosen = [split_up(tmp_path, seed)["train"]["number"].tolist() for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_the_account(tmp_path: Path) -> None:
    make_table(tmp_path, 50)
    split_up(tmp_path)
    account = json.loads((tmp_path / "out" / "split.json").read_text())
    assert [account["parts"][name]["rows"] for name in PARTS] == [30, 10, 10]
    content = (tmp_path / "out" / "test.parquet").read_bytes()
    assert account["parts"]["test"]["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_table_without_tasks_cannot_be_split_by_task(tmp_path: Path) -> None:
    make_table(tmp_path, 50, TableDescription("bare", DESCRIPTION.columns[:2]))
    with pytest.raises(InputError, match="'bare' has no column 'task'"):
        split_up(tmp_path, method="task")


def test_too_few_rows(tmp_path: Path) -> None:
    make_table(tmp_path, 2)
    with pytest.raises(InputError, match=r"leaves no .* row of 2"):
        split_up(tmp_path)
