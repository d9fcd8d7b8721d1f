"""The rule of the site: made if it is asked for, and no part of a run."""

import shutil

import pytest
from tests.project import ROOT, Project

from redwood.documentation import sources

pytestmark = pytest.mark.workflow


def test_the_site_is_made_if_it_is_asked_for_and_is_no_part_of_a_run(tmp_path):
    project = Project.copied(tmp_path / "here")
    shutil.copytree(ROOT / "docs", project.folder / "docs")
    shutil.copy(ROOT / "CONTRIBUTING.md", project.folder)
    assert project.stale_jobs("documentation") == {"documentation": {""}}
    assert "documentation" not in project.stale_rules()


def test_a_docstring_counts_for_the_site_as_code_does(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_LIBRARY", tmp_path)
    module = tmp_path / "room" / "module.py"
    module.parent.mkdir()
    module.write_text('"""Said."""\n')
    before = sources.text_digest()
    assert sources.text_digest() == before
    module.write_text('"""Said anew."""\n')
    assert sources.text_digest() != before
