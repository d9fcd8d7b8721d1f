"""The stage as it is called: generate, clean, split."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from redwood.errors import InputError
from redwood.records.commands import app


def redwood_records(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_from_nothing_to_three_parts(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    asked = ("--start", "2024-01-01", "--days", 5, "--sites", 5, "--jobs", 400)
    assert redwood_records("generate", *asked, "--seed", 1, "--output", raw).exit_code == 0
    options = json.dumps({"features": ["creationtime", "computingsite", "workload"]})
    chosen = ("--dataset", "mine", "--seed", 1, "--options", options)
    assert redwood_records("clean", raw, "--output", out, *chosen).exit_code == 0
    tables = ("--table", out / "table.json", "--jobs", out / "jobs.parquet")
    assert redwood_records("split", *tables, "--seed", 1, "--output", out).exit_code == 0
    kept = json.loads((out / "cleaning.json").read_text())["rows"]["kept"]
    parts = json.loads((out / "split.json").read_text())["parts"]
    assert sum(part["rows"] for part in parts.values()) == kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("clean", "x", "--options", "{"), "not JSON"),
        (("clean", "x", "--options", "[]"), "valid dictionary"),
        (("clean", "x", "--options", '{"feature": []}'), "feature: unknown key"),
        (("clean", "x", "--options", '{"features": ["colour", "size"]}'), "colour"),
        (("split", "--table", "t", "--jobs", "j", "--method", "luck"), "method is 'luck'"),
        (("split", "--table", "t", "--jobs", "j", "--train", "0.9"), "must leave a share"),
        (
            ("generate", "--start", "2024-01-01", "--days", "0", "--sites", "5", "--jobs", "400"),
            "days is 0",
        ),
    ],
)
def test_wrong_options(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    extra = ("--dataset", "d") if arguments[0] == "clean" else ()
    result = redwood_records(*arguments, *extra, "--seed", 1, "--output", tmp_path / "out")
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
