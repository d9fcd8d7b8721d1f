"""No name of a person leaves the cleaning stage, whatever column of a dump it stands in."""

import csv
import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import panda_job
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.job_table import RAW_COLUMNS
from redwood.records.cleaned_file import clean_file
from redwood.records.cleaning import clean

# Marks every planted name, in whatever case it comes out.
MARK = "zqx"
OF_PERSONS = ("PRODUSERNAME", "PRODUSERID", "JOBNAME")
JOB = {name.lower(): cell for name, cell in panda_job.JOB.items() if name not in OF_PERSONS} | {
    "workinggroup": "phys-higgs",
    "inputfileproject": "mc20_13TeV",
    "inputfiletype": "DAOD_PHYS",
}
# Columns that no stage reads, and that have names in genuine dumps.
UNREAD = ("jobname", "destinationdblock", "lockedby", "jobparameters", "piloterrordiag")
COLUMNS = sorted({*RAW_COLUMNS, *UNREAD})


def names(number: int) -> Iterator[str]:
    """The ways in which one made-up person is named."""
    login, full = f"{MARK}{number}", f"{MARK.title()}{number} Marker"
    yield from (login, full, f"{login}@mail.example", f"{full} {login}")
    yield f"/DC=ch/DC=cern/OU=Users/CN={login}/CN={number}/CN={full}"
    yield from (
        f"user.{login}",
        f"user.{login}.mc20_13TeV.data.v1",
        f"user.{login}:{panda_job.DATASET}",
    )
    yield f"mc20_13TeV.410470.{login}.{login}.DAOD_PHYS.e6337_s3681"
    yield f"mc20_{login}.410470.x.deriv.DAOD_{login}.e6337_s3681"


def planted_rows() -> list[dict[str, str]]:
    """For every column and way a row with a name in it, and each person's user name elsewhere."""
    rows, number = [], itertools.count(1000)
    for column in COLUMNS:
        person = next(number)
        for name in names(person):
            user = {"produsername": f"{MARK}{person}", "produserid": f"/CN={MARK.title()}{person}"}
            rows.append({**JOB, **user, "pandaid": str(next(number)), column: name})
            rows.append({**JOB, "pandaid": str(next(number)), column: name.upper()})
    return rows


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Everything that is written, compressed or not, as text."""
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        yield file, file.read_bytes().decode("latin-1")
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            yield file, table.schema.to_string(show_schema_metadata=True)
            for column in table.columns:
                yield file, "\n".join(map(str, column.cast(pa.string()).to_pylist()))


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writerow({column: column.upper() for column in COLUMNS})
        writer.writerows(rows)
        stream.write(f'{MARK}1,"{MARK}2 and no more\n')
        stream.write(",".join([f"{MARK}3"] * 3) + "\n")


def write_json(path: Path, rows: list[dict[str, str]]) -> None:
    with gzip.open(path, "wt") as stream:
        for row in rows:
            stream.write(json.dumps(row) + "\n")
        stream.write(f'{{"produsername": "{MARK}4", \n["{MARK}5"]\n{{"creationtime": "{MARK}6')


def write_parquet(path: Path, rows: list[dict[str, str]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([(c, pa.string()) for c in COLUMNS])), path)


@pytest.mark.parametrize("keep_all", [False, True])
def test_no_byte_holds_a_name(tmp_path: Path, capfd: pytest.CaptureFixture, keep_all: bool) -> None:
    rows = planted_rows()
    assert len(rows) >= 600
    (tmp_path / "raw").mkdir()
    write_csv(tmp_path / "raw" / "a.csv", [JOB, *rows])
    write_json(tmp_path / "raw" / "b.json.gz", rows)
    write_parquet(tmp_path / "raw" / "c.parquet", rows)
    features = ("creationtime", "computingsite", "workload") if keep_all else None
    options = {"analysis_of_daod": False, "keep_robots": True, "features": features}
    cleaning = Cleaning(**options) if keep_all else Cleaning()
    clean([tmp_path / "raw"], tmp_path / "out", "test", 1, cleaning, workers=1)
    for dump in (tmp_path / "raw").iterdir():
        clean_file(dump, dump.name, tmp_path / "out" / "cleaned" / dump.name, cleaning, 1)
    found = {
        (str(file.relative_to(tmp_path)), text[max(0, at - 60) : at + 60])
        for file, text in texts(tmp_path / "out")
        if (at := text.lower().find(MARK)) >= 0
    }
    assert not found
    said = capfd.readouterr()
    assert MARK not in (said.out + said.err).lower()
    account = json.loads((tmp_path / "out" / "cleaning.json").read_text())
    assert account["rows"]["kept"] > 100, "too strict: most planted names stand where none is read"


@pytest.mark.parametrize(
    "content",
    [
        f"{MARK}1,{MARK}2,finished\n{MARK}3,CERN,failed\n",
        f"PANDAID,COMPUTINGSITE,COMPUTINGSITE\n{MARK},{MARK},{MARK}\n",
        f'{{"user": "{MARK}", "{MARK}": 1}}\n',
        f'["{MARK}"]\n',
        f"\x00\x01{MARK}",
        f"COMPUTINGSITE,PRODUSERNAME\n{MARK},{MARK}\n",
    ],
)
@pytest.mark.parametrize("ending", ["csv", "json", "swf", "parquet"])
def test_no_error_message_holds_a_name(tmp_path: Path, content: str, ending: str) -> None:
    dump = tmp_path / f"dump.{ending}"
    dump.write_text(content)
    with pytest.raises(InputError) as caught:
        clean([dump], tmp_path / "out", "test", 1, Cleaning())
    assert MARK not in str(caught.value).lower()
    assert "\n" not in str(caught.value)
