"""Parquet: cells of any type, and files that are none."""

from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from whole_dump import Read

from redwood.errors import InputError
from redwood.readers import blocks


def test_parquet_of_any_types_is_the_text_that_csv_has(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "PandaID": pa.array([1.0, 2.5, None, float("nan")], pa.float64()),
            "CREATIONTIME": pa.array([0, 1_706_323_860, None, 1], pa.timestamp("s")),
            "endtime": pa.array([0, 1_706_323_860_000, None, 1], pa.timestamp("ms", "UTC")),
            "jobstatus": pa.array(["finished", None, "failed", "x"]).dictionary_encode(),
            "nothing": pa.array([[1], [], None, [2]]),
            "cpuconsumptiontime": pa.array([1, None, 3, 2**62], pa.int64()),
        }
    )
    pq.write_table(table, path, row_group_size=2)
    found = Read(path)
    assert found.cells["pandaid"] == ["1", "2.5", None, None]
    assert found.cells["creationtime"][:3] == ["1970-01-01 00:00:00", "2024-01-27 02:51:00", None]
    assert found.cells["endtime"][1] == "2024-01-27 02:51:00Z"
    assert found.cells["jobstatus"] == ["finished", None, "failed", "x"]
    assert found.cells["cpuconsumptiontime"] == ["1", None, "3", str(2**62)]
    assert found.lines == [-1] * 4


def test_a_wanted_column_of_a_parquet_may_not_be_nested(tmp_path: Path) -> None:
    pq.write_table(pa.table({"pandaid": [[1]]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="column 'pandaid' is nested"):
        Read(tmp_path / "a.parquet")


MOMENT = datetime(2024, 1, 27, 2, 51, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (pa.array([MOMENT, None], pa.timestamp("us", "America/New_York")), "2024-01-27 02:51:00Z"),
        (
            pa.array([1_706_323_860_500_000_000, None], pa.timestamp("ns")),
            "2024-01-27 02:51:00.500000000",
        ),
        (pa.array([MOMENT.date(), None]), "2024-01-27"),
        (pa.array([time(2, 51), None], pa.time32("s")), "02:51:00.000"),
        (pa.array([90_500, None], pa.duration("ms")), "90.5"),
        (pa.array([True, None]), "true"),
        (pa.array([1, None], pa.int8()), "1"),
        (pa.array([2**64 - 1, None], pa.uint64()), str(2**64 - 1)),
        (pa.array([3.0, None], pa.float32()), "3"),
        (pa.array([2.5, None], pa.float16()), "2.5"),
        (pa.array([float("inf"), None]), "inf"),
        (pa.array([Decimal("1.50"), None]), "1.50"),
        (pa.array([b"abc", None], pa.binary(3)), "abc"),
        (pa.array([b"caf\xe9", None], pa.binary()), "café"),
        (pa.array(["NULL", None], pa.large_string()), "NULL"),
        (pa.array(["x", None], pa.string_view()), "x"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_types(tmp_path: Path, cells: pa.Array, text: str) -> None:
    pq.write_table(pa.table({"_source.JobStatus": cells}), tmp_path / "a.pq")
    assert Read(tmp_path / "a.pq").cells["jobstatus"] == [text, None]


def test_text_that_is_not_utf8_is_latin_1(tmp_path: Path) -> None:
    offsets = pa.py_buffer(b"\0\0\0\0\1\0\0\0\3\0\0\0")
    cells = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xe9\xc3\xa9")])
    pq.write_table(pa.table({"jobstatus": cells, "computingsite": cells}), tmp_path / "a.parquet")
    found = Read(tmp_path / "a.parquet")
    assert found.cells["jobstatus"] == ["é", "é"]
    assert found.assumptions == {blocks.LATIN_1: 1}


def test_without_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"pandaid": pa.array([], pa.int64())}), tmp_path / "a.parquet")
    assert Read(tmp_path / "a.parquet").lines == []


def test_a_file_cut_off(tmp_path: Path) -> None:
    pq.write_table(pa.table({"pandaid": list(range(9999))}), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"^a\.parquet: is not a Parquet file, or is damaged"):
        Read(tmp_path / "a.parquet")
