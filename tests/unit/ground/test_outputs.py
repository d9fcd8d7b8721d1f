import pytest

from redwood.outputs import write_json, writing, writing_folder


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    with writing(target) as partial:
        partial.write_text("old")
    with pytest.raises(ZeroDivisionError), writing(target) as partial:
        _write_and_fail(partial)
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "model"
    with writing_folder(target) as partial:
        (partial / "a").write_text("1")
    with pytest.raises(ZeroDivisionError), writing_folder(target) as partial:
        _write_and_fail(partial / "b")
    assert [path.name for path in target.iterdir()] == ["a"]
    with writing_folder(target) as partial:
        (partial / "c").write_text("3")
    assert [path.name for path in target.iterdir()] == ["c"]
    assert list(tmp_path.iterdir()) == [target]


def test_json_has_no_values_that_json_does_not_know(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


def _write_and_fail(path):
    path.write_text("half of the n")
    return 1 / 0
