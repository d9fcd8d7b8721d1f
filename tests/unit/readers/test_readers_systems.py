"""Job records of Slurm, HTCondor and AskPanDA's agent, each by a small sample of our own making."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole_dump import Read

from redwood import plugins
from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.job_table import RAW_COLUMNS
from redwood.readers import blocks
from redwood.readers.foreign import FILE_IS_SITE, PACKAGE, systems
from redwood.readers.systems.htcondor import NO_EXIT
from redwood.readers.systems.slurm import ALLOCATED, MINUTES, OWN_CLOCK
from redwood.readers.values import to_numbers
from redwood.records.cleaning import clean
from redwood.tables import TableDescription, read_table

FEATURES = ("creationtime", "computingsite", "workload", "jobstatus")
FINAL = {"finished", "failed", "closed", "cancelled"}


class Cleaned:
    """What cleaning makes of a file."""

    def __init__(self, path: Path, **options: object) -> None:
        chosen = {"analysis_of_daod": False, "keep_robots": True, "features": FEATURES, **options}
        out = path.parent / "out"
        clean([path], out, "test", 1, Cleaning(pseudonymous=True, **chosen), workers=1)
        self.account = json.loads((out / "cleaning.json").read_text())
        self.rejected = pd.read_parquet(out / "rejected.parquet")
        description = TableDescription.load(out / "table.json")
        self.jobs = read_table(out / "jobs", description)


def test_a_system_says_itself_what_it_is() -> None:
    assert set(systems()) == set(plugins.names(PACKAGE)) >= {"panda", "slurm", "htcondor", "swf"}
    for name, system in systems().items():
        assert system.TITLE, name
        assert set(system.MADE_OF) <= RAW_COLUMNS, name
        assert FINAL.intersection(system.STATES.values()) or name == "panda", name
        assert all(state == state.lower() for state in system.STATES), name
        assert bool(system.ENDINGS) != hasattr(system, "is_mine"), name
    text = (Path(__file__).parents[3] / "docs" / "records.md").read_text(encoding="utf-8")
    assert all(system.TITLE in text for system in systems().values())


SACCT = """\
JobID|Cluster|User|Account|Partition|Submit|Start|End|Elapsed|Timelimit|AllocCPUS|ReqCPUS|TotalCPU|MaxRSS|State|ExitCode
101|hpc|anna|physics|batch|2024-03-01T10:00:00|2024-03-01T10:05:00|2024-03-01T11:05:00|01:00:00|02:00:00|4|4|03:30:00||COMPLETED|0:0
101.batch|hpc||physics||2024-03-01T10:05:00|2024-03-01T10:05:00|2024-03-01T11:05:00|01:00:00||4|4|00:10:00|1500K|COMPLETED|0:0
101.0|hpc||physics||2024-03-01T10:06:00|2024-03-01T10:06:00|2024-03-01T11:05:00|00:59:00||4|4|03:20:00.500|2.5G|COMPLETED|0:0
102_4|hpc|berta|physics|batch|2024-03-01T10:00:00|2024-03-01T10:10:00|2024-03-02T11:10:00|1-01:00:00|UNLIMITED|8|8|8-00:00:00|512M|OUT_OF_MEMORY|0:125
104|hpc|anna|physics|batch|2024-03-01T11:00:00|None|2024-03-01T11:30:00|00:00:00|30:00|0|16|00:00:00||CANCELLED by 1234|0:0
105|hpc|anna|physics|long|2024-03-01T12:00:00|Unknown|Unknown|00:00:00|1-00:00:00|0|1|00:00:00||PENDING|0:0
106|hpc|carl|chem|long|2024-03-01T12:00:00|2024-03-01T12:00:10|2024-03-01T12:00:40|00:00:30|5|2|2|00:45.250|3M|TIMEOUT|0:15
107+0|hpc|carl|chem|long|2024-03-01T12:00:00|2024-03-01T12:00:10|2024-03-01T12:00:40|00:00:30|Partition_Limit|2|2|00:45|3M|NODE_FAIL|1:0
"""  # noqa: E501
ROWS = list(csv.reader(io.StringIO(SACCT), delimiter="|"))


def as_csv(delimiter: str = ",", ending: str = "") -> str:
    return "".join(delimiter.join(row) + ending + "\n" for row in ROWS)


def as_json(orient: str = "records", lines: bool = False) -> str:
    frame = pd.DataFrame(ROWS[1:], columns=ROWS[0])
    return frame.to_json(orient=orient, lines=lines)


EXPORTS = {
    "a.psv": SACCT,
    "parsable.psv": as_csv("|", "|"),
    "a.csv": as_csv(),
    "b.csv": SACCT,
    "a.tsv": as_csv("\t"),
    "spelled.csv": as_csv().replace("Submit", "submit_time", 1).replace("JobID", "job_id", 1),
    "a.json": as_json(),
    "a.jsonl": as_json(lines=True),
    "columns.json": as_json("columns"),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_sacct(tmp_path: Path, name: str, block_bytes: int) -> None:
    # A line must fit into a block; with small ones a job and its steps are in several.
    blocks.BLOCK_BYTES = max(block_bytes, 1 << 24 if "json" in name else 256)
    found = Read(tmp_path / name, EXPORTS[name])
    cells = found.cells
    assert cells["creationtime"] == [f"2024-03-01T{h}:00:00" for h in (10, 10, 11, 12, 12, 12)]
    assert cells["starttime"][:4] == ["2024-03-01T10:05:00", "2024-03-01T10:10:00", None, None]
    assert cells["endtime"][3] is None
    assert cells["jobstatus"] == [
        *("finished", "failed", "cancelled", "pending", "failed", "failed"),
    ]
    assert cells["computingsite"] == ["hpc-batch"] * 3 + ["hpc-long"] * 3
    # 3 h 30 min and 8 days of CPU; 45.25 s.
    assert cells["cpuconsumptiontime"] == ["12600", "691200", "0", "0", "45.25", "45"]
    assert cells["maxwalltime"] == ["7200", None, "1800", "86400", "300", None]
    # The largest of the steps: 2.5 GB; then 512 and 3 MB.
    assert cells["maxrss"] == ["2621440", "524288", None, None, "3072", "3072"]
    assert cells["produsername"] == ["anna", "berta", "anna", "anna", "carl", "carl"]
    assert cells["workinggroup"] == ["physics"] * 4 + ["chem"] * 2
    assert cells["actualcorecount"] == ["4", "8", "0", "0", "2", "2"]
    assert len(set(cells["pandaid"])) == 6
    assert [reason for _, reason in found.unreadable] == ["job_step"] * 2
    assert found.assumptions == {OWN_CLOCK: 6, MINUTES: 1}


def test_a_job_table_of_sacct(tmp_path: Path) -> None:
    (tmp_path / "sacct.psv").write_text(SACCT)
    made = Cleaned(tmp_path / "sacct.psv", utc_offset_hours=1)
    first, *_ = made.jobs.sort_values("workload", ascending=False).to_dict("records")[1:]
    assert first["creationtime"] == pd.Timestamp("2024-03-01T09:00:00Z")
    assert (first["queuetime"], first["walltime"], first["workload"]) == (300, 3600, 126_000)
    assert (first["requestedtime"], first["memory"], first["cores"]) == (7200, 2_621_440, 4)
    assert made.account["unreadable"] == {"job_step": 2}
    pending = made.rejected.set_index("reason").loc["not_final"]
    assert (pending["value"], pending["column"]) == ("pending", "State, else ExitCode")


def test_records_of_overlapping_exports_are_one_job(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.psv").write_text(SACCT)
    (folder / "b.csv").write_text(as_csv())
    made = Cleaned(folder)
    assert len(made.jobs) == 5
    duplicates = made.rejected[made.rejected["reason"] == "duplicate"]
    assert duplicates["column"].unique() == ["JobID, Cluster and Submit"]
    assert duplicates["value"].isna().all()


@pytest.mark.parametrize(
    ("total", "raw", "elapsed", "cpus", "seconds"),
    [
        ("01:00:00", "9", "9", "9", "3600"),
        ("", "7200", "", "", "7200"),
        ("", "02:00:00", "", "", "7200"),
        ("", "", "00:30:00", "4", "7200"),
        ("", "", "1800", "4", "7200"),
        ("00:00:00", "", "00:30:00", "4", "7200"),  # nobody measured
        ("00:00:00", "", "00:00:00", "4", "0"),
    ],
)
def test_cpu_time_of_a_job(
    tmp_path: Path, total: str, raw: str, elapsed: str, cpus: str, seconds: str
) -> None:
    text = "JobID|Submit|Partition|State|TotalCPU|CPUTimeRAW|Elapsed|AllocCPUS\n"
    text += f"1|2024-03-01T10:00:00|p|COMPLETED|{total}|{raw}|{elapsed}|{cpus}\n"
    found = Read(tmp_path / "a.psv", text)
    assert found.cells["cpuconsumptiontime"] == [seconds]
    is_measured = total and (total, elapsed) != ("00:00:00", "00:30:00")
    assert found.assumptions == {OWN_CLOCK: 1} | ({} if is_measured else {ALLOCATED: 1})


def test_all_fields_at_once(tmp_path: Path) -> None:
    """`sacct --format=ALL` has some in two forms."""
    row = {
        **{"JobID": "102_4", "JobIDRaw": "103", "User": "anna", "UID": "7", "Partition": "p"},
        **{"Submit": "2024-03-01T10:00:00", "Start": "2024-03-01T10:00:10"},
        **{"End": "2024-03-01T10:01:40", "Elapsed": "00:01:30", "ElapsedRaw": "90"},
        **{"Timelimit": "01:00:00", "TimelimitRaw": "60", "NCPUS": "2", "AllocCPUS": "2"},
        **{"CPUTime": "00:03:00", "CPUTimeRAW": "180", "TotalCPU": "", "State": "COMPLETED"},
    }
    found = Read(tmp_path / "a.psv", "|".join(row) + "\n" + "|".join(row.values()) + "\n")
    assert found.cells["cpuconsumptiontime"] == ["180"]
    assert found.cells["maxwalltime"] == ["3600"]
    assert found.assumptions == {OWN_CLOCK: 1, ALLOCATED: 1}
    del row["Elapsed"], row["ElapsedRaw"], row["CPUTime"], row["CPUTimeRAW"]
    found = Read(tmp_path / "a.psv", "|".join(row) + "\n" + "|".join(row.values()) + "\n")
    assert found.cells["cpuconsumptiontime"] == ["180"]


def test_an_end_follows_from_start_and_elapsed(tmp_path: Path) -> None:
    text = (
        "JobID|Submit|Partition|Start|Elapsed\n1|2024-03-01T10:00:00|p|2024-03-01T10:00:05|1:10\n"
    )
    found = Read(tmp_path / "a.psv", text)
    assert found.cells["endtime"] == ["2024-03-01 10:01:15.000000"]


@pytest.mark.parametrize(
    ("state", "exit_code", "expected"),
    [
        *(("COMPLETED", "0:0", "finished"), ("CD", "", "finished"), ("FAILED", "1:0", "failed")),
        *(("CANCELLED+", "0:0", "cancelled"), ("CANCELLED by 7", "", "cancelled")),
        *(("PREEMPTED", "0:0", "failed"), ("DEADLINE", "0:0", "failed"), ("RV", "", "closed")),
        *(("", "0:0", "finished"), ("", "9:0", "failed"), ("RUNNING", "0:0", "running")),
        ("FUTURE_STATE", "0:0", "future_state"),
    ],
)
def test_states_of_slurm(tmp_path: Path, state: str, exit_code: str, expected: str) -> None:
    text = f"JobID|Partition|Submit|State|ExitCode\n1|p|2024-03-01T10:00:00|{state}|{exit_code}\n"
    assert Read(tmp_path / "a.psv", text).cells["jobstatus"] == [expected]


def test_what_an_export_lacks_is_said_in_its_own_words(tmp_path: Path) -> None:
    text = "JobID,JobName,Partition,Account,AllocCPUS,State,ExitCode\n1,x,p,a,1,COMPLETED,0:0\n"
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        Cleaned(tmp_path / "a.csv")
    message = str(caught.value)
    assert "'creationtime' is made of Submit; 'workload' is made of TotalCPU, else" in message
    assert "jobstatus" in message
    assert "sacct --allusers --parsable2 --format=JobID" in message
    assert "CREATIONTIME" not in message


def test_columns_named_by_the_configuration_are_read_as_pandas(tmp_path: Path) -> None:
    text = "JobID,Partition,Submit,State,TotalCPU,Used\n1,p,2024-03-01T10:00:00,CD,9:00,7\n"
    found = Read(tmp_path / "a.csv", text, used="cpuconsumptiontime")
    assert found.cells["cpuconsumptiontime"] == ["7"]
    assert found.cells["jobstatus"] == ["finished"]
    named = {"partition": "computingsite", "submit": "creationtime", "used": "cpuconsumptiontime"}
    found = Read(tmp_path / "a.csv", text, **named)
    assert set(found.cells) == set(named.values())


ADS = [
    {
        "ClusterId": 12, "ProcId": 0, "GlobalJobId": "s#12.0#1709287200", "JobStatus": 4,
        "ExitCode": 0, "ExitBySignal": False, "QDate": 1709287200, "JobStartDate": 1709287500,
        "CompletionDate": 1709291100, "RemoteWallClockTime": 3600.0, "RemoteUserCpu": 3000.0,
        "RemoteSysCpu": 100.5, "RequestCpus": 1, "CpusProvisioned": 2, "Owner": "anna",
        "User": "anna@pool.example", "NumJobStarts": 1, "ResidentSetSize_RAW": 2048,
        "MATCH_GLIDEIN_Site": "AGLT2", "AcctGroup": "group_atlas", "MaxRuntime": 7200,
    },
    {  # It failed, after two starts of which the first was evicted.
        "ClusterId": 12, "ProcId": 1, "GlobalJobId": "s#12.1#1709287200", "JobStatus": 4,
        "ExitCode": 2, "ExitBySignal": False, "QDate": 1709287200, "JobStartDate": 1709287500,
        "JobCurrentStartDate": 1709290000, "CompletionDate": 1709291100, "NumJobStarts": 2,
        "RemoteWallClockTime": 2000.0, "RemoteUserCpu": 900.0, "RemoteSysCpu": 100.0,
        "CumulativeRemoteUserCpu": 1500.0, "CumulativeRemoteSysCpu": 200.0, "RequestCpus": 1,
        "Owner": "berta", "MATCH_GLIDEIN_Site": "AGLT2",
    },
    {  # It was removed before it ran.
        "ClusterId": 13, "ProcId": 0, "GlobalJobId": "s#13.0#1709287300", "JobStatus": 3,
        "QDate": 1709287300, "CompletionDate": 0, "EnteredCurrentStatus": 1709287900,
        "RemoteWallClockTime": 0.0, "RemoteUserCpu": 0.0, "RemoteSysCpu": 0.0, "RequestCpus": 1,
        "Owner": "anna", "NumJobStarts": 0,
    },
    {  # Its exit is not said; it was killed by a signal; it is held.
        "ClusterId": 14, "ProcId": 0, "JobStatus": 4, "QDate": 1709287400,
        "JobStartDate": 1709287500, "CompletionDate": 1709287600, "RequestCpus": 1,
        "RemoteUserCpu": 90.0, "RemoteSysCpu": 1.0,
    },
    {"ClusterId": 15, "ProcId": 0, "JobStatus": 4, "ExitBySignal": True, "QDate": 1709287400},
    {"ClusterId": 16, "ProcId": 0, "JobStatus": 5, "QDate": 1709287400},
]  # fmt: skip


def long(ad: dict[str, object]) -> str:
    """An advertisement as `condor_history -long` writes it."""
    return "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in {**ad, "Err": 'a = "b"'}.items()
    )


HISTORIES = {
    "a.json": json.dumps(ADS, indent=2),
    "a.jsonl": "\n".join(map(json.dumps, ADS)),
    "a.classads": "\n".join(map(long, ADS)),
    "history.classads": "".join(f"{long(ad)}*** Offset = 7 ClusterId = 1\n" for ad in ADS),
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("block", [128, 1 << 24])
def test_condor_history(tmp_path: Path, name: str, block: int) -> None:
    blocks.BLOCK_BYTES = 1 << 24 if name == "a.jsonl" else block
    found = Read(tmp_path / name, HISTORIES[name])
    cells = found.cells
    assert cells["creationtime"][:3] == ["1709287200", "1709287200", "1709287300"]
    assert cells["starttime"] == ["1709287500", "1709287500", None, "1709287500", None, None]
    # After the wall time of all starts; after the completion where that is not known.
    assert cells["endtime"] == ["1709291100", "1709289500", None, "1709287600", None, None]
    assert cells["jobstatus"] == ["finished", "failed", "cancelled", "finished", "failed", "held"]
    assert cells["cpuconsumptiontime"] == ["3100.5", "1700", None, "91", None, None]
    assert cells["computingsite"][:3] == ["AGLT2", "AGLT2", Path(name).stem]
    assert cells["produsername"][:3] == ["anna", "berta", "anna"]
    assert cells["attemptnr"][:3] == ["0", "1", "0"]
    assert cells["maxwalltime"][0] == "7200"
    assert cells["maxrss"][0] == "2048"
    assert cells["workinggroup"][0] == "group_atlas"
    assert len(set(cells["pandaid"])) == 6
    assert found.unreadable == []
    assert found.assumptions == {FILE_IS_SITE: 4, NO_EXIT: 1}


def test_a_broken_advertisement_costs_no_other(tmp_path: Path) -> None:
    broken = long(ADS[1]) + "no attribute\n"
    found = Read(tmp_path / "a.classads", "\n".join([long(ADS[0]), broken, long(ADS[2])]))
    assert len(found.lines) == 2
    assert found.unreadable == [(len(ADS[0]) + 3, "unreadable_row")]


def test_expressions_and_undefined_attributes(tmp_path: Path) -> None:
    ad = long(ADS[0]).replace("RequestCpus = 1", "RequestCpus = ifThenElse(x, 8, 1)")
    found = Read(tmp_path / "a.classads", ad.replace('"AGLT2"', "undefined"))
    assert found.cells["corecount"] == ["ifThenElse(x, 8, 1)"]
    assert found.cells["computingsite"] == ["a"]


def test_text_that_is_no_advertisement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^a\.classads: holds no job that HTCondor has"):
        Read(tmp_path / "a.classads", "some text\n\nx = 1\n")


def test_a_job_table_of_htcondor(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(HISTORIES["a.json"])
    made = Cleaned(tmp_path / "a.json")
    # AGLT2's power by the table of sites; 10 at a place that it does not know.
    jobs = made.jobs.sort_values("cputime", ascending=False)
    assert jobs["jobstatus"].tolist()[:3] == ["finished", "failed", "finished"]
    assert jobs["workload"].tolist()[2:] == [910, 0]
    assert jobs["walltime"].tolist()[:2] == [3600, 2000]
    held = made.rejected.set_index("reason").loc["not_final"]
    assert held["value"] == "held"


def database(path: Path, *tables: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for table in tables:
            connection.execute(table)
    return path


JOBS = """
    CREATE TABLE jobs AS SELECT * FROM (VALUES
        (7400000000::BIGINT, TIMESTAMP '2025-01-27 02:51:00', 'CERN', 'finished', 1000.0::DOUBLE,
            '/DC=ch/CN=jdoe/CN=Jane Doe', NULL::VARCHAR, 'BNL', TIMESTAMP '2025-01-28 00:00:00'),
        (7400000001, TIMESTAMP '2025-01-27 02:51:00.5', 'AGLT2', 'running', NULL, NULL, NULL, 'x',
            TIMESTAMP '2025-01-28 00:00:00')
    ) AS t(pandaid, creationtime, computingsite, jobstatus, cpuconsumptiontime, produserid, hs06sec,
        _queue, _fetched_utc)
"""


def test_what_the_agent_of_askpanda_collects(tmp_path: Path) -> None:
    others = "CREATE TABLE selectionsummary (id INTEGER)", "CREATE TABLE errors_by_count (id INT)"
    path = database(tmp_path / "jobs.duckdb", JOBS, *others)
    before = path.read_bytes()
    found = Read(path)
    assert found.cells["pandaid"] == ["7400000000", "7400000001"]
    assert found.cells["creationtime"][0].startswith("2025-01-27 02:51:00")
    assert found.cells["cpuconsumptiontime"] == ["1000", None]
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.duckdb"]
    made = Cleaned(path)
    assert made.jobs["workload"].tolist() == [10_000.0]
    for file in (tmp_path / "out").rglob("*.*"):
        assert file.is_dir() or b"jdoe" not in file.read_bytes()


def test_a_single_table_may_have_any_name(tmp_path: Path) -> None:
    path = database(tmp_path / "a.duckdb", JOBS.replace("TABLE jobs", 'TABLE "my jobs"'))
    assert len(Read(path).lines) == 2


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (("CREATE TABLE a (x INT)", "CREATE TABLE b (x INT)"), "expected a table 'jobs', or a sin"),
        (("CREATE TABLE a (x INT)",), "none of its 1 columns is known"),
        ((), "it has 0"),
    ],
)
def test_databases_without_jobs(tmp_path: Path, tables: tuple[str, ...], message: str) -> None:
    path = database(tmp_path / "a.duckdb", *tables)
    with pytest.raises(InputError, match=message):
        Read(path)


def test_what_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^a\.duckdb: is not a DuckDB database"):
        Read(tmp_path / "a.duckdb", "PANDAID,CREATIONTIME\n")


def test_no_name_of_an_owner_comes_out_of_any_system(tmp_path: Path) -> None:
    files = {
        "sacct.psv": SACCT.replace("anna", "zqxanna").replace("berta", "zqxberta"),
        "a.json": HISTORIES["a.json"].replace("anna", "zqxanna").replace("berta", "zqxberta"),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        options = Cleaning(analysis_of_daod=False, features=FEATURES)
        clean([tmp_path / name], tmp_path / f"out {name}", "test", 1, options)
        for file in (tmp_path / f"out {name}").rglob("*.*"):
            assert file.is_dir() or b"zqx" not in file.read_bytes()


CELLS = st.one_of(
    st.sampled_from(["", "Unknown", "1.batch", "1-00:00:00", "9" * 400, "-1", "1e400", "nan"]),
    st.sampled_from(["2024-03-01T10:00:00", "1709287200", "9999-12-31", "0:0", "5K", "undefined"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["slurm", "htcondor"]), st.data())
def test_any_cells_are_read(tmp_path: Path, system: str, data: st.DataObject) -> None:
    marks = {"slurm": ["jobid", "submit", "partition"], "htcondor": ["clusterid", "qdate"]}[system]
    others = data.draw(st.lists(st.sampled_from(sorted(systems()[system].COLUMNS)), unique=True))
    names = list(dict.fromkeys([*marks, *others]))
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names))))
    lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
    first = json.dumps(dict.fromkeys(names, "1"))
    found = Read(tmp_path / "a.jsonl", "\n".join([first, *lines]))
    assert len(found.lines) + len(found.unreadable) == 1 + len(rows)
    for name in ("cpuconsumptiontime", "maxwalltime"):
        values = to_numbers(pa.array(found.cells.get(name, []), pa.string()))
        assert not values.unreadable.any()
