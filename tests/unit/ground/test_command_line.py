import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from redwood import command_line


def redwood(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "redwood", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": "workflow"},
        check=False,
    )


def groups_and_verbs(command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Each group and each verb of the command line, hidden ones too, and whether it is a verb."""
    below = getattr(command, "commands", {})
    yield path, not below
    for name, inner in below.items():
        yield from groups_and_verbs(inner, (*path, name))


def test_every_verb_has_help_and_an_example():
    command_line._register_stages()
    found = dict(groups_and_verbs(typer.main.get_command(command_line.app)))
    assert {(), ("records", "clean"), ("evaluate",), ("paper", "table1")} <= set(found)
    for path, is_verb in found.items():
        answer = CliRunner().invoke(command_line.app, [*path, "--help"])
        assert answer.exit_code == 0, path
        assert "Usage" in answer.stdout, path
        assert ("Example" in answer.stdout) == is_verb, path


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        # Bad input, a place where nothing can be written, and wrong usage.
        (
            "records split --table {0}/no --jobs x --seed 1 --output x",
            1,
            "redwood: {0}/no: no such",
        ),
        ("records hash-key --output {0}/file/key", 1, "redwood: {0}/file: File exists"),
        ("records split --nonsense", 2, "No such option"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_by_the_status(tmp_path, command, status, said):
    (tmp_path / "file").write_text("")
    answer = redwood(*command.format(tmp_path).split())
    assert answer.returncode == status
    assert said.format(tmp_path) in answer.stderr
    assert status == 2 or len(answer.stderr.splitlines()) == 1


def test_a_job_ends_with_the_process_that_started_it(tmp_path):
    # The parent starts a job that would wait for ever on a pipe, then is killed.
    os.mkfifo(tmp_path / "outcomes.csv")
    job = [sys.executable, "-m", "redwood", "paper", "table2", str(tmp_path / "outcomes.csv")]
    job += ["--output", str(tmp_path / "table2")]
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess; job = subprocess.Popen({job!r}); print(job.pid, flush=True); "
            "job.wait()",
        ],
        env=os.environ | {"PYTHONPATH": "workflow", "REDWOOD_END_WITH_PARENT": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(parent.stdout.readline())
    # The job has set itself up once it opens the pipe; that lets this end be opened, too.
    with open(tmp_path / "outcomes.csv", "w"):
        parent.kill()
        parent.wait()
        for _ in range(100):
            if not os.path.exists(f"/proc/{pid}") or _is_zombie(pid):
                return
            time.sleep(0.1)
    pytest.fail("the job outlived its parent by ten seconds")


def _is_zombie(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as status:
        return status.read().rpartition(")")[2].split()[0] == "Z"
