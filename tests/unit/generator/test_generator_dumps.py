"""Generated dumps: their shape, their label, and that they come out of cleaning as asked for."""

import gzip
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from redwood.configuration import Cleaning, Generate
from redwood.generator.dumps import dump_shares, generate
from redwood.generator.grid import make_grid
from redwood.records.cleaning import clean
from redwood.seeds import generator
from redwood.sites import load_sites
from redwood.synthetic import FORMATS, dump_names, file_digest, format_of, is_synthetic
from redwood.tables import TableDescription, read_table

WORKFLOW = Path(__file__).resolve().parents[3] / "workflow"
OPTIONS = Generate(days=60, sites=83, jobs=12_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    generate(OPTIONS, 5, folder / "raw")
    clean([folder / "raw"], folder / "records", "made", 5, Cleaning(), workers=1)
    return folder


@pytest.fixture(scope="module")
def jobs(folder: Path) -> pd.DataFrame:
    description = TableDescription.load(folder / "records" / "table.json")
    return read_table(folder / "records" / "jobs", description)


@pytest.fixture(scope="module")
def parquet(folder: Path) -> pd.DataFrame:
    return pq.read_table(folder / "raw" / "jobs_05.parquet").to_pandas()


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def text_of(path: Path) -> str:
    with pa.input_stream(str(path)) as stream:
        return stream.read().decode()


def test_the_grid_has_as_many_sites_as_asked_for_and_their_queues_fold_into_them() -> None:
    grid = make_grid(83, generator(1))
    table = load_sites()
    folded = [table.find(queue).queue for queue in grid.queues]
    assert len(set(folded)) == len(grid) == 83
    for site, (first, number) in enumerate(zip(grid.first, grid.number, strict=True)):
        assert set(folded[first : first + number]) == {grid.queues[first]}, site
    assert {"CERN", "ANALY_BNL_VP", "AGLT2"} <= set(folded)
    assert grid.share.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "number"),
    [
        (Generate(jobs=200, days=1, sites=2), 5),
        (Generate(), 5),
        (Generate(days=365), 13),
        (Generate(jobs=2_239_654), 9),
        (Generate(jobs=100_000_000), 400),
    ],
)
def test_names_follow_from_the_options_and_every_format_is_among_them(
    options: Generate, number: int
) -> None:
    names = dump_names(options)
    assert len(set(names)) == len(names) == number
    assert list(names) == sorted(names)
    assert {format_of(name) for name in names} == set(FORMATS)
    assert sum(dump_shares(names)) == pytest.approx(1)
    assert max(dump_shares(names)) * options.jobs * 1.6 < 500_000


def test_names_need_no_heavy_library() -> None:
    program = (
        "import sys; from redwood.synthetic import dump_names; "
        "sys.exit(bool({'numpy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=WORKFLOW).returncode == 0


def test_the_files_are_those_announced(folder: Path) -> None:
    marker = json.loads((folder / "raw" / "_SYNTHETIC.json").read_text())
    assert tuple(marker["rows"]) == dump_names(OPTIONS)
    assert set(marker["sha256"]) == {*dump_names(OPTIONS), "README"}
    assert sum(marker["rows"].values()) == pytest.approx(1.012 * marker["distinct_jobs"], rel=0.005)


def test_as_many_jobs_as_asked_for(jobs: pd.DataFrame) -> None:
    assert len(jobs) == pytest.approx(OPTIONS.jobs, rel=0.03)


def test_values_are_in_the_range_of_real_ones(jobs: pd.DataFrame) -> None:
    start = pd.Timestamp(OPTIONS.start, tz="UTC")
    assert jobs["creationtime"].min() >= start
    assert jobs["creationtime"].max() < start + pd.Timedelta(days=OPTIONS.days)
    assert jobs["computingsite"].nunique() > 70
    assert jobs["datatype"].nunique() > 40
    default_power = jobs["computingsite"].isin(["CERN", "ANALY_BNL_VP", "AGLT2"])
    assert default_power.mean() > 0.1
    assert (jobs.loc[default_power, "workload"] % 10 == 0).all()
    closed = jobs[jobs["jobstatus"] == "closed"]
    assert (closed["workload"] == 0).all()
    assert closed["walltime"].isna().all()
    # Where times are given to the minute only, a wall time is off by less than one.
    assert jobs["walltime"].max() < 4 * 86_400 + 60
    cores = jobs["cores"].fillna(16)
    assert (jobs["cputime"] <= (jobs["walltime"].fillna(0) + 60) * cores).all()


def test_jobs_of_a_task_are_alike(jobs: pd.DataFrame) -> None:
    shared = ["task", "project", "datatype", "user"]
    assert len(jobs[shared].drop_duplicates()) == len(set(jobs["task"]))
    assert jobs.groupby("task")["computingsite"].nunique().max() <= 6
    ran = jobs[jobs["jobstatus"] == "finished"]
    log_work = np.log((ran["cputime"] / ran["nfiles"]).clip(lower=1))
    assert log_work.groupby(ran["task"]).std().median() < 0.4 * log_work.std()


def test_scouts_come_before_the_bulk(jobs: pd.DataFrame) -> None:
    first = jobs[jobs["attempt"] == 0].sort_values("creationtime")
    seconds = first["creationtime"].astype("int64") / 1e6
    large = first.groupby("task").filter(lambda task: len(task) >= 100)
    gaps = [
        (times.iloc[12] - times.iloc[0], times.iloc[8] - times.iloc[0])
        for _, times in seconds[large.index].groupby(large["task"])
    ]
    assert len(gaps) > 10
    waits, among_scouts = np.median(gaps, axis=0)
    assert among_scouts < 600 < 3600 < waits < 86_400


def test_a_retry_is_a_new_job_on_the_same_input(folder: Path, parquet: pd.DataFrame) -> None:
    final = parquet.set_index("pandaid")
    retries = final[final["parentid"].isin(final.index)]
    parents = final.loc[retries["parentid"].astype("int64")]
    assert len(retries) > 150
    for column in ("jobname", "proddblock", "jeditaskid"):
        assert (retries[column].fillna("").to_numpy() == parents[column].fillna("")).all()
    assert (retries["attemptnr"].to_numpy() == parents["attemptnr"].to_numpy() + 1).all()
    assert set(parents["jobstatus"]) == {"failed"}
    assert (retries["creationtime"].to_numpy() >= parents["endtime"].to_numpy()).all()


def test_what_never_ran_has_no_start_batch_memory_or_unit(parquet: pd.DataFrame) -> None:
    never = parquet["starttime"].isna()
    assert 0.02 < never.mean() < 0.2
    for column in ("endtime", "batchid", "maxpss", "cpuconsumptionunit", "actualcorecount"):
        assert parquet.loc[never, column].isna().all(), column
    assert set(parquet.loc[never, "jobstatus"]) <= {"closed", "cancelled"}
    assert (parquet.loc[never, "cpuconsumptiontime"] == 0).all()
    assert parquet.loc[~never, "batchid"].notna().all()


def test_other_activities_come_on_top(folder: Path) -> None:
    account = json.loads((folder / "records" / "cleaning.json").read_text())
    rejected = {step["reason"]: step["rejected"] for step in account["steps"]}
    for reason in ("duplicate", "not_final", "other_activity", "not_daod", "robot"):
        assert rejected[reason] > 0, reason
    assert 0.3 < account["rows"]["rejected"] / account["rows"]["input"] < 0.45
    assert account["hash_key"] == "seed"
    assert account["sites"]["folded"] > 0
    assert account["sites"]["unknown"] == 0


def test_dirt_is_small_and_of_all_kinds(folder: Path) -> None:
    account = json.loads((folder / "records" / "cleaning.json").read_text())
    assert set(account["unreadable"]) >= {"repeated_header", "wrong_number_of_fields"}
    assert sum(account["unreadable"].values()) < 20
    oracle = text_of(folder / "raw" / "jobs_01.csv.gz")
    assert "1970-01-01 00:00:00" in oracle
    assert oracle.count("PANDAID,") == 2
    assert re.search(r",\d\d?/\d\d?/2024 \d\d?:\d\d,", oracle)
    assert re.search(r",2024-\d\d-\d\dT\d\d:\d\d:\d\d,", oracle)
    assert re.search(r",17\d{8},", oracle)
    assert re.search(r",17\d{11},", oracle)
    quoted = text_of(folder / "raw" / "jobs_02.csv.zst")
    assert quoted.startswith('\ufeff"pandaid",')
    lines = text_of(folder / "raw" / "jobs_03.jsonl.gz").splitlines()
    assert json.loads(lines[0])["creationtime"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[-1])
    answer = json.loads((folder / "raw" / "jobs_04.json").read_text())
    assert set(answer) == {"selectionsummary", "jobs", "errsByCount"}
    all_text = oracle + quoted + "\n".join(lines)
    assert "unknown" in all_text


def test_all_formats_hold_the_same_columns(folder: Path, parquet: pd.DataFrame) -> None:
    with gzip.open(folder / "raw" / "jobs_01.csv.gz", "rt") as stream:
        header = stream.readline().strip()
    assert header.isupper()
    names = header.lower().split(",")
    assert list(parquet.columns) == names
    quoted = text_of(folder / "raw" / "jobs_02.csv.zst").split("\n", 1)[0]
    assert quoted.removeprefix("\ufeff").replace('"', "").split(",") == names
    first = text_of(folder / "raw" / "jobs_03.jsonl.gz").split("\n", 1)[0]
    answer = json.loads((folder / "raw" / "jobs_04.json").read_text())
    assert list(json.loads(first)) == names == list(answer["jobs"][0])


def test_a_job_seen_twice_is_the_same_but_may_not_be_final_at_first(folder: Path) -> None:
    early = {
        job["pandaid"]: job
        for job in json.loads((folder / "raw" / "jobs_04.json").read_text())["jobs"]
    }
    later = pq.read_table(folder / "raw" / "jobs_05.parquet").to_pylist()
    pairs = [(early[job["pandaid"]], job) for job in later if job["pandaid"] in early]
    assert len(pairs) > 5
    same = ("jobname", "cpuconsumptiontime", "maxpss", "batchid", "ninputdatafiles", "proddblock")
    for first, last in pairs:
        assert [first[name] for name in same] == [last[name] for name in same]
        assert last["jobstatus"] in ("finished", "failed", "closed", "cancelled")
    assert {first["jobstatus"] for first, _ in pairs} >= {"finished", "transferring"}


def test_the_label_cannot_be_overlooked(folder: Path, parquet: pd.DataFrame) -> None:
    assert "SYNTHETIC" in (folder / "raw" / "README").read_text()
    assert parquet["produsername"].str.startswith("synthetic ").all()
    assert parquet["produserid"].str.startswith("/O=REDWOOD synthetic data/").all()
    marker = json.loads((folder / "raw" / "_SYNTHETIC.json").read_text())
    assert marker["synthetic"] is True
    for name in dump_names(OPTIONS):
        path = folder / "raw" / name
        assert is_synthetic(path, file_digest(path))


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    options = Generate(days=3, sites=4, jobs=300)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(options, seed, tmp_path / name)
    first, second, third = (digests(tmp_path / name) for name in "abc")
    assert first == second
    assert all(first[name] != third[name] for name in dump_names(options))


@pytest.mark.parametrize(("days", "sites", "jobs"), [(1, 2, 200), (150, 83, 200), (400, 5, 700)])
def test_the_smallest_dumps(tmp_path: Path, days: int, sites: int, jobs: int) -> None:
    options = Generate(days=days, sites=sites, jobs=jobs)
    generate(options, 1, tmp_path / "raw")
    clean([tmp_path / "raw"], tmp_path / "out", "small", 1, Cleaning(), workers=1)
    account = json.loads((tmp_path / "out" / "cleaning.json").read_text())
    assert account["rows"]["kept"] == pytest.approx(options.jobs, rel=0.15)
