"""The stage as it is called: clean, split; and what once were its verbs: generate, card."""

import json
from pathlib import Path

import pytest
from panda_job import JOB, write_csv
from tests.unit.runs.made_up_run import run_command
from typer.testing import Result

from redwood.errors import InputError
from redwood.records.cleaned_file import clean_file

GENERATED = ("--sites", "5", "--jobs", "400")


def redwood_records(*arguments: str | Path) -> Result:
    return run_command("records", *map(str, arguments))


def done(*arguments: str | Path) -> None:
    result = redwood_records(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some generated dumps."""
    folder = tmp_path_factory.mktemp("dumps") / "raw"
    asked = ("--start", "2024-01-01", "--days", "5", *GENERATED)
    done("generate", *asked, "--seed", 1, "--output", folder)
    return folder


def test_from_nothing_to_three_parts(tmp_path: Path, raw: Path) -> None:
    options = json.dumps({"features": ["creationtime", "computingsite", "workload"]})
    done("clean", raw, "--output", tmp_path, "--options", options, "--workers", 1)
    table = ("--table", tmp_path / "table.json", "--jobs", tmp_path / "jobs")
    done("split", *table, "--rows", 100, "--seed", 1, "--output", tmp_path)
    parts = json.loads((tmp_path / "split.json").read_text())["parts"]
    assert [part["rows"] for part in parts.values()] == [60, 20, 20]
    done("card", *table, "--split", tmp_path / "split.json", "--output", tmp_path / "card")
    assert "jobs" in (tmp_path / "card" / "card.html").read_text()
    done("calibrate", raw, "--output", tmp_path / "calibration")
    assert (tmp_path / "calibration" / "calibration.html").is_file()


def test_everything_can_be_kept_without_a_line_of_json(tmp_path: Path, raw: Path) -> None:
    done("clean", raw, "--output", tmp_path / "paper", "--workers", 1)
    features = ("--all-jobs", "--features", "creationtime, computingsite,workload")
    done("clean", raw, "--output", tmp_path / "all", *features, "--workers", 1)
    paper, every = (
        json.loads((tmp_path / name / "cleaning.json").read_text()) for name in ("paper", "all")
    )
    assert every["rows"]["kept"] > paper["rows"]["kept"]
    assert every["options"]["features"] == ["creationtime", "computingsite", "workload"]
    assert every["options"]["analysis_of_daod"] is False
    rejected = {step["reason"]: step["rejected"] for step in every["steps"]}
    assert paper["steps"][3]["rejected"] > 0 == rejected["robot"]


@pytest.mark.parametrize(("flag", "month"), [("--day-first", 4), ("--month-first", 3)])
def test_what_comes_first_in_a_date_is_a_flag(tmp_path: Path, flag: str, month: int) -> None:
    dump = write_csv(tmp_path / "dump.csv", [{**JOB, "CREATIONTIME": "3/4/2025 2:51"}])
    done("clean", dump, "--output", tmp_path / "out", flag, "--workers", 1)
    [day] = (tmp_path / "out" / "jobs").glob("day=*")
    assert day.name[4:] == f"2025-{month:02}-{7 - month:02}"
    assert json.loads((tmp_path / "out" / "cleaning.json").read_text())["assumptions"] == {}


def test_file_by_file_gives_the_same_as_all_at_once(tmp_path: Path, raw: Path) -> None:
    done("clean", raw, "--output", tmp_path / "one", "--workers", 2)
    done("hash-key", "--output", tmp_path / "key")
    names = sorted(path.name for path in raw.iterdir() if path.name.startswith("jobs_"))
    for name in names:
        cleaned = tmp_path / "cleaned" / name
        done("clean-file", raw / name, "--key", tmp_path / "key", "--output", cleaned)
    done("gather", *names, "--cleaned", tmp_path / "cleaned", "--output", tmp_path / "other")
    contents = [
        {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith("card.")
        }
        for folder in (tmp_path / "one", tmp_path / "other")
    ]
    assert len(contents[0]) > 5
    assert contents[0] == contents[1]


def test_a_killed_cleaning_goes_on_with_the_dumps_that_are_left(
    tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redwood.records import cleaning

    names = sorted(path.name for path in raw.iterdir() if path.name.startswith("jobs_"))
    done("hash-key", "--output", tmp_path / "cleaned" / ".hash_key")
    for number, name in enumerate(names[:2]):
        key = ("--key", tmp_path / "cleaned" / ".hash_key")
        done("clean-file", raw / name, *key, "--output", tmp_path / "cleaned" / f"{number:05d}")
    cleaned: list[str] = []

    def spy(path: Path, name: str, *rest: object) -> None:
        cleaned.append(name)
        clean_file(path, name, *rest)

    monkeypatch.setattr(cleaning, "clean_file", spy)
    done("clean", raw, "--output", tmp_path, "--workers", 1)
    assert cleaned == names[2:]
    assert not (tmp_path / "cleaned").exists()


def test_an_interrupted_cleaning_leaves_no_key(
    tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        assert (tmp_path / "cleaned" / ".hash_key").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr("redwood.records.cleaning.clean_file", interrupted)
    assert redwood_records("clean", raw, "--output", tmp_path, "--workers", 1).exit_code != 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("clean", "x", "--options", "{"), "not JSON"),
        (("clean", "x", "--options", "[]"), "is []: expected keys and values"),
        (("clean", "x", "--options", '{"feature": []}'), "feature: unknown key"),
        (("clean", "x", "--options", '{"features": ["colour", "size"]}'), "colour"),
        (("clean", "x", "--features", "size,colour"), "colour"),
        (("split", "--table", "t", "--jobs", "j", "--method", "luck"), "method is 'luck'"),
        (("split", "--table", "t", "--jobs", "j", "--train", "0.9"), "must leave a share"),
        (("generate", "--start", "2024-01-01", "--days", "0", *GENERATED), "days is 0"),
    ],
)
def test_wrong_options(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    extra = ("--dataset", "d") if arguments[0] == "clean" else ()
    result = redwood_records(*arguments, *extra, "--seed", 1, "--output", tmp_path / "out")
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
