"""Which dumps a run reads."""

import pytest

from redwood.configuration import Source
from redwood.errors import InputError
from redwood.records.raw_dumps import raw_dumps

RETRIEVE = {"url": "https://example.org/trace.swf.gz"}


@pytest.fixture(autouse=True)
def _root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("pandaid\n")


def source(*files, **more):
    return Source.model_validate({"generate": None, "files": files, **more})


def test_files_that_are_there_are_read_and_others_got_in_their_place():
    assert raw_dumps(source("there.csv"), "raw") == {"there.csv": "there.csv"}
    retrieved = raw_dumps(source("none.csv", retrieve=RETRIEVE), "raw")
    assert retrieved == {"trace.swf.gz": "raw/trace.swf.gz"}


@pytest.mark.parametrize("more", [{}, {"retrieve": RETRIEVE}])
def test_of_several_files_none_is_left_out_in_silence(tmp_path, more):
    with pytest.raises(
        InputError,
        match=r"^records\.source\.files: nothing exists at none/\*\.csv; relative paths of a "
        rf"configuration count from the project's root, {tmp_path}$",
    ):
        raw_dumps(source("there.csv", "none/*.csv", **more), "raw")
