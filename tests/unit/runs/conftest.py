"""A made-up run in a folder of its own."""

import pytest
from tests.unit.runs.made_up_run import MadeUpRun, write

from redwood.runs import manifest


@pytest.fixture
def run(tmp_path, monkeypatch) -> MadeUpRun:
    """A run whose jobs are recorded, of a dump in the project; the manifest is not written."""
    project = tmp_path / "home of ana.lopez" / "project"
    project.mkdir(parents=True)
    monkeypatch.chdir(project)
    monkeypatch.setattr(manifest, "PROJECT", project)
    write("data/dump.csv", "user,row\nana.lopez,4711\n")
    write("mine.py", "def choose(job, grid): ...\n")
    made = MadeUpRun()
    made.all_jobs()
    return made
