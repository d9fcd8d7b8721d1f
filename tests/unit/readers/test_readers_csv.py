"""CSV: quotes that open and close, or do not, and headers of all kinds."""

import csv
from pathlib import Path

import pytest
from whole_dump import Read

from redwood.readers import blocks, csv_lines

HEADER = "PANDAID,JOBSTATUS,COMPUTINGSITE\n"
GOOD = "{},finished,CERN\n"


def good(*numbers: int) -> str:
    return "".join(map(GOOD.format, numbers))


@pytest.mark.parametrize(
    "stray",
    [
        '1,"finished,CERN\n',  # opens and never closes
        '1,finished",CERN\n',  # closes what never opened: text
        '1,a"b,"CERN\n',  # even, and yet one of them opens
        '1,"a"b,CERN\n',
        '"\n',
        '1,"""finished,CERN\n',
    ],
)
@pytest.mark.usefixtures("block_bytes")
def test_a_stray_quote_takes_its_own_line_at_most(tmp_path: Path, stray: str) -> None:
    size = 1000
    found = Read(tmp_path / "a.csv", HEADER + good(0) + stray + good(*range(2, size)))
    assert len(found.lines) + len(found.unreadable) == size
    others = [i for i in range(size) if i != 1]
    assert [cell for cell in found.cells["pandaid"] if cell != "1"] == [str(i) for i in others]
    assert set(found.lines) >= {i + 2 for i in others}


def test_many_stray_quotes(tmp_path: Path) -> None:
    """Each takes its own line; those that make a pair may be a cell that goes over lines."""
    lines = [GOOD.format(i) if i % 3 else f'{i},x"y,"CERN\n' for i in range(2000)]
    found = Read(tmp_path / "a.csv", HEADER + "".join(lines))
    assert found.cells["pandaid"] == [str(i) for i in range(2000)]
    assert found.lines == list(range(2, 2002))


@pytest.mark.parametrize("block_bytes", [16, 64, 1 << 24])
def test_cells_over_lines(tmp_path: Path, block_bytes: int) -> None:
    blocks.BLOCK_BYTES = block_bytes
    rows = [[str(i), 'a\n\nb,"c"\n' * (i % 4), f"CE\nRN{i}"] for i in range(200)]
    with (tmp_path / "a.csv").open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([HEADER.strip().split(","), *rows])
    found = Read(tmp_path / "a.csv")
    assert found.unreadable == []
    columns = (found.cells[name] for name in ("pandaid", "jobstatus", "computingsite"))
    assert [list(row) for row in zip(*columns, strict=True)] == rows
    begins = [2]
    for row in rows[:-1]:
        begins.append(begins[-1] + 1 + sum(cell.count("\n") for cell in row))
    assert found.lines == begins


def test_a_cell_over_too_many_lines_is_none(tmp_path: Path) -> None:
    over = '1,"' + "\n" * (csv_lines.MOST_LINES + 10) + '",CERN\n'
    found = Read(tmp_path / "a.csv", HEADER + over + good(2))
    assert found.cells["pandaid"][-1] == "2"
    assert found.unreadable[0] == (2, "wrong_number_of_fields")


def test_long_cells(tmp_path: Path) -> None:
    long = "x" * 300_000
    text = f'{HEADER}1,{long},CERN\n2,"{long}\n",CERN\n3,{long}",CERN\n'
    found = Read(tmp_path / "a.csv", text)
    assert found.cells["jobstatus"] == [long, long + "\n", long + '"']


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("PANDAID,JOBSTATUS\n1,x\n\ufeffPANDAID,JOBSTATUS\n2,y\n", ["1", "2"]),
        ("Time,PANDAID,JOBSTATUS\n0,1,x\nTime,PandaID,jobstatus\n0,2,y\n", ["1", "2"]),
        ('JOBSTATUS,PANDAID\nx,1\n "JobStatus" , PANDAID\ny,2\n', ["1", "2"]),
        ("JOBSTATUS,PANDAID\nx,1\njobstatus,7\ny,2\n", ["1", "7", "2"]),
    ],
)
def test_the_header_once_more(tmp_path: Path, text: str, ids: list[str]) -> None:
    found = Read(tmp_path / "a.csv", text)
    assert found.cells["pandaid"] == ids
    repeated = [reason for _, reason in found.unreadable]
    assert repeated == ["repeated_header"] * (2 * len(ids) == 4)


def test_a_header_only(tmp_path: Path) -> None:
    for text in (HEADER, HEADER.strip(), f"\n\n{HEADER}\n  \n"):
        found = Read(tmp_path / "a.csv", text)
        assert found.lines == []
        assert found.unreadable == []


def test_the_delimiter_is_the_one_that_gives_known_names(tmp_path: Path) -> None:
    found = Read(tmp_path / "a.csv", 'PANDAID;"x, y, z";JOBSTATUS\n1;"2, 3";finished\n')
    assert found.cells["jobstatus"] == ["finished"]


def test_lines_of_blanks_are_no_records(tmp_path: Path) -> None:
    found = Read(tmp_path / "a.csv", f"{HEADER}\n   \n{good(1)}  \n ,,\n")
    assert found.lines == [4, 6]
    assert found.cells["pandaid"] == ["1", " "]
    assert found.unreadable == []


def test_text_stays_as_it_is(tmp_path: Path) -> None:
    cells = Read(tmp_path / "a.csv", f'{HEADER}NULL, nan ,"N/A"\n"",,"a""b"\n').cells
    assert cells["pandaid"] == ["NULL", ""]
    assert cells["jobstatus"] == [" nan ", ""]
    assert cells["computingsite"] == ["N/A", 'a"b']
