"""`redwood doctor`: says what is here and what is not, whatever the programs of this machine do."""

import json
import re
import sys
import time

import pytest
from typer.testing import CliRunner

from redwood import command_line, tools
from redwood.extras import EXTRAS, NOT_BY_DEFAULT, PURPOSES
from redwood.runs.doctor import as_json, examine, render
from redwood.tools import Tool, all_tools


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make programs, the only ones on the PATH: `programs(NAME, SHELL)`."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)

    def make(name, shell):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{shell}\n")
        path.chmod(0o755)
        return str(path)

    return make


def tool(*names, **more):
    return Tool("Thing", names, "trying", "nowhere", **more)


def test_a_program_is_found_under_any_of_its_names_with_its_version(programs):
    path = programs("other", "echo 'Other (build 7) version 12.3.4-rc1, of 2024' >&2; exit 3")
    found = tool("thing", "other").find()
    assert (found.path, found.version) == (path, "12.3.4-rc1")


def test_a_program_that_hangs_or_says_nothing_is_there_without_a_version(programs, monkeypatch):
    monkeypatch.setattr(tools, "_PATIENCE_S", 0.2)
    programs("hangs", "exec /bin/sleep 30")
    programs("silent", "cat >/dev/null")
    begin = time.monotonic()
    assert tool("hangs").find().version == ""
    assert tool("silent").find().version == ""
    assert time.monotonic() - begin < 5
    assert tool("hangs", must_answer=True).find() is None
    assert tool("absent").find() is None


def test_a_gpu_is_there_only_if_its_driver_names_one(programs):
    gpu = next(one for one in all_tools() if one.name == "NVIDIA GPU")
    programs("nvidia-smi", "echo 'NVIDIA-SMI has failed because it did not answer'; exit 9")
    assert gpu.find() is None
    programs("nvidia-smi", "echo 'NVIDIA A100-SXM4-40GB'")
    assert gpu.find().version == "NVIDIA A100-SXM4-40GB"


def test_the_compiler_is_the_one_that_is_named(programs, monkeypatch):
    path = programs("my-c++", "echo 'my-c++ 1.2.3'")
    monkeypatch.setenv("CXX", "my-c++ -O2")
    monkeypatch.delitem(sys.modules, "redwood.simulation.tools", raising=False)
    compiler = next(one for one in all_tools() if one.name == "C++ compiler")
    assert compiler.find().path == path
    monkeypatch.delitem(sys.modules, "redwood.simulation.tools")


def test_each_extra_says_what_it_is_for():
    assert PURPOSES.keys() == EXTRAS.keys()
    assert set(NOT_BY_DEFAULT) < EXTRAS.keys()


def test_the_command_tells_people_and_programs_the_same(programs):
    answers = []
    command_line._register_stages()
    for arguments in ([], ["--json"]):
        done = CliRunner().invoke(command_line.app, ["doctor", *arguments])
        assert done.exit_code == 0, done.output
        answers.append(done.output)
    told = json.loads(answers[1])
    assert told["ready"]
    names = [finding["name"] for finding in told["findings"]]
    assert {*EXTRAS, "Slurm", "conda", "C++ compiler", "Chromium", "DCSim"} <= set(names)
    for finding in told["findings"]:
        sign = "✓" if finding["found"] else "[–✗]"
        assert re.search(rf"(?m)^  {sign} {re.escape(finding['name'])} ", answers[0])
        assert finding["get"] if not finding["found"] else finding["version"] or finding["path"]
    assert max(map(len, answers[0].splitlines())) <= 100
    assert len(answers[0].splitlines()) <= 50


def test_what_the_default_run_lacks_is_named_with_how_to_get_it(programs, monkeypatch):
    monkeypatch.setattr(
        "redwood.runs.doctor.find_spec",
        lambda module: None if module in ("simgrid", "gymnasium") else object(),
    )
    findings = examine()
    missing = {finding.name: finding for finding in findings if not finding.found}
    assert missing["simulation"].needed
    assert "python -m redwood.setup_simgrid" in missing["simulation"].get
    assert not missing["learn"].needed
    assert not as_json(findings)["ready"]
    assert "✗ simulation" in render(findings)
    command_line._register_stages()
    assert CliRunner().invoke(command_line.app, ["doctor"]).exit_code == 1
