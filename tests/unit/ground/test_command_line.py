import os
import subprocess
import sys

import pytest


def redwood(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "redwood", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": "workflow"},
        check=False,
    )


@pytest.mark.parametrize(
    "verb",
    [
        (),
        ("records", "generate"),
        ("records", "clean"),
        ("records", "split"),
        ("surrogates", "train"),
        ("surrogates", "sample"),
        ("evaluate",),
        ("simulation", "platform"),
        ("simulate",),
        ("paper", "table1"),
    ],
)
def test_every_verb_has_help(verb):
    answer = redwood(*verb, "--help")
    assert answer.returncode == 0
    assert "Usage" in answer.stdout


def test_bad_input_is_one_line_and_status_1(tmp_path):
    files = ("--table", f"{tmp_path}/none.json", "--jobs", f"{tmp_path}/none.parquet")
    answer = redwood("records", "split", *files, "--seed", "1", "--output", f"{tmp_path}/out")
    assert answer.returncode == 1
    assert answer.stderr.strip() == f"redwood: {tmp_path}/none.json: no such table description"


def test_wrong_usage_is_status_2():
    assert redwood("records", "split", "--nonsense").returncode == 2
