"""The life of jobs: dates by hand, queueing theory, and the books of random scenarios."""

import heapq
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_grids import environment, job, simulate

from redwood.jackknife import jackknife_half
from redwood.simulation.accounts import event_table, site_table
from redwood.simulation.environment import Background, Outage, Outages
from redwood.simulation.log import ENDS

pytest.importorskip("simgrid")

GIGA = 10**9


def test_jobs_of_one_core_run_one_after_the_other(simulated):
    done = simulated(environment(1), [job(0, 100), job(30, 50), job(400, 1)])
    assert done.jobs["start"].tolist() == [0, 100, 400]
    assert done.jobs["end"].tolist() == [100, 150, 401]
    assert done.jobs["state"].tolist() == ["finished"] * 3


def test_a_large_job_lets_none_pass(simulated):
    """Two cores; a job of two waits behind one of one, and a third of one behind it (FIFO)."""
    done = simulated(environment(2), [job(0, 100), job(1, 10, cores=2), job(2, 5)])
    assert done.jobs["start"].tolist() == [0, 100, 110]


def test_the_run_time_has_overhead_and_efficiency(simulated):
    grid = environment(1, efficiency=0.5, overhead_s=7.0)
    done = simulated(grid, [job(0, 100)])
    assert done.jobs["wall_s"].tolist() == [207.0]


@pytest.mark.parametrize("servers", [1, 4])
def test_waits_are_kiefer_and_wolfowitzs(simulated, servers):
    """Each job takes the core that is free first (J. Kiefer, J. Wolfowitz, 1955), job by job."""
    gaps, durations = np.random.default_rng(3).exponential(60.0, (2, 2000))
    dates = np.cumsum(gaps) / (0.8 * servers)
    jobs = [job(date, seconds) for date, seconds in zip(dates, durations, strict=True)]
    done = simulated(environment(servers), jobs)
    free = [0.0] * servers
    expected = []
    for one in jobs:
        start = max(one["submit"], heapq.heappop(free))
        expected.append(start)
        heapq.heappush(free, start + one["seconds"])
    np.testing.assert_allclose(done.jobs["start"], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("servers", [1, 3])
def test_queues_are_erlangs(simulated, servers):
    """M/M/c: Poisson arrivals, exponential work; the share C(c, a) waits (A. K. Erlang, 1917).

    With a = λ/μ, those that wait do so for 1/(cμ - λ) on average, and a/c of the cores are busy.
    """
    load, mean, rows = 0.7 * servers, 100.0, 30_000
    gaps, durations = np.random.default_rng(5).exponential(1.0, (2, rows))
    dates = np.cumsum(gaps) * mean / load
    done = simulated(
        environment(servers),
        [job(d, s) for d, s in zip(dates - dates[0], durations * mean, strict=True)],
        interval_s=1e6,
    )
    terms = [load**k / math.factorial(k) for k in range(servers + 1)]
    last = terms[-1] / (1 - load / servers)
    waits = done.jobs["queue_s"].to_numpy()
    # The standard errors of waits that follow on each other are some 3 % here.
    assert (waits > 0).mean() == pytest.approx(last / (sum(terms[:-1]) + last), rel=0.05)
    assert waits[waits > 0].mean() == pytest.approx(mean / (servers - load), rel=0.1)
    assert done.outcome("utilisation") == pytest.approx(load / servers, rel=0.03)


def test_input_is_staged_before_and_output_after_the_run(simulated):
    """10 GB at 1 GB/s in, 100 s of run, 2 GB to the Tier-1 out; latencies of 10 ms each way."""
    grid = environment(1, 0, bandwidth=1e9, latency=0.005, each={1: {"tier": 1}})
    jobs = [job(0, 100, size=10 * GIGA, output=2 * GIGA, dataset=0)]
    done = simulated(grid, jobs, replicas=[{1}], outputs="tier1")
    row = done.jobs.iloc[0]
    assert row["stagein_s"] == pytest.approx(10.01)
    assert row["end"] == pytest.approx(10.01 + 100 + 2.01)
    assert row["source"] == "S1"
    assert row["bytes_moved"] == 12 * GIGA
    assert done.flows[["source", "destination", "kind", "bytes"]].values.tolist() == [
        ["S0", "S1", "output", 2 * GIGA],
        ["S1", "S0", "input", 10 * GIGA],
    ]


def test_of_two_replicas_the_one_with_more_bandwidth_per_transfer_is_read(simulated):
    """2 GB/s from S1 against 1.2 from S2: the first two jobs read S1, S2; the third S1 again."""
    grid = environment(9, 0, 0, each={0: {"bandwidth": 1e10}, 1: {"bandwidth": 2e9},
                                      2: {"bandwidth": 1.2e9}})  # fmt: skip
    jobs = [job(number, 5, size=100 * GIGA, dataset=0) for number in range(3)]
    done = simulated(grid, jobs, replicas=[{1, 2}])
    assert done.jobs["source"].tolist() == ["S1", "S2", "S1"]


def test_a_cache_serves_the_second_reader_and_lets_the_least_recently_read_go(simulated):
    """Room for two datasets of 1 GB beside none fixed: 0, 1, 0 again, then 2 drives out 1."""
    grid = environment(9, 0, bandwidth=1e9, each={0: {"storage_bytes": 2.5 * GIGA}})
    reads = [0, 1, 0, 2, 0, 1]
    jobs = [job(10.0 * at, 1, size=GIGA, dataset=data) for at, data in enumerate(reads)]
    replicas = [{1}] * 3
    done = simulated(grid, jobs, "as_recorded", "cache", None, replicas)
    assert done.attempts.hit.tolist() == [0, 0, 1, 0, 1, 0]
    assert done.outcome("cache_hit_rate") == pytest.approx(2 / 6)
    none = simulated(grid, jobs, "as_recorded", "none", None, replicas)
    assert none.outcome("wan_bytes") == 6 * GIGA
    assert done.outcome("wan_bytes") == 4 * GIGA


def test_jobs_that_want_what_is_on_its_way_wait_for_the_same_copy(simulated):
    grid = environment(9, 0, bandwidth=1e9, latency=1e-9)
    jobs = [job(float(at), 1, size=10 * GIGA, dataset=0) for at in range(3)]
    done = simulated(grid, jobs, "as_recorded", "cache", None, [{1}])
    assert (done.jobs["submit"] + done.jobs["stagein_s"]).tolist() == pytest.approx([10.0] * 3)
    assert done.outcome("wan_bytes") == 10 * GIGA


def test_a_failed_attempt_is_tried_elsewhere_up_to_the_limit(simulated):
    grid = environment(1, 1, each={0: {"failure_rate": 0.999999}})
    done = simulated(grid, [job(0, 100)], "least_loaded")
    row = done.jobs.iloc[0]
    assert [row["state"], row["site"], row["attempts"]] == ["finished", "S1", 2]
    assert row["lost_core_s"] == pytest.approx(done.attempts.stop[0] - done.attempts.start[0])
    assert 0 < row["lost_core_s"] < 100
    assert done.attempts.brokered[1] == pytest.approx(done.attempts.end[0] + 600)
    assert done.outcome("goodput") == pytest.approx(100 / (100 + row["lost_core_s"]))
    alone = simulated(environment(1, failure_rate=0.999999), [job(0, 100)], "least_loaded")
    assert alone.jobs["state"].tolist() == ["failed"]
    assert alone.jobs["attempts"].tolist() == [3]
    assert alone.jobs["cause"].tolist() == ["site"]


def test_failures_come_at_the_rates_of_site_and_kind(simulated):
    """At S0 1 - .9 × .8 = .28 of attempts fail, at S1 .2; .1/.28 of the former by the site."""
    number = 20_000
    grid = environment(10**6, 10**6, kinds={"k": 0.2}, each={0: {"failure_rate": 0.1}})
    jobs = [job(0.0, 100, site=row % 2) for row in range(number)]
    done = simulated(grid, jobs, kinds=("k",), attempts=1)
    failed = (done.jobs["state"] == "failed").to_numpy()
    assert failed[::2].mean() == pytest.approx(0.28, abs=0.015)
    assert failed[1::2].mean() == pytest.approx(0.2, abs=0.015)
    by_site = (done.jobs["cause"] == "site").to_numpy()
    assert by_site.sum() / failed[::2].sum() == pytest.approx(0.1 / 0.28, abs=0.03)
    assert done.jobs["lost_core_s"].to_numpy()[failed].mean() == pytest.approx(50, abs=2)


def test_a_job_has_the_same_luck_under_every_policy(simulated):
    grid = environment(100, 100, failure_rate=0.3)
    jobs = [job(float(row), 100, site=row % 2) for row in range(300)]
    one, other = (
        simulated(grid, jobs, policy, attempts=1) for policy in ("as_recorded", "least_loaded")
    )
    assert one.jobs["state"].tolist() == other.jobs["state"].tolist()


def test_recorded_states_are_replayed_when_asked(simulated):
    states = ["finished", "failed", "cancelled", "closed"]
    grid = environment(9, failure_rate=0.9)
    jobs = [job(0, 100, state=state) for state in states]
    done = simulated(grid, jobs, failures="recorded")
    assert done.jobs["state"].tolist() == states
    assert done.jobs["attempts"].tolist() == [1, 1, 1, 0]
    assert done.jobs["wall_s"].tolist()[:3] == [100, 100, 100]
    assert done.jobs["end"].tolist() == [100, 100, 100, 0]
    never = simulated(grid, jobs, failures="none")
    assert never.jobs["state"].tolist() == ["finished", "finished", "cancelled", "closed"]


def test_a_failed_transfer_is_retried_from_another_replica(simulated):
    grid = environment(
        1, 0, 0, bandwidth=1e9, each={1: {"transfer_failure_rate": 0.999999, "bandwidth": 2e9}}
    )
    jobs = [job(0, 10, size=10 * GIGA, dataset=0)]
    done = simulated(grid, jobs, replicas=[{1, 2}])
    assert done.jobs["source"].tolist() == ["S2"]
    failed = done.flows[done.flows["source"] == "S1"].iloc[0]
    assert [failed["transfers"], failed["failed"]] == [1, 1]
    cut = failed["bytes"] / 1e9
    assert done.jobs["stagein_s"].tolist() == pytest.approx([cut + 60 + 10 + 2 * 0.03], abs=1e-3)


def test_a_transfer_that_always_fails_fails_the_attempt(simulated):
    grid = environment(1, 0, each={1: {"transfer_failure_rate": 0.999999}})
    jobs = [job(0, 10, size=GIGA, dataset=0)]
    done = simulated(grid, jobs, replicas=[{1}])
    assert done.jobs["state"].tolist() == ["failed"]
    assert done.jobs["cause"].tolist() == ["stage-in"]
    assert done.flows["transfers"].sum() == done.flows["failed"].sum() == 9
    assert done.jobs["start"].isna().all()


def test_an_outage_fails_what_runs_and_sends_back_what_waits(simulated):
    """S0 has one core: job 0 runs at 50 s, job 1 waits; both go on at S1, job 0 after 600 s."""
    grid = environment(1, 2, outages=(Outage(site="S0", start_s=50, lasting_s=1000),))

    done = simulated(grid, [job(0, 100), job(1, 100)], First())
    assert done.jobs["site"].tolist() == ["S1", "S1"]
    assert done.jobs["start"].tolist() == [650, 50]
    assert done.jobs["attempts"].tolist() == [2, 2]
    assert done.jobs["lost_core_s"].tolist() == [50, 0]
    assert [ENDS[int(end)] for end in done.attempts.end_state] == [
        "failed", "sent back", "finished", "finished",
    ]  # fmt: skip
    assert done.summary["failures"]["outage"] == 1
    # The grid has 2 jobs under way at 50 s; both have ended at 750 s, the outage itself at 1050 s.
    assert done.outcome("recovery_time") is None


class First:
    """The first site that can take the job."""

    def choose(self, job, grid):
        return grid.able(job)[0]


def test_the_time_to_recover_counts_from_the_begin_of_the_outage(simulated):
    """One site, down from 50 to 150 s: job 0 fails and comes back at 650 s; at 50 s two jobs are
    under way, and no more than that for the first time after 150 s when the outage ends."""
    grid = environment(1, outages=(Outage(site="S0", start_s=50, lasting_s=100),))
    done = simulated(grid, [job(0, 100), job(10, 100)], "least_loaded")
    assert done.outcome("recovery_time") == 100.0
    assert sorted(done.jobs["state"].tolist()) == ["finished", "finished"]
    # Three more jobs come while it is down: five are under way when it ends, three have to end.
    more = [job(60 + number, 100) for number in range(3)]
    done = simulated(grid, [job(0, 100), job(10, 100), *more], "least_loaded")
    ends = np.sort(done.jobs["end"].to_numpy())
    assert done.outcome("recovery_time") == pytest.approx(ends[2] - 50)


def test_a_source_that_goes_down_is_replaced_or_waited_for(simulated):
    outage = Outage(site="S1", start_s=5, lasting_s=100)
    grid = environment(1, 0, 0, bandwidth=1e9, latency=1e-9, outages=(outage,))
    jobs = [job(0, 10, size=10 * GIGA, dataset=0)]
    done = simulated(grid, jobs, replicas=[{1, 2}])
    assert done.jobs["stagein_s"].tolist() == pytest.approx([15.0])
    alone = simulated(grid, jobs, replicas=[{1}])
    assert alone.jobs["stagein_s"].tolist() == pytest.approx([115.0])
    assert alone.jobs["attempts"].tolist() == [1]


def test_output_waits_for_its_storage_to_come_back(simulated):
    outage = Outage(site="S1", start_s=5, lasting_s=100)
    grid = environment(1, 0, bandwidth=1e9, latency=1e-9, outages=(outage,), each={1: {"tier": 1}})
    jobs = [job(0, 10, output=10 * GIGA)]
    done = simulated(grid, jobs, outputs="tier1")
    assert done.jobs["end"].tolist() == pytest.approx([115.0])


def test_local_jobs_take_their_share_of_the_cores(simulated):
    background = Background(load=0.5, job_s=500)
    grid = environment(20, each={0: {"background": background}})
    jobs = [job(100.0 * row, 10) for row in range(5000)]
    done = simulated(grid, jobs)
    series = site_table(done.run, done.attempts, float(done.jobs["end"].max()))
    assert series["background_cores"].mean() == pytest.approx(10, rel=0.05)
    assert series["busy_cores"].mean() == pytest.approx(0.1, rel=0.05)
    assert len(done.jobs) == 5000


def test_a_job_larger_than_any_site_ends_at_once_and_is_counted(simulated):
    done = simulated(environment(4, 2), [job(7, 1, cores=8)], "least_loaded")
    assert done.jobs["state"].tolist() == ["unbrokered"]
    assert done.jobs["end"].tolist() == [0 + 7]
    assert done.outcome("queue_time_mean") is None
    assert done.outcome("makespan") is None


@pytest.mark.parametrize(
    ("cores", "slower", "surely", "end"),
    [(1, range(100), True, 800), (200, [60], False, 60 + 400), (200, [99], False, 79 + 10)],
)
def test_what_hangs_on_one_job_is_not_sure(simulated, cores, slower, surely, end):
    """A grid whose every job runs longer, or only that which ends last; 100 jobs, one a second."""
    found = []
    for more in (1.0, 1.3):
        runs = [400.0 if row in slower and cores > 1 else 10.0 for row in range(100)]
        jobs = [job(row, run * (more if row in slower else 1)) for row, run in enumerate(runs)]
        found.append(simulated(environment(cores), jobs).summary["outcomes"])
    for name in ("makespan", "throughput"):
        one, other = (outcomes[name] for outcomes in found)
        apart = np.subtract(other["without_group"], one["without_group"])
        assert (jackknife_half(apart) < abs(other["value"] - one["value"])) == surely, name
    # By hand: without the last fifth, as if what was submitted until 79 s had been until 99 s.
    assert found[0]["makespan"]["without_group"][4] == pytest.approx(end + 99 - 79)


def test_a_job_that_gets_no_site_is_offered_again_and_given_up(simulated):
    class Late:
        def choose(self, job, grid):
            return grid.sites[0] if grid.time >= 3000 else None

    done = simulated(environment(1), [job(0, 1)], Late())
    assert done.jobs["start"].tolist() == [3600]
    done = simulated(environment(1), [job(0, 1, site=5)], give_up_s=5000.0)
    assert done.jobs["state"].tolist() == ["unbrokered"]
    assert done.jobs["end"].tolist() == [4800]


def test_a_load_that_does_not_drain_is_cut_off_and_counted(simulated):
    jobs = [job(0, 100), job(1, 100), job(2, 1e9), job(3, 1)]
    done = simulated(environment(1), jobs, drain_s=1000.0)
    assert done.jobs["state"].tolist() == ["finished", "finished", "unfinished", "unfinished"]
    assert done.jobs["end"].isna().tolist() == [False, False, True, True]


@pytest.mark.parametrize("step", [1.0, 10.0])
def test_what_follows_from_a_transfer_is_exact_but_for_the_time_step(simulated, step):
    """Jobs that run longer than the step: dates do not depend on it; shorter ones: late by it."""
    random = np.random.default_rng(4)
    grid = environment(50, 50, 50, bandwidth=1e8, latency=1e-9, each={2: {"tier": 1}})

    def jobs(shortest):
        return [
            job(
                float(submit), shortest + float(random.exponential(20)), site=int(where),
                size=int(size), output=int(size), dataset=number,
            )
            for number, (submit, where, size) in enumerate(
                zip(random.uniform(0, 3000, 300), random.integers(2, size=300),
                    random.integers(10**7, 10**9, 300), strict=True)
            )
        ]  # fmt: skip

    replicas = [{int(random.integers(3))} for _ in range(300)]
    for shortest, tolerance in ((step, 1e-5), (0.0, 3 * step)):
        same = jobs(shortest)
        exact, stepped = (
            simulated(grid, same, replicas=replicas,
                outputs="tier1", time_step=each,
            )
            for each in (1e-3, step)
        )  # fmt: skip
        np.testing.assert_allclose(stepped.jobs["end"], exact.jobs["end"], rtol=0, atol=tolerance)


jobs_of_any_kind = st.lists(
    st.fixed_dictionaries(
        {
            "submit": st.floats(0, 5000).map(lambda date: round(date, 2)),
            "seconds": st.sampled_from([0.0, 0.5, 30.0, 700.0, 4000.0]),
            "site": st.integers(0, 4),
            "cores": st.sampled_from([1, 1, 2, 8]),
            "size": st.just(0),
            "output": st.sampled_from([0, GIGA]),
            "dataset": st.integers(-1, 4),
            "owner": st.integers(0, 2),
            "state": st.sampled_from(["finished", "finished", "failed", "cancelled", "closed"]),
        }
    ).map(lambda one: {**one, "size": 0 if one["dataset"] < 0 else (one["dataset"] + 1) * GIGA}),
    min_size=1,
    max_size=40,
)
grids = st.fixed_dictionaries(
    {
        "cores": st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(2, 8)),
        "failure_rate": st.sampled_from([0.0, 0.4]),
        "transfer_failure_rate": st.sampled_from([0.0, 0.4]),
        "storage": st.sampled_from([None, 16.0 * GIGA]),
        "read_bandwidth": st.sampled_from([None, 1e9]),
        "queue_limit": st.sampled_from([None, 2]),
        "outages": st.booleans(),
        "background": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    jobs_of_any_kind,
    grids,
    st.sampled_from(["as_recorded", "random", "data_locality", "panda_weight", "panda_production",
                     "shortest_completion", "carbon_aware", "power_of_two", "round_robin"]),
    st.sampled_from(["none", "cache", "popularity", "rebalancing", "prefetch"]),
    st.sampled_from(["fifo", "fair_share", "shortest_first"]),
)  # fmt: skip
def test_the_books_of_any_scenario_balance(in_own_process, jobs, grid, broker, placement, queue):
    in_own_process(balance, jobs, grid, broker, placement, queue)


def balance(jobs, grid, broker, placement, queue):
    """Every job ends once, cores and bytes are conserved at every event, dates are in order."""
    sites = environment(
        *grid["cores"],
        bandwidth=2e8,
        failure_rate=grid["failure_rate"],
        transfer_failure_rate=grid["transfer_failure_rate"],
        storage_bytes=grid["storage"],
        read_bandwidth=grid["read_bandwidth"],
        queue_limit=grid["queue_limit"],
        each={
            0: {"outages": Outages(every_s=2000, lasting_s=500)} if grid["outages"] else {},
            2: {"tier": 1, "carbon_intensity": 40.0}
            | ({"background": Background(load=0.3, job_s=300)} if grid["background"] else {}),
        },
    )
    replicas = [{data % 3, 2} for data in range(5)]
    done = simulate(
        sites, jobs, broker, placement, queue, replicas, 3, True, outputs="tier1", attempts=2
    )
    table, attempts = done.jobs, done.attempts
    assert done.summary["jobs"]["submitted"] == len(jobs)
    assert sum(list(done.summary["jobs"].values())[1:]) == len(jobs)
    assert done.summary["jobs"]["unfinished"] == 0
    assert table["end"].notna().all()
    assert (table["end"] >= table["submit"] - 1e-9).all()
    for earlier, later in (
        ("brokered", "staged"), ("staged", "start"), ("start", "stop"), ("stop", "end"),
    ):  # fmt: skip
        gap = getattr(attempts, later) - getattr(attempts, earlier)
        assert np.nanmin(gap, initial=0.0) >= -1e-6, (earlier, later)
    # Cores: at every moment those that run at a site have no more than it has.
    ran = np.isfinite(attempts.start)
    for index, site in enumerate(sites.sites):
        here = ran & (attempts.site == index)
        moments = np.concatenate([attempts.start[here], attempts.stop[here]])
        changes = np.concatenate([attempts.cores[here], -attempts.cores[here]])
        # What ends at a moment ends before anything starts at it.
        busy = np.cumsum(changes[np.lexsort((changes, moments))])
        assert (busy <= site.cores).all()
        assert len(busy) == 0 or busy[-1] == 0
    # Every state that was seen at an event is possible.
    events = event_table(done.run)
    cores = {site.name: site.cores for site in sites.sites}
    seen = events.dropna(subset="site")
    assert (seen["site_busy_cores"] <= seen["site"].astype(str).map(cores)).all()
    counts = ["site_busy_cores", "site_waiting_jobs", "site_staging_jobs", "grid_waiting_jobs"]
    assert (events[counts].fillna(0) >= 0).all().all()
    assert (events["site_used_bytes"].fillna(0) >= 0).all()
    if grid["storage"]:
        assert (events["site_used_bytes"].fillna(0) <= grid["storage"]).all()
    ends = events["event"].isin(["finished", "failed", "cancelled", "closed", "unbrokered"])
    last = events[ends].drop_duplicates("job", keep="last")
    assert last["job"].nunique() == len(jobs)
    # Bytes: what sites sent is what sites received, and what the flows say.
    series = site_table(done.run, attempts, float(table["end"].max()))
    assert series["bytes_in"].sum() == series["bytes_out"].sum() == done.flows["bytes"].sum()
    assert done.outcome("wan_bytes") == done.flows["bytes"].sum()
    # Time: the series adds up to what the attempts used.
    own = ran & (attempts.row >= 0)
    used = ((attempts.stop - attempts.start) * attempts.cores)[own].sum()
    inside = series["busy_cores"].sum() * 600
    assert inside == pytest.approx(used, rel=1e-6, abs=1e-6)


def test_ctrl_c_is_pythons(tmp_path):
    """SimGrid takes the interrupt for itself; it is given back."""
    script = (
        "import os, signal, sys; sys.path[:0] = ['tests/unit/simulation'];"
        "from small_grids import environment; from redwood.simulation.network import Network;"
        "network = Network(environment(1));"
        "os.kill(os.getpid(), signal.SIGINT)"
    )
    root = os.path.dirname(__file__).rpartition("/tests/")[0]
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        env={**os.environ, "PYTHONPATH": "workflow"},
        capture_output=True,
        text=True,
    )
    assert "KeyboardInterrupt" in answer.stderr
