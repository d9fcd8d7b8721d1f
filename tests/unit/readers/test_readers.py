"""Readers: formats, and what is broken in them."""

import errno
import gzip
import json
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import zstandard
from whole_dump import COMPRESSIONS, Read

from redwood.errors import InputError
from redwood.job_table import RAW_COLUMNS
from redwood.readers import blocks, compression
from redwood.readers.reading import Source, read

HEADER = "PANDAID,CREATIONTIME,COMPUTINGSITE,CPUCONSUMPTIONTIME,NOTE"
ROW = "{},2024-01-27 02:51:00,CERN,{},x"
SMALL_BLOCKS = pytest.mark.usefixtures("block_bytes")


def csv_text(rows: int) -> str:
    return "\n".join([HEADER, *(ROW.format(i, 10 * i) for i in range(rows))]) + "\n"


@pytest.mark.parametrize("ending", COMPRESSIONS)
@SMALL_BLOCKS
def test_csv(tmp_path: Path, ending: str) -> None:
    packed = COMPRESSIONS[ending](("\ufeff" + csv_text(3)).encode())
    found = Read(tmp_path / f"a.csv{ending}", packed)
    assert found.lines == [2, 3, 4]
    assert found.cells["pandaid"] == ["0", "1", "2"]
    assert found.cells["cpuconsumptiontime"] == ["0", "10", "20"]
    assert "note" not in found.cells
    assert found.unreadable == []


def test_compression_is_judged_by_content_and_may_come_in_members(tmp_path: Path) -> None:
    text = csv_text(4).encode()
    # Zstandard's may have frames between them that parallel compressors skip.
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00\x01\x02\x03\x04"
    for ending, between in ((".gz", b""), (".zst", skipped)):
        first, second = (COMPRESSIONS[ending](part) for part in (text[:70], text[70:]))
        found = Read(tmp_path / "a.csv", between + first + between + second)
        assert found.cells["pandaid"] == ["0", "1", "2", "3"]


@SMALL_BLOCKS
def test_bad_rows_of_a_csv_are_named_and_the_others_read(tmp_path: Path) -> None:
    good = ROW.format(1, 1)
    found = Read(
        tmp_path / "a.csv",
        f'{HEADER}\n{good}\nonly,two\n{HEADER.lower()}\n\n{good},more\n1,"two\nlines",,,\n{good}\n'
        f'1,"never closed,CERN,1,x\n{good}\n1,a "quoted" word,CERN,1,5"\n{good}\nhalf a li',
    )
    assert found.lines == [2, 7, 9, 11, 12, 13]
    assert found.cells["creationtime"][1] == "two\nlines"
    assert found.cells["creationtime"][4] == 'a "quoted" word'
    assert found.unreadable == [
        (3, "wrong_number_of_fields"),
        (4, "repeated_header"),
        (6, "wrong_number_of_fields"),
        (10, "wrong_number_of_fields"),
        (14, "wrong_number_of_fields"),
    ]


def test_a_line_that_never_ends_takes_no_memory_and_no_other_line(tmp_path: Path) -> None:
    blocks.BLOCK_BYTES = 4096
    text = csv_text(2) + "2," + "x" * 200_000 + "\n" + ROW.format(3, 3) + "\n"
    found = Read(tmp_path / "a.csv", text)
    assert found.cells["pandaid"] == ["0", "1", "3"]
    assert found.lines == [2, 3, 5]
    assert found.unreadable == [(4, "line_too_long")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    found = Read(tmp_path / "a.csv", csv_text(2).replace(",", delimiter))
    assert found.cells["pandaid"] == ["0", "1"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@SMALL_BLOCKS
def test_line_ends(tmp_path: Path, end: str) -> None:
    found = Read(tmp_path / "a.csv", csv_text(3).replace("\n", end))
    assert (found.lines, found.cells["cpuconsumptiontime"]) == ([2, 3, 4], ["0", "10", "20"])


@SMALL_BLOCKS
def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    content = b"PANDAID,WORKINGGROUP\n1,caf\xe9\n2,caf\xc3\xa9\n3,a\x00b\n"
    found = Read(tmp_path / "a.csv", content)
    assert found.cells["workinggroup"] == ["café", "café", "a\ufffdb"]
    assert found.assumptions == {blocks.LATIN_1: 1, blocks.NULS: 1}


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_a_truncated_file_gives_its_whole_records(tmp_path: Path, name: str, ending: str) -> None:
    rows = 20_000
    text = csv_text(rows)
    if "json" in name:
        between = "\n" if name == "a.jsonl" else ",\n"
        text = between.join(json.dumps({"pandaid": i, "jobstatus": "x"}) for i in range(rows))
        text = text if name == "a.jsonl" else f"[{text}]"
    whole = COMPRESSIONS[ending](text.encode())
    found = Read(tmp_path / f"{name}{ending}", whole[: len(whole) // 2])
    assert 0 < len(found.lines) < rows
    assert [reason for _, reason in found.unreadable] == ["truncated_file"]
    assert found.cells["pandaid"] == [str(i) for i in range(len(found.lines))]


def test_renames_and_what_exports_add_to_names(tmp_path: Path) -> None:
    text = ',Job, "PANDAID" ,_source.ComputingSite\n0,1,2,CERN\n'
    found = Read(tmp_path / "a.csv", text, job="jobstatus")
    assert found.cells["pandaid"] == ["2"]
    assert found.cells["jobstatus"] == ["1"]
    assert found.cells["computingsite"] == ["CERN"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        *((f"a.{ending}", "", "empty") for ending in ("csv", "jsonl", "swf", "csv.gz")),
        ("a.parquet", "", "empty"),
        ("a.parquet", "PAR1 and no more", "is not a Parquet file"),
        ("a.swf", f"; UnixStartTime: {'1' * 5000}\n", "UnixStartTime:` is followed by 5000 char"),
        ("a.swf", "; UnixStartTime: Monday\n", "expected seconds since 1970"),
        ("a.csv", "A,B\n1,2\n", "none of its 2 columns is known"),
        ("a.csv", "x" * 200_000 + "\n1,2\n", "none of its 1 columns is known"),
        ("a.csv", "\ufeff", "empty"),
        ("a.csv", "\n \n", "empty"),
        ("a.csv", "PANDAID,JOBSTATUS\n1,2\nJOBSTATUS,PANDAID\n3,4\n", "in another order"),
        ("a.csv", b"BZh91AY&SY", "packed with bzip2"),
        ("a.json", b"PK\x03\x04", "packed with zip"),
        ("a.csv", "PANDAID,pandaid\n1,2\n", "two columns are both 'pandaid'"),
        ("a.csv", "PANDAID".encode("utf-16"), "UTF-16"),
        ("a.jsonl", '{"x": 1}\n', "holds no JSON object"),
        ("a.json", '[{"x": 1}]', "holds no JSON object"),
        ("a.json", "not JSON", "holds no JSON object"),
        ("a.csv.gz", gzip.compress(csv_text(50).encode())[:12], "breaks off"),
        ("a.jsonl.gz", gzip.compress(b'{"pandaid": 1}')[:12], "breaks off"),
    ],
)
def test_unusable_files(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Read(tmp_path / name, content)
    assert str(caught.value).startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.swf"])
@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_what_comes_before_damage_is_read(tmp_path: Path, name: str, ending: str) -> None:
    rows = random_rows(20_000)
    text = {
        "a.csv": "PANDAID,CORECOUNT\n" + "".join(f"{i},{n}\n" for i, n in rows),
        "a.json": json.dumps([{"pandaid": i, "corecount": n} for i, n in rows]),
        "a.swf": "; UnixStartTime: 1\n"
        + "".join(f"{i} {n} 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7\n" for i, n in rows),
    }[name]
    found = Read(tmp_path / f"{name}{ending}", DAMAGED[ending](text.encode()))
    read_ids = found.cells["pandaid"]
    # Zstandard's last block of 128 kB may be lost with what comes after it.
    lost = 3 if ending == ".gz" else 10_000
    assert len(rows) - lost < len(read_ids) <= len(rows)
    assert read_ids == [str(i) for i in range(len(read_ids))]
    assert [reason for _, reason in found.unreadable] == ["truncated_file"]


def damaged_gzip(data: bytes) -> bytes:
    """Compressed data, then the start of a block of a kind that does not exist."""
    stream = zlib.compressobj(wbits=31)
    return stream.compress(data) + stream.flush(zlib.Z_FULL_FLUSH) + b"\x07" * 99


def damaged_zstd(data: bytes) -> bytes:
    stream = zstandard.ZstdCompressor().compressobj()
    flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
    return stream.compress(data) + stream.flush(flush) + b"\xff" * 99


DAMAGED = {".gz": damaged_gzip, ".zst": damaged_zstd}


def random_rows(size: int) -> list[tuple[int, int]]:
    return list(enumerate(np.random.default_rng(1).integers(0, 2**48, size).tolist()))


def test_contents_far_larger_than_the_file_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zst"
    path.write_bytes(COMPRESSIONS[".zst"](b"PANDAID\n1\n" + bytes(200 << 20) + b"\n2\n"))
    tracemalloc.start()
    found = Read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.cells["pandaid"] == ["1", "2"]
    assert found.unreadable == [(3, "line_too_long")]
    assert peak < 160 << 20


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    blocks.BLOCK_BYTES = 256
    path = tmp_path / "a.csv"
    path.write_text(csv_text(100))
    chunks = read(Source(path, path.name, {}, RAW_COLUMNS))
    next(chunks)
    with path.open("a") as stream:
        stream.write(ROW.format(7, 7) + "\n")
    with pytest.raises(InputError, match=r"a\.csv: the file changed while it was read"):
        list(chunks)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file.csv").write_text(csv_text(1))
    for name, message in {
        "folder.csv": "Is a directory",
        "nothing.csv": "no such file",
        "file.csv/a.csv": "Not a directory",
        "a" * 300 + ".csv": "File name too long",
        "a\0.csv": "no file can have this name",
    }.items():
        with pytest.raises(InputError, match=message):
            Read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.swf", "a.parquet"])
def test_what_may_not_be_read(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _mode: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / name).write_text("x")
    monkeypatch.setattr(compression, "open", refuse, raising=False)
    with pytest.raises(InputError, match=f"^{name}: cannot be read: Permission denied$"):
        Read(tmp_path / name)
