"""WRENCH: a recorded run is what our engine makes of the scenario; faults of its daemon are told.

The recording is of a real run of WRENCH 2.8 on SimGrid 4.1; to make it anew, with wrench-daemon on
the PATH: python tests/unit/simulation/test_simulation_wrench.py
"""

import json
import os
import shutil
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.programs import find_program
from redwood.simulation import engine_cases
from redwood.simulation.account_tables import JOBS
from redwood.simulation.engine_comparison import compare_engines, write_comparison
from redwood.simulation.engines.wrench import daemon, options
from redwood.simulation.engines.wrench.platform import platform_xml
from redwood.simulation.environment import Environment
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario
from redwood.tables import read_table

HERE = Path(__file__).resolve().parent
RECORDING = HERE / "recorded_wrench.json"
COMPARED = ["stagein_s", "queue_s", "start", "wall_s", "end", "bytes_moved"]


def scenario(folder, engine, **settings):
    """Twenty jobs on three sites: they wait, fail, read from afar, and write to a Tier-1."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "creationtime": pd.Timestamp("2024-01-01", tz="UTC")
            + pd.to_timedelta(random.uniform(0, 1500, 20).round(2), "s"),
            "computingsite": random.choice(["A", "B", "C"], 20),
            "workload": random.uniform(1000, 20000, 20).round(1),
            "size": random.choice([0, 10**9, 3 * 10**10], 20),
            "jobstatus": random.choice(["finished", "cancelled", "closed"], 20, p=[0.6, 0.2, 0.2]),
        }
    )
    frame.to_csv(folder / "jobs.csv", index=False)
    site = {"core_power": 10.0, "read_bandwidth": 2e8, "write_bandwidth": 1e8, "bandwidth": 1e8}
    sites = [
        {"name": name, "cores": cores, "tier": tier, "failure_rate": 0.3, **site}
        for name, cores, tier in (("A", 2, 1), ("B", 1, 2), ("C", 3, 2))
    ]
    return Scenario.load(
        {
            "environment": {"sites": sites},
            "workload": {"jobs": str(folder / "jobs.csv"), "name": "small"},
            "policies": "least_loaded",
            "outputs": "tier1",
            "replicas": 1,
            "engine": engine,
            **settings,
        }
    )


@pytest.fixture
def fake_daemon(tmp_path, monkeypatch):
    """A path of an executable that stands in for wrench-daemon, told what to do."""

    def make(what):
        monkeypatch.setenv("FAKE_DAEMON", str(what))
        path = tmp_path / "wrench-daemon"
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "fake_wrench_daemon.py"} "$@"\n')
        path.chmod(0o755)
        return str(path)

    return make


def jobs_of(folder):
    return read_table(folder / "seed-1" / "jobs.parquet", JOBS)


def is_alike(one, other):
    for column in ("state", "site", "source", "attempts", "cause"):
        assert one[column].astype(str).tolist() == other[column].astype(str).tolist(), column
    for column in COMPARED:
        assert one[column].to_numpy() == pytest.approx(
            other[column].to_numpy(), abs=1e-3, nan_ok=True
        ), column


def test_a_recorded_run_is_what_our_engine_makes_of_the_same_scenario(tmp_path, fake_daemon):
    program = fake_daemon(RECORDING)
    runs = {name: tmp_path / name for name in ("simgrid", "wrench")}
    run_scenario(scenario(tmp_path, "simgrid"), runs["simgrid"])
    summary = run_scenario(scenario(tmp_path, "wrench"), runs["wrench"], program=program)
    ours = jobs_of(runs["simgrid"])
    assert set(ours["state"]) == {"finished", "failed", "cancelled", "closed"}
    assert (ours["queue_s"] > 0).any()
    assert ours["source"].notna().any()
    assert (ours["attempts"] > 1).any()
    is_alike(jobs_of(runs["wrench"]), ours)
    assert summary["engine"]["name"] == "wrench"
    assert any("passes those before it" in one for one in summary["engine"]["left_out"])
    # The end of its log is no result; that there is one is kept.
    assert "fake daemon" in (runs["wrench"] / "seed-1" / "engine.log").read_text()
    table = compare_engines(runs.values())
    assert set(table["engine"]) == {"wrench"}
    assert table["ratio"].dropna().to_numpy() == pytest.approx(1.0, abs=1e-5)
    said = write_comparison(list(runs.values()), tmp_path / "engines.csv")
    assert "+0.00 %" in said
    written = json.loads((tmp_path / "engines.json").read_text())
    assert written["engines"]["wrench"]["left_out"] == summary["engine"]["left_out"]


def served(program, folder):
    """Begin a simulation with a daemon, and ask it for the time."""
    case = SimpleNamespace(
        program=find_program("wrench-daemon", program), folder=folder, measured={}
    )
    with daemon.serving(case, "<platform/>") as running:
        running.get("/getTime")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("crash", r"signal 6 .* before it was ready(.|\n)*std::bad_alloc"),
        ("hang", r"not ready after 0.5 s(.|\n)*fake daemon: hang"),
        ("other", r"known to work \(WRENCH 2.8.*begins with \['Other daemon 1.0'\]"),
        ("half", r"status 3 at /simulation/redwood/hostnames(.|\n)*fake daemon: half"),
        ("crash-late", r"signal 6 .*at /simulation/redwood/getTime"),
        ("hang-late", r"had not answered /simulation/redwood/getTime after 0.5 s and was ended"),
        ("refuse", r"refused /api/startSimulation: no such host"),
    ],
)
def test_a_daemon_that_fails_is_told_with_the_end_of_its_log(
    what, said, tmp_path, fake_daemon, monkeypatch
):
    if what == "hang":
        monkeypatch.setattr(daemon, "_BEGIN_S", 0.5)
    if what == "hang-late":
        monkeypatch.setattr(daemon, "_ANSWER_S", 0.5)
    with pytest.raises(InputError, match=said):
        served(fake_daemon(what), tmp_path / "run")
    left = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/environ")
        if os.access(path, os.R_OK) and f"FAKE_DAEMON={what}\0".encode() in _bytes(path)
    ]
    assert set(left) <= {str(os.getpid())}


def _bytes(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_port_that_is_taken_by_another_simulation_is_noticed(tmp_path, fake_daemon, monkeypatch):
    monkeypatch.setattr(daemon, "CONTROLLER", "another host")
    with pytest.raises(InputError, match="another program answers: the hosts"):
        served(fake_daemon(RECORDING), tmp_path / "run")


def test_what_cannot_be_expressed_is_said(tmp_path):
    plain = scenario(tmp_path, "wrench")
    environment = plain.read_environment()
    one_core = [site.model_copy(update={"cores": 1}) for site in environment.sites]
    assert options.left_out(plain, Environment(sites=tuple(one_core))) == []
    changed = Scenario.load(
        {
            **plain.model_dump(exclude={"policies"}),
            "policies": "least_loaded+cache",
            "users": "closed",
        }
    )
    down = environment.model_copy(
        update={"outages": ({"site": "A", "start_s": 1, "lasting_s": 1},)}
    )
    said = " ".join(options.left_out(changed, down))
    for word in ("outages", "placement 'cache'", "users: closed", "queue that need more cores"):
        assert word in said


def test_the_platform_has_the_links_of_the_environment_in_units():
    text = platform_xml(
        Environment.model_validate(
            {
                "sites": [
                    {"name": "A & B", "cores": 4, "bandwidth": 1e8},
                    {"name": "C", "cores": 0},
                ],
                "links": [{"between": ["A & B", "C"], "bandwidth": 5e8, "latency": 0.001}],
            }
        ),
        tcp_gamma=1e6,
    )
    assert '<host id="nodes-0" speed="1000000000f" core="4">' in text
    assert '<link id="access-0" bandwidth="100000.0Bps" latency="0s"' in text
    assert (
        '<link id="window-0" bandwidth="500000.0Bps" latency="0s" sharing_policy="FATPIPE"' in text
    )
    assert (
        '<route src="storage-0" dst="nodes-1" symmetrical="NO"><link_ctn id="read-0"/>'
        '<link_ctn id="link-0" direction="UP"/><link_ctn id="window-0"/></route>' in text
    )


@pytest.fixture
def live():
    """Skips, loudly, where the program is not there."""
    if shutil.which("wrench-daemon") is None:
        warnings.warn(f"not tested against WRENCH itself: {options.WHERE}", stacklevel=1)
        pytest.skip("wrench-daemon is not on the PATH")


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"failures": "recorded", "outputs": "site"},
        {"failures": "none", "drain_s": 300.0},
        {"tcp_gamma": 1e6, "retry_delay_s": 5.0},
    ],
    ids=str,
)
def test_wrench_itself_does_as_our_engine(settings, tmp_path):
    for name in ("simgrid", "wrench"):
        run_scenario(scenario(tmp_path, name, **settings), tmp_path / name)
    is_alike(jobs_of(tmp_path / "wrench"), jobs_of(tmp_path / "simgrid"))


@pytest.mark.usefixtures("live")
def test_wrench_itself_meets_the_formulas_but_for_what_it_leaves_out(monkeypatch):
    cases = [case for case in engine_cases.CASES if len(case.jobs) < 10]
    monkeypatch.setattr(engine_cases, "CASES", cases)
    table = engine_cases.run_cases(["wrench"])
    passed = table["quantity"] == "start of the narrow one"
    assert table.loc[passed, "value"].item() == pytest.approx(2.0, abs=1e-3)
    assert table.loc[~passed, "difference"].to_numpy() == pytest.approx(0.0, abs=0.003)


def record():
    """Make the recording anew."""
    import tempfile

    calls = []
    plain = daemon.Daemon._call

    def call(self, method, path, values, port):
        answer = plain(self, method, path, values, port)
        if "startSimulation" not in path and "hostnames" not in path:
            calls.append([method, path, values, answer])
            RECORDING.write_text(
                "[\n"
                + ",\n".join(json.dumps(one, separators=(",", ":")) for one in calls)
                + "\n]\n"
            )
        return answer

    daemon.Daemon._call = call
    with tempfile.TemporaryDirectory() as folder:
        run_scenario(scenario(Path(folder), "wrench"), Path(folder) / "run")


if __name__ == "__main__":
    record()
