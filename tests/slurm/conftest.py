"""One Slurm for all tests of this folder, and projects whose records are split already."""

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.project import Project
from tests.slurm.one_node import OneNodeSlurm, missing
from tests.slurm.slurm_project import SlurmProject


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = missing()
    for item in items:
        if "/tests/slurm/" in item.path.as_posix():
            item.add_marker(pytest.mark.slurm)
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def scratch() -> None:
    """None of the tests' own: the node does not see it."""


@pytest.fixture(scope="session")
def shared_files() -> Iterator[Path]:
    """A folder that the node sees too; it does not share `/tmp`."""
    folder = Path(tempfile.mkdtemp(prefix="redwood-slurm-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def slurm(shared_files: Path) -> Iterator[OneNodeSlurm]:
    # Ended jobs stay to be looked at.
    node = OneNodeSlurm(shared_files / "node", min_job_age=3600)
    node.start()
    yield node
    node.stop()


@pytest.fixture(scope="session")
def split_project(tmp_path_factory) -> Project:
    """A project whose records have been generated and split, without Slurm."""
    project = Project.copied(tmp_path_factory.mktemp("split"))
    answer = project.snakemake("--cores", "2", "--until", "records_split")
    assert answer.returncode == 0, answer.stdout[-3000:]
    return project


_numbers = count()


@pytest.fixture
def project(slurm: OneNodeSlurm, split_project: Project, shared_files: Path) -> SlurmProject:
    """A copy of the split project, to be gone on with through Slurm."""
    return SlurmProject(split_project, shared_files / f"project{next(_numbers)}", slurm)
