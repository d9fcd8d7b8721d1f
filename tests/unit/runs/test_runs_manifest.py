"""The manifest: an RO-Crate of all that was made, by Snakemake's records."""

import json
import platform
import socket
import warnings
from hashlib import sha256
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate
from tests.unit.runs.made_up_run import CONFIGURATION, RESULTS, entities, write

from redwood.errors import InputError
from redwood.runs import manifest
from redwood.runs.manifest import write_manifest


def text() -> str:
    return (RESULTS / "ro-crate-metadata.json").read_text()


def test_the_manifest_is_a_crate_that_others_can_read(run):
    run.manifest()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crate = ROCrate(RESULTS)
    assert crate.version == "1.1"
    assert "ComputationalWorkflow" in crate.mainEntity.type
    profiles = {entity.id for entity in crate.root_dataset["conformsTo"]}
    assert "https://w3id.org/ro/wfrun/provenance/0.5" in profiles
    # No reference leads nowhere, but the one to the specification.
    known = {entity.id for entity in crate.get_entities()}
    for entity in crate.get_entities():
        for value in entity.properties().values():
            for reference in value if isinstance(value, list) else [value]:
                if isinstance(reference, dict) and not reference["@id"].startswith("https://w3id"):
                    assert reference["@id"] in known, entity.id


def test_every_file_has_its_digest_and_size(run):
    run.manifest()
    found = entities()
    for name in (
        *("tables/table1.csv", "tables/table1.html", "tables/table1.md"),
        "simulation/runs/recorded/mine/seed-1/jobs.parquet",
    ):
        content = (RESULTS / name).read_bytes()
        assert found[name]["sha256"] == sha256(content).hexdigest()
        assert found[name]["contentSize"] == str(len(content))
    for name in ("resources/sites.csv", "data/dump.csv", "mine.py"):
        digest = sha256(Path(name).read_bytes()).hexdigest()
        assert found[f"#project/{name}"]["sha256"] == digest


def test_a_job_tells_what_it_read_wrote_ran_and_took(run):
    run.manifest()
    found = entities()
    job = found["#jobs/records/cleaned/dump/"]
    assert job["name"] == "records_clean_file"
    assert job["description"] == (
        "python -m redwood records clean-file 'data/dump.csv' --sites resources/sites.csv"
    )
    assert {"@id": "#project/data/dump.csv"} in job["object"]
    assert job["result"] == [{"@id": "records/cleaned/dump/"}]
    assert job["startTime"] == "2023-11-14T22:13:30+00:00"
    assert job["endTime"] == "2023-11-14T22:13:35+00:00"
    tool = found[job["instrument"]["@id"]]
    assert "0123456789abcdef" in tool["softwareVersion"]
    environment = found[tool["softwareRequirements"]["@id"]]
    assert environment["name"] == "pinned versions, installed by lock file"
    assert environment["text"] == "dependencies: [numpy=2.4.6]"
    usage = [found[reference["@id"]] for reference in job["resourceUsage"]]
    assert [(one["name"], one["value"]) for one in usage] == [
        ("wall time", "1.5"),
        ("peak resident memory", "200.25"),
    ]


def test_files_that_a_download_has_not_declared_are_there(run):
    write(f"{RESULTS}/records/raw/bigpanda/answer.json.gz", "answer")
    run.job("records_download", [], {f"{RESULTS}/records/raw/bigpanda/_download.json": "{}"})
    last = f"{RESULTS}/tables/table1.csv"
    run.job("table1", [f"{RESULTS}/records/raw/bigpanda/_download.json"], {last: "a\n1\n"})
    downloads = RESULTS / "records/raw/bigpanda"
    write_manifest(RESULTS, [last], json.dumps(CONFIGURATION), downloads)
    assert "sha256" in entities()["records/raw/bigpanda/answer.json.gz"]


def test_the_same_run_gives_the_same_bytes(run):
    run.manifest()
    first = text()
    run.manifest()
    assert text() == first


def test_the_configuration_names_the_dumps_that_were_read(run):
    run.manifest()
    used = json.loads((RESULTS / "configuration.json").read_text())
    assert used["records"]["source"]["files"] == ["data/dump.csv"]
    assert {"@id": "configuration.json"} in entities()["#run"]["object"]


def test_no_manifest_tells_who_ran_it_or_where(run, tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "worker-17.example.org")
    monkeypatch.setattr(socket, "gethostname", lambda: "worker-17.example.org")
    monkeypatch.setenv("USER", "alopez")
    monkeypatch.setenv("LOGNAME", "alopez")
    outside = tmp_path / "home of ana.lopez" / "grid dumps" / "panda 2024.csv"
    policy = outside.with_name("mine own.py")
    write(outside, "user,row\nana.lopez,4711\n")
    write(policy, "def choose(job, grid): ...\n")
    run.all_jobs(str(outside), str(policy))
    run.manifest(CONFIGURATION | {"simulation": {"policies": [{"brokerage": f"{policy}:choose"}]}})
    for name in ("ro-crate-metadata.json", "configuration.json"):
        told = (RESULTS / name).read_text()
        for private in ("ana.lopez", "grid dumps", str(tmp_path), "worker-17", "alopez"):
            assert private not in told, name
        assert "panda 2024.csv" in told
    assert "mine own.py:choose" in (RESULTS / "configuration.json").read_text()
    assert entities()["#elsewhere/panda%202024.csv"]["sha256"]


def test_dumps_of_one_name_are_told_apart(run, tmp_path):
    for folder in ("one", "two"):
        write(tmp_path / folder / "dump.csv", folder)
        dump = str(tmp_path / folder / "dump.csv")
        run.job(f"records_clean_file_{folder}", [dump], {f"{RESULTS}/{folder}": ""})
    inputs = [f"{RESULTS}/one", f"{RESULTS}/two"]
    run.job("table1", inputs, {f"{RESULTS}/tables/table1.csv": ""})
    run.manifest()
    assert {"#elsewhere/dump.csv", "#elsewhere/2-dump.csv"} <= set(entities())


def test_the_key_of_hashes_is_told_of_without_its_digest(run):
    write(f"{RESULTS}/records/.hash_key", "secret")
    run.job("records_hash_key", [], {f"{RESULTS}/records/.hash_key": "secret"})
    run.manifest()
    key = entities()["#records/.hash_key"]
    assert "sha256" not in key
    assert sha256(b"secret").hexdigest() not in text()


def test_a_result_without_a_record_is_told_as_such(run):
    run.job("table1", [f"{RESULTS}/lost.csv"], {f"{RESULTS}/tables/table1.csv": ""})
    write(f"{RESULTS}/lost.csv", "a\n")
    assert run.manifest() == [f"{RESULTS}/lost.csv"]
    assert entities()["lost.csv"]["description"] == ("Snakemake has no record of how it was made.")


def test_what_a_network_file_system_leaves_among_the_records_does_not_count(run):
    run.manifest()
    before = text()
    write(".snakemake/metadata/.nfs0000000123", "{}")
    run.manifest()
    assert text() == before


def test_a_job_that_was_not_measured_has_no_memory(run):
    run.job("table1", [], {f"{RESULTS}/tables/table1.csv": ""}, measured=("0.1", "NA"))
    run.manifest()
    (used,) = entities()["#jobs/tables/table1.csv"]["resourceUsage"]
    assert entities()[used["@id"]]["name"] == "wall time"


def test_records_in_another_format_are_refused(run):
    run.job("table1", [], {f"{RESULTS}/tables/table1.csv": ""}, format_version=7)
    with pytest.raises(InputError, match=r"record of results/mini/tables/table1\.csv has format 7"):
        run.manifest()


def test_no_records_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(f"{RESULTS}/tables/table1.csv", "")
    with pytest.raises(InputError, match=r"\.snakemake/metadata: no such folder"):
        write_manifest(RESULTS, [f"{RESULTS}/tables/table1.csv"], json.dumps(CONFIGURATION))


@pytest.mark.parametrize("last", ["results/mini/none.csv", "results/other/table1.csv"])
def test_a_last_result_that_is_not_there_is_refused(run, last):
    with pytest.raises(InputError, match=f"{last}: no such file"):
        write_manifest(RESULTS, [last], json.dumps(CONFIGURATION))


def test_licence_and_authors_are_those_of_the_citation(run):
    run.manifest()
    found = entities()
    (workflow,) = (one for one in found.values() if "ComputationalWorkflow" in one["@type"])
    assert workflow["license"] == {"@id": "https://spdx.org/licenses/Apache-2.0"}
    authors = [found[reference["@id"]] for reference in workflow["creator"]]
    assert [(author["name"], author["@type"]) for author in authors] == [
        ("The developers", "Organization"),
        ("David Park", "Person"),
    ]


def test_no_configuration_and_a_citation_that_lacks_a_key_are_refused(run):
    with pytest.raises(InputError, match="--configuration: not a configuration"):
        write_manifest(RESULTS, [], "{}")
    write(manifest.PROJECT / "CITATION.cff", "title: x\n")
    with pytest.raises(InputError, match=r"CITATION\.cff: not a citation .*'version'"):
        run.manifest()
