"""Splitting: exact counts, every row once, the same rows each time."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood.configuration import Split
from redwood.errors import InputError
from redwood.records import splitting
from redwood.records.splitting import PARTS, part_sizes, split
from redwood.tables import Column, TableDescription, read_table, write_table

DESCRIPTION = TableDescription(
    "test",
    (
        Column("creationtime", "timestamp", "s, UTC"),
        Column("number", "integer"),
        Column("task", "categorical", role="auxiliary"),
        Column("user", "categorical", role="auxiliary"),
    ),
)


def make_table(folder: Path, rows: int, description: TableDescription = DESCRIPTION) -> None:
    seconds = np.sort(np.random.default_rng(1).integers(0, rows, rows))
    frame = pd.DataFrame(
        {
            "creationtime": pd.to_datetime(1.7e9 + seconds, unit="s", utc=True),
            "number": np.arange(rows),
            "task": [None if i % 10 == 0 else f"task {i // 7}" for i in range(rows)],
            "user": [None if i % 50 == 0 else f"user {i // 21}" for i in range(rows)],
        }
    )
    write_table(frame, folder / "jobs.parquet", description)
    description.save(folder / "table.json")


def partition(folder: Path, rows: int) -> None:
    """Move jobs.parquet into a folder of files with so many rows each, in row groups of three."""
    table = pq.read_table(folder / "jobs.parquet")
    for number, start in enumerate(range(0, table.num_rows, rows)):
        file = folder / "jobs.parquet.folder" / f"day={number:04}" / "jobs.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(table.slice(start, rows), file, row_group_size=3)
    (folder / "jobs.parquet").unlink()
    (folder / "jobs.parquet.folder").rename(folder / "jobs.parquet")


def split_up(folder: Path, seed: int = 1, **options: object) -> dict[str, pd.DataFrame]:
    chosen = Split(**options)
    description = TableDescription.load(folder / "table.json")
    split(folder / "table.json", folder / "jobs.parquet", chosen, seed, folder / "out")
    return {name: read_table(folder / "out" / f"{name}.parquet", description) for name in PARTS}


def account_of(folder: Path) -> dict:
    return json.loads((folder / "out" / "split.json").read_text())


def test_counts_are_the_papers() -> None:
    assert part_sizes(2_239_654, Split()) == (1_343_792, 447_931, 447_931)


@given(st.integers(10, 10**9), st.floats(0.01, 0.5), st.floats(0.01, 0.4))
def test_counts_add_up(rows: int, train: float, validation: float) -> None:
    counts = part_sizes(rows, Split(train=train, validation=validation))
    assert sum(counts) == rows
    assert min(counts) >= 0


@pytest.mark.parametrize("method", ["random", "time", "task", "user"])
def test_every_row_goes_to_one_part_in_order_of_time(tmp_path: Path, method: str) -> None:
    make_table(tmp_path, 1003)
    parts = split_up(tmp_path, method=method)
    numbers = np.concatenate([part["number"] for part in parts.values()])
    assert np.array_equal(np.sort(numbers), np.arange(1003))
    assert all(part["creationtime"].is_monotonic_increasing for part in parts.values())
    if method in ("random", "time"):
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
    copies = account_of(tmp_path)["near_copies"]
    assert [copies[name]["of_a_training_task"] for name in PARTS[1:]] == [0, 0]


def test_by_user_no_user_and_none_of_his_tasks_is_in_two_parts(tmp_path: Path) -> None:
    make_table(tmp_path, 5000)
    parts = split_up(tmp_path, method="user")
    for unit in ("user", "task"):
        known = [set(part[part["user"].notna()][unit].dropna()) for part in parts.values()]
        assert sum(len(part) for part in known) == len(set().union(*known))
    assert [len(part) for part in parts.values()] == pytest.approx([3000, 1000, 1000], abs=21)
    assert "by user, 60 / 20 / 20 %" in account_of(tmp_path)["rule"]


def test_the_seed_decides(tmp_path: Path) -> None:
    make_table(tmp_path, 500)
    chosen = [split_up(tmp_path, seed)["train"]["number"].tolist() for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("method", ["random", "time", "task", "user"])
def test_the_parts_do_not_depend_on_how_the_rows_are_spread_over_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(splitting, "_ROW_GROUP", 64)
    make_table(tmp_path, 1003)
    split_up(tmp_path, method=method)
    whole = account_of(tmp_path)
    partition(tmp_path, 17)
    split_up(tmp_path, method=method)
    assert account_of(tmp_path) == whole
    train = pq.ParquetFile(tmp_path / "out" / "train.parquet").metadata
    sizes = [train.row_group(i).num_rows for i in range(train.num_row_groups)]
    assert set(sizes[:-1]) == {64}
    assert 0 < sizes[-1] <= 64


@pytest.mark.parametrize("method", ["random", "time", "task"])
def test_a_sample_is_exact_and_divided_like_a_table(tmp_path: Path, method: str) -> None:
    make_table(tmp_path, 1003)
    parts = split_up(tmp_path, method=method, rows=100)
    numbers = np.concatenate([part["number"] for part in parts.values()])
    assert len(numbers) == len(set(numbers.tolist())) == 100
    if method != "task":
        assert [len(part) for part in parts.values()] == [60, 20, 20]
    if method == "time":
        assert parts["train"]["number"].max() < parts["validation"]["number"].min()
        assert parts["validation"]["number"].max() < parts["test"]["number"].min()
    assert account_of(tmp_path)["rows"] == 1003
    assert account_of(tmp_path)["used"] == 100
    assert "100 of 1,003 jobs, drawn uniformly" in account_of(tmp_path)["rule"]


def test_a_sample_is_drawn_from_everywhere_and_by_the_seed(tmp_path: Path) -> None:
    make_table(tmp_path, 2000)
    drawn = []
    for seed in (1, 1, 2):
        parts = split_up(tmp_path, seed, rows=1000)
        drawn.append(np.sort(np.concatenate([part["number"] for part in parts.values()])))
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    # The standard error of the mean of 1000 of the 2000 numbers is 13.
    assert drawn[0].mean() == pytest.approx(999.5, abs=65)


def test_asking_for_more_rows_than_there_are_takes_all_and_says_so(tmp_path: Path) -> None:
    make_table(tmp_path, 50)
    split_up(tmp_path, rows=60)
    assert account_of(tmp_path)["used"] == 50
    assert "fewer than the 60 asked for" in account_of(tmp_path)["rule"]


def test_near_copies_are_counted(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "creationtime": pd.to_datetime(1.7e9 + np.arange(10), unit="s", utc=True),
            "number": np.arange(10),
            # By time, rows 0-5 train, 6 and 7 validate, 8 and 9 test.
            "task": [*"abcdef", "a", "g", None, "g"],
            "user": ["u"] * 10,
        }
    )
    write_table(frame, tmp_path / "jobs.parquet", DESCRIPTION)
    DESCRIPTION.save(tmp_path / "table.json")
    split_up(tmp_path, method="time")
    assert account_of(tmp_path)["near_copies"] == {
        "validation": {"rows": 2, "of_a_training_task": 1, "share": 0.5},
        "test": {"rows": 2, "of_a_training_task": 0, "share": 0.0},
    }


def test_the_account(tmp_path: Path) -> None:
    make_table(tmp_path, 50)
    parts = split_up(tmp_path)
    account = account_of(tmp_path)
    assert [account["parts"][name]["rows"] for name in PARTS] == [30, 10, 10]
    content = (tmp_path / "out" / "test.parquet").read_bytes()
    assert account["parts"]["test"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert account["parts"]["test"]["first"] == parts["test"]["creationtime"].iloc[0].isoformat()
    assert account["parts"]["test"]["last"] == parts["test"]["creationtime"].iloc[-1].isoformat()
    assert account["rule"] == (
        "all 50 jobs are divided at random, 60 / 20 / 20 % into training / validation / test, "
        "counts rounded to whole jobs"
    )


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    make_table(tmp_path, 100)
    table = pq.read_table(tmp_path / "jobs.parquet")
    number = pa.array([*range(99), None])
    table = table.set_column(1, "number", number)
    pq.write_table(table, tmp_path / "jobs.parquet", row_group_size=10)
    with pytest.raises(InputError, match="row 100: feature 'number' has no value"):
        split_up(tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_table_without_tasks_says_nothing_of_near_copies(tmp_path: Path) -> None:
    make_table(tmp_path, 50, TableDescription("bare", DESCRIPTION.columns[:2]))
    split_up(tmp_path)
    assert account_of(tmp_path)["near_copies"] is None


@pytest.mark.parametrize("method", ["random", "time", "task"])
def test_any_timestamp_parts_a_table(tmp_path: Path, method: str) -> None:
    make_table(tmp_path, 100)
    parts = split_up(tmp_path, method=method)
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    submitted = Column("submitted", "timestamp", "s, UTC")
    description = TableDescription("other", (submitted, *DESCRIPTION.columns[1:]))
    frame = pd.read_parquet(tmp_path / "jobs.parquet").rename(columns={"creationtime": "submitted"})
    write_table(frame, renamed / "jobs.parquet", description)
    description.save(renamed / "table.json")
    others = split_up(renamed, method=method)
    for name in PARTS:
        assert others[name]["number"].tolist() == parts[name]["number"].tolist()
    for key in ("first", "last"):
        assert (
            account_of(renamed)["parts"]["test"][key] == account_of(tmp_path)["parts"]["test"][key]
        )
    assert "creationtime" not in account_of(renamed)["rule"]


@pytest.mark.parametrize("method", ["random", "task"])
def test_a_table_without_times_is_split(tmp_path: Path, method: str) -> None:
    make_table(tmp_path, 100, TableDescription("timeless", DESCRIPTION.columns[1:]))
    parts = split_up(tmp_path, method=method)
    numbers = np.concatenate([part["number"] for part in parts.values()])
    assert np.array_equal(np.sort(numbers), np.arange(100))
    test = account_of(tmp_path)["parts"]["test"]
    assert (test["first"], test["last"]) == (None, None)


def test_times_that_may_be_missing_do_not_stand_in_the_way(tmp_path: Path) -> None:
    ended = Column("ended", "timestamp", "s, UTC", role="auxiliary")
    description = TableDescription("gaps", (Column("number", "integer"), ended))
    times = pd.to_datetime([None, *(1.7e9 + np.arange(19))], unit="s", utc=True)
    frame = pd.DataFrame({"number": np.arange(20), "ended": times})
    write_table(frame, tmp_path / "jobs.parquet", description)
    description.save(tmp_path / "table.json")
    assert sum(map(len, split_up(tmp_path).values())) == 20
    with pytest.raises(InputError, match="a row without 'ended'"):
        split_up(tmp_path, method="time")


@pytest.mark.parametrize(
    ("rows", "columns", "method", "message"),
    [
        (50, DESCRIPTION.columns[1:], "time", r"has no timestamp; it has number \(integer\), task"),
        (50, DESCRIPTION.columns[:2], "task", "'bare' has no column 'task'"),
        (2, DESCRIPTION.columns, "random", r"leaves no .* row of 2"),
    ],
)
def test_what_cannot_be_split(
    tmp_path: Path, rows: int, columns: tuple[Column, ...], method: str, message: str
) -> None:
    make_table(tmp_path, rows, TableDescription("bare", columns))
    with pytest.raises(InputError, match=message):
        split_up(tmp_path, method=method)
