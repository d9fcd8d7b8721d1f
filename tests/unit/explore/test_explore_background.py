"""Simulations in the background: so many at a time, and none is left behind."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_up_results import make_long_scenario

from redwood.errors import InputError
from redwood.explore.background import Background
from redwood.explore.sources import Source, as_text


def until(condition, seconds=40.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def processes_with(text):
    """Processes whose command line has a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if text.encode() in line and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


@pytest.fixture
def background():
    made = Background(1)
    yield made
    made.close()
    assert not made._folder.exists()


@pytest.fixture(scope="session")
def long(tmp_path_factory):
    source = Source.open(make_long_scenario(tmp_path_factory.mktemp("long")))
    return as_text(source.choices.scenario(source.defaults))


def over(background, run):
    background.look()
    return run.over


def test_what_a_run_writes_is_what_redwood_simulate_writes(source, results, background):
    run = background.ask("me", as_text(source.choices.scenario(source.defaults)), 1)
    until(lambda: over(background, run))
    assert (run.state, run.error) == ("done", "")
    before = results / "simulation" / "runs" / "recorded" / "least_loaded" / "seed-1"
    for name in ("jobs.parquet", "sites.parquet", "flows.parquet", "summary.json"):
        assert (run.results / name).read_bytes() == (before / name).read_bytes()


def test_further_runs_wait_and_a_cancelled_one_leaves_nothing(long, background):
    first = background.ask("me", long, 1)
    second = background.ask("you", long, 1)
    third = background.ask("they", long, 1)
    assert [run.state for run in (first, second, third)] == ["running", "waiting", "waiting"]
    assert background.ahead(third) == 2
    with pytest.raises(InputError, match="a run of yours is under way: cancel it, or wait"):
        background.ask("me", long, 1)
    ended, jobs = until(first.progress)
    assert 0 <= ended < jobs == 150_000
    assert processes_with(str(first.folder))
    first.cancel()
    assert not processes_with(str(first.folder))
    assert not list(first.folder.parent.glob(f"*{first.folder.name}*"))
    background.look()
    assert (first.state, second.state, third.state) == ("cancelled", "running", "waiting")
    # Whose browser is gone has nothing under way any more.
    background.leave("you")
    assert not processes_with(str(second.folder))
    assert third.state == "running"


def test_a_run_that_fails_says_what_redwood_simulate_said(source, background, tmp_path):
    text = as_text(source.choices.scenario(source.defaults)).replace("test.parquet", "gone.parquet")
    run = background.ask("me", text, 1)
    until(lambda: over(background, run))
    assert run.state == "failed"
    assert "gone.parquet: no such file" in run.error
    background._folder.joinpath("run-00002.json").mkdir()
    blocked = background.ask("me", text, 1)
    assert (blocked.state, "Is a directory" in blocked.error) == ("failed", True)


def test_a_full_disk_is_said_and_nothing_half_written_is_left(source, background):
    text = as_text(source.choices.scenario(source.defaults))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # To a process that may write no file of that size a disk is as good as full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        run = background.ask("me", text, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    until(lambda: over(background, run))
    assert run.state == "failed"
    assert run.error.endswith("File too large")
    assert not run.folder.exists()


def test_when_the_server_is_killed_its_simulations_die(tmp_path):
    scenario = make_long_scenario(tmp_path)
    code = (
        "import sys, time\n"
        "from redwood.explore.background import Background\n"
        "from redwood.explore.sources import Source, as_text\n"
        "from pathlib import Path\n"
        "source = Source.open(Path(sys.argv[1]))\n"
        "run = Background(1).ask('me', as_text(source.choices.scenario(source.defaults)), 1)\n"
        "while run.progress() is None: time.sleep(0.05)\n"
        "print(run.folder, flush=True)\n"
        "time.sleep(60)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(scenario)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    folder = server.stdout.readline().strip()
    assert processes_with(folder)
    server.send_signal(signal.SIGKILL)
    server.wait()
    until(lambda: not processes_with(folder), 10)
