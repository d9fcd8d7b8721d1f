"""The life of jobs against queueing theory, and the books of random scenarios."""

import heapq
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood import plugins
from redwood.errors import InputError
from redwood.simulation.contract import Brokerage, Job
from redwood.simulation.engine import Engine
from redwood.simulation.platform import Platform, PlatformSite
from redwood.simulation.workload import RECORDED_STATES, Workload

pytest.importorskip("simgrid")

POWER = 10.0


def platform(*cores, bandwidth=1e9):
    return Platform(
        tuple(
            PlatformSite(f"S{index}", 2, number, POWER, bandwidth, 1e-3, bandwidth)
            for index, number in enumerate(cores)
        ),
        {},
    )


def job(row, submit, seconds, site="S0", cores=1, size=0, dataset=-1):
    """A job that runs for `seconds` on a site of the usual core power."""
    return Job(row, submit, site, seconds * POWER * cores, cores, size, dataset)


def simulate(sites, jobs, policy="as_recorded", states=None, replicas=(), seed=1):
    if isinstance(policy, str):
        policy = plugins.load("redwood.simulation.policies", policy).Policy()
    state = np.array(states or ["finished"] * len(jobs), dtype=object)
    jobs = sorted(jobs, key=lambda job: job.submit)
    return Engine(sites, Workload(jobs, state, len(replicas)), replicas, policy, "mine", seed).run()


def test_jobs_of_one_core_run_one_after_the_other(in_own_process):
    records = in_own_process(
        simulate, platform(1), [job(0, 0.0, 100), job(1, 30.0, 50), job(2, 400.0, 1)]
    )
    assert records.start.tolist() == [0, 100, 400]
    assert records.end.tolist() == [100, 150, 401]


def test_a_large_job_lets_none_pass(in_own_process):
    """Two cores; a job of two waits behind one of one, and a third of one behind it (FIFO)."""
    records = in_own_process(
        simulate,
        platform(2),
        [job(0, 0.0, 100), job(1, 1.0, 10, cores=2), job(2, 2.0, 5)],
    )
    assert records.start.tolist() == [0, 100, 110]
    assert records.end.tolist() == [100, 110, 115]


def poisson_jobs(number, load, servers, seconds):
    """Jobs of the given durations (mean 60 s) that arrive at random and keep `load` of all busy."""
    gaps = np.random.default_rng(7).exponential(60.0 / (load * servers), number)
    durations = np.broadcast_to(seconds, number)
    return [job(row, date, durations[row]) for row, date in enumerate(np.cumsum(gaps))]


@pytest.mark.parametrize("servers", [1, 4])
def test_waits_are_kiefer_and_wolfowitzs(in_own_process, servers):
    """Each job takes the core that is free first (J. Kiefer, J. Wolfowitz, 1955), job by job."""
    jobs = poisson_jobs(2000, 0.8, servers, np.random.default_rng(3).exponential(60.0, 2000))
    records = in_own_process(simulate, platform(servers), jobs)
    free = [0.0] * servers
    for row, job in enumerate(jobs):
        start = max(heapq.heappop(free), job.submit)
        assert records.start[row] == pytest.approx(start, abs=1e-6)
        heapq.heappush(free, start + job.work / POWER)


def test_mean_wait_of_equal_jobs_is_pollaczek_and_khinchines(in_own_process):
    """M/D/1: ρ s / (2 (1 - ρ)), here 45 s."""
    records = in_own_process(simulate, platform(1), poisson_jobs(50_000, 0.6, 1, 60.0))
    assert np.mean(records.start - records.arrive) == pytest.approx(45.0, rel=0.04)


def test_mean_wait_at_several_cores_is_erlangs(in_own_process):
    """M/M/4 at ρ = 0.6: C(4, 2.4) s / (4 (1 - ρ)) with Erlang's C formula."""
    servers, load = 4, 0.6
    offered = servers * load
    last = offered**servers / math.factorial(servers) / (1 - load)
    waiting = last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)
    seconds = np.random.default_rng(5).exponential(60.0, 60_000)
    records = in_own_process(
        simulate, platform(servers), poisson_jobs(60_000, load, servers, seconds)
    )
    expected = waiting * 60.0 / (servers * (1 - load))
    assert np.mean(records.start - records.arrive) == pytest.approx(expected, rel=0.05)


def test_input_comes_before_the_queue_and_a_local_replica_costs_nothing(in_own_process):
    jobs = [
        job(0, 0.0, 100, "S0", size=10**10, dataset=0),
        job(1, 0.0, 100, "S1", size=10**10, dataset=0),
    ]
    records = in_own_process(simulate, platform(1, 1), jobs, "as_recorded", None, [(1,)])
    assert records.source.tolist() == [1, -1]
    assert records.arrive.tolist() == pytest.approx([10.002, 0.0], abs=1e-6)
    assert records.end.tolist() == pytest.approx([110.002, 100.0], abs=1e-6)


def test_input_comes_from_the_replica_that_sends_least(in_own_process):
    jobs = [job(row, float(row), 1, "S0", size=10**11, dataset=0) for row in range(4)]
    records = in_own_process(simulate, platform(9, 9, 9), jobs, "as_recorded", None, [(1, 2)])
    assert sorted(records.source[:2].tolist()) == [1, 2]
    assert sorted(records.source.tolist()) == [1, 1, 2, 2]


def test_jobs_end_in_the_state_of_their_record(in_own_process):
    states = ["finished", "failed", "cancelled", "closed"]
    jobs = [job(row, float(row), 10 * (row < 3), "S0") for row in range(4)]
    records = in_own_process(simulate, platform(9), jobs, "as_recorded", states)
    assert records.state.tolist() == states
    assert records.end.tolist() == [10, 11, 12, 3]
    assert records.site.tolist() == [0, 0, 0, -1]


def test_a_job_that_fits_nowhere_is_unbrokered(in_own_process):
    jobs = [job(0, 0.0, 1, "elsewhere"), job(1, 5.0, 1, "S0", cores=3)]
    for policy, expected in (
        ("as_recorded", ["unbrokered", "unbrokered"]),
        ("least_loaded", ["finished", "unbrokered"]),
        ("data_locality", ["finished", "unbrokered"]),
    ):
        records = in_own_process(simulate, platform(2, 2), jobs, policy)
        assert records.state.tolist() == expected
        assert records.end[1] == 5.0


def test_least_loaded_fills_sites_by_their_cores(in_own_process):
    jobs = [job(row, 0.0, 100) for row in range(12)]
    records = in_own_process(simulate, platform(2, 4, 6), jobs, "least_loaded")
    assert np.bincount(records.site).tolist() == [2, 4, 6]
    assert (records.start == 0).all()


def test_data_locality_moves_nothing(in_own_process):
    jobs = [job(row, 0.0, 100, size=10**9, dataset=row % 2) for row in range(8)]
    replicas = [(0, 1), (1, 2)]
    records = in_own_process(simulate, platform(1, 1, 1, 9), jobs, "data_locality", None, replicas)
    assert (records.source == -1).all()
    assert all(records.site[row] in replicas[row % 2] for row in range(8))


class Answers(Brokerage):
    """A policy that answers whatever it is told to."""

    def __init__(self, answer):
        self.answer = answer

    def choose(self, job, grid):
        return self.answer(job, grid)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda job, grid: 1 / 0, "policy 'mine': job 0: it raised ZeroDivisionError"),
        (lambda job, grid: "S0", "policy 'mine': job 0: it answered 'S0'"),
        (lambda job, grid: grid.sites[0], "'S0', which has 1 cores in all, but the job needs 2"),
    ],
)
def test_a_faulty_policy_is_named_with_its_job(in_own_process, answer, message):
    with pytest.raises(InputError, match=message):
        in_own_process(simulate, platform(1, 2), [job(0, 0.0, 1, cores=2)], Answers(answer))


INTERRUPTED = """
from redwood.simulation.contract import Brokerage, Job
from redwood.simulation.engine import Engine
from redwood.simulation.platform import Platform, PlatformSite
from redwood.simulation.workload import Workload

class Policy(Brokerage):
    def choose(self, job, grid):
        if job.row == 1:
            raise KeyboardInterrupt
        return grid.sites[0]

sites = tuple(PlatformSite(name, 2, 1, 10.0, 1e9, 1e-3, 1e9) for name in ("A", "B"))
jobs = [Job(row, float(row), "A", 1.0, 1, 10**12, 0) for row in range(2)]
state = __import__("numpy").array(["finished"] * 2, dtype=object)
engine = Engine(Platform(sites, {}), Workload(jobs, state, 1), [(1,)], Policy(), "p", 1)
try:
    engine.run()
except KeyboardInterrupt:
    raise SystemExit(130)
"""


def test_an_interrupt_amid_transfers_ends_the_program_in_order():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("name", ["load", "cores", "free_cores", "waiting_jobs", "anything"])
def test_a_policy_cannot_change_a_site(in_own_process, name):
    def meddle(job, grid):
        setattr(grid.sites[0], name, 0)

    with pytest.raises(InputError, match="it raised AttributeError"):
        in_own_process(simulate, platform(1), [job(0, 0.0, 1)], Answers(meddle))


def test_a_policy_sees_the_grid_of_the_moment(in_own_process):
    """One core: at 10 s one job runs and one waits, at 40.5 s the third runs, at 99 s none."""
    seen = []

    def look(job, grid):
        site = grid.sites[0]
        seen.append((site.free_cores, site.waiting_jobs, site.load))
        return site

    def run():
        jobs = [job(0, 0.0, 20), job(1, 5.0, 20), job(2, 10.0, 1), job(3, 40.5, 1), job(4, 99.0, 1)]
        simulate(platform(1), jobs, Answers(look))
        return seen

    assert in_own_process(run) == [
        (1, 0, 0.0),
        (0, 0, 1.0),
        (0, 1, 2.0),
        (0, 0, 1.0),
        (1, 0, 0.0),
    ]


random_jobs = st.lists(
    st.tuples(
        st.floats(0, 1e4),  # submit
        st.floats(0, 5e3),  # seconds
        st.sampled_from(["S0", "S1", "S2", "nowhere"]),
        st.integers(1, 5),  # cores
        st.integers(0, 10**12),  # bytes
        st.integers(0, 2),  # dataset
        st.sampled_from(RECORDED_STATES),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=25, deadline=None)
@given(random_jobs, st.sampled_from(["as_recorded", "least_loaded", "data_locality"]))
def test_the_books_balance(in_own_process, rows, policy):
    sites = platform(1, 2, 4)
    jobs = [
        job(row, submit, seconds, site, cores, size, dataset if size else -1)
        for row, (submit, seconds, site, cores, size, dataset, _) in enumerate(rows)
    ]
    states = [row[-1] for row in rows]
    records = in_own_process(simulate, sites, jobs, policy, states, [(0, 1), (2,), (1, 2)])
    for row, state in enumerate(records.state):
        assert state == states[row] or (state == "unbrokered" and states[row] != "closed")
        ran = state in ("finished", "failed", "cancelled")
        assert (records.site[row] >= 0) == ran
        assert np.isfinite(records.end[row])
        assert np.isfinite(records.start[row]) == np.isfinite(records.arrive[row]) == ran
        if ran:
            seconds = jobs[row].work / (POWER * jobs[row].cores)
            assert records.submit[row] <= records.arrive[row] <= records.start[row]
            assert records.end[row] - records.start[row] == pytest.approx(seconds, abs=1e-6)
    for index, site in enumerate(sites.sites):
        here = np.flatnonzero(records.site == index)
        dates = np.concatenate([records.start[here], records.end[here]])
        cores = np.array([jobs[row].cores for row in here])
        changes = np.concatenate([cores, -cores])
        busy = np.cumsum(changes[np.lexsort((changes, dates))]) if len(here) else np.zeros(1)
        assert busy.max() <= site.cores
        assert busy[-1] == 0
