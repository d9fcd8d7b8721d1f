"""The commit of the source, and what is not committed."""

import pytest
from tests.unit.runs.made_up_run import git

from redwood.errors import InputError
from redwood.runs.source_code import archive, source_state


@pytest.fixture
def checkout(tmp_path):
    """A git checkout with one commit."""
    folder = tmp_path / "project"
    (folder / "workflow").mkdir(parents=True)
    (folder / "workflow/rules.py").write_text("RULES = 1\n")
    (folder / ".gitignore").write_text("/results/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


def test_a_clean_checkout_is_its_commit(checkout):
    state = source_state(checkout)
    assert state.commit == git(checkout, "rev-parse", "HEAD")
    assert state.changes is None


def test_each_change_has_a_digest_of_its_own(checkout):
    (checkout / "workflow/rules.py").write_text("RULES = 2\n")
    edited = source_state(checkout).changes
    (checkout / "workflow/new.py").write_text("NEW = 1\n")
    added = source_state(checkout).changes
    (checkout / "workflow/new.py").write_text("NEW = 2\n")
    assert len({None, edited, added, source_state(checkout).changes}) == 4
    git(checkout, "add", "--all")
    assert source_state(checkout).changes is not None


def test_ignored_files_and_new_ones_outside_the_code_are_no_change(checkout):
    (checkout / "results").mkdir()
    (checkout / "results/table.csv").write_text("1\n")
    (checkout / "mine.yaml").write_text("dataset: mine\n")
    assert source_state(checkout).changes is None


def test_outside_of_a_checkout_and_without_git_there_is_no_commit(checkout, tmp_path, monkeypatch):
    # A folder of another checkout is none of this project.
    for folder in (checkout / "workflow", tmp_path):
        state = source_state(folder)
        assert (state.commit, state.unknown_because) == (None, "the project is not a git checkout")
    monkeypatch.setenv("PATH", str(checkout))
    state = source_state(checkout)
    assert (state.commit, state.unknown_because) == (None, "git is not installed")


def test_an_unknown_commit_has_no_source(checkout):
    with pytest.raises(InputError, match=r"the source of commit 0{40} cannot be had"):
        archive(checkout, "0" * 40)
