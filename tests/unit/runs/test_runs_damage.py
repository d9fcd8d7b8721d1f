"""What is damaged of results: each kind, with each date, at little cost."""

import json
import os
import shutil
from pathlib import Path

import pytest

from redwood.outputs import CONTENTS, DIGESTS, write_json, write_text, writing_folder
from redwood.runs import damage
from redwood.runs.damage import Digests, find_damage

TABLE, MEASURES = "tables/table1.csv", "evaluation/smote/measures.json"
LIST = f"evaluation/smote/{CONTENTS}"


def flipped(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    (path / "deep").mkdir(parents=True)


def replaced_by_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(
        next(path.parents[n] for n in range(9) if path.parents[n].name == "mini") / "other.csv"
    )


def linked_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


KINDS = [
    (flipped, "changed since it was made"),
    (lambda path: os.truncate(path, path.stat().st_size // 2), "changed since it was made"),
    (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "changed since it was made"),
    (lambda path: path.write_bytes(b""), "empty"),
    (replaced_by_a_link, "changed since it was made"),
    (linked_to_nothing, "missing"),
    (replaced_by_a_folder, "a folder, expected a file"),
]
NAMES = ["flipped", "truncated", "extended", "empty", "link", "lost link", "folder"]


@pytest.fixture
def results(tmp_path) -> Path:
    """Results of which all was read once."""
    folder = tmp_path / "results" / "mini"
    (folder / DIGESTS).mkdir(parents=True)
    write_text(folder / TABLE, "wd,0.1\n")
    write_text(folder / "other.csv", "wd,0.2\n")
    with writing_folder(folder / "evaluation/smote") as partial:
        write_json(partial / "measures.json", {"wd": 1})
        write_json(partial / "seed-1/summary.json", {"wd": 2})
    digests = Digests(folder)
    assert find_damage(folder, digests).files == {}
    digests.save()
    return folder


def found(results: Path, afresh: bool = False) -> dict[str, str]:
    return find_damage(results, Digests(results, afresh)).files


@pytest.mark.parametrize("date", ["old", "new"])
@pytest.mark.parametrize("name", [TABLE, MEASURES, LIST])
@pytest.mark.parametrize(("harm", "words"), KINDS, ids=NAMES)
def test_each_kind_of_damage_is_seen_with_an_old_date_and_a_new_one(
    results, harm, words, name, date
):
    path = results / name
    before = path.stat()
    harm(path)
    if date == "old" and path.exists():
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert found(results) == {name: words}


def test_two_files_that_were_exchanged_are_both_seen(results):
    one, other = results / TABLE, results / "other.csv"
    one.rename(results / "kept")
    other.rename(one)
    (results / "kept").rename(other)
    assert set(found(results)) == {TABLE, "other.csv"}


def test_what_only_a_disk_could_change_is_seen_when_all_is_read_and_known_from_then_on(results):
    seen = results / DIGESTS / "seen.json"
    flipped(results / TABLE)
    status, content = (results / TABLE).stat(), json.loads(seen.read_text())
    content[TABLE][:3] = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    seen.write_text(json.dumps(content))
    assert found(results) == {}
    digests = Digests(results, afresh=True)
    assert set(find_damage(results, digests).files) == {TABLE}
    digests.save()
    assert set(found(results)) == {TABLE}


def test_a_file_that_is_as_it_was_is_not_read_and_one_that_was_copied_is_read_once(
    results, monkeypatch
):
    read = []
    digest = damage.file_digest
    monkeypatch.setattr(damage, "file_digest", lambda path: read.append(path) or digest(path))
    assert found(results) == {}
    assert read == []
    shutil.copy(results / TABLE, results / "copy")
    (results / "copy").rename(results / TABLE)
    digests = Digests(results)
    assert find_damage(results, digests).files == {}
    digests.save()
    assert read == [results / TABLE]
    assert found(results) == {}
    assert len(read) == 1


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1]", b'{"tables/table1.csv": 3}'])
def test_a_damaged_note_of_what_was_read_costs_time_alone(results, content):
    (results / DIGESTS / "seen.json").write_bytes(content)
    assert found(results) == {}
    flipped(results / TABLE)
    assert set(found(results)) == {TABLE}


@pytest.mark.parametrize("content", [b"", b"\xff\n", b"0" * 64 + b"  another\n"])
def test_a_digest_that_cannot_be_read_is_damage(results, content):
    (results / DIGESTS / f"{TABLE}.sha256").write_bytes(content)
    assert found(results) == {TABLE: "its digest in .digests cannot be read"}


def test_what_is_lost_is_told_of_a_stages_folder_and_what_was_added_is_named(results):
    (results / MEASURES).unlink()
    (results / TABLE).unlink()
    write_text(results / "evaluation/smote/seed-1/more.csv", "1")
    told = find_damage(results, Digests(results))
    assert told.files == {MEASURES: "missing"}
    assert list(told.added) == ["evaluation/smote/seed-1/more.csv"]


def test_a_stage_that_writes_its_folder_again_forgets_what_was_in_it(results):
    write_text(results / "evaluation/smote/alone.csv", "1")
    with writing_folder(results / "evaluation/smote") as partial:
        write_text(partial / "alone.csv", "2")
    assert found(results) == {}


@pytest.mark.parametrize(
    ("name", "makers"),
    [
        (TABLE, {"tables/table1.csv"}),
        ("evaluation/smote/seed-1/summary.json", {"evaluation/smote"}),
        (LIST, {"evaluation/smote", LIST}),
        ("planted/_contents.sha256", {"planted/train.parquet"}),
        ("raw/monitor/one.json.gz", {"raw/monitor/_download.json"}),
        ("tables/of_an_earlier_configuration.csv", set()),
    ],
)
def test_the_outputs_that_make_a_file_again(results, name, makers):
    with writing_folder(results / "planted") as partial:
        write_text(partial / "train.parquet", "1")
    told = find_damage(results, Digests(results))
    outputs = {
        *(TABLE, "tables/table2.csv", "evaluation/smote", LIST, "planted/train.parquet"),
        "raw/monitor/_download.json",
    }
    assert told.makers(name, {f"{results}/{one}" for one in outputs}, results) == {
        f"{results}/{one}" for one in makers
    }
