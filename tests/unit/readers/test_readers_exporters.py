"""The same twenty jobs, written as programs export tables, are the same table."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole_dump import Read

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.readers import blocks
from redwood.records.cleaning import clean

# Free text with all that dialects quarrel about.
GROUPS = ('say "hi", you', "two\nlines", 'a ""b"" c', "C:\\dir", 'x\n"y"\nz', '5" | 3;4', "plain")
NUMBERS = ("PANDAID", "CPUCONSUMPTIONTIME", "CORECOUNT", "INPUTFILEBYTES")
TIMES = ("CREATIONTIME", "STARTTIME", "ENDTIME")
OPTIONS = Cleaning(
    analysis_of_daod=False,
    keep_robots=True,
    pseudonymous=True,
    features=("creationtime", "computingsite", "workload", "jobstatus"),
)


def _jobs() -> pd.DataFrame:
    created = pd.date_range("2025-01-26 22:00", periods=20, freq="15min")
    return pd.DataFrame(
        {
            "PANDAID": 7_400_000_000 + pd.RangeIndex(20),
            "CREATIONTIME": created,
            "STARTTIME": [
                None if i == 7 else t + pd.Timedelta("1min") for i, t in enumerate(created)
            ],
            "ENDTIME": created + pd.Timedelta("1h"),
            "JOBSTATUS": ["closed" if i == 7 else "finished" for i in range(20)],
            "COMPUTINGSITE": ["CERN", "AGLT2"] * 10,
            "WORKINGGROUP": [GROUPS[i % len(GROUPS)] for i in range(20)],
            "CPUCONSUMPTIONTIME": [None if i == 7 else 1000.5 + i for i in range(20)],
            "CORECOUNT": [None if i == 3 else 8 for i in range(20)],
            "INPUTFILEBYTES": [None if i == 4 else 10**10 + i for i in range(20)],
            "PRODUSERNAME": [f"user {i % 3}" for i in range(20)],
        }
    )


JOBS = _jobs()


def plain() -> list[dict[str, object]]:
    """The jobs with times as text, numbers as numbers, and what is missing left out."""
    rows = []
    for row in JOBS.to_dict("records"):
        known = {key: value for key, value in row.items() if not pd.isna(value)}
        for name in known.keys() & {*TIMES}:
            known[name] = f"{known[name]:%Y-%m-%d %H:%M:%S}"
        for name in known.keys() & {*NUMBERS}:
            known[name] = int(known[name]) if known[name] % 1 == 0 else known[name]
        rows.append(known)
    return rows


def table(
    delimiter: str = ",", quoted: str = "text", escape: str = '""', time: str = "%Y-%m-%d %H:%M:%S"
) -> list[str]:
    """Header and rows as a program writes them; text is quoted, and numbers are if all is."""

    def cell(name: str, value: object) -> str:
        if value is None or pd.isna(value):
            return ""
        if name in TIMES:
            value = f"{value:{time}}"
        if name in NUMBERS:
            value = int(value) if value % 1 == 0 else value
        text = str(value).replace('"', escape)
        if quoted == "all" or (quoted == "text" and name not in NUMBERS):
            return f'"{text}"'
        needs = any(mark in str(value) for mark in ('"', delimiter, "\n"))
        return f'"{text}"' if needs else text

    header = [f'"{name}"' if quoted != "needed" else name for name in JOBS]
    return [
        delimiter.join(header),
        *(
            delimiter.join(cell(name, row[name]) for name in JOBS)
            for row in JOBS.to_dict("records")
        ),
    ]


def sqlplus(path: Path) -> None:
    """`set markup csv on`, fourteen rows a page: headings again, and a count at the end."""
    header, *rows = table(time="%d-%b-%y %I.%M.%S.%f %p")
    pages = ["", header, *rows[:14], "", header, *rows[14:], "", "20 rows selected.", ""]
    path.write_text("\n".join(["SQL> select * from jobs;", *pages]))


def spark(path: Path) -> None:
    """A folder of parts, one of which has no rows, with the header in each and backslashes."""
    header, *rows = table(quoted="needed", escape='\\"', time="%Y-%m-%dT%H:%M:%S.000Z")
    path.mkdir()
    for number, part in enumerate((rows[:7], rows[7:], [])):
        text = "\n".join([header, *part]) + "\n" if part else ""
        (path / f"part-{number:05d}-c000.csv").write_text(text)
    (path / "_SUCCESS").touch()
    (path / ".part-00000-c000.csv.crc").write_bytes(b"crc")


def spark_json(path: Path) -> None:
    path.mkdir()
    for number, part in enumerate((plain()[:7], [], plain()[7:])):
        (path / f"part-{number:05d}-c000.json").write_text(
            "".join(json.dumps(r) + "\n" for r in part)
        )
    (path / "_SUCCESS").touch()


def text(content: Callable[[], str]) -> Callable[[Path], object]:
    return lambda path: path.write_text(content())


def pandas_json(orient: str, **options: object) -> Callable[[Path], object]:
    return lambda path: JOBS.to_json(path, orient=orient, **options)


def in_fields(row: dict[str, object]) -> dict[str, object]:
    return {"_index": "jobs", "_id": "1", "fields": {key.lower(): [row[key]] for key in row}}


def in_source(row: dict[str, object]) -> dict[str, object]:
    return {"_index": "jobs", "_source": {key.lower(): value for key, value in row.items()}}


def lines(wrap: Callable[[dict[str, object]], object]) -> Callable[[Path], object]:
    return text(lambda: "".join(json.dumps(wrap(row)) + "\n" for row in plain()))


def sql_developer() -> str:
    columns = [{"name": name, "type": "VARCHAR2"} for name in JOBS]
    items = [{key.lower(): value for key, value in row.items()} for row in plain()]
    return json.dumps({"results": [{"columns": columns, "items": items}]})


def in_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.register("frame", JOBS)
        connection.execute("CREATE TABLE jobs AS SELECT * FROM frame")


EXPORTS: dict[str, Callable[[Path], object]] = {
    "to_json by default.json": lambda path: JOBS.to_json(path),
    "columns.json": pandas_json("columns", date_format="iso"),
    "columns indented.json": pandas_json("columns", indent=2),
    "index.json": pandas_json("index"),
    "split.json": pandas_json("split"),
    "records.json": pandas_json("records"),
    "table.json": pandas_json("table", date_format="iso", index=False),
    "lines.jsonl": pandas_json("records", lines=True),
    "labels.json": lambda path: JOBS.set_index("PANDAID", drop=False).to_json(path),
    "to_csv.csv": lambda path: JOBS.to_csv(path),
    "to_parquet.parquet": lambda path: JOBS.to_parquet(path),
    "spark": spark,
    "spark json": spark_json,
    "doubled.csv": text(lambda: "\n".join(table(quoted="needed"))),
    "backslash.csv": text(lambda: "\n".join(table(quoted="all", escape='\\"'))),
    "backslash.tsv": text(lambda: "\n".join(table("\t", "needed", '\\"'))),
    "semicolons.csv": text(lambda: "\n".join(table(";", "all"))),
    "sqlplus.csv": sqlplus,
    "sql developer.csv": text(lambda: "\r\n".join(table(time="%d-%b-%y %I.%M.%S.%f %p"))),
    "sql developer.json": text(sql_developer),
    "rest services.json": text(
        lambda: json.dumps({"items": plain(), "hasMore": False, "links": [{"rel": "x"}]})
    ),
    "elasticdump.jsonl": lines(in_source),
    "elasticdump of fields.jsonl": lines(in_fields),
    "hits of fields.json": text(
        lambda: json.dumps({"took": 1, "hits": {"hits": [in_fields(row) for row in plain()]}})
    ),
    "agent.duckdb": in_duckdb,
}  # fmt: skip


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The jobs as cleaning makes them of JSON that nobody can misunderstand."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "jobs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in plain()))
    made = cleaned(folder / "jobs.jsonl", folder / "out")
    assert made["workload"].tolist()[:2] == [10_005.0, pytest.approx(1001.5 * 10, rel=1)]
    assert sorted(set(made["workinggroup"])) == sorted(GROUPS)
    assert made["creationtime"].tolist() == list(JOBS["CREATIONTIME"].dt.tz_localize("UTC"))
    assert made["workload"].iloc[7] == 0
    return made


def cleaned(path: Path, out: Path) -> pd.DataFrame:
    clean([path], out, "jobs", 1, OPTIONS, workers=1)
    parts = sorted((out / "jobs").rglob("*.parquet"))
    return pd.concat([pq.read_table(part).to_pandas() for part in parts], ignore_index=True)


@pytest.mark.parametrize("name", EXPORTS)
def test_the_same_jobs_are_the_same_table(
    tmp_path: Path, name: str, expected: pd.DataFrame
) -> None:
    EXPORTS[name](tmp_path / name)
    pd.testing.assert_frame_equal(cleaned(tmp_path / name, tmp_path / "out"), expected)
    account = json.loads((tmp_path / "out" / "cleaning.json").read_text())
    remarks = {"remark": 1, "repeated_header": 1} if name == "sqlplus.csv" else {}
    assert account["unreadable"] == remarks
    assert account["rows"]["kept"] == 20


def test_a_table_without_names_of_columns_is_named(tmp_path: Path) -> None:
    JOBS.to_json(tmp_path / "a.json", orient="values")
    with pytest.raises(InputError, match=r"^a\.json: is a list of lists .*orient='values'"):
        Read(tmp_path / "a.json")
    JOBS.to_csv(tmp_path / "a.csv", header=False, index=False)
    with pytest.raises(InputError, match=r"Spark and sacct have options that leave the header out"):
        Read(tmp_path / "a.csv")


def test_an_empty_file_is_a_part_only_of_a_table_that_is_complete(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the file is empty"):
        Read(tmp_path / "part-00000.csv", "")
    (tmp_path / "_SUCCESS").touch()
    assert Read(tmp_path / "part-00000.csv").lines == []


@pytest.mark.parametrize("size", [400, 1 << 24])
def test_quotes_after_a_backslash_in_blocks_of_any_size(tmp_path: Path, size: int) -> None:
    blocks.BLOCK_BYTES = size
    (tmp_path / "a.csv").write_text("\n".join(table(quoted="all", escape='\\"')))
    found = Read(tmp_path / "a.csv")
    assert found.cells["workinggroup"] == JOBS["WORKINGGROUP"].tolist()
    assert found.unreadable == []


def test_lists_of_several_values_stay_lists(tmp_path: Path) -> None:
    hit = {"_index": "jobs", "fields": {"pandaid": [1], "corecount": [4, 8], "jobstatus": []}}
    for name, content in (("a.jsonl", json.dumps(hit) + "\n"), ("a.json", json.dumps([hit]))):
        found = Read(tmp_path / name, content)
        assert found.cells["pandaid"] == ["1"]
        assert found.cells["corecount"] == ["[4,8]"]


@pytest.mark.parametrize("shape", ["{}\n", "[{}]"])
def test_a_record_with_a_key_called_fields_is_no_hit(tmp_path: Path, shape: str) -> None:
    text = shape.format('{"pandaid": 1, "fields": {"pandaid": [2]}}')
    assert Read(tmp_path / "a.json", text).cells["pandaid"] == ["1"]


@pytest.mark.parametrize("shape", ["{}\n", "[{}]"])
def test_an_empty_source_gives_way_to_fields(tmp_path: Path, shape: str) -> None:
    text = shape.format('{"_index": "jobs", "_source": {}, "fields": {"pandaid": [2]}}')
    assert Read(tmp_path / "a.json", text).cells["pandaid"] == ["2"]


def dialects() -> Iterator[tuple[str, str]]:
    yield from ((delimiter, escape) for delimiter in ",;\t|" for escape in ('""', '\\"'))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.text(st.sampled_from('ab ,;|"\n\t'), min_size=1, max_size=8).filter(
            lambda cell: cell.strip() == cell
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(list(dialects())),
)
def test_any_text_comes_back_from_either_dialect(
    tmp_path: Path, cells: list[str], dialect: tuple[str, str]
) -> None:
    delimiter, escape = dialect
    written = io.StringIO()
    written.write(delimiter.join(("PANDAID", "WORKINGGROUP", "JOBSTATUS")) + "\n")
    for number, cell in enumerate(['a"b', *cells]):
        quoted = cell.replace('"', escape)
        written.write(delimiter.join((str(number), f'"{quoted}"', "finished")) + "\n")
    found = Read(tmp_path / "a.csv", written.getvalue())
    assert found.cells["workinggroup"] == ['a"b', *cells]
