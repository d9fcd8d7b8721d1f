import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from redwood.errors import InputError
from redwood.inputs import read_json, require_intact
from redwood.outputs import (
    CONTENTS,
    DIGESTS,
    is_abandoned,
    require_ending,
    write_json,
    write_text,
    writing,
    writing_folder,
)
from redwood.simulation.environment import Environment
from redwood.synthetic import MARKER, is_synthetic
from redwood.tables import TableDescription


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    with writing(target) as partial:
        partial.write_text("old")
    with pytest.raises(ZeroDivisionError), writing(target) as partial:
        _write_and_fail(partial)
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("write", [writing, writing_folder])
def test_a_failed_write_leaves_no_folder_that_it_has_made(tmp_path, write):
    (tmp_path / "there").mkdir()
    for place in ("there", "new/deep"):
        with pytest.raises(ZeroDivisionError), write(tmp_path / place / "result"):
            raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def write_folder(path):
    with writing_folder(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def write_file(path):
    with writing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_what_a_full_disk_refuses_is_named(tmp_path, write):
    with pytest.raises(OSError, match=r"No space left on device: '.*/result'"):
        write(tmp_path / "result")


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "model"
    with writing_folder(target) as partial:
        (partial / "a").write_text("1")
    with pytest.raises(ZeroDivisionError), writing_folder(target) as partial:
        _write_and_fail(partial / "b")
    assert {path.name for path in target.iterdir()} == {"a", CONTENTS}
    with writing_folder(target) as partial:
        (partial / "c").write_text("3")
    assert {path.name for path in target.iterdir()} == {"c", CONTENTS}
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_with_files_that_are_no_result_is_not_replaced(made):
    (made / ".hidden").write_text("of a tool")
    with writing_folder(made) as partial:
        (partial / "new").write_text("1")
    (made / "deep").mkdir()
    (made / "deep" / "mine.py").write_text("x")
    with (
        pytest.raises(InputError, match=r"deep/mine\.py: no earlier result, .* to be replaced"),
        writing_folder(made),
    ):
        pytest.fail("the block must not run")
    assert {path.name for path in made.iterdir()} == {"new", "deep", CONTENTS}
    assert not list(made.parent.glob(".*"))


def test_a_folder_that_an_earlier_version_listed_is_replaced(made):
    (made / CONTENTS).rename(made / "contents.sha256")
    require_intact(made)
    with writing_folder(made) as partial:
        (partial / "new").write_text("1")
    assert {path.name for path in made.iterdir()} == {"new", CONTENTS}


def test_an_ending_means_its_format_and_nothing_is_written_under_another(tmp_path):
    with pytest.raises(InputError, match=r"a\.csv: .*, expected a name that ends with \.json$"):
        write_json(tmp_path / "a.csv", {})
    with pytest.raises(InputError, match=r"a\.parquet: .*, expected a folder's name"):
        require_ending(tmp_path / "a.parquet")
    assert not list(tmp_path.iterdir())
    for name in ("a.json", "a", "results-0.1"):
        write_json(tmp_path / name, {})


@pytest.fixture
def made(tmp_path):
    with writing_folder(tmp_path / "made") as folder:
        write_json(folder / "summary.json", {"seeds": [1]})
        write_json(folder / "seed-1" / "summary.json", {"value": 3})
        write_text(folder / "empty", "")
    return tmp_path / "made"


def test_the_list_of_a_folder_is_what_sha256sum_checks_and_depends_on_its_files_alone(made):
    subprocess.run(["sha256sum", "--check", "--strict", CONTENTS], cwd=made, check=True)
    names = [line.split("  ")[1] for line in (made / CONTENTS).read_text().splitlines()]
    assert names == ["empty", "seed-1/summary.json", "summary.json"]
    require_intact(made)
    (made / "a file of one's own").write_text("x")
    require_intact(made)


@pytest.mark.parametrize("name", ["summary.json", "seed-1/summary.json"])
def test_a_damaged_file_is_named_with_what_to_do_even_if_it_could_be_read(made, name):
    path = made / name
    path.write_text(path.read_text().replace("1", "2").replace("3", "4"))
    for read in (lambda: read_json(path, "summary"), lambda: require_intact(made)):
        with pytest.raises(InputError) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: damaged or edited: its SHA-256 is ")
        assert str(caught.value).endswith(f"; make the folder {made} again")


def test_a_lost_file_and_a_damaged_list_are_named(made):
    (made / "empty").unlink()
    with pytest.raises(InputError, match="empty: missing, though"):
        require_intact(made)
    (made / CONTENTS).write_bytes(b"\xff\n")
    with pytest.raises(
        InputError, match=r"contents\.sha256: damaged: expected a digest and a path"
    ):
        read_json(made / "summary.json", "summary")


def test_where_digests_are_kept_each_result_has_one_and_a_damaged_one_is_named(tmp_path):
    (tmp_path / DIGESTS).mkdir()
    table = tmp_path / "tables" / "table1.csv"
    write_text(table, "wd\n")
    write_text(tmp_path / "records" / ".hash_key", "secret")
    with writing(tmp_path / "checkpoint", lasting=False) as partial:
        partial.write_text("1")
    with writing_folder(tmp_path / "made") as folder:
        write_text(folder / "summary", "1")
    kept = [path for path in (tmp_path / DIGESTS).rglob("*") if path.is_file()]
    names = {path.relative_to(tmp_path / DIGESTS).as_posix() for path in kept}
    assert names == {"tables/table1.csv.sha256", f"made/{CONTENTS}.sha256"}
    lines = b"".join(path.read_bytes() for path in kept)
    subprocess.run(["sha256sum", "--check", "--strict"], input=lines, cwd=tmp_path, check=True)
    (tmp_path / "made" / CONTENTS).write_text("")
    require_intact(table)
    table.write_text("WD\n")
    for path in (table, tmp_path / "made", tmp_path / "made" / "summary"):
        with pytest.raises(InputError, match="damaged or edited: its SHA-256 is"):
            require_intact(path)


# Results that are one file each, valid with another bit too, and what reads them.
ONE_FILE = [
    ("records/table.json", '{"name": "a", "columns": []}', TableDescription.load),
    ("simulation/platform.json", '{"sites": [{"name": "A", "cores": 3}]}', Environment.load),
    (
        f"records/raw/{MARKER}",
        '{"sha256": {"a.csv": "1"}}',
        lambda p: is_synthetic(p.parent / "a.csv", "1"),
    ),
]


@pytest.mark.parametrize(("name", "content", "read"), ONE_FILE, ids=[name for name, *_ in ONE_FILE])
def test_a_result_that_is_damaged_but_valid_is_not_taken_for_what_was_written(
    tmp_path, name, content, read
):
    (tmp_path / DIGESTS).mkdir()
    path = tmp_path / name
    write_text(path, content)
    last = max(place for place, char in enumerate(content) if char.isalnum())
    path.write_text(content[:last] + chr(ord(content[last]) ^ 1) + content[last + 1 :])
    with pytest.raises(InputError, match=rf"^{path}: damaged or edited: its SHA-256 is .* again$"):
        read(path)


KILLED = """
import os, sys
from redwood.outputs import writing, writing_folder
with {how}({path!r}) as partial:
    print(partial, flush=True)
    {then}
"""


def left_by(how: str, path: Path, then: str) -> tuple[subprocess.Popen, Path]:
    """A process that writes `path`, and where it does."""
    program = KILLED.format(how=how, path=str(path), then=then)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_wrote_is_abandoned_and_never_what_a_living_one_writes(tmp_path):
    process, partial = left_by("writing_folder", tmp_path / "made", "sys.stdin.read()")
    assert partial.is_dir()
    assert not is_abandoned(partial)
    process.kill()
    process.wait()
    assert is_abandoned(partial)
    with writing(tmp_path / "file") as partial:
        partial.write_text("1")
        assert not is_abandoned(partial)


@pytest.mark.parametrize(
    ("part", "abandoned"),
    [
        # This machine, but before it was started again; another machine; another container.
        (slice(8, 16), True),
        (slice(0, 8), False),
        (slice(16, 20), False),
    ],
)
def test_what_others_write_is_abandoned_only_if_that_is_sure_or_after_two_weeks(
    tmp_path, part, abandoned
):
    with writing_folder(tmp_path / "made") as partial:
        head, place, tail = partial.name.partition(partial.name.split(".")[-2].split("-")[0])
    other = list(place)
    other[part] = "".join("0" if digit != "0" else "1" for digit in place[part])
    there = tmp_path / f"{head}{''.join(other)}{tail}"
    there.mkdir()
    assert is_abandoned(there) == abandoned
    long_ago = time.time() - 15 * 86400
    os.utime(there, (long_ago, long_ago))
    assert is_abandoned(there)
    (there / "a part that is still written").touch()
    assert is_abandoned(there) == abandoned


@pytest.mark.parametrize("name", ["notes.partial", ".made.partial", ".made.123.partial"])
def test_nobody_elses_file_is_abandoned(tmp_path, name):
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    assert not is_abandoned(tmp_path / name)


def test_json_has_no_values_that_json_does_not_know(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


def _write_and_fail(path):
    path.write_text("half of the n")
    return 1 / 0
