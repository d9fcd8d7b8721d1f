"""Snakemake's records that a crash has damaged are marked, under Snakemake's own names."""

import json
import os
import time

import pytest

from redwood.recovery.records import mark_damaged
from redwood.status.records import Records

PATHS = ("results/mini/table.json", "results/" + "a" * 300)


@pytest.fixture
def folder(tmp_path):
    """Snakemake's folder with a record of each path, an hour old."""
    for path in PATHS:
        record = Records(tmp_path)._path("metadata", path)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps({"shellcmd": "python -m redwood", "input": ["a"]}))
        os.utime(record, (time.time() - 3600,) * 2)
    return tmp_path


def test_whole_records_stay(folder):
    mark_damaged(folder)
    for path in PATHS:
        assert Records(folder).of(path).inputs == ("a",)
        assert not Records(folder).is_incomplete(path)


@pytest.mark.parametrize("left", ["", '{"shellcmd": "pyth', "\0\0\0"])
@pytest.mark.parametrize("path", PATHS)
def test_a_record_that_was_cut_off_marks_its_result_as_incomplete(folder, path, left):
    record = Records(folder)._path("metadata", path)
    record.write_text(left)
    mark_damaged(folder)
    assert record.exists(), "it may be one that is being written"
    os.utime(record, (time.time() - 3600,) * 2)
    mark_damaged(folder)
    assert not record.exists()
    assert [Records(folder).is_incomplete(other) for other in PATHS] == [
        other == path for other in PATHS
    ]


def test_a_project_that_never_ran_has_nothing_to_mark(tmp_path):
    mark_damaged(tmp_path / ".snakemake")
    assert list(tmp_path.iterdir()) == []
