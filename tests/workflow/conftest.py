"""The mini configuration, run to its report once."""

import os
import shutil
from collections.abc import Callable

import pytest
from tests.project import Project


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory) -> Project:
    """A project whose mini configuration has run to its report."""
    project = Project.copied(tmp_path_factory.mktemp("project"))
    answer = project.snakemake(
        "--cores", "2", "--report", "results/workflow.html", "--report-after-run"
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


@pytest.fixture(scope="session")
def spare_projects(finished_project, tmp_path_factory) -> Callable[[], Project]:
    """Makes copies of the finished project for tests to ruin."""

    def copy() -> Project:
        folder = tmp_path_factory.mktemp("spare") / "project"
        shutil.copytree(finished_project.folder, folder, symlinks=True)
        return Project(folder)

    return copy
