"""The events of a run in SQLite: what tools made for CGSim ask of them is what was run."""

import json
import sqlite3

import numpy as np
import pytest
from small_grids import environment, job, recorded_jobs

from redwood.errors import InputError
from redwood.simulation.event_database import write_event_database
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario

# What the team's studies of data management ask (explore/src/datamgmt_explore/metrics.py), in words
# of our own: of each finished job its site, when it was allocated, began to run and was over.
STAGING = """
    SELECT finished.JOB_ID, json_extract(finished.METADATA, '$.site'), allocated.TIME, begun.TIME,
           (SELECT MAX(TIME) FROM EVENTS WHERE JOB_ID = finished.JOB_ID)
    FROM EVENTS finished
    JOIN EVENTS allocated ON allocated.JOB_ID = finished.JOB_ID
        AND allocated.EVENT = 'JobAllocation' AND allocated.STATE = 'Finished'
    JOIN EVENTS begun ON begun.JOB_ID = finished.JOB_ID
        AND begun.EVENT = 'JobExecution' AND begun.STATE = 'Started'
    WHERE finished.EVENT = 'JobExecution' AND finished.STATE = 'Finished'
        AND finished.STATUS = 'finished'
"""
MOVED = """
    SELECT json_extract(METADATA, '$.source_site'), json_extract(METADATA, '$.destination_site'),
           COUNT(*), SUM(json_extract(METADATA, '$.size'))
    FROM EVENTS
    WHERE STATE = 'Finished' AND EVENT IN ('FileTransfer', 'BackGroundFileTransfer')
    GROUP BY 1, 2 ORDER BY 1, 2
"""


@pytest.fixture
def written(simulated, tmp_path):
    """Simulate and write: what was simulated, and its events as (event, …, metadata)."""

    def write(*arguments, **named):
        done = simulated(*arguments, **named)
        path = tmp_path / "events.sqlite"
        write_event_database(done.run, done.attempts, path)
        database = sqlite3.connect(path)
        return done, database

    return write


def test_one_job_that_reads_computes_and_writes(written):
    grid = environment(2, 4, bandwidth=1e6, latency=0.5, each={1: {"write_bandwidth": 1e5}})
    jobs = [job(0, 100, size=2_000_000, output=400_000, dataset=0, site=1, cores=2)]
    _, database = written(grid, jobs, replicas=[{0}])
    rows = database.execute("SELECT * FROM EVENTS ORDER BY _ID").fetchall()
    assert [row[1:6] for row in rows] == [
        ("JobAllocation", "Started", "assigned", "0", 0.0),
        ("JobAllocation", "Finished", "assigned", "0", 0.0),
        ("FileTransfer", "Started", "assigned", "0", 0.0),
        ("FileTransfer", "Finished", "assigned", "0", 3.0),
        ("JobExecution", "Started", "running", "0", 3.0),
        ("JobExecution", "Finished", "finished", "0", 103.0),
        ("FileWrite", "Started", "finished", "0", 103.0),
        ("FileWrite", "Finished", "finished", "0", 107.0),
    ]
    transfer, begun, ended, stored = (json.loads(rows[at][6]) for at in (3, 4, 5, 7))
    assert transfer == {
        "file": "dataset-0", "size": 2_000_000, "source_site": "S0", "destination_site": "S1",
        "bandwidth": 1e6, "latency": 1.0, "duration": 3.0,
    }  # fmt: skip
    assert begun["site_cpu_util"] == 2 / 4
    assert begun["grid_cpu_util"] == 2 / 6
    assert ended["site_cpu_util"] == ended["grid_cpu_util"] == 0
    assert (ended["duration"], ended["retries"]) == (100.0, 0)
    assert ended["flops"] == pytest.approx(ended["speed"] * ended["cores"] * ended["duration"])
    assert ended["file_transfer_queue_time"] == ended["total_queue_time"] == 3.0
    assert (stored["disk_write_bw"], stored["duration"]) == (1e5, 4.0)


def test_what_tools_ask_is_what_the_tables_of_the_run_say(written):
    random = np.random.default_rng(1)
    grid = environment(
        3, 2, 2, bandwidth=1e7, latency=0.01, failure_rate=0.4, each={0: {"tier": 1}}
    )
    jobs = [
        job(
            float(random.uniform(0, 2000)), float(random.uniform(10, 300)), dataset=row % 5,
            size=int(random.integers(1, 10**9)), output=int(random.integers(1, 10**8)),
        )
        for row in range(60)
    ]  # fmt: skip
    replicas = [{int(site)} for site in random.integers(3, size=5)]
    done, database = written(
        grid, jobs, "random", "rebalancing", replicas=replicas, outputs="tier1",
        retry_delay_s=10.0, attempts=2,
    )  # fmt: skip
    finished = done.jobs[done.jobs["state"] == "finished"].set_index("job")
    assert 0 < len(finished) < 60
    rows = database.execute(STAGING).fetchall()
    assert sorted(int(row[0]) for row in rows) == list(finished.index)
    for job_id, site, allocated, begun, over in rows:
        told = finished.loc[int(job_id)]
        assert site == told["site"]
        assert begun == told["start"]
        assert over == told["end"]
        assert begun - allocated == pytest.approx(told["stagein_s"] + told["queue_s"])
    flows = done.flows[done.flows["transfers"] > done.flows["failed"]]
    flows = flows.groupby(["source", "destination"], observed=True)[["transfers", "bytes"]].sum()
    moved = {(a, b): (number, size) for a, b, number, size in database.execute(MOVED)}
    assert moved == {
        pair: tuple(row) for pair, row in zip(flows.index, flows.to_numpy(), strict=True)
    }
    retried = [name for (name,) in database.execute("SELECT JOB_ID FROM EVENTS") if "#" in name]
    assert {int(name.partition("#")[0]) for name in retried} == set(
        done.jobs["job"][done.jobs["attempts"] > 1]
    )
    times = [time for (time,) in database.execute("SELECT TIME FROM EVENTS ORDER BY _ID")]
    assert times == sorted(times)


def test_equal_runs_give_equal_bytes(simulated, tmp_path):
    written = []
    for number in range(2):
        done = simulated(environment(2), [job(0, 10), job(1, 10)])
        write_event_database(done.run, done.attempts, tmp_path / f"{number}.sqlite")
        written.append((tmp_path / f"{number}.sqlite").read_bytes())
    assert written[0] == written[1]


def test_a_place_that_cannot_be_written_is_bad_input(simulated, tmp_path, monkeypatch):
    done = simulated(environment(2), [job(0, 10)])

    def full(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(InputError, match=r"events.sqlite: cannot be written: .* full"):
        write_event_database(done.run, done.attempts, tmp_path / "events.sqlite")
    assert not list(tmp_path.iterdir())


def test_a_scenario_asks_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorded_jobs(5, "A").to_csv("jobs.csv", index=False)
    scenario = Scenario.load(
        {
            "environment": {"sites": [{"name": "A", "cores": 2}]},
            "workload": {"jobs": "jobs.csv"},
            "event_database": True,
        }
    )
    run_scenario(scenario, "run")
    database = sqlite3.connect("run/seed-1/events.sqlite")
    assert len(database.execute(STAGING).fetchall()) == 5
