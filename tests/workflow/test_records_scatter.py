"""Dumps are cleaned one by one: a further one alone, unless the key of the hashes is a new one."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.project import Project, planned_jobs

pytestmark = pytest.mark.workflow

CONFIGURATION = """
dataset: scattered
records:
  source: {generate: null, files: [raw]}
  cleaning: {analysis_of_daod: false, features: [creationtime, computingsite, workload]}
surrogates: {models: [smote]}
"""
COLUMNS = ("PANDAID", "CREATIONTIME", "COMPUTINGSITE", "CPUCONSUMPTIONTIME", "PRODUSERNAME")


def write_dump(path: Path, first: int) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for number in range(first, first + 20):
            writer.writerow((number, f"2024-01-0{1 + number % 9} 00:00:00", "CERN", 60, "someone"))


def snakemake(folder: Path, *arguments: str, key: str | None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "REDWOOD_HASH_KEY"}
    if key is not None:
        environment["REDWOOD_HASH_KEY"] = key
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--configfile", "mine.yaml", "--cores", "2"),
            *("--until", "records_gather", *arguments),
        ],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
    return answer.stdout


@pytest.mark.parametrize("key", ["secret", None])
def test_a_further_dump_and_another_key(tmp_path: Path, key: str | None) -> None:
    Project.copied(tmp_path)
    (tmp_path / "mine.yaml").write_text(CONFIGURATION)
    for number in range(2):
        write_dump(tmp_path / "raw" / f"jobs_{number}.csv", 10 * number)
    snakemake(tmp_path, key=key)
    records = tmp_path / "results/scattered/records"
    account = json.loads((records / "cleaning.json").read_text())
    assert account["rows"] == {"input": 40, "kept": 30, "rejected": 10}
    assert not (records / ".hash_key").exists(), "the key of the hashes outlives its run"
    assert planned_jobs(snakemake(tmp_path, "--dry-run", key=key)) == {}

    write_dump(tmp_path / "raw" / "jobs_2.csv", 100)
    plan = planned_jobs(snakemake(tmp_path, "--dry-run", key=key))
    if key is None:
        # With a random key the old hashes cannot be made again: all dumps get a new one.
        assert plan == {"records_hash_key": 1, "records_clean_file": 3, "records_gather": 1}
    else:
        assert plan == {"records_clean_file": 1, "records_gather": 1}
        other = planned_jobs(snakemake(tmp_path, "--dry-run", key="another"))
        assert other == {"records_clean_file": 3, "records_gather": 1}
    snakemake(tmp_path, key=key)
    assert json.loads((records / "cleaning.json").read_text())["rows"]["kept"] == 50
