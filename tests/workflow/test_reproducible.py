"""Same commit, configuration and seed: the same bytes, wherever and however a run goes."""

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from base64 import b64decode
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.project import Project, planned_jobs
from tests.unit.runs.made_up_run import git

from redwood.inputs import files_of
from redwood.runs.bundling import bundle
from redwood.runs.checking import check, read_manifest
from redwood.runs.comparing import compare

pytestmark = pytest.mark.workflow

# Unlike the first run's: order of sets, time zone, language, cores.
OTHERWISE = {"PYTHONHASHSEED": "77", "TZ": "Pacific/Auckland", "LANG": "C", "LC_ALL": "C"}


@pytest.fixture(scope="module")
def checkout(finished_project, tmp_path_factory) -> Project:
    """The finished project, copied into a git checkout; its manifest is older than the commit."""
    folder = tmp_path_factory.mktemp("git") / "checkout"
    shutil.copytree(finished_project.folder, folder, symlinks=True)
    (folder / ".gitignore").write_text("/results/\n/.snakemake/\n__pycache__/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it ran")
    return Project(folder)


@pytest.fixture(scope="module")
def archive(checkout, tmp_path_factory) -> Path:
    """The bundle of the finished run, at its commit."""
    answer = checkout.snakemake("--cores", "1", "--forcerun", "manifest")
    assert answer.returncode == 0, answer.stdout[-5000:]
    path = tmp_path_factory.mktemp("archive") / "bundle.zip"
    made = bundle(checkout.folder / "results/mini", path)
    assert "report.html" in made.files
    return path


def test_the_manifest_tells_of_every_job_and_of_every_file_that_a_rule_declares(finished_project):
    results = finished_project.folder / "results/mini"
    graph = json.loads((results / "ro-crate-metadata.json").read_text())["@graph"]
    actions = [entity for entity in graph if entity["@id"].startswith("#jobs/")]
    jobs = [one for one in actions if one["@type"] == "CreateAction"]
    planned = planned_jobs(finished_project.dry_run("--forceall")[1])
    del planned["all"], planned["manifest"], planned["paper"], planned["report_page"]
    assert Counter(job["name"] for job in jobs) == planned
    assert all("resourceUsage" in job for job in jobs)
    written = {
        file.relative_to(results).as_posix()
        for folder in results.iterdir()
        if folder.name not in ("logs", "benchmarks", "ro-crate-metadata.json", ".digests", "paper")
        for file in files_of(folder)
    }
    # Beside results, and read by no rule.
    beside = {
        *("records/raw/generated/README", "records/raw/generated/_contents.sha256"),
        *("release/planted/_contents.sha256", "release/decisions/smote/_contents.sha256"),
        "release/decisions/smote.tries.json",
    }
    assert written - set(read_manifest(results).results) == beside
    assert check(results).findings == []


def test_a_bundle_checks_itself_and_its_rerun_elsewhere_gives_the_same_bytes(
    archive, finished_project, tmp_path
):
    shutil.unpack_archive(archive, tmp_path)
    again = tmp_path / "a/much/deeper folder/again"
    command = [
        *(sys.executable, str(tmp_path / "redwood-mini/check.py"), "--rerun"),
        *("--folder", str(again), "--cores", "1"),
        *("--command", f"{sys.executable} -m snakemake"),
    ]
    answer = subprocess.run(
        command, env=os.environ | OTHERWISE, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    assert "all tables are the same, byte for byte" in answer.stdout
    found = compare(finished_project.folder / "results/mini", again / "results/mini")
    assert (found.only, found.differing) == ([], [])
    assert found.identical > 150


def test_no_name_and_no_row_of_the_records_is_in_a_bundle(archive, checkout):
    records = checkout.folder / "results/mini/records"
    dump = pq.read_table(records / "raw/generated/jobs_05.parquet").to_pydict()
    rows = pq.read_table(records / "train.parquet").to_pydict()
    private = {
        *(name for column in ("produsername", "produserid", "jobname") for name in dump[column]),
        *(str(number) for column in ("pandaid", "jeditaskid") for number in dump[column]),
        *(value for column in ("user", "task") for value in rows[column]),
        *(str(size) for size in rows["size"] if size is not None and size > 10**8),
    } - {None, "synthetic robot", "synthetic production"}  # the generator's own, in its source
    assert len(private) > 400
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            # Six rows that the paper shows, as these records were generated and are nobody's.
            if "/paper/sample." in name:
                continue
            text = _text(name, opened.read(name))
            assert not [value for value in private if value in text], name


def _text(name: str, content: bytes) -> str:
    """All that can be read in a file, values of tables and what an archive holds included."""
    if name.endswith(".parquet"):
        return str(pq.read_table(io.BytesIO(content)).to_pydict())
    if name.endswith(".tar.gz"):
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as tar:
            files = [tar.extractfile(member).read() for member in tar if member.isfile()]
        content = b"\n".join(files)
    text = content.decode(errors="replace")
    pages = [b64decode(page) for page in re.findall("base64,([A-Za-z0-9+/=]+)", text)]
    return text + b"\n".join(pages).decode(errors="replace")
