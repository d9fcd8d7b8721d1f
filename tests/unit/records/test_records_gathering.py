"""Cleaned files become one table, whatever their number, order of days and limits of memory."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.records.cleaned_file import CleanedFile, clean_file
from redwood.records.duplicates import superseded
from redwood.records.gathering import gather
from redwood.tables import TableDescription, read_table

COLUMNS = (
    *("PANDAID", "MODIFICATIONTIME", "CREATIONTIME", "COMPUTINGSITE", "CPUCONSUMPTIONTIME"),
    *("JOBSTATUS", "PRODUSERNAME", "CORECOUNT"),
)
OPTIONS = Cleaning(analysis_of_daod=False, features=("creationtime", "computingsite", "workload"))
ROW = ("1", "2024-02-01 00:00:00", "2024-01-01 00:00:00", "CERN", "60", "finished", "someone", "1")


def cleaned(
    folder: Path, name: str, rows: list[tuple[str, ...]], options: Cleaning = OPTIONS
) -> Path:
    dump = folder / f"{name}.csv"
    with dump.open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    clean_file(dump, dump.name, folder / name, options, 1)
    return folder / name


def row(**cells: str) -> tuple[str, ...]:
    return tuple(cells.get(name.lower(), cell) for name, cell in zip(COLUMNS, ROW, strict=True))


def jobs_of(output: Path) -> pd.DataFrame:
    return read_table(output / "jobs", TableDescription.load(output / "table.json"))


@pytest.fixture(autouse=True)
def one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDWOOD_HASH_KEY", "secret")


def test_jobs_lie_by_day_in_order_of_time_and_identifier(tmp_path: Path) -> None:
    rows = [
        row(pandaid="3", creationtime="2024-01-02 23:59:59", corecount="3"),
        row(pandaid="1", creationtime="2024-01-03 00:00:00", corecount="4"),
        row(pandaid="9", creationtime="2024-01-01 12:00:00", corecount="2"),
        row(pandaid="4", creationtime="2024-01-01 12:00:00", corecount="1"),
    ]
    files = [cleaned(tmp_path, "a", rows[:3]), cleaned(tmp_path, "b", rows[3:])]
    gather(files, tmp_path / "out", "test", OPTIONS)
    found = sorted((tmp_path / "out" / "jobs").glob("*/jobs.parquet"))
    assert [path.parent.name for path in found] == [f"day=2024-01-0{day}" for day in (1, 2, 3)]
    assert jobs_of(tmp_path / "out")["cores"].tolist() == [1, 2, 3, 4]


def test_a_late_word_on_the_state_counts_whichever_file_has_it(tmp_path: Path) -> None:
    stateless = cleaned(tmp_path, "a", [row(jobstatus=""), row(pandaid="2", jobstatus="")])
    gather([stateless], tmp_path / "alone", "test", OPTIONS)
    assert len(jobs_of(tmp_path / "alone")) == 2
    stated = cleaned(tmp_path, "b", [row(modificationtime="2024-01-05 00:00:00"), row(pandaid="3")])
    gather([stateless, stated], tmp_path / "out", "test", OPTIONS)
    rejected = pd.read_parquet(tmp_path / "out" / "rejected.parquet")
    # Job 1 has its latest word in the first file, where it has no state: both copies go.
    assert rejected[["file", "line", "reason"]].to_records(index=False).tolist() == [
        ("a.csv", 2, "no_state"),
        ("a.csv", 3, "no_state"),
        ("b.csv", 2, "duplicate"),
    ]
    account = json.loads((tmp_path / "out" / "cleaning.json").read_text())
    assert account["rows"] == {"input": 4, "kept": 1, "rejected": 3}
    assert [(file["kept"], file["rejected"]) for file in account["files"]] == [(0, 2), (1, 1)]


COPIES = st.lists(
    st.tuples(
        st.integers(1, 6),  # PandaID
        st.integers(0, 3),  # modification, days
        st.integers(0, 5),  # creation, days
        st.sampled_from(["60", "60", "60", "text", ""]),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=COPIES, second=COPIES, span_rows=st.integers(1, 8))
def test_the_latest_copy_stays_whatever_the_limits_of_memory(
    tmp_path: Path, first: list, second: list, span_rows: int
) -> None:
    files, expected = [], {}
    for name, copies in (("a", first), ("b", second)):
        rows = []
        for number, (identifier, modified, created, cpu) in enumerate(copies, start=2):
            time = f"2024-02-0{modified + 1} 00:00:00" if modified else ""
            rows.append(
                row(
                    pandaid=str(identifier),
                    modificationtime=time,
                    creationtime=f"2024-01-0{created + 1} 00:00:00",
                    cpuconsumptiontime=cpu,
                    corecount=str(number),
                )
            )
            latest = max(expected.get(identifier, (-1, "", 0, ""))[0], modified)
            if modified == latest:
                expected[identifier] = (modified, f"{name}.csv", number, cpu)
        files.append(cleaned(tmp_path, name, rows))
    lost = superseded([CleanedFile.load(file) for file in files])
    kept = {(place[1], place[2]) for place in expected.values() if place[3] == "60"}
    assert sum(map(len, lost)) == sum(
        CleanedFile.load(file).account["candidates"] for file in files
    ) - len(kept)
    out = tmp_path / "out"
    if not kept:
        with pytest.raises(InputError, match=r"rows is left|what these need"):
            gather(files, out, "test", OPTIONS, span_rows)
        return
    gather(files, out, "test", OPTIONS, span_rows)
    assert sorted(jobs_of(out)["cores"]) == sorted(number for _, number in kept)
    assert jobs_of(out)["creationtime"].is_monotonic_increasing
    rejected = pd.read_parquet(out / "rejected.parquet")
    places = set(rejected[["file", "line"]].itertuples(index=False, name=None))
    sizes = (("a.csv", len(first)), ("b.csv", len(second)))
    assert places == {(name, n + 2) for name, size in sizes for n in range(size)} - kept
    assert len(rejected) == len(places)


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    files = [
        cleaned(tmp_path, name, [row(pandaid=f"{i}{name}1"[:1] + str(i)) for i in range(30)])
        for name in ("a", "b")
    ]
    contents = []
    for out in (tmp_path / "one", tmp_path / "two"):
        gather(files, out, "test", OPTIONS)
        contents.append(
            {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        )
    assert contents[0] == contents[1]


def test_files_that_do_not_go_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cleaned(tmp_path, "a", [row()])
    with pytest.raises(InputError, match="cleaned with other options"):
        gather([first], tmp_path / "out", "test", Cleaning())
    with pytest.raises(InputError, match="no cleaned file"):
        gather([tmp_path / "nowhere"], tmp_path / "out", "test", OPTIONS)
    monkeypatch.setenv("REDWOOD_HASH_KEY", "another")
    second = cleaned(tmp_path, "b", [row(pandaid="2")])
    with pytest.raises(InputError, match=r"a\.csv and b\.csv: users were hashed with different"):
        gather([first, second], tmp_path / "out", "test", OPTIONS)
    assert not (tmp_path / "out").exists()
