"""Readers: formats, and what is broken in them."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redwood.errors import InputError
from redwood.records.job_table import RAW_COLUMNS
from redwood.records.readers import Source, find_files, read, short_names

HEADER = "PANDAID,CREATIONTIME,COMPUTINGSITE,CPUCONSUMPTIONTIME,NOTE"
ROW = "{},2024-01-27 02:51:00,CERN,{},x"


def source(path: Path, **renames: str) -> Source:
    return Source(path, path.name, renames, RAW_COLUMNS)


def read_all(path: Path, **renames: str) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    chunks = list(read(source(path, **renames)))
    unreadable = [entry for chunk in chunks for entry in chunk.unreadable]
    return pd.concat([chunk.rows for chunk in chunks]), unreadable


def csv_text(rows: int) -> str:
    return "\n".join([HEADER, *(ROW.format(i, 10 * i) for i in range(rows))]) + "\n"


@pytest.mark.parametrize("compressed", [False, True])
def test_csv(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / ("a.csv.gz" if compressed else "a.csv")
    data = ("\ufeff" + csv_text(3)).encode()
    path.write_bytes(gzip.compress(data) if compressed else data)
    rows, unreadable = read_all(path)
    assert list(rows.index) == [2, 3, 4]
    assert rows["pandaid"].tolist() == ["0", "1", "2"]
    assert rows["cpuconsumptiontime"].tolist() == ["0", "10", "20"]
    assert "note" not in rows
    assert unreadable == []


def test_bad_rows_of_a_csv_are_named_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    good = ROW.format(1, 1)
    path.write_text(
        f'{HEADER}\n{good}\nonly,two\n{HEADER}\n\n{good},more\n"{"x" * (1 << 21)}",y\n{good}\n'
    )
    rows, unreadable = read_all(path)
    assert list(rows.index) == [2, 8]
    assert unreadable == [
        (3, "wrong_number_of_fields"),
        (4, "repeated_header"),
        (6, "wrong_number_of_fields"),
        (7, "unreadable_row"),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text(2).replace(",", delimiter))
    assert len(read_all(path)[0]) == 2


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_a_truncated_file_gives_its_whole_lines(tmp_path: Path, name: str) -> None:
    rows = 5000
    lines = csv_text(rows)
    if "json" in name:
        lines = "".join(json.dumps({"pandaid": i, "jobstatus": "x"}) + "\n" for i in range(rows))
    whole = gzip.compress(lines.encode())
    path = tmp_path / name
    path.write_bytes(whole[: len(whole) // 2])
    read_rows, unreadable = read_all(path)
    assert 0 < len(read_rows) < rows
    assert [reason for _, reason in unreadable] == ["truncated_file"]
    assert read_rows["pandaid"].tolist() == [str(i) for i in range(len(read_rows))]


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"PandaID": 7, "jobstatus": null, "nevents": 3, "inputfilebytes": 18600000000}\n'
        "{broken\n"
        "\n"
        "[1, 2]\n"
        '{"pandaid": 8, "jobstatus": "finished", "workinggroup": "\\ud800"}\n'
    )
    rows, unreadable = read_all(path)
    assert rows["pandaid"].tolist() == ["7", "8"]
    assert rows["inputfilebytes"].iloc[0] == "18600000000"
    assert rows["jobstatus"].tolist() == [None, "finished"]
    assert unreadable == [(2, "invalid_json"), (4, "not_a_json_object")]


def test_renames_are_case_insensitive(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Job,PANDAID\n1,2\n")
    rows, _ = read_all(path, job="jobstatus")
    assert rows["jobstatus"].tolist() == ["1"]


SWF = """\
; Version: 2.2
; Computer: Test cluster
; UnixStartTime: 1000000000
; Queue:  1 [fque:1]
; Partition:  1 DEFAULT
;
1 0 100 50 4 40 -1 4 60 -1 1 5 2 -1 1 1 -1 -1
2 10 -1 50 4 -1 -1 4 60 -1 5 5 2 -1 -1 -1 -1 -1
3 20 0 50 -1 -1 -1 -1 60 -1 -1 -1 -1 -1 1 -1 -1 -1
too short
x y z 50 4 40 -1 4 60 -1 1 5 2 -1 1 1 -1 -1
"""


def test_standard_workload_format(tmp_path: Path) -> None:
    path = tmp_path / "a.swf.gz"
    path.write_bytes(gzip.compress(SWF.encode()))
    (chunk,) = read(source(path))
    rows = chunk.rows
    assert rows["creationtime"].tolist() == ["1000000000", "1000000010", "1000000020"]
    assert rows["starttime"].tolist() == ["1000000100", None, "1000000020"]
    assert rows["endtime"].tolist() == ["1000000150", None, "1000000070"]
    # 40 s per processor × 4 processors; then 50 s of run time for want of a CPU time; then unknown.
    assert rows["cpuconsumptiontime"].tolist() == ["160", "200", None]
    assert rows["computingsite"].tolist() == ["DEFAULT", "Test cluster", "[fque:1]"]
    assert rows["jobstatus"].tolist() == ["finished", "cancelled", None]
    assert rows["produsername"].tolist() == ["uid 5", "uid 5", None]
    assert chunk.unreadable == [(10, "wrong_number_of_fields"), (11, "unreadable_row")]
    assert sum(chunk.assumptions.values()) == 1


def test_a_trace_without_a_date_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.swf"
    path.write_text(SWF.replace("; UnixStartTime: 1000000000\n", ""))
    with pytest.raises(InputError, match="UnixStartTime"):
        list(read(source(path)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "empty"),
        ("a.jsonl", "", "empty"),
        ("a.csv", "A,B\n1,2\n", "none of its 2 columns is known"),
        ("a.csv", "PANDAID,pandaid\n1,2\n", "both"),
        ("a.json", '[{"pandaid": 1}]', "JSON array"),
        ("a.jsonl", '{"x": 1}\n', "no line is a JSON object"),
        ("a.csv.gz", gzip.compress(csv_text(50).encode())[:15], "breaks off"),
    ],
)
def test_unusable_files(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        list(read(source(path)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.binary(max_size=300), name=st.sampled_from(["a.csv", "a.jsonl", "a.swf"]))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes({"a.csv": HEADER.encode() + b"\n"}.get(name, b"") + data)
    try:
        chunks = list(read(source(path)))
    except InputError:
        return
    lines = Counter(line for chunk in chunks for line in chunk.rows.index)
    assert all(count == 1 for count in lines.values())


def test_files_folders_and_globs(tmp_path: Path) -> None:
    for name in ("in/b.csv", "in/deep/a.jsonl", "in/_about.json", "in/.hidden.csv", "in/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    expected = ["b.csv", "a.jsonl"]
    assert [path.name for path in find_files([tmp_path / "in"])] == expected
    assert [path.name for path in find_files([tmp_path / "in" / "*.csv"])] == ["b.csv"]
    assert len(find_files([tmp_path / "in", tmp_path / "in" / "b.csv"])) == 2


def test_inputs_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for given_, message in (
        ("missing.csv", "no such file"),
        ("", "no dump in this folder"),
        ("notes.txt", "unknown format"),
    ):
        with pytest.raises(InputError, match=message):
            find_files([tmp_path / given_])


def test_names_in_reports_hold_no_more_of_the_path_than_needed() -> None:
    paths = [Path("/home/jane/x/a.csv"), Path("/home/jane/y/a.csv"), Path("/home/jane/b.csv")]
    assert short_names(paths) == ["x/a.csv", "y/a.csv", "b.csv"]
