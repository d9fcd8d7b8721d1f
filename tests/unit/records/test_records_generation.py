"""Generated dumps: their shape, their label, and that they come out of cleaning as asked for."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from redwood.configuration import Cleaning, Generate
from redwood.records.cleaning import clean
from redwood.records.generation.catalogue import DATA_TYPES, PROJECTS, STEPS, grid
from redwood.records.generation.dumps import generate
from redwood.records.synthetic import are_synthetic
from redwood.tables import TableDescription, read_table

OPTIONS = Generate(days=60, sites=83, jobs=12_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    generate(OPTIONS, 5, folder / "raw")
    clean([folder / "raw"], folder / "records", "made", 5, Cleaning())
    return folder


@pytest.fixture(scope="module")
def jobs(folder: Path) -> pd.DataFrame:
    description = TableDescription.load(folder / "records" / "table.json")
    return read_table(folder / "records" / "jobs.parquet", description)


@pytest.fixture(scope="module")
def raw(folder: Path) -> pd.DataFrame:
    dumps = [pd.read_csv(path) for path in sorted((folder / "raw").glob("*.csv.gz"))]
    for path in sorted((folder / "raw").glob("*.jsonl.gz")):
        dumps.append(pd.read_json(path, lines=True).rename(columns=str.upper))
    return pd.concat(dumps, ignore_index=True)


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def test_sizes_of_the_catalogue_are_the_papers() -> None:
    assert (len(PROJECTS), len(STEPS), len(DATA_TYPES), len(grid(83))) == (14, 4, 54, 83)
    assert len(set(DATA_TYPES)) == 54
    assert grid(83)["queue"].is_unique
    assert {"CERN", "ANALY_BNL_VP", "AGLT2"} <= set(grid(83)["queue"])


def test_as_many_jobs_as_asked_for(jobs: pd.DataFrame) -> None:
    assert len(jobs) == pytest.approx(OPTIONS.jobs, rel=0.05)


@pytest.mark.parametrize(
    ("state", "low", "high"),
    [
        ("finished", 0.84, 0.90),
        ("closed", 0.04, 0.08),
        ("failed", 0.04, 0.10),
        ("cancelled", 0.01, 0.03),
    ],
)
def test_final_states(jobs: pd.DataFrame, state: str, low: float, high: float) -> None:
    assert low < (jobs["jobstatus"] == state).mean() < high


def test_values_are_in_the_range_of_real_ones(jobs: pd.DataFrame) -> None:
    start = pd.Timestamp(OPTIONS.start, tz="UTC")
    assert jobs["creationtime"].min() >= start
    assert jobs["creationtime"].max() < start + pd.Timedelta(days=OPTIONS.days)
    phys = jobs[jobs["datatype"] == "PHYS"]
    assert 1.86e9 < (phys["size"] / phys["nfiles"]).median() < 3.49e9
    assert jobs["computingsite"].nunique() > 70
    assert jobs["datatype"].nunique() > 25
    default_power = jobs["computingsite"].isin(["CERN", "ANALY_BNL_VP", "AGLT2"])
    assert default_power.mean() > 0.1
    assert (jobs.loc[default_power, "workload"] % 10 == 0).all()
    closed = jobs[jobs["jobstatus"] == "closed"]
    assert (closed["workload"] == 0).all()
    assert closed["walltime"].isna().all()
    assert jobs["walltime"].max() <= 4 * 86_400
    assert (jobs["cputime"] <= jobs["walltime"].fillna(0) * jobs["cores"].fillna(8) + 1).all()


def test_jobs_of_a_task_are_alike(jobs: pd.DataFrame) -> None:
    shared = ["task", "project", "datatype", "user"]
    assert len(jobs[shared].drop_duplicates()) == len(set(jobs["task"]))
    assert jobs.groupby("task")["computingsite"].nunique().max() <= 6
    ran = jobs[jobs["jobstatus"] == "finished"]
    log_work = np.log((ran["cputime"] / ran["nfiles"]).clip(lower=1))
    assert log_work.groupby(ran["task"]).std().median() < 0.5 * log_work.std()


def test_a_retry_is_a_new_job_on_the_same_input(raw: pd.DataFrame) -> None:
    final = raw.drop_duplicates("PANDAID", keep="last").set_index("PANDAID")
    retries = final[final["PARENTID"].notna()]
    parents = final.loc[retries["PARENTID"].astype("int64")]
    assert len(retries) > 200
    assert (retries["ATTEMPTNR"].to_numpy() == parents["ATTEMPTNR"].to_numpy() + 1).all()
    assert (retries["JOBNAME"].to_numpy() == parents["JOBNAME"].to_numpy()).all()
    assert set(parents["JOBSTATUS"]) <= {"failed", "closed"}
    other = (retries["COMPUTINGSITE"].to_numpy() != parents["COMPUTINGSITE"].to_numpy()).mean()
    assert 0.3 < other < 0.6


def test_failed_jobs_are_not_short(jobs: pd.DataFrame) -> None:
    wall = jobs.groupby("jobstatus")["walltime"].mean()
    assert wall["failed"] > 0.4 * wall["finished"]


def test_other_activities_come_on_top(folder: Path) -> None:
    account = json.loads((folder / "records" / "cleaning.json").read_text())
    rejected = {step["reason"]: step["rejected"] for step in account["steps"]}
    assert all(
        rejected[reason] > 0 for reason in ("duplicate", "other_activity", "not_daod", "robot")
    )
    assert 0.25 < account["rows"]["rejected"] / account["rows"]["input"] < 0.45
    assert account["hash_key"] == "seed"


def test_both_styles(folder: Path) -> None:
    dumps = sorted((folder / "raw").glob("*.gz"))
    with gzip.open(dumps[0], "rt") as stream:
        header, rows = stream.readline(), stream.read()
    assert header.startswith("PANDAID,")
    assert "1970-01-01 00:00:00" in rows
    with gzip.open(dumps[-1], "rt") as stream:
        record = json.loads(stream.readline())
    assert record["creationtime"][10] == "T"
    assert set(record) == {name.lower() for name in header.strip().split(",")}


def test_the_label_cannot_be_overlooked(folder: Path, raw: pd.DataFrame) -> None:
    assert "SYNTHETIC" in (folder / "raw" / "README").read_text()
    assert raw["PRODUSERNAME"].str.startswith("synthetic ").all()
    marker = json.loads((folder / "raw" / "_SYNTHETIC.json").read_text())
    assert marker["synthetic"] is True
    assert sum(marker["rows"].values()) == len(raw)


def test_a_changed_or_foreign_file_is_not_taken_for_synthetic(folder: Path, tmp_path: Path) -> None:
    dump, other = sorted((folder / "raw").glob("*.gz"))[:2]
    assert are_synthetic([dump, other])
    (tmp_path / "_SYNTHETIC.json").write_bytes((folder / "raw" / "_SYNTHETIC.json").read_bytes())
    (tmp_path / dump.name).write_bytes(other.read_bytes())
    (tmp_path / "mine.csv.gz").write_bytes(other.read_bytes())
    assert not are_synthetic([tmp_path / dump.name])
    assert not are_synthetic([tmp_path / "mine.csv.gz"])
    assert not are_synthetic([])


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    small = Generate(days=3, sites=4, jobs=300)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(small, seed, tmp_path / name / "raw")
        clean([tmp_path / name / "raw"], tmp_path / name / "out", "small", seed, Cleaning())
    for part in ("raw", "out"):
        first, second, third = (digests(tmp_path / name / part) for name in "abc")
        assert first == second != third


@pytest.mark.parametrize("options", [Generate(days=1, sites=2, jobs=200), Generate(jobs=200)])
def test_the_smallest_dumps(tmp_path: Path, options: Generate) -> None:
    generate(options, 1, tmp_path / "raw")
    clean([tmp_path / "raw"], tmp_path / "out", "small", 1, Cleaning())
    account = json.loads((tmp_path / "out" / "cleaning.json").read_text())
    assert account["rows"]["kept"] == pytest.approx(200, rel=0.1)
