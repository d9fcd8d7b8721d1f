"""Policies are other people's code: whatever one does, it is named, and nothing is left running."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small_grids import recorded_jobs

from redwood.errors import InputError
from redwood.processes import _prctl, _state_and_parent
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario
from redwood.simulation.watching import BROKERAGE, Question, run_watched
from redwood.tables import read_parquet

pytest.importorskip("simgrid")

_SUBREAPER = 36
_QUEUE = "from redwood.simulation.contract import QueueOrder\nclass Mine(QueueOrder):\n"
_PLACEMENT = "import sys\nfrom redwood.simulation.contract import *\nclass Mine(Placement):\n"
_CHOOSE = "import ctypes, os, signal, subprocess, sys, threading, time\ndef choose(job, grid):\n"


@pytest.fixture
def jobs(tmp_path):
    """A hundred jobs at two sites of which one is too small for them, in a folder of their own."""
    recorded_jobs(100).assign(
        creationtime=lambda table: table["creationtime"].dt.tz_localize(None)
    ).to_csv(tmp_path / "jobs.csv", index=False)
    return tmp_path / "jobs.csv"


@pytest.fixture(autouse=True)
def _nothing_is_left_running():
    """What a process leaves becomes a child of this one, where it is seen."""
    _prctl(_SUBREAPER, 1)
    before = children()
    yield
    end = time.monotonic() + 5
    while left := children() - before:
        if time.monotonic() > end:
            for process in left:
                os.kill(process, signal.SIGKILL)
            pytest.fail(f"processes are left: {left}")
        time.sleep(0.05)
    _prctl(_SUBREAPER, 0)


def children() -> set[int]:
    numbers = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    seen = {number: _state_and_parent(number) for number in numbers}
    return {n for n, (state, parent) in seen.items() if parent == os.getpid() and state != "Z"}


def scenario(jobs, **more):
    return Scenario.load(
        {
            "environment": {"sites": [{"name": "A", "cores": 2}, {"name": "B", "cores": 1}]},
            "workload": {"jobs": str(jobs)},
            "patience_s": 0.4,
            **more,
        }
    )


def run(jobs, text, kind="brokerage", **more):
    """Run the jobs with a policy of this text; what the run says of its outcomes."""
    path = jobs.parent / "mine.py"
    path.write_text(text)
    chosen = scenario(jobs, policies={kind: str(path)}, **more)
    return run_scenario(chosen, jobs.parent / "run")


FOREVER = "    while True: pass\n"
EVIL = """
class Evil(Exception):
    def __str__(self):
        {}
def choose(job, grid):
    raise Evil
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # Before the first question.
        ("while True: pass", "while it was imported: no answer within 0.4 s"),
        ("import sys\nsys.exit('enough')", "while it was imported: it raised SystemExit: enough"),
        ("import os\nos._exit(0)", "while it was imported: the process .* ended with status 0"),
        (
            "from redwood.simulation.contract import Brokerage\nclass Mine(Brokerage):\n"
            "    def __init__(self):\n        while True: pass\n    def choose(self): pass\n",
            "while it was made: no answer",
        ),
        # A clock that is switched off, signals that are ignored, pipes that are closed.
        (
            f"{_CHOOSE}    signal.setitimer(signal.ITIMER_REAL, 0); signal.alarm(0)\n"
            f"    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n{FOREVER}",
            "job 0: no answer",
        ),
        (f"{_CHOOSE}    os.closerange(3, 256)\n{FOREVER}", "job 0: no answer"),
        (f"{_CHOOSE}    os.kill(os.getpid(), signal.SIGSTOP)\n", "job 0: no answer"),
        # Ends of all kinds.
        (f"{_CHOOSE}    sys.exit(3)", r"job 0: it raised SystemExit: 3 \(mine.py, line 3\)"),
        (f"{_CHOOSE}    os._exit(3)", "job 0: the process that simulated ended with status 3"),
        (f"{_CHOOSE}    raise KeyboardInterrupt", "job 0: it raised KeyboardInterrupt"),
        (f"{_CHOOSE}    ctypes.string_at(0)", "job 0: .* by signal 11 .Segmentation fault"),
        (f"{_CHOOSE}    os.kill(os.getpid(), 9)", "job 0: .* signal 9 .*when memory runs out"),
        (f"{_CHOOSE}    os.kill(os.getppid(), 9); time.sleep(9)", "job 0: .*watched it.* signal 9"),
        (f"{_CHOOSE}    bytearray(1 << 60)", "job 0: it raised MemoryError"),
        (f"{_CHOOSE}    return choose(job, grid)", "job 0: it raised RecursionError"),
        (
            "from redwood.errors import InputError\ndef choose(job, grid):\n"
            "    raise InputError('two\\nlines')",
            r"job 0: it raised InputError: two lines \(",
        ),
        # Texts that raise, or never come.
        (EVIL.format("raise ValueError"), "job 0: it raised Evil: its text raises ValueError"),
        (EVIL.format("while True: pass"), "job 0: no answer"),
        (
            "class Site:\n    def __repr__(self):\n        1 / 0\n"
            "def choose(job, grid):\n    return Site()",
            "job 0: it raised ZeroDivisionError",
        ),
        # Processes and threads that it leaves.
        (
            f"{_CHOOSE}    subprocess.Popen(['sleep', '99'], start_new_session=True)\n    1 / 0",
            "job 0: it raised ZeroDivisionError",
        ),
        (f"{_CHOOSE}    os.fork() or (os.fork() and os._exit(0))\n{FOREVER}", "job 0: no answer"),
    ],
)
def test_a_brokerage_that_misbehaves_is_named_with_file_and_job(jobs, text, words):
    with pytest.raises(InputError, match=rf"^policy '.*mine\.py': {words}"):
        run(jobs, text)
    assert not (jobs.parent / "run").exists()


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("placement", f"{_PLACEMENT}    period_s = 0\n", "its period_s is 0, expected 1 s or more"),
        (
            "placement",
            f"{_PLACEMENT}    def brokered(self, *_):\n    {FOREVER}",
            "job 0: no answer",
        ),
        (
            "placement",
            f"{_PLACEMENT}    period_s = 60\n    def place(self, grid): sys.exit()\n",
            "it raised SystemExit",
        ),
        (
            "queue",
            "class Key:\n    def __le__(self, _): return True\n    def __lt__(self, _): 1 / 0\n"
            f"{_QUEUE}    def key(self, job, site): return Key()\n",
            r"job \d+: it raised ZeroDivisionError",
        ),
        (
            "queue",
            "class Key:\n    def __le__(self, _): return True\n    def __lt__(self, _):\n    "
            f"{FOREVER}{_QUEUE}    def key(self, job, site): return Key()\n",
            r"job \d+: no answer",
        ),
        (
            "queue",
            f"{_QUEUE}    def key(self, job, site): return 0\n"
            "    def started(self, *_): raise SystemExit\n",
            "job 0: it raised SystemExit",
        ),
    ],
)
def test_a_placement_or_queue_order_that_misbehaves_is_named(jobs, kind, text, words):
    with pytest.raises(InputError, match=rf"^policy '.*mine\.py': {words}"):
        run(jobs, text, kind)


LEAST_LOADED = "    return min(grid.able(job), key=lambda site: site.load, default=None)\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{_CHOOSE}    if job.row == 5: threading.Thread(target=time.sleep, args=(99,)).start()\n",
        f"{_CHOOSE}    os.kill(os.getpid(), signal.SIGINT)\n",
        f"{_CHOOSE}    sys.stdout.close()\n",
        f"{_CHOOSE}    job.row or subprocess.Popen(['sleep', '99'], start_new_session=True)\n",
        f"import os\nos.chdir('/')\n{_CHOOSE}    os.chdir('/usr')\n",
        # A clock of its own, and a name that is also a module's.
        f"{_CHOOSE}    signal.setitimer(signal.ITIMER_REAL, 9)\n    signal.signal(14, print)\n",
    ],
)
def test_what_does_no_harm_changes_nothing(jobs, text, monkeypatch):
    """All paths are relative to a folder that one of the policies leaves."""
    monkeypatch.chdir(jobs.parent)
    Path("plain.py").write_text(_CHOOSE + LEAST_LOADED)
    Path("mine.py").write_text(text + LEAST_LOADED)
    Path("order.py").write_text(f"{_QUEUE}    def key(self, job, site): return -job.submit\n")
    for name in ("plain", "mine"):
        policies = {"name": "x", "brokerage": f"{name}.py", "queue": "order.py"}
        run_scenario(scenario("jobs.csv", policies=policies, checkpoint_s=1e-9), name)
    for file in Path("plain/seed-1").iterdir():
        assert file.read_bytes() == (Path("mine/seed-1") / file.name).read_bytes()


def test_a_policy_finds_files_beside_it_but_none_in_place_of_an_installed_module(jobs):
    (jobs.parent / "weights.py").write_text("BEST = 'B'\n")
    for name in ("numpy", "colorsys"):
        (jobs.parent / f"{name}.py").write_text("raise ImportError('of the folder')")
    text = "import colorsys, numpy, weights\n"
    run(jobs, f"{text}def choose(job, grid): return grid.site(weights.BEST)\n")
    placed = read_parquet(jobs.parent / "run/seed-1/jobs.parquet")["site"]
    assert set(placed) == {"B"}


def test_a_policy_is_watched_off_the_main_thread_too(jobs):
    caught = []

    def simulate() -> None:
        with pytest.raises(InputError, match="job 0: no answer") as error:
            run(jobs, f"{_CHOOSE}{FOREVER}")
        caught.append(error)

    thread = threading.Thread(target=simulate)
    thread.start()
    thread.join()
    assert caught


def test_an_error_of_ours_is_not_that_of_a_policy(jobs, monkeypatch):
    from redwood.simulation import running

    monkeypatch.setattr(running, "write_run", lambda *_: 1 / 0)
    with pytest.raises(
        RuntimeError, match=r"^policies 'mine', seed 1: Traceback(.*\n)*ZeroDivisionError"
    ):
        run(jobs, _CHOOSE + LEAST_LOADED)


@pytest.mark.parametrize(
    ("draw", "repeats"),
    [
        ("grid.random.random()", True),
        # Both global generators begin with the scenario's seed.
        ("random.random()", True),
        ("numpy.random.rand()", True),
        ("random.Random().random()", False),
        ("numpy.random.default_rng().random()", False),
        ("uuid.uuid4().int", False),
        ("time.monotonic_ns()", False),
    ],
)
def test_what_is_drawn_without_a_seed_is_noticed(jobs, capfd, draw, repeats):
    text = f"import hashlib, random, time, uuid, numpy\ndef choose(job, grid):\n    x = {draw}\n"
    text += "    return grid.able(job)[hashlib.md5(str(x).encode()).digest()[0] % 2]\n"
    summary = run(jobs, text)
    assert summary["repeats"] is repeats
    said = capfd.readouterr().err
    assert ("does not go the same way again" in said) is not repeats
    assert said.count("simulating") == 1
    first = (jobs.parent / "run/seed-1/jobs.parquet").read_bytes()
    run(jobs, text)
    assert ((jobs.parent / "run/seed-1/jobs.parquet").read_bytes() == first) is repeats


def test_what_an_answer_waits_for_a_processor_is_not_held_against_it():
    question, every = Question(), os.sched_getaffinity(0)

    def work():
        question.ask(BROKERAGE, 0)
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
        question.answered()
        return "done"

    os.sched_setaffinity(0, {min(every)})
    try:
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
        try:
            assert run_watched(work, question, 0.6, "a simulation") == "done"
        finally:
            for other in others:
                other.kill()
                other.wait()
    finally:
        os.sched_setaffinity(0, every)
