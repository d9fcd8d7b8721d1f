"""The shipped policies: what each does, and what happens when one does what it must not."""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from small_grids import environment, job

from redwood import plugins
from redwood.configuration import PolicyChoice
from redwood.errors import InputError
from redwood.simulation.choosing import load_shipped
from redwood.simulation.contract import Brokerage, Copy, Grid, Job, Placement, QueueOrder
from redwood.simulation.site_state import SiteState

_SITES = "redwood.simulation.policies.brokerage"


def states(*cores, **of_all):
    return [SiteState(index, f"S{index}", number, **of_all) for index, number in enumerate(cores)]


def a_job(cores=1, dataset=-1, site="S0", work=1000.0, row=0):
    return Job(row, 0.0, site, work, cores, 10**9 if dataset >= 0 else 0, 0, 1, dataset, 0, 0)


def choose(name, job, grid):
    return plugins.load(_SITES, name).Policy().choose(job, grid)


@pytest.mark.parametrize("name", plugins.names(_SITES))
def test_no_brokerage_names_a_site_that_cannot_take_the_job(name):
    parts = states(4, 8, 2, carbon_intensity=300.0)
    parts[1].up = False
    grid = Grid(parts, [{0, 1, 2}], [1e9])
    for cores, able in ((1, {"S0", "S2"}), (4, {"S0"}), (5, set())):
        for site in ("S0", "S1", "S2", "elsewhere"):
            chosen = choose(name, a_job(cores, 0, site), grid)
            assert chosen is None or chosen.name in able
            if name != "as_recorded":
                assert (chosen is not None) == bool(able)


@pytest.mark.parametrize("name", plugins.names(_SITES))
def test_what_a_shipped_brokerage_computes_with_is_loaded_on_any_grid(name):
    """Also on one without links or storage, and with a site that has no cores."""
    load_shipped(PolicyChoice(brokerage=name), environment(0, 4))


def test_what_is_compiled_is_loaded_before_jobs_come():
    code = (
        "import sys; from small_grids import environment; "
        "from redwood.configuration import PolicyChoice; "
        "from redwood.simulation.choosing import load_shipped; "
        "load_shipped(PolicyChoice(brokerage='shortest_completion'), environment(4, 4)); "
        "from redwood.simulation import observing; "
        "assert observing.waiting_times.signatures and observing.transfer_times.signatures"
    )
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": path})


def test_as_recorded_replays():
    grid = Grid(states(4, 4))
    assert choose("as_recorded", a_job(site="S1"), grid).name == "S1"
    assert choose("as_recorded", a_job(site="none such"), grid) is None


def test_least_loaded_counts_the_job_itself_and_prefers_fast_cores():
    parts = states(10, 100)
    parts[1].committed_cores = 20
    # 2/10 against 22/100 with the job of two cores.
    assert choose("least_loaded", a_job(2), Grid(parts)).name == "S0"
    assert choose("least_loaded", a_job(4), Grid(parts)).name == "S1"
    even = [SiteState(0, "A", 4, 10.0), SiteState(1, "B", 4, 12.0)]
    assert choose("least_loaded", a_job(), Grid(even)).name == "B"


def test_random_is_weighted_by_cores():
    grid = Grid(states(10, 30))
    policy = plugins.load(_SITES, "random").Policy()
    counts = Counter(policy.choose(a_job(), grid).name for _ in range(4000))
    assert counts["S1"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_round_robin_takes_turns_by_cores():
    grid = Grid(states(1, 2, 1))
    policy = plugins.load(_SITES, "round_robin").Policy()
    counts = Counter(policy.choose(a_job(), grid).name for _ in range(40))
    assert counts == {"S0": 10, "S1": 20, "S2": 10}


def test_power_of_two_takes_the_better_of_two():
    """Drawn by cores: 1/4, 1/4, 1/2. The most loaded is taken only if drawn twice: 1 in 16."""
    parts = states(10, 10, 20)
    for state, load in zip(parts, (1, 2, 3), strict=True):
        state.committed_cores = load * state.cores / 10
    grid = Grid([parts[0], parts[2], parts[1]])
    policy = plugins.load(_SITES, "power_of_two").Policy()
    counts = Counter(policy.choose(a_job(), grid).name for _ in range(9000))
    assert counts["S0"] / 9000 == pytest.approx(1 - 9 / 16, abs=0.02)
    assert counts["S2"] / 9000 == pytest.approx(1 / 4, abs=0.02)


def test_data_locality_goes_where_the_input_is():
    parts = states(10, 10, 10)
    parts[1].committed_cores = 9
    grid = Grid(parts, [{1, 2}, {1}], [1e9, 1e9])
    assert choose("data_locality", a_job(dataset=0), grid).name == "S2"
    assert choose("data_locality", a_job(dataset=1), grid).name == "S1"
    assert choose("data_locality", a_job(), grid).name == "S0"


def test_pandas_weight_is_the_published_one():
    """(running + 1) / (queued + 1): 10/1 against 5/2; a queue above 2 × max(20, running) is out."""
    parts = states(100, 100, 100)
    parts[0].running_jobs, parts[1].running_jobs, parts[1].waiting_jobs = 9, 4, 1
    parts[2].running_jobs, parts[2].waiting_jobs = 30, 61
    grid = Grid(parts)
    policy = plugins.load(_SITES, "panda_weight").Policy()
    counts = Counter(policy.choose(a_job(), grid).name for _ in range(6000))
    assert counts["S0"] / 6000 == pytest.approx(10 / 12.5, abs=0.02)
    assert counts["S2"] == 0
    local = Grid(parts, [{1, 2}], [1e9])
    assert {policy.choose(a_job(dataset=0), local).name for _ in range(50)} == {"S1"}
    # Queues of those that hold the input are too long: others; so are all: those that hold it.
    parts[1].staging_jobs = 40
    assert {policy.choose(a_job(dataset=0), local).name for _ in range(50)} == {"S0"}
    parts[0].waiting_jobs = 41
    assert {policy.choose(a_job(dataset=0), local).name for _ in range(200)} == {"S1", "S2"}


def test_jobs_whose_input_is_on_its_way_keep_others_waiting():
    """Else bursts go where cores are free although all of these will be taken."""
    parts = [SiteState(0, "A", 4, 10.0)]
    grid = Grid(parts, [], [], bandwidth=lambda i, j: 1e9, clock=lambda: 1000.0)
    parts[0].staging_jobs, parts[0].committed_cores, parts[0].waiting_core_s = 3, 3, 900.0
    assert grid.waiting_time(a_job(), grid.sites[0]) == 0
    parts[0].staging_jobs, parts[0].committed_cores, parts[0].waiting_core_s = 4, 4, 1200.0
    parts[0].stale = True
    assert grid.waiting_time(a_job(), grid.sites[0]) == 300
    assert grid.waiting_times(a_job()).tolist() == [300]


def test_shortest_completion_weighs_transfer_queue_and_speed():
    parts = [SiteState(0, "near", 1, 10.0), SiteState(1, "fast", 1, 20.0)]

    def grid(rate):
        wan = [[float("inf"), rate], [rate, float("inf")]]
        return Grid(parts, [{0}], [1e9], bandwidth=lambda i, j: wan[i][j], clock=lambda: 1000.0)

    # 1,000 HS23·s: 100 s at 10 HS23 near the data, 10 s of transfer and 50 s where it is fast.
    assert choose("shortest_completion", a_job(dataset=0), grid(1e8)).name == "fast"
    slow = grid(1e7)
    assert slow.transfer_time(a_job(dataset=0), slow.sites[1]) == 100
    assert choose("shortest_completion", a_job(dataset=0), slow).name == "near"
    # What runs near the data has until 1,200 s.
    parts[0].busy_cores = parts[0].committed_cores = 1
    parts[0].running_until_core_s, parts[0].stale = 1200.0, True
    assert slow.waiting_time(a_job(), slow.sites[0]) == 200.0
    assert choose("shortest_completion", a_job(dataset=0), slow).name == "fast"


def test_what_a_policy_sees_cannot_be_changed():
    grid = Grid(states(4))
    with pytest.raises(AttributeError):
        grid.sites[0].busy_cores = 3
    with pytest.raises(AttributeError):
        grid.sites[0].anything = 3


def test_fair_share_lets_owners_take_turns(simulated):
    """Owner 0 sends four jobs before owner 1 sends two; one core, all of 10 s.

    Tags of owner 0: 0, 10, 20, 30; of owner 1: 0, 10. Of equals the first come is first.
    """
    owners = [0, 0, 0, 0, 1, 1]
    jobs = [job(0.1 * at, 10, owner=owner) for at, owner in enumerate(owners)]
    order = [owners[row] for row in started(simulated, jobs, "fair_share")]
    assert order == [0, 1, 0, 1, 0, 0]
    assert started(simulated, jobs, "fifo") == list(range(6))


def started(simulated, jobs, queue):
    done = simulated(environment(1), jobs, "as_recorded", None, queue)
    return np.argsort(done.jobs["start"].to_numpy()).tolist()


def test_shortest_first_starts_the_shortest_that_waits(simulated):
    jobs = [job(0, 10), job(1, 30), job(2, 5), job(3, 20)]
    assert started(simulated, jobs, "shortest_first") == [0, 2, 3, 1]


def test_popularity_copies_what_is_read_often(simulated):
    """Twelve reads in the first half day: a copy to an idle site, then one to the other."""
    grid = environment(4, 4, 0, bandwidth=1e9, each={2: {"tier": 1}})
    jobs = [job(3600.0 * at, 60, size=10**9, dataset=0, site=at % 2) for at in range(40)]
    done = simulated(grid, jobs, "as_recorded", "popularity", None, [{2}])
    copies = done.flows[done.flows["kind"] == "placement"]
    assert sorted(copies["destination"].astype(str)) == ["S0", "S1"]
    hits = done.attempts.hit
    assert hits[:12].sum() == 0
    assert hits[25:].tolist() == [1] * len(hits[25:])


def test_rebalancing_moves_from_busy_sites_to_idle_ones(simulated):
    """All jobs go to their data at S0, which is overloaded; after six hours S1 has them too."""
    grid = environment(1, 1, bandwidth=1e9)
    jobs = [job(600.0 * at, 900, size=10**9, dataset=0) for at in range(100)]
    done = simulated(grid, jobs, "data_locality", "rebalancing", None, [{0}])
    copies = done.flows[done.flows["kind"] == "placement"]
    assert copies["destination"].astype(str).tolist() == ["S1"]
    assert (done.jobs["site"] == "S1").sum() > 20


def test_prefetch_brings_what_its_kind_reads(simulated):
    """Datasets 0 and 1 are each read twice at S0; the first reader at S1 finds 1 on its way."""
    grid = environment(4, 4, 0, bandwidth=1e9)
    at_first = [job(1000.0 * at, 10, size=10**9, dataset=at % 2) for at in range(4)]
    later = [
        job(9000.0, 10, size=10**9, dataset=0, site=1),
        job(9900.0, 10, size=10**9, dataset=1, site=1),
    ]
    done = simulated(grid, at_first + later, "as_recorded", "prefetch", None, [{2}, {2}])
    assert done.attempts.hit.tolist() == [0, 0, 1, 1, 0, 1]


class Asked(Brokerage):
    """Whatever it is made with."""

    def __init__(self, answer):
        self._answer = answer

    def choose(self, job, grid):
        return self._answer(job, grid)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda job, grid: 1 / 0, "raised ZeroDivisionError"),
        (lambda job, grid: "S0", "it answered 'S0', expected a site of the grid"),
        (lambda job, grid: Grid(states(4)).sites[0], "expected a site of the grid"),
        (lambda job, grid: grid.sites[1], "'S1', which has 1 cores in all, but the job needs 2"),
        (lambda job, grid: grid.sites[2], "'S2', which is full"),
    ],
)
def test_a_brokerage_that_misbehaves_is_named_with_its_job(simulated, answer, words):
    grid = environment(4, 1, 2, each={2: {"queue_limit": 1}})

    def broker(job, grid):
        return grid.sites[2] if job.row < 2 else answer(job, grid)

    jobs = [job(0, 100, cores=2), job(1, 100, cores=2), job(2, 100, cores=2)]
    with pytest.raises(InputError, match=f"policy 'mine': job 2: .*{words}"):
        simulated(grid, jobs, Asked(broker))


class Orders(Placement):
    def __init__(self, orders):
        self._orders = orders

    def brokered(self, job, site, grid):
        return self._orders(grid)


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        (lambda grid: [1], "expected a Copy or a Removal"),
        (lambda grid: [Copy(7, grid.sites[0])], "there is no such dataset"),
        (lambda grid: [Copy(0, "S0")], "that is no site of the grid"),
        (lambda grid: None, "raised TypeError"),
        (lambda grid: (Copy(0, grid.sites[0]) for _ in iter(int, 1)), "more than 10000 copies"),
    ],
)
def test_a_placement_that_misbehaves_is_named(simulated, orders, words):
    jobs = [job(0, 1, size=10, dataset=0)]
    with pytest.raises(InputError, match=f"policy 'mine': job 0: .*{words}"):
        simulated(environment(1), jobs, "as_recorded", Orders(orders), None, [{0}])


class Keys(QueueOrder):
    def __init__(self, key):
        self._key = key

    def key(self, job, site):
        return self._key


@pytest.mark.parametrize(("key", "words"), [(float("nan"), "no order"), (object(), "TypeError")])
def test_a_queue_order_that_misbehaves_is_named(simulated, key, words):
    with pytest.raises(InputError, match=f"policy 'mine': job 0: .*{words}"):
        simulated(environment(1), [job(0, 1)], "as_recorded", None, Keys(key))
