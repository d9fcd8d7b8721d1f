"""A copy of the project in which snakemake can run and files can be edited."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("Snakefile", "workflow", "config", "envs", "profiles", "resources")

# The smallest run that passes through every rule.
MINI = """
dataset: mini
records: {source: {generate: {days: 7, sites: 6, jobs: 600}}}
surrogates: {models: [smote, tvae], options: {tvae: {epochs: 1}}}
evaluation: {measures: [wd, jsd, diff_corr, dcr, diff_mlef, attack_distance], groups: 5}
release: {models: [smote]}
simulation: {policies: [as_recorded, least_loaded+cache], seeds: 1, load_factor: 1}
"""


class Project:
    """A copy of the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run snakemake on the mini configuration; output and errors are one text, in `stdout`."""
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--configfile", "mini.yaml", *arguments],
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def stale_rules(self, *arguments: str) -> set[str]:
        """The rules of which a dry run would run a job."""
        answer = self.snakemake("--dry-run", *arguments)
        assert answer.returncode == 0, answer.stdout
        if "Nothing to be done" in answer.stdout:
            return set()
        table = answer.stdout.split("Job stats:")[1].split("\n\n")[0]
        rows = [line.split() for line in table.splitlines()[3:]]
        return {row[0] for row in rows if len(row) == 2} - {"total", "all"}

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace `old`, which stands there, by `new`."""
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} no longer holds {old!r}"
        file.write_text(text.replace(old, new))


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory) -> Project:
    """A project whose mini configuration has run to its report."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True
            )
        else:
            shutil.copy2(source, folder / name)
    (folder / "mini.yaml").write_text(MINI)
    project = Project(folder)
    answer = project.snakemake(
        "--cores", "2", "--report", "results/report.html", "--report-after-run"
    )
    assert answer.returncode == 0, answer.stdout[-5000:]
    return project


@pytest.fixture
def project(finished_project):
    """The finished project; every file that a test edits is put back."""
    kept = {
        path: (path.read_bytes(), path.stat())
        for name in ("workflow", "config", "envs", "resources", "mini.yaml")
        for path in [finished_project.folder / name, *(finished_project.folder / name).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
    yield finished_project
    for path, (content, status) in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
