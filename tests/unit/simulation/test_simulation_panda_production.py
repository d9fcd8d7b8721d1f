"""PanDA's production brokerage: its documentation's formulas, by hand."""

import pytest

from redwood.simulation.contract import Grid, Job
from redwood.simulation.policies.brokerage.panda_production import Policy
from redwood.simulation.site_state import SiteState

MEGA = 1e6


class Draws:
    """Stands for random numbers; keeps what is drawn from."""

    def choices(self, sites, weights):
        self.weights = {site.name: weight for site, weight in zip(sites, weights, strict=True)}
        return [sites[0]]


def site(index, running=0, waiting=0, staging=0, cores=1000, free=0, **more):
    return SiteState(
        index, f"S{index}", cores, running_jobs=running, waiting_jobs=waiting,
        staging_jobs=staging, busy_cores=cores - free, **more,
    )  # fmt: skip


def job(files=1, dataset=-1):
    return Job(0, 0.0, "S0", 1000.0, 1, 10**9 if dataset >= 0 else 0, 0, files, dataset, 0, 0)


def weights(job, *sites, holders=(), bandwidth=1e9):
    """Site → weight of those among which is drawn; none if the job gets no site."""
    draws = Draws()
    grid = Grid(sites, [set(holders)], [1e9], lambda i, j: bandwidth, draws)
    chosen = Policy().choose(job, grid)
    if chosen is None:
        return {}
    assert chosen.name == max(draws.weights, key=draws.weights.get)
    return draws.weights


def test_the_weight_is_running_over_queued():
    """(30 + 1) / (5 + 10) and (20 + 1) / (11 + 10). All input is there, for there is none."""
    found = weights(job(), site(0, 30, 5), site(1, 20, 11, staging=25))
    assert found == pytest.approx({"S0": 31 / 15, "S1": 1.0})


@pytest.mark.parametrize(
    ("waiting", "staging", "counts"),
    [(60, 0, True), (61, 0, False), (40, 20, True), (40, 21, False)],
)
def test_a_site_with_more_than_twice_as_many_queued_as_running_is_left_out(
    waiting, staging, counts
):
    """What is on its way counts, too, unless the job's own input is there."""
    sites = site(0, 30, waiting, staging), site(1, 30, 1)
    assert ("S0" in weights(job(dataset=0), *sites, holders={1})) == counts
    assert ("S0" in weights(job(dataset=0), *sites, holders={0, 1})) == (waiting <= 60)


def test_a_job_waits_if_all_sites_are_left_out():
    assert weights(job(), site(0, 30, 61), site(1, 2, 5)) == {}


def test_workers_count_as_running_below_twenty():
    """An idle site counts as one of twenty jobs, or as many as have room."""
    idle, small = site(0, free=1000), site(1, running=4, free=3, cores=7)
    assert weights(job(), idle, small) == pytest.approx({"S0": 21 / 10, "S1": 8 / 10})
    busy, one_over = site(0, 19, 0), site(1, 20, 0, free=500)
    assert weights(job(), busy, one_over) == pytest.approx({"S0": 20 / 10, "S1": 21 / 10})


def test_missing_input_and_the_link_to_the_nucleus():
    """S1 is the nucleus, the holder of the lowest tier. Of a job of 50 files, S0 lacks all:

    31 / ((2 + 6 + 10) × min(2, 6/2)) × 1 / (50/100 + 1) × ½ (2 − 30/300 + 1.9),

    30 transfers, the fewer at the ends, sharing 3.1 GB/s to 100 MB/s each. What holds the input has
    (total + total) / total = 2, and what is on its way there does not count: S1, 31 / 15 × 2 × 2;
    S2, of which nothing is on the way, 31 / 15 × 2 × ½ (2 + 2).
    """
    sites = (
        site(0, 30, 2, 6, tier=2, sending=30),
        site(1, 30, 5, 100, tier=1, receiving=40),
        site(2, 30, 5, tier=2),
    )
    found = weights(job(50, 0), *sites, holders={1, 2}, bandwidth=3100 * MEGA)
    of_link = 0.5 * (1.9 + 1.9)
    assert found == pytest.approx(
        {"S0": 31 / (18 * 2) / 1.5 * of_link, "S1": 31 / 15 * 4, "S2": 31 / 15 * 4}
    )


@pytest.mark.parametrize(
    ("waiting", "staging", "many"),
    [(4, 0, 1), (4, 2, 1), (4, 6, 1.5), (4, 12, 2), (0, 3, 2), (0, 0, 1)],
)
def test_sites_whose_jobs_wait_for_input_count_as_longer_queues(waiting, staging, many):
    found = weights(job(100, 0), site(0, 30, waiting, staging), site(1, 30), holders={1})
    # All of 100 files missing: a half. One transfer at 1 GB/s: 2.
    assert found["S0"] == pytest.approx(31 / ((waiting + staging + 10) * many) / 2 * 2)


@pytest.mark.parametrize(
    ("rate", "weight"),
    [(0.5, 1.0), (1, 1.1), (2, 1.2), (9, 1.2), (10, 1.3), (20, 1.5), (49, 1.5), (50, 1.7),
     (75, 1.8), (100, 1.9), (200, 2.0), (1e4, 2.0)],
)  # fmt: skip
def test_the_throughput_weighs_in_steps(rate, weight):
    found = weights(job(100, 0), site(0, 30), site(1, 30), holders={1}, bandwidth=rate * MEGA)
    assert found["S0"] == pytest.approx(31 / 10 / 2 * 0.5 * (2 + weight))


def test_a_full_link_has_the_least_weight():
    sites = site(0, 30, sending=900), site(1, 30, receiving=600)
    found = weights(job(100, 0), *sites, holders={1}, bandwidth=1e3)
    assert found["S0"] == pytest.approx(31 / 10 / 2 * 0.5 * (1 + 1))


def test_the_best_ten_share_the_jobs():
    sites = [site(index, running=30 + index) for index in range(13)]
    assert weights(job(), *sites) == pytest.approx(
        {f"S{index}": (31 + index) / 10 for index in range(3, 13)}
    )
