"""Whatever bytes a dump holds, each record gets one number, or one clear error refuses the file."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.job_table import RAW_COLUMNS
from redwood.readers import blocks, csv_lines, csv_rows, json_rows
from redwood.readers.reading import Source, read
from redwood.records.cleaning import clean

FUZZING = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
COLUMNS = ("pandaid", "creationtime", "computingsite", "cpuconsumptiontime", "jobstatus")
# Without what formats give a meaning of its own, and lone surrogates, which UTF-8 does not have.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=9)
WORDS = st.sampled_from(["", "1", "NULL", 'a"b', "a\nb", ",", "},{", "{", "é", '"', "[{", "\\"])
ROW = st.tuples(*[st.one_of(WORDS, TEXT)] * len(COLUMNS))
TABLE = st.lists(ROW, min_size=1, max_size=20)
SPOILERS = ['"', '""', "\0", "\n", "\r", ",", "{", "}", "[", "]", ":", "\\", "\xe9", "", " ", "NaN"]
CUTS = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(SPOILERS)), max_size=5)
SIZES = st.sampled_from([1, 7, 64, 1000, 1 << 20])


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small limits that a few rows come to them."""
    monkeypatch.setattr(csv_lines, "MOST_LINES", 6)
    monkeypatch.setattr(csv_rows, "_FEW_LINES", 2)
    monkeypatch.setattr(json_rows, "_CHUNK_ROWS", 7)


def written_csv(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()


def objects(rows: list[tuple[str, ...]]) -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


WRITERS = {
    "csv": written_csv,
    "lines": lambda rows: "".join(f"{json.dumps(row)}\n" for row in objects(rows)),
    "array": lambda rows: json.dumps(objects(rows)),
    "pretty": lambda rows: json.dumps(objects(rows), indent=1, ensure_ascii=False),
    "array of lines": lambda rows: "[" + ",\n".join(map(json.dumps, objects(rows))) + "\n]",
    "answer": lambda rows: json.dumps({"a": [{}], "jobs": objects(rows), "b": [{"c": [{}, {}]}]}),
    "answers": lambda rows: "\n".join(json.dumps({"jobs": [row]}) for row in objects(rows)),
    "hits": lambda rows: json.dumps(
        {"hits": {"total": 1, "hits": [{"_source": row} for row in objects(rows)]}}
    ),
}


def ending(shape: str) -> str:
    return "a.csv" if shape == "csv" else "a.json"


def rows_of(path: Path) -> tuple[list[tuple[str | None, ...]], int]:
    """The rows of a file, and how many records could not be read; each has one number."""
    rows, numbers, unreadable, last = [], [], 0, 0
    for chunk in read(Source(path, path.name, {}, RAW_COLUMNS)):
        absent = pa.nulls(len(chunk.records), pa.string())
        for cells in chunk.cells.values():
            assert cells.type == pa.string()
            cells.validate(full=True)
            assert len(cells) == len(chunk.records) == len(chunk.lines)
        columns = [chunk.cells.get(name, absent).to_pylist() for name in COLUMNS]
        rows += list(zip(*columns, strict=True))
        own = sorted([*chunk.records.tolist(), *(entry.record for entry in chunk.unreadable)])
        assert own == list(range(last + 1, last + 1 + len(own)))
        last += len(own)
        numbers += own
        assert all(chunk.lines[:-1] <= chunk.lines[1:])
        unreadable += len(chunk.unreadable)
    return rows, unreadable


def spoilt(text: str, cuts: list[tuple[float, str]]) -> str:
    for place, spoiler in cuts:
        at = round(place * len(text))
        text = text[:at] + spoiler + text[at + (not spoiler) :]
    return text


def read_or_refused(path: Path) -> None:
    with suppress(InputError):
        rows_of(path)


@FUZZING
@given(rows=TABLE, shape=st.sampled_from(sorted(WRITERS)), size=SIZES)
def test_a_sound_table_comes_back_as_it_was(
    tmp_path: Path, rows: list[tuple[str, ...]], shape: str, size: int
) -> None:
    text = WRITERS[shape](rows)
    # No line may be longer than a block, and no cell go over more than a few lines.
    blocks.BLOCK_BYTES = max(size, *map(len, text.encode().split(b"\n")))
    csv_lines.MOST_LINES = 100
    (tmp_path / ending(shape)).write_text(text, encoding="utf-8", newline="")
    assert rows_of(tmp_path / ending(shape)) == (rows, 0)


@FUZZING
@given(
    rows=TABLE,
    shape=st.sampled_from(sorted(WRITERS)),
    cuts=CUTS,
    end=st.floats(0, 1),
    size=SIZES,
    pack=st.sampled_from([bytes, gzip.compress, zstandard.ZstdCompressor().compress]),
    damage=st.one_of(st.none(), st.tuples(st.floats(0, 1), st.integers(0, 255))),
)
def test_a_spoilt_table_is_accounted_for(
    tmp_path: Path,
    rows: list[tuple[str, ...]],
    shape: str,
    cuts: list[tuple[float, str]],
    end: float,
    size: int,
    pack: Callable[[bytes], bytes],
    damage: tuple[float, int] | None,
) -> None:
    text = spoilt(WRITERS[shape](rows), cuts)
    data = pack(text.encode("utf-8" if max(text) > "\xff" else "latin-1"))
    if damage is not None:
        at = min(len(data) - 1, round(damage[0] * len(data)))
        data = data[:at] + bytes([damage[1]]) + data[at + 1 :]
    blocks.BLOCK_BYTES = size
    (tmp_path / ending(shape)).write_bytes(data[: round((0.3 + 0.7 * end) * len(data))])
    read_or_refused(tmp_path / ending(shape))


# So that some rows pass the cleaning.
USUAL = st.sampled_from(["1", "-1", "CERN", "finished", "2024-01-27 02:51:00", "1e400", "9" * 40])
CLEANABLE = st.lists(st.tuples(*[st.one_of(USUAL, WORDS, TEXT)] * len(COLUMNS)), min_size=1)
OPTIONS = Cleaning(analysis_of_daod=False, features=("creationtime", "computingsite", "workload"))


@settings(FUZZING, max_examples=100)
@given(rows=CLEANABLE, shape=st.sampled_from(sorted(WRITERS)), cuts=CUTS, end=st.floats(0.3, 1))
def test_every_record_of_a_spoilt_table_is_kept_or_rejected_by_cleaning(
    tmp_path: Path, rows: list[tuple[str, ...]], shape: str, cuts: list, end: float
) -> None:
    path, text = tmp_path / ending(shape), spoilt(WRITERS[shape](rows), cuts)
    path.write_bytes(text[: round(end * len(text))].encode())
    try:
        found, unreadable = rows_of(path)
        clean([path], tmp_path / "out", "test", 1, OPTIONS)
    except InputError:
        return
    account = json.loads((tmp_path / "out" / "cleaning.json").read_text())["rows"]
    assert account["input"] == len(found) + unreadable == account["kept"] + account["rejected"]
    rejected = pq.read_table(tmp_path / "out" / "rejected.parquet")["record"]
    assert len(set(rejected.to_pylist())) == len(rejected) == account["rejected"]


BEGINS = [
    *(b"", b"PANDAID,CREATIONTIME\n", b'[{"pandaid":1},', b'{"jobs":[', b"PAR1"),
    *(b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"),
    b"; UnixStartTime: 1\n1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 ",
]


@FUZZING
@given(
    data=st.binary(max_size=300),
    name=st.sampled_from(["a.csv", "a.json", "a.swf", "a.parquet"]),
    begin=st.sampled_from(BEGINS),
    size=SIZES,
)
def test_any_bytes_are_read_or_refused(
    tmp_path: Path, data: bytes, name: str, begin: bytes, size: int
) -> None:
    blocks.BLOCK_BYTES = size
    (tmp_path / name).write_bytes(begin + data)
    read_or_refused(tmp_path / name)


PARQUET = io.BytesIO()
pq.write_table(
    pa.table(
        {
            "pandaid": list(range(50)),
            "CREATIONTIME": pa.array(range(50), pa.timestamp("ms", "UTC")),
            "jobstatus": pa.array([f"é{i % 3}" for i in range(50)]).dictionary_encode(),
            "computingsite": [None, *(f"site {i}" for i in range(49))],
        }
    ),
    PARQUET,
    row_group_size=20,
)


@FUZZING
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_spoilt_parquet_is_read_or_refused(
    tmp_path: Path, damages: list[tuple[float, int]]
) -> None:
    data = bytearray(PARQUET.getvalue())
    for place, byte in damages:
        data[min(len(data) - 1, round(place * len(data)))] = byte
    (tmp_path / "a.parquet").write_bytes(data)
    read_or_refused(tmp_path / "a.parquet")
