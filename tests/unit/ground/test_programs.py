"""Programs of others: found or not, started, and ended whatever they do."""

import os
import re
import socket
import time
from pathlib import Path

import pytest

from redwood.errors import InputError
from redwood.programs import (
    Program,
    answers,
    find_program,
    free_ports,
    peak_memory,
    run_program,
    started,
)


@pytest.fixture
def script(tmp_path):
    """A program made of lines of sh."""

    def make(*lines, name="other"):
        path = tmp_path / name
        path.write_text("\n".join(("#!/bin/sh", *lines, "")))
        path.chmod(0o755)
        return Program(name, str(path))

    return make


def test_a_program_is_found_on_the_path_or_where_it_is_named(script, monkeypatch):
    program = script("exit 0")
    folder = os.path.dirname(program.place)
    monkeypatch.setenv("PATH", folder, prepend=os.pathsep)
    assert find_program("other") == program
    assert find_program("other", program.place) == program
    assert find_program("no-such-program") is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("/nowhere/other", "/nowhere/other: no such executable; expected its path, or a container"),
        ("{tmp}/plain", "plain: is not executable"),
        ("docker://other:1", "Apptainer is needed, and neither apptainer nor singularity"),
    ],
)
def test_what_is_named_and_cannot_be_used_is_an_error(given, said, tmp_path, monkeypatch):
    (tmp_path / "plain").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=re.escape(said)):
        find_program("other", given.format(tmp=tmp_path))


def test_an_image_is_run_by_apptainer_which_sees_the_folder(script, monkeypatch, tmp_path):
    runner = script("exit 0", name="apptainer")
    (tmp_path / "other.sif").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_program("other", f"{tmp_path}/other.sif")
    image = f"{tmp_path}/other.sif"
    assert found.command("--x", folder="/data") == [
        runner.place, "exec", "--bind", "/data", image, "other", "--x",
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"gone\.sif: no such container image"):
        find_program("other", f"{tmp_path}/gone.sif")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["echo first", "echo last words", "exit 3"],
            r"ended with status 3; .*\n  first\n  last words",
        ),
        (["kill -SEGV $$"], r"was ended by signal 11 .*its log, .*, is empty"),
        (["echo begun", "sleep 100"], r"had not ended after 0.3 s and was ended(.|\n)*begun"),
    ],
)
def test_a_program_that_fails_is_told_with_the_end_of_its_log(lines, said, script, tmp_path):
    with pytest.raises(InputError, match=said):
        run_program(script(*lines), [], folder=tmp_path, log=tmp_path / "log", limit_s=0.3)


def test_a_program_that_cannot_be_started_is_told(tmp_path):
    (tmp_path / "empty").write_text("\0")
    (tmp_path / "empty").chmod(0o755)
    with pytest.raises(InputError, match="empty: cannot be started"):
        run_program(
            Program("empty", str(tmp_path / "empty")), [], folder=tmp_path, log=tmp_path / "log",
            limit_s=1,
        )  # fmt: skip


def test_only_the_last_lines_of_a_long_log_are_told(script, tmp_path):
    program = script("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done; exit 1")
    with pytest.raises(InputError) as told:
        run_program(program, [], folder=tmp_path, log=tmp_path / "log", limit_s=20)
    assert "line 3000" in str(told.value)
    assert "line 2900" not in str(told.value)
    assert "line 1\n" in (tmp_path / "log").read_text()


def test_nothing_that_a_program_has_started_is_left(script, tmp_path):
    program = script(f"sleep 100 & echo $! > {tmp_path}/child; wait")
    with started(program, [], folder=tmp_path, log=tmp_path / "log") as process:
        while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text().strip():
            time.sleep(0.01)
        assert peak_memory(process) > 0
    child = int((tmp_path / "child").read_text())
    for _ in range(200):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            break
        if state == "Z":
            break
        time.sleep(0.01)
    else:
        pytest.fail(f"process {child} is left in state {state}")


def test_a_free_port_is_one_at_which_nothing_answers():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert answers(taken.getsockname()[1])
    ports = free_ports(2)
    assert len(set(ports)) == 2
    assert not any(map(answers, ports))


def test_what_a_program_says_is_heard_whatever_its_status(script):
    assert script("echo version 2 >&2", "exit 5").said() == "version 2\n"
    assert script("sleep 100").said(limit_s=0.2) == ""
