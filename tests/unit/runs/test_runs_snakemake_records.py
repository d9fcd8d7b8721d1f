"""Snakemake's records of jobs: read, and marked where a crash has damaged them."""

import json
import os
import time

import pytest

from redwood.runs.snakemake_records import SnakemakeRecords, mark_damaged, record_file

PATHS = ("results/mini/table.json", "results/" + "a" * 300)


@pytest.fixture
def folder(tmp_path):
    """Snakemake's folder with a record of each path, an hour old."""
    for path in PATHS:
        record = record_file(tmp_path / "metadata", path)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps({"shellcmd": "python -m redwood", "input": ["a"]}))
        os.utime(record, (time.time() - 3600,) * 2)
    return tmp_path


def test_whole_records_are_read_and_stay(folder):
    mark_damaged(folder)
    records = SnakemakeRecords(folder)
    for path in PATHS:
        assert records.of(path).command == "python -m redwood"
        assert records.of(path).inputs == ("a",)
        assert records.of(path).written == tuple(sorted(PATHS))
        assert not records.is_incomplete(path)
    assert records.of("results/mini") is None
    record_file(folder / "metadata", PATHS[0]).write_text("[]")
    assert SnakemakeRecords(folder).of(PATHS[0]) is None


@pytest.mark.parametrize("left", [b"", b'{"shellcmd": "pyth', b"\xff\0\0"])
@pytest.mark.parametrize("path", PATHS)
def test_a_record_that_was_cut_off_marks_its_result_as_incomplete(folder, path, left):
    record = record_file(folder / "metadata", path)
    record.write_bytes(left)
    mark_damaged(folder)
    assert record.exists(), "it may be one that is being written"
    records = SnakemakeRecords(folder)
    assert [other for other in PATHS if records.of(other) is None] == [path]
    os.utime(record, (time.time() - 3600,) * 2)
    mark_damaged(folder)
    assert not record.exists()
    assert [other for other in PATHS if records.is_incomplete(other)] == [path]


def test_a_project_that_never_ran_has_no_records_and_nothing_to_mark(tmp_path):
    mark_damaged(tmp_path / ".snakemake")
    assert SnakemakeRecords(tmp_path / ".snakemake").of("a") is None
    assert list(tmp_path.iterdir()) == []
