import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from redwood import command_line

ROOT = Path(__file__).resolve().parents[3]


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


@pytest.mark.parametrize("shell", ["", "{}", "bash -c '{}; true'"])
def test_a_job_ends_with_the_process_that_started_it(tmp_path, shell):
    """Directly, as a shell of its own, and below a shell that waits for it."""
    # The parent starts a job that would wait for ever on a pipe, then is killed.
    os.mkfifo(tmp_path / "outcomes.csv")
    job = [sys.executable, "-m", "redwood", "paper", "table2", str(tmp_path / "outcomes.csv")]
    job += ["--output", str(tmp_path / "table2")]
    command = shell.format(shlex.join(job)) if shell else job
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, subprocess; os.environ['REDWOOD_END_WITH_PARENT'] = str(os.getpid()); "
            f"subprocess.run({command!r}, shell={bool(shell)})",
        ],
        env=os.environ | {"PYTHONPATH": "workflow"},
    )
    # The job has set itself up once it opens the pipe; that lets this end be opened, too.
    with open(tmp_path / "outcomes.csv", "w"):
        parent.kill()
        parent.wait()
        end = time.monotonic() + 10
        while left := [pid for pid in _processes() if str(tmp_path) in _command(pid)]:
            assert time.monotonic() < end, f"the job outlived its parent: {left}"
            time.sleep(0.1)


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _command(process: str) -> str:
    """The command line of a process; empty of one that has ended."""
    try:
        return Path("/proc", process, "cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


CONSOLE = (
    "#!{0}\nimport sys\nfrom redwood.command_line import main\nif __name__ == '__main__': main()\n"
)
DUMP = """PANDAID,CREATIONTIME,ENDTIME,COMPUTINGSITE,JOBSTATUS,CPUCONSUMPTIONTIME
{},2024-01-01 00:00:00,2024-01-01 01:00:00,CERN,finished,3600
"""


@pytest.mark.parametrize("way", ["script", "console"])
def test_a_file_in_the_callers_folder_stands_in_for_no_module(tmp_path, way):
    """Neither for the command nor for the processes that it starts, here two that clean."""
    for name in ("random", "html", "json", "types", "socket", "queue", "typer", "numpy", "redwood"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('of the folder')")
    for number in (1, 2):
        (tmp_path / f"{number}.csv").write_text(DUMP.format(number))
    library = str(ROOT / "workflow")
    program = tmp_path / "bin/redwood"
    setup = tmp_path / "bin/workflow/setup/ready.sh"
    setup.parent.mkdir(parents=True)
    setup.write_text(f"export PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={library}\n")
    if way == "script":
        shutil.copy(ROOT / "redwood", program)
    else:
        program.write_text(CONSOLE.format(sys.executable))
        program.chmod(0o755)
    command = ["records", "clean", "1.csv", "2.csv", "--output", "made", "--workers", "2"]
    command += ["--all-jobs", "--features", "creationtime,workload"]
    answer = subprocess.run(
        [program, *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": library},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "2 of 2 rows" in answer.stderr
