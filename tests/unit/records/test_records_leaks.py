"""No name of a person leaves the cleaning stage, whatever column of a dump it stands in."""

import csv
import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import panda_job
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from redwood.card.describing import card
from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.generator.catalogue import DATA_TYPES, WORKING_GROUPS
from redwood.job_table import RAW_COLUMNS
from redwood.readers import blocks, parquet_rows
from redwood.records.cleaned_file import clean_file
from redwood.records.cleaning import clean
from redwood.records.gathering import gather
from redwood.sites import load_sites
from redwood.tables import TableDescription, read_table

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
# In these a word comes out that many owners share.
OF_WORDS = ("computingsite", "workinggroup", "proddblock", "inputfiletype")
WAYS = 6
ALL_JOBS = {
    "analysis_of_daod": False,
    "keep_robots": True,
    "features": ("creationtime", "computingsite", "workload"),
}


def surname(person: int) -> str:
    return MARK + chr(ord("a") + person // 26) + chr(ord("a") + person % 26)


def owner(person: int) -> dict[str, str]:
    """A person as the owner of a job, in one of the ways that PanDA has."""
    last = surname(person)
    login, full = f"j{last}", f"Jane {last.title()}"
    ways = (  # as many as WAYS
        (f"{login}@mail.example", f"{login}@mail.example"),
        (full, f"/DC=ch/DC=cern/OU=Organic Units/OU=Users/CN={login}/CN=712345/CN={full}"),
        (f"jane.{last}@mail.example", ""),
        ("", f"CN={full},CN={login},OU=Users,DC=cern"),
        (login.upper(), ""),
        (f"{last.title()}, Jane ({login})", "712345"),
    )
    return dict(zip(("produsername", "produserid"), ways[person % WAYS], strict=True))


def forms(person: int) -> list[str]:
    """How a person may be named in any cell."""
    last = surname(person)
    login, full = f"j{last}", f"Jane {last.title()}"
    dataset = "mc20_13TeV.410470.{}.{}.DAOD_{}.e6337_s3681"
    return [
        *(login, login.upper(), login.title(), last, last.title(), last.upper(), full),
        *(f"jane.{last}", f"Jane.{last.title()}", f"{last.title()}_Jane", f"{last}-j", f"J{last}"),
        *(f"Jane{last.title()}", f"{last}jane", f"{last.title()}, Jane", f"{login}2", f"x{login}x"),
        *(f"ANALY_{login}", f"ANALY_{login.upper()}", f"CERN_{login}", f"CERN-{login}_MCORE"),
        *(f"{login}-T2", f"CERN_{login.upper()}CORE", f"phys-{login}", f"phys-{last}"),
        *(f"perf-{login}", f"AP_{login.upper()}", f"GP_{last}", f"DAOD_{login.upper()}"),
        *(f"NTUP_{last.upper()}", f"D2{last.upper()}", f"{login}@mail.example", f"uid={login}"),
        *(f"jane.{last}@mail.example", f"{full} <{login}@mail.example>", f"unlisted-{login}"),
        f"/DC=ch/DC=cern/OU=Users/CN={login}/CN=712345/CN={full}",
        f"CN={full},CN={login},OU=Users,DC=cern",
        *(f"user.{login}", f"user.{login}.mc20_13TeV.data.v1", f"panda.um.user.{login}.data"),
        *(f"user.{login}:{panda_job.DATASET}", f"group.phys-{login}.mc20_13TeV.x/"),
        *(f"/afs/cern.ch/user/j/{login}/data", f"/home/{login}", f"data/{login}/x.root"),
        *(dataset.format(login, "deriv", "PHYS"), dataset.format("x", login, "PHYS")),
        *(dataset.format("x", "deriv", login.upper()), dataset.format("x", "deriv", last.upper())),
        f"mc20_{login}.410470.x.deriv.DAOD_PHYS.e6337_s3681",
    ]


# Where each person is named: in the columns of words as one that owns jobs in any of the ways.
PLACES = [*(column for column in OF_WORDS for _ in range(WAYS)), *COLUMNS]


def planted_rows(dump: int, dumps: int) -> list[dict[str, str]]:
    """Every person in all forms, in rows of somebody else, another in each dump.

    So words have as many owners as it takes to come out, and only the names in them keep them in.
    The rows that tell these names stand in one of the dumps, before the others or after them.
    """
    number = itertools.count(1_000_000 * (dump + 1))
    rows = [
        {**JOB, "produsername": f"worker {dump}", "pandaid": str(next(number)), column: form}
        for person, column in enumerate(PLACES)
        for form in forms(person)
    ]
    owners = [
        {**JOB, **owner(person), "pandaid": str(next(number))}
        for person in range(len(PLACES))
        if person // WAYS % dumps == dump
    ]
    return owners[::2] + rows + owners[1::2]


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Everything that is written, compressed and escaped or not, as text; and the paths."""
    for file in folder.rglob("*"):
        yield file, str(file.relative_to(folder))
        if not file.is_file():
            continue
        yield file, file.read_bytes().decode("latin-1")
        if file.suffix == ".json":
            yield file, str(json.loads(file.read_text()))
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            yield file, table.schema.to_string(show_schema_metadata=True)
            for column in table.columns:
                yield file, "\n".join(map(str, column.unique().to_pylist()))
                for piece in column.chunks if pa.types.is_dictionary(column.type) else ():
                    yield file, "\n".join(piece.dictionary.to_pylist())


def marks_in(folder: Path) -> set[tuple[str, str]]:
    """Where a mark stands, and what is around it."""
    return {
        (str(file.relative_to(folder)), text[max(0, at - 60) : at + 60])
        for file, text in texts(folder)
        if (at := text.lower().find(MARK)) >= 0
    }


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    opened: Callable = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writerow({column: column.upper() for column in COLUMNS})
        writer.writerows(rows)
        stream.write(f'{MARK}1,"{MARK}2 and no more\n')
        stream.write(",".join([f"{MARK}3"] * 3) + "\n")


def write_jsonl(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w") as stream:
        for row in rows:
            stream.write(json.dumps(row) + "\n")
        stream.write(f'{{"produsername": "{MARK}4", \n["{MARK}5"]\n{{"creationtime": "{MARK}6')


def write_json(path: Path, rows: list[dict[str, str]]) -> None:
    with gzip.open(path, "wt") as stream:
        escaped = json.dumps({"jobs": rows}).replace("z", r"\u007a")
        stream.write(escaped)


def write_parquet(path: Path, rows: list[dict[str, str]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([(c, pa.string()) for c in COLUMNS])), path)


DUMPS = {
    "a.csv": write_csv,
    "b.json.gz": write_json,
    "c.jsonl": write_jsonl,
    "d.parquet": write_parquet,
    "e.csv.gz": write_csv,
}


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The marked dumps."""
    folder = tmp_path_factory.mktemp("marked")
    assert len(set(forms(0))) >= 40
    for number, (name, write) in enumerate(DUMPS.items()):
        write(folder / name, planted_rows(number, len(DUMPS)))
    return folder


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 300_000)
    monkeypatch.setattr(parquet_rows, "_CHUNK_ROWS", 1000)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {**ALL_JOBS, "fold_sites": False},
        {**ALL_JOBS, "any_site_name": True, "any_data_type": True, "any_working_group": True},
    ],
)
def test_no_byte_holds_a_name(
    tmp_path: Path,
    marked: Path,
    capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    options: dict,
) -> None:
    monkeypatch.setenv("REDWOOD_HASH_KEY", "secret")
    cleaning = Cleaning(**options)
    folders = [tmp_path / "cleaned" / name for name in DUMPS]
    for folder in folders:
        clean_file(marked / folder.name, folder.name, folder, cleaning, 1)
    gather(folders, tmp_path, "test", cleaning)
    accounts = (tmp_path / "cleaning.json", tmp_path / "rejected.parquet", None)
    card(tmp_path / "table.json", tmp_path / "jobs", *accounts, tmp_path / "card")
    assert not marks_in(tmp_path)
    said = capfd.readouterr()
    assert MARK not in (said.out + said.err).lower()
    account = json.loads((tmp_path / "cleaning.json").read_text())
    assert account["rows"]["kept"] > 1000, "too strict: most names stand where none is read"
    assert account["words"]["computingsite"]["masked"]["words"] > 20
    assert account["exceptions"] == [name for name in options if name.startswith("any_")]
    for option in account["exceptions"]:
        assert f"records.cleaning.{option}" in said.err
        assert option in (tmp_path / "card" / "card.html").read_text()


NUMBERS = itertools.count(1)


def some_jobs(path: Path, *rows: dict[str, str]) -> None:
    write_csv(path, [{**JOB, "pandaid": str(next(NUMBERS)), **row} for row in rows])


def words_of(output: Path, column: str) -> set[str]:
    jobs = read_table(output / "jobs", TableDescription.load(output / "table.json"))
    return set(jobs[column].dropna())


def test_a_word_on_no_list_comes_out_where_enough_owners_share_it(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for dump in range(3):
        some_jobs(
            tmp_path / "raw" / f"{dump}.csv",
            *({"produsername": f"p{dump}{i}", "computingsite": "FIVE_T2"} for i in range(2)),
            *({"produsername": "one", "computingsite": "ONE_T2"} for _ in range(9)),
            *({"produsername": "", "computingsite": "NOBODYS_T2"} for _ in range(9)),
            *({"produsername": f"p{i}", "workinggroup": "phys-dark"} for i in range(4)),
            *({"produsername": f"p{i}", "workinggroup": "phys-light"} for i in range(5)),
            {"produsername": "one", "inputfiletype": "NEW1", "proddblock": ""},
        )
    options = Cleaning(**ALL_JOBS, words={"datatype": ["NEW1"]})
    clean([tmp_path / "raw"], tmp_path / "out", "test", 1, options, workers=1)
    sites, groups = (words_of(tmp_path / "out", name) for name in ("computingsite", "workinggroup"))
    assert {name for name in sites if not name.startswith("unlisted-")} == {"CERN", "FIVE_T2"}
    assert len(sites) == 4
    assert {name for name in groups if "-dark" in name or "-light" in name} == {"phys-light"}
    assert words_of(tmp_path / "out", "datatype") == {"PHYS", "NEW1"}
    account = json.loads((tmp_path / "out" / "cleaning.json").read_text())
    assert account["words"] == {
        "computingsite": {"shared": {"words": 1, "rows": 6}, "masked": {"words": 2, "rows": 54}},
        "workinggroup": {"shared": {"words": 1, "rows": 15}, "masked": {"words": 1, "rows": 12}},
    }
    assert account["sites"]["unknown_names"] == {"FIVE_T2": 6}


def test_words_on_a_list_come_out_whoever_has_them(tmp_path: Path) -> None:
    """Also where an owner's name is in them."""
    queues = sorted({queue for site in load_sites() for queue in (site.name, *site.queues)})
    rows = [{"computingsite": queue} for queue in (*queues, "ANALY_WT2", "UKI-LT2-UCL-HEP_VAC")]
    rows += [{"inputfiletype": f"DAOD_{name}", "proddblock": ""} for name in DATA_TYPES]
    rows += [{"workinggroup": name} for name in WORKING_GROUPS]
    owned = ({**row, "produsername": f"{next(iter(row.values()))} Higgs"} for row in rows)
    some_jobs(tmp_path / "a.csv", *owned)
    options = Cleaning(**ALL_JOBS, fold_sites=False)
    clean([tmp_path / "a.csv"], tmp_path / "out", "test", 1, options)
    sites = {row.get("computingsite", "CERN") for row in rows}
    assert words_of(tmp_path / "out", "computingsite") == sites
    assert words_of(tmp_path / "out", "datatype") == {*DATA_TYPES}
    assert words_of(tmp_path / "out", "workinggroup") == {*WORKING_GROUPS, "phys-higgs"}
    assert json.loads((tmp_path / "out" / "cleaning.json").read_text())["words"] == {}


def test_no_account_holds_a_name_that_a_dump_is_called_by(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    raw = tmp_path / "raw" / surname(1)
    raw.mkdir(parents=True)
    names = (f"jobs_j{surname(1)}.csv", f"{surname(0)}.v2.csv", "plain.csv")
    for number, name in enumerate(names):
        some_jobs(raw / name, owner(1 - number % 2), {"jobstatus": "running"})
    clean([raw], tmp_path / "out", "test", 1, Cleaning(), workers=1)
    assert not marks_in(tmp_path / "out")
    said = capfd.readouterr()
    assert MARK not in (said.out + said.err).lower()
    assert "2 dumps are called by what may be a person's name" in said.err
    files = json.loads((tmp_path / "out" / "cleaning.json").read_text())["files"]
    order = [file["file"] for file in files]
    assert order == ["unlisted-dump-1.csv", "plain.csv", "unlisted-dump-3.csv"]
    found = pq.read_table(tmp_path / "out" / "rejected.parquet").column("file").unique()
    assert sorted(found.to_pylist()) == sorted(order)


@pytest.mark.parametrize("workers", [1, 2])
def test_after_a_refused_dump_no_key_is_left(tmp_path: Path, workers: int) -> None:
    some_jobs(tmp_path / "a.csv", owner(1))
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(InputError):
        clean([tmp_path], tmp_path / "out", "test", 1, Cleaning(), workers=workers)
    assert not list((tmp_path / "out").iterdir())


def test_without_their_key_cleaned_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_jobs(tmp_path / "a.csv", owner(1))
    monkeypatch.delenv("REDWOOD_HASH_KEY", raising=False)
    clean_file(tmp_path / "a.csv", "a.csv", tmp_path / "a", Cleaning(), 1)
    with pytest.raises(InputError, match="cleaned with another key; gather it with the same"):
        gather([tmp_path / "a"], tmp_path / "out", "test", Cleaning())


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
