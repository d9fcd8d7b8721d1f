"""Cleaning: every row is kept or rejected with a reason, and no name gets out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from panda_job import DATASET, JOB, write_csv

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.records.cleaning import clean
from redwood.records.steps import LATE_REASONS, STEPS
from redwood.tables import TableDescription, read_table

SHARED = Path(__file__).parents[4] / "shared" / "data"
NAMES = ("Jane", "Doe", "jdoe")


class Result:
    """What `clean` wrote."""

    def __init__(self, folder: Path) -> None:
        description = TableDescription.load(folder / "table.json")
        self.description = description
        self.jobs = read_table(folder / "jobs", description)
        self.rejected = pd.read_parquet(folder / "rejected.parquet")
        self.account = json.loads((folder / "cleaning.json").read_text())
        rows = self.account["rows"]
        assert rows["input"] == len(self.jobs) + len(self.rejected)
        left = rows["input"] - sum(self.account["unreadable"].values())
        for step in self.account["steps"]:
            left -= step["rejected"]
            assert step["left"] == left
        assert left == rows["kept"] == len(self.jobs)
        for file in folder.rglob("*.*"):
            content = file.read_bytes() if file.is_file() else b""
            assert not any(name.encode() in content for name in NAMES), file
        assert not (folder / "cleaned").exists()

    def rejected_for(self, reason: str) -> int:
        return next(step["rejected"] for step in self.account["steps"] if step["reason"] == reason)

    @property
    def reasons(self) -> dict[int, str]:
        return dict(zip(self.rejected["line"], self.rejected["reason"], strict=True))


def cleaned(tmp_path: Path, rows: list[dict[str, str]], **options: Any) -> Result:
    write_csv(tmp_path / "dump.csv", rows)
    clean([tmp_path / "dump.csv"], tmp_path / "out", "test", 1, Cleaning(**options))
    return Result(tmp_path / "out")


def test_a_row_as_the_paper_prints_it(tmp_path: Path) -> None:
    result = cleaned(tmp_path, [JOB])
    (job,) = result.jobs.to_dict("records")
    hashes = {name: job.pop(name) for name in ("user", "task")}
    assert all(len(value) == 16 and int(value, 16) >= 0 for value in hashes.values())
    assert job == {
        "creationtime": pd.Timestamp("2024-01-27 02:51:00", tz="UTC"),
        "computingsite": "CERN",
        "project": "mc20_13TeV",
        "prodstep": "deriv",
        "datatype": "PHYS",
        "nfiles": 10,
        "size": 18_600_000_000,
        "jobstatus": "finished",
        "workload": 620_760.0,
        "cores": 1,
        "queuetime": 3600.0,
        "walltime": 640.0,
        "cputime": 62_076.0,
        "attempt": 0,
    }
    assert [column.name for column in result.description.features] == list(Cleaning().features)
    assert "requestedtime" not in result.description


def test_each_reason(tmp_path: Path) -> None:
    changes: list[tuple[dict[str, str], str]] = [
        ({"MODIFICATIONTIME": "2024-01-27 04:09:00"}, "duplicate"),
        ({}, ""),
        ({"JOBSTATUS": "running"}, "not_final"),
        ({"PRODSOURCELABEL": "managed"}, "other_activity"),
        ({"PRODDBLOCK": "user.jdoe.mine"}, "not_daod"),
        ({"PRODDBLOCK": DATASET.replace("DAOD_PHYS", "AOD")}, "not_daod"),
        ({"PROCESSINGTYPE": "gangarobot-rctest"}, "robot"),
        ({"INPUTFILEBYTES": "-1"}, "invalid_value"),
        ({"NINPUTDATAFILES": "Jane Doe"}, "invalid_value"),
        ({"NINPUTDATAFILES": "2.5"}, "invalid_value"),
        ({"CPUCONSUMPTIONTIME": "1e308"}, "invalid_value"),
        ({"INPUTFILEBYTES": "1e15"}, "invalid_value"),
        ({"CREATIONTIME": "tomorrow"}, "invalid_value"),
        ({"INPUTFILEBYTES": "9223372036854775807"}, "sentinel"),
        ({"CPUCONSUMPTIONTIME": "3.4e38"}, "sentinel"),
        ({"NINPUTDATAFILES": "-999"}, "sentinel"),
        ({"CREATIONTIME": "9999-12-31 00:00:00"}, "sentinel"),
        ({"CREATIONTIME": "1970-01-01 00:00:00"}, "missing_value"),
        ({"COMPUTINGSITE": ""}, "missing_value"),
        ({"CPUCONSUMPTIONTIME": "NULL"}, "missing_value"),
    ]
    rows = [{**JOB, "PANDAID": str(max(i, 1)), **change} for i, (change, _) in enumerate(changes)]
    result = cleaned(tmp_path, rows)
    expected = {i + 2: reason for i, (_, reason) in enumerate(changes) if reason}
    assert result.reasons == expected
    shown = result.rejected.set_index("line")[["column", "value"]].to_dict("index")
    assert shown[4] == {"column": "JOBSTATUS", "value": "running"}
    assert shown[6]["column"] == "PRODDBLOCK"
    assert pd.isna(shown[6]["value"])
    assert shown[7] == {"column": "PRODDBLOCK", "value": "AOD"}
    assert shown[9] == {"column": "INPUTFILEBYTES", "value": "-1"}
    assert shown[10]["value"] == "<text of 8 characters>"
    assert [shown[line]["value"] for line in (15, 16, 17)] == [
        *("9223372036854775807", "3.4e38", "-999"),
    ]
    assert shown[18] == {"column": "CREATIONTIME", "value": "9999-12-31 00:00:00"}


def test_of_duplicates_the_latest_stays(tmp_path: Path) -> None:
    rows = [
        {**JOB, "JOBSTATUS": "failed", "MODIFICATIONTIME": "2024-01-28 00:00:00"},
        {**JOB, "JOBSTATUS": "finished", "MODIFICATIONTIME": "2024-01-27 23:00:00"},
        {**JOB, "JOBSTATUS": "transferring", "MODIFICATIONTIME": "1706300000"},
        {**JOB, "PANDAID": "2"},
        {**JOB, "PANDAID": "2", "NINPUTDATAFILES": "11"},
    ]
    result = cleaned(tmp_path, rows)
    assert result.jobs["jobstatus"].tolist() == ["failed", "finished"]
    assert result.jobs["nfiles"].tolist() == [10, 11]
    assert (result.rejected_for("duplicate"), result.rejected_for("not_final")) == (2, 1)


def test_jobs_that_never_ran_did_no_work(tmp_path: Path) -> None:
    default = "1970-01-01 00:00:00"
    closed = {**JOB, "PANDAID": "2", "JOBSTATUS": "closed", "STARTTIME": default}
    rows = [
        JOB,
        {**closed, "ENDTIME": default, "CPUCONSUMPTIONTIME": "0"},
        {**closed, "PANDAID": "3", "ENDTIME": default, "CPUCONSUMPTIONTIME": ""},
    ]
    result = cleaned(tmp_path, rows)
    assert result.jobs["workload"].tolist() == [620_760.0, 0.0, 0.0]
    assert result.jobs["walltime"].isna().tolist() == [False, True, True]
    assert result.jobs["queuetime"].max() == 3600.0
    assert result.account["workload"]["never_ran"] == 1


def test_workload_by_core_power_of_the_site(tmp_path: Path) -> None:
    rows = [
        {**JOB, "PANDAID": str(i), "COMPUTINGSITE": site, "CPUCONSUMPTIONTIME": "100"}
        for i, site in enumerate(("CERN", "FZK-LCG2", "FZK-LCG2_UCORE", "SOMEWHERE"))
    ]
    result = cleaned(tmp_path, rows, default_core_power=11.0)
    assert result.jobs["workload"].to_numpy() == pytest.approx([1000, 1256, 1256, 1100])
    assert result.account["workload"]["default_core_power"] == 1


def test_workload_from_hs06sec_where_nothing_else_is(tmp_path: Path) -> None:
    row = {**JOB, "HS06SEC": "4711"}
    del row["CPUCONSUMPTIONTIME"]
    result = cleaned(tmp_path, [row])
    assert result.jobs["workload"].tolist() == [4711.0]
    assert result.account["workload"]["from_hs06sec"] == 1
    assert "cputime" not in result.description


def test_unusable_cells_that_are_not_needed_are_blanked_and_counted(tmp_path: Path) -> None:
    rows = [JOB, {**JOB, "PANDAID": "2", "ATTEMPTNR": "first", "ENDTIME": "later"}]
    result = cleaned(tmp_path, rows)
    assert result.account["blanked_cells"] == {"ATTEMPTNR": 1, "ENDTIME": 1}
    assert result.jobs["attempt"].isna().tolist() == [False, True]


def test_all_jobs_and_robots_can_be_kept(tmp_path: Path) -> None:
    rows = [
        {**JOB, "PRODSOURCELABEL": "managed"},
        {**JOB, "PANDAID": "2", "INPUTFILEPROJECT": "hc_test:mc20_13TeV"},
    ]
    rows[0]["INPUTFILEPROJECT"] = ""
    assert len(cleaned(tmp_path, rows, analysis_of_daod=False, keep_robots=True).jobs) == 2
    assert len(cleaned(tmp_path, rows, analysis_of_daod=False).jobs) == 1
    assert len(cleaned(tmp_path, rows, keep_robots=True).jobs) == 1


def test_a_pandaid_is_no_sentinel(tmp_path: Path) -> None:
    """Jobs had these numbers."""
    rows = [{**JOB, "PANDAID": number} for number in ("2147483647", "2147483647", "4294967295")]
    assert len(cleaned(tmp_path, rows).jobs) == 2


def test_dates_that_may_be_either_are_counted(tmp_path: Path) -> None:
    rows = [{**JOB, "CREATIONTIME": "3/4/2025 2:51", "PANDAID": "1"}]
    result = cleaned(tmp_path, rows)
    assert result.jobs["creationtime"][0] == pd.Timestamp("2025-03-04 02:51", tz="UTC")
    [(text, number)] = result.account["assumptions"].items()
    assert "3/4/2025" in text
    assert "--day-first" in text
    assert number == 1
    other = {**JOB, "PANDAID": "2", "ENDTIME": "1/27/2025 3:00"}
    assert cleaned(tmp_path, [*rows, other]).account["assumptions"] == {}
    result = cleaned(tmp_path, rows, day_first=True)
    assert result.jobs["creationtime"][0] == pd.Timestamp("2025-04-03 02:51", tz="UTC")
    assert result.account["assumptions"] == {}


def test_memory_is_the_largest_resident_one(tmp_path: Path) -> None:
    jobs = cleaned(tmp_path, [{**JOB, "MAXRSS": "2048000"}]).jobs
    assert jobs["memory"].tolist() == [2_048_000.0]


def test_renames_and_local_time(tmp_path: Path) -> None:
    row = {("Site" if name == "COMPUTINGSITE" else name): value for name, value in JOB.items()}
    result = cleaned(tmp_path, [row], columns={"SITE": "COMPUTINGSITE"}, utc_offset_hours=1.0)
    assert result.jobs["computingsite"].tolist() == ["CERN"]
    assert result.jobs["creationtime"][0] == pd.Timestamp("2024-01-27 01:51:00", tz="UTC")


def test_the_key_decides_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = []
    for key in ("a", "a", "b"):
        monkeypatch.setenv("REDWOOD_HASH_KEY", key)
        users.append(cleaned(tmp_path, [JOB]).jobs["user"][0])
    assert users[0] == users[1] != users[2]


@pytest.mark.parametrize(
    ("dropped", "options", "message"),
    [
        ("PRODDBLOCK", {}, "'project' is made of PRODDBLOCK or INPUTFILEPROJECT"),
        ("COMPUTINGSITE", {}, "'computingsite' is made of COMPUTINGSITE"),
        ("PRODSOURCELABEL", {}, "analysis_of_daod"),
        ("CPUCONSUMPTIONTIME", {}, "CPUCONSUMPTIONTIME or HS06SEC"),
        ("NOTHING", {"features": ("nfiles", "requestedtime")}, "MAXWALLTIME"),
        (
            "COMPUTINGSITE",
            {"features": ("nfiles", "size")},
            "'computingsite', which every job table needs",
        ),
    ],
)
def test_a_needed_column_that_no_dump_has(
    tmp_path: Path, dropped: str, options: dict, message: str
) -> None:
    row = {name: value for name, value in JOB.items() if name != dropped}
    with pytest.raises(InputError, match=message) as caught:
        cleaned(tmp_path, [row], **options)
    assert not any(name in str(caught.value) for name in NAMES)
    assert not any((tmp_path / "out").iterdir())


def test_no_row_left(tmp_path: Path) -> None:
    rows = [{**JOB, "JOBSTATUS": "running"}, {**JOB, "PANDAID": "2", "CREATIONTIME": "0"}]
    with pytest.raises(InputError, match="none of its 2 rows is left: 1 not_final in JOBSTATUS"):
        cleaned(tmp_path, rows)


def test_a_file_with_a_header_only(tmp_path: Path) -> None:
    (tmp_path / "dump.csv").write_text(",".join(JOB) + "\n")
    with pytest.raises(InputError, match=r"dump\.csv: no rows"):
        clean([tmp_path / "dump.csv"], tmp_path / "out", "test", 1, Cleaning())


def test_dumps_of_different_styles_make_one_table(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [JOB])
    other = {name.lower(): value for name, value in JOB.items()}
    other |= {"pandaid": 2, "creationtime": 1706323860000, "workinggroup": "caf\udce9"}
    (tmp_path / "b.jsonl").write_text(json.dumps(other) + "\n")
    clean([tmp_path], tmp_path / "out", "test", 1, Cleaning())
    result = Result(tmp_path / "out")
    assert result.jobs["creationtime"].diff()[1] == pd.Timedelta(0)
    assert len(set(result.jobs["user"])) == 1
    assert "workinggroup" not in result.description
    assert result.account["blanked_cells"] == {"WORKINGGROUP": 1}


CELLS = st.one_of(
    st.sampled_from(["", "0", "-1", "1e400", "NULL", "finished", "user", DATASET, "2024-01-27"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.dictionaries(st.sampled_from(sorted(JOB)), CELLS), max_size=6))
def test_any_cells_are_kept_or_rejected(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    wild = [{**JOB, "PANDAID": str(i + 2), **row} for i, row in enumerate(rows)]
    result = cleaned(tmp_path, [{**JOB, "MODIFICATIONTIME": "2090-01-01"}, *wild])
    assert result.account["rows"]["input"] == 1 + len(rows)
    assert np.isfinite(result.jobs["workload"]).all()


genuine = pytest.mark.skipif(not SHARED.exists(), reason="needs genuine data, which is not here")


@genuine
def test_a_genuine_grid_trace(tmp_path: Path) -> None:
    features = ("creationtime", "computingsite", "workinggroup", "user", "requestedtime")
    options = Cleaning(analysis_of_daod=False, pseudonymous=True, features=(*features, "workload"))
    dump = SHARED / "lcg2005_first2days" / "panda_like.csv.gz"
    clean([dump], tmp_path, "lcg2005", 1, options)
    jobs = Result(tmp_path).jobs
    assert len(jobs) == 32_133
    assert list(jobs) == [*features, "workload", "cores", "cputime"]
    assert jobs["creationtime"].iloc[0] == pd.Timestamp("2005-11-20 00:00:05", tz="UTC")
    assert jobs["workload"].iloc[0] == 830.0


@genuine
def test_a_genuine_trace_in_standard_workload_format(tmp_path: Path) -> None:
    features = ("creationtime", "computingsite", "jobstatus", "user", "workload")
    options = Cleaning(analysis_of_daod=False, features=features)
    clean([SHARED / "hpc2n_excerpt" / "hpc2n-excerpt.swf"], tmp_path, "hpc2n", 1, options)
    result = Result(tmp_path)
    # 25 jobs have status -1; the log began Sun Jul 28 09:04:05 CEST 2002.
    assert (len(result.jobs), len(result.rejected)) == (3145, 25)
    assert result.jobs["creationtime"].iloc[0] == pd.Timestamp("2002-07-28 07:04:05", tz="UTC")
    assert result.jobs["cputime"].iloc[0] == 30 * 31_405


@genuine
def test_a_dump_without_datasets_is_refused_by_name(tmp_path: Path) -> None:
    dump = SHARED / "mimic" / "mimic_job_pseudonymised.csv"
    with pytest.raises(InputError, match="'project' is made of PRODDBLOCK"):
        clean([dump], tmp_path, "mimic", 1, Cleaning())
    options = Cleaning(analysis_of_daod=False, features=("nfiles", "workload"))
    with pytest.raises(InputError, match="is made of CREATIONTIME; of PanDA"):
        clean([dump], tmp_path, "mimic", 1, options)


def test_every_step_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "records.md").read_text(encoding="utf-8")
    for reason in (*(step.reason for step in STEPS), *LATE_REASONS):
        assert f"| `{reason}` |" in text
