"""Dumps are cleaned one by one: a further one alone, unless the key of the hashes is a new one."""

import csv
import json
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


@pytest.mark.parametrize("key", ["secret", None])
def test_a_further_dump_and_another_key(
    tmp_path: Path, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDWOOD_HASH_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("REDWOOD_HASH_KEY", key)
    project = Project.copied(tmp_path, "mine.yaml")
    (tmp_path / "mine.yaml").write_text(CONFIGURATION)
    until = ("--until", "records_gather")

    def gathered() -> dict[str, int]:
        answer = project.snakemake("--cores", "2", *until)
        assert answer.returncode == 0, answer.stdout
        return json.loads((records / "cleaning.json").read_text())["rows"]

    def plan(**environment: str) -> dict[str, int]:
        return planned_jobs(project.dry_run(*until, environment=environment or None)[1])

    for number in range(2):
        write_dump(tmp_path / "raw" / f"jobs_{number}.csv", 10 * number)
    records = tmp_path / "results/scattered/records"
    assert gathered() == {"input": 40, "kept": 30, "rejected": 10}
    assert not (records / ".hash_key").exists(), "the key of the hashes outlives its run"
    assert plan() == {}

    write_dump(tmp_path / "raw" / "jobs_2.csv", 100)
    if key is None:
        # With a random key the old hashes cannot be made again: all dumps get a new one.
        assert plan() == {"records_hash_key": 1, "records_clean_file": 3, "records_gather": 1}
    else:
        assert plan() == {"records_clean_file": 1, "records_gather": 1}
        other = plan(REDWOOD_HASH_KEY="another")
        assert other == {"records_clean_file": 3, "records_gather": 1}
    assert gathered()["kept"] == 50
