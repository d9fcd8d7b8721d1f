"""How many rows a dataset has: counted, told, configured, or estimated from its dumps."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from made_up_costs import finished_run

from redwood.configuration import validate
from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.runs.row_counts import RowCounts, counted_rows, expected_rows, row_counts


def configured(source: dict, **split: object):
    return validate({"records": {"source": source, "split": split}})


FILES = {"files": ["dumps"]}


def test_finished_stages_are_counted(tmp_path):
    finished_run(tmp_path, 1000)
    counts = counted_rows(tmp_path, None)
    sizes = {"raw": 1500, "dump": 1000, "rows": 1000, "sampled": 200}
    parts = {"train": 600, "validation": 200, "test": 200}
    assert counts == RowCounts(**sizes, **parts, basis=f"counted in {tmp_path}/records")
    assert counts.compared == 800
    assert counted_rows(tmp_path, 50).sampled == 50


@pytest.mark.parametrize("damage", [None, "{", {"rows": {"input": 5}, "files": []}, {"files": 3}])
def test_what_is_missing_or_damaged_is_not_counted(tmp_path, damage):
    finished_run(tmp_path, 1000)
    path = tmp_path / "records/cleaning.json"
    if damage is None:
        path.unlink()
    elif isinstance(damage, str):
        path.write_text(damage)
    else:
        write_json(path, damage)
    assert counted_rows(tmp_path, None) is None


def test_generated_jobs_are_known_and_come_among_others():
    counts = expected_rows(configured({"generate": {"jobs": 1000}}), ["a", "b", "c", "d"])
    assert (counts.rows, counts.raw, counts.dump) == (1000, 1600, 400)
    assert (counts.train, counts.validation, counts.test, counts.sampled) == (600, 200, 200, 200)
    assert counts.basis == "as generated"


def test_a_told_number_of_rows_prevails_and_no_more_are_divided_than_asked_for():
    configuration = configured({"generate": {"jobs": 1000}}, rows=300, train=0.5, validation=0.25)
    counts = expected_rows(configuration, [], rows=400)
    assert (counts.rows, counts.raw, counts.basis) == (300, 640, "as told")
    assert (counts.train, counts.validation, counts.test) == (150, 75, 75)


def test_dumps_tell_their_rows(tmp_path):
    line = b"1,2024-01-01 00:00:00,CERN,60\n"
    (tmp_path / "a.csv").write_bytes(100 * line)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(200 * line))
    (tmp_path / "c.jsonl.zst").write_bytes(zstandard.compress(300 * b'{"pandaid": 1}\n'))
    (tmp_path / "d.json").write_bytes(bytes(60_000))
    pq.write_table(pa.table({"pandaid": range(50)}), tmp_path / "e.parquet")
    dumps = [*sorted(tmp_path.glob("*")), tmp_path / "not_there_yet.csv"]
    counts = expected_rows(configured(FILES), dumps)
    assert counts.rows == 100 + 200 + 300 + 60_000 // 600 + 50
    assert counts.basis == "estimated by the dumps"
    assert expected_rows(configured(FILES, rows=50), dumps).rows == 50


def test_of_a_long_dump_the_begin_tells_its_rows(tmp_path):
    lines = 400_000
    text = b"".join(b"%d,2024-01-01 00:00:00,CERN,%d\n" % (n, n % 977) for n in range(lines))
    for name, content in (("a.csv", text), ("b.csv.gz", gzip.compress(text))):
        (tmp_path / name).write_bytes(content)
        rows = expected_rows(configured(FILES), [tmp_path / name]).rows
        assert rows == pytest.approx(lines, rel=0.25)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(text)[:1_000_000])
    assert expected_rows(configured(FILES), [tmp_path / "cut.csv.gz"]).rows > lines / 4


def test_what_is_no_dump_and_no_hint_at_all_are_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"a\.parquet: not a Parquet file"):
        expected_rows(configured(FILES), [tmp_path / "a.parquet"])
    with pytest.raises(InputError, match=r"give it with --rows, or as records\.split\.rows"):
        expected_rows(configured(FILES), [])


def test_what_is_counted_prevails_over_what_is_expected_but_not_over_what_is_told(tmp_path):
    configuration = configured({"generate": {"jobs": 5000}})
    assert row_counts(configuration, tmp_path).rows == 5000
    finished_run(tmp_path, 1000)
    assert row_counts(configuration, tmp_path).rows == 1000
    assert row_counts(configuration, tmp_path, 2000).rows == 2000


def test_a_dump_that_is_there_is_read_and_one_that_is_not_is_expected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configuration = configured(FILES, rows=5000)
    counts = row_counts(configuration, Path("results/mine"))
    assert (counts.rows, counts.basis) == (5000, "as records.split.rows says")
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps/jobs.csv").write_bytes(100 * b"1,CERN\n")
    assert row_counts(configuration, Path("results/mine")).rows == 100


def test_a_folder_without_dumps_is_an_error_not_a_guess(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dumps").mkdir()
    with pytest.raises(InputError, match="dumps"):
        row_counts(configured(FILES, rows=5000), Path("results/mine"))
