"""Which files are dumps, and what reports call them."""

import os
from pathlib import Path

import pytest

from redwood.errors import InputError
from redwood.readers.reading import find_files, format_of, short_names


def test_files_folders_and_globs(tmp_path: Path) -> None:
    names = ("b.csv", "deep/a.jsonl", "c.parquet", "d.SWF.GZ", "e.json.zst")
    for name in (*names, "_about.json", ".hidden.csv", "notes.txt"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    found = find_files([tmp_path / "in"])
    assert sorted(str(path.relative_to(tmp_path / "in")) for path in found) == sorted(names)
    assert [path.name for path in find_files([tmp_path / "in" / "*.csv"])] == ["b.csv"]
    assert len(find_files([tmp_path / "in", tmp_path / "in" / "b.csv"])) == 5
    assert [format_of(path) for path in sorted(found)] == ["csv", "parquet", "swf", "json", "json"]


def test_inputs_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for given_, message in (
        ("missing.csv", "no such file"),
        ("", "no dump in this folder"),
        ("notes.txt", "unknown format"),
        ("*", "no dump matches"),
    ):
        with pytest.raises(InputError, match=message):
            find_files([tmp_path / given_])


def test_names_in_reports_hold_no_more_of_the_path_than_needed() -> None:
    paths = [Path("/home/jane/x/a.csv"), Path("/home/jane/y/a.csv"), Path("/home/jane/b.csv")]
    assert short_names(paths) == ["x/a.csv", "y/a.csv", "b.csv"]


def test_what_is_about_the_data_is_none(tmp_path: Path) -> None:
    for name in ("_temporary/a.csv", ".snapshot/a.csv", "deep/_a.csv", "deep/.a.csv", "deep/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert find_files([tmp_path]) == [tmp_path / "deep" / "a.csv"]
    assert find_files([tmp_path / "deep" / "*"]) == [tmp_path / "deep" / "a.csv"]
    # Who names such a file means it.
    assert find_files([tmp_path / "deep" / "_a.csv"]) == [tmp_path / "deep" / "_a.csv"]


def test_folders_that_globs_match_and_links_point_to_are_searched(tmp_path: Path) -> None:
    for name in ("2024-01", "2024-02"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "a.csv").write_text("x")
    found = find_files([tmp_path / "in" / "2024-*"])
    assert [path.parent.name for path in found] == ["2024-01", "2024-02"]
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "here").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "around").symlink_to(tmp_path / "in")
    assert len(find_files([tmp_path / "linked"])) == 2


def test_a_folder_named_like_a_dump_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(InputError, match="no dump in this folder"):
        find_files([tmp_path / "x.csv"])
    (tmp_path / "x.csv" / "part-0.csv").write_text("x")
    assert find_files([tmp_path]) == [tmp_path / "x.csv" / "part-0.csv"]


@pytest.mark.parametrize("name", ["", "a\0.csv", "a" * 300 + ".csv", "*.csv", "[.csv"])
def test_names_of_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        find_files([name])


def test_a_folder_that_may_not_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "locked").mkdir()

    def scandir(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="locked: cannot be read: Permission denied"):
        find_files([tmp_path])
