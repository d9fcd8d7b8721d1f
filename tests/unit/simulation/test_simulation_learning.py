"""The environment for learning: the same simulation, decision by decision."""

import gc
import json
import warnings

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
from gymnasium.utils.env_checker import check_env
from sb3_contrib import MaskablePPO
from stable_baselines3.common.env_checker import check_env as check_for_stable_baselines

from redwood import plugins
from redwood.configuration import POLICIES
from redwood.errors import InputError
from redwood.simulation.contract import Brokerage
from redwood.simulation.learning.environment import BrokerageEnv, play
from redwood.simulation.learning.rewards import REWARDS
from redwood.simulation.observing import JOB_FEATURES, SITE_FEATURES
from redwood.simulation.running import run_scenario, write_run
from redwood.simulation.scenario import Scenario

# Sites that fail, go down, fill up, and have local jobs, so that all the engine does is met.
HARD = [
    {"name": "A", "cores": 8, "failure_rate": 0.2, "queue_limit": 40, "carbon_intensity": 30.0},
    {"name": "B", "cores": 4, "core_power": 20.0, "background": {"load": 0.3, "job_s": 500}},
    {"name": "C", "cores": 2, "outages": {"every_s": 20000, "lasting_s": 3000}, "tier": 1},
    {"name": "D", "cores": 16, "storage_bytes": 2e10, "transfer_failure_rate": 0.1},
]
EASY = [{"name": name, "cores": 4} for name in "ABC"]


@pytest.fixture
def scenario(tmp_path):
    """A scenario of so many jobs, as keys and values."""

    def make(jobs=300, sites=EASY, **more):
        random = np.random.default_rng(3)
        seconds = np.sort(random.integers(0, jobs * 60, jobs))
        frame = pd.DataFrame(
            {
                "creationtime": pd.Timestamp("2024-01-01", tz="UTC")
                + pd.to_timedelta(seconds, "s"),
                "computingsite": random.choice([site["name"] for site in sites], jobs),
                "workload": random.lognormal(9, 1, jobs),
                "size": random.integers(0, 10**10, jobs),
                "cores": random.choice([1, 1, 4], jobs) if sites is HARD else 1,
            }
        )
        frame.to_parquet(tmp_path / "jobs.parquet", index=False)
        return {
            "environment": {"sites": sites},
            "workload": {"jobs": str(tmp_path / "jobs.parquet")},
            "network": "fluid",
            **more,
        }

    return make


def first(env):
    """An agent that takes the first action that is allowed."""
    return int(env.action_masks().argmax())


def episode(env, seed=1, decide=first):
    """Observations and rewards until the episode is over."""
    observed, _ = env.reset(seed=seed)
    seen, rewards, over = [observed], [], False
    while not over:
        observed, reward, ended, truncated, info = env.step(decide(env))
        seen.append(observed)
        rewards.append(reward)
        over = ended or truncated
    return seen, rewards, ended, info


def quietly(check, env, **options):
    """Check with warnings as errors, but for two: that it is not registered, and has sites."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*[Ss]pec.*")
        # Of (sites, features), which `flat` would avoid.
        warnings.filterwarnings("ignore", message="Your observation sites has an unconventional")
        check(env, **options)


@pytest.mark.parametrize("options", [{}, {"flat": True}, {"may_decline": True}])
def test_gymnasium_and_stable_baselines_find_nothing_wrong(scenario, options):
    quietly(check_env, BrokerageEnv(scenario(), **options), skip_render_check=True)
    quietly(check_for_stable_baselines, BrokerageEnv(scenario(), **options))


def test_checkers_find_nothing_wrong_where_sites_are_full_or_down(scenario):
    env = BrokerageEnv(scenario(sites=HARD), invalid="decline")
    quietly(check_env, env, skip_render_check=True)


@pytest.mark.parametrize("placement", ["none", "cache"])
@pytest.mark.parametrize("name", plugins.names(POLICIES["brokerage"]))
def test_a_shipped_policy_does_the_same_as_in_simulate_to_the_byte(
    scenario, tmp_path, name, placement
):
    keys = scenario(sites=HARD, policies={"brokerage": name, "placement": placement})
    run_scenario(Scenario.load(keys), tmp_path / "simulated")
    env = BrokerageEnv(keys, may_decline=True, most_decisions=10**6)
    for _ in range(2):
        play(env, plugins.load(POLICIES["brokerage"], name).Policy(), seed=1)
        write_run(env.run, tmp_path / "learned")
        for file in ("jobs.parquet", "sites.parquet", "flows.parquet", "summary.json"):
            theirs = (tmp_path / "simulated" / "seed-1" / file).read_bytes()
            assert (tmp_path / "learned" / file).read_bytes() == theirs, file
    counted = json.loads((tmp_path / "learned" / "summary.json").read_text())["brokerage"]
    assert counted["decisions"] >= 300
    assert counted["invalid"] == 0


class Comparing(Brokerage):
    """Compares what is known of all sites with what is known of each."""

    def __init__(self):
        self.asked = 0

    def choose(self, job, grid):
        self.asked += 1
        state = grid.arrays
        for name in ("up", "free_cores", "busy_cores", "load", "running_jobs", "waiting_jobs",
                     "staging_jobs", "waiting_core_s", "queue_time", "finished_jobs",
                     "failed_jobs", "sending", "receiving", "used_bytes", "storage_bytes", "cores",
                     "core_power", "tier"):  # fmt: skip
            assert getattr(state, name).tolist() == [getattr(s, name) for s in grid.sites], name
        every = grid.sites
        assert grid.transfer_times(job).tolist() == [grid.transfer_time(job, s) for s in every]
        assert grid.waiting_times(job).tolist() == [grid.waiting_time(job, s) for s in every]
        assert grid.run_times(job).tolist() == [s.run_time(job) for s in every]
        assert [every[i] for i in np.flatnonzero(grid.able_mask(job))] == list(grid.able(job))
        assert [every[i] for i in grid.able_indices(job)] == list(grid.able(job))
        loads = [site.load + job.cores / site.cores for site in every]
        assert grid.loads(job).tolist() == loads
        by_power = sorted(grid.able(job), key=lambda site: -site.core_power)
        assert [every[i] for i in grid.able_indices(job, fastest_first=True)] == by_power
        assert grid.takes_mask(job).tolist() == [grid.takes(s, job) for s in every]
        with pytest.raises(ValueError, match="read-only"):
            state.load[0] = 0
        return grid.random.choice(grid.able(job))


@pytest.mark.parametrize("placement", ["none", "cache", "rebalancing"])
def test_arrays_have_at_each_decision_what_sites_have(scenario, placement):
    env = BrokerageEnv(scenario(sites=HARD, policies={"placement": placement}), may_decline=True)
    comparing = Comparing()
    play(env, comparing, seed=1)
    assert comparing.asked > 300


def shown(value, unit):
    return min(np.log1p(value / unit) / 10, 1) if unit else float(value)


def test_an_observation_is_what_a_policy_sees(scenario):
    env = BrokerageEnv(scenario(sites=HARD))
    numbers = np.random.default_rng(1)

    def compare_and_choose(env):
        seen, job, grid = env.observe(), env.job, env.grid
        assert seen["mask"].tolist() == [grid.takes(site, job) for site in grid.sites]
        for site, row in zip(grid.sites, seen["sites"], strict=True):
            meant = {
                "up": site.up, "free_share": site.free_cores / site.cores, "load": site.load,
                "used_share": site.used_bytes / site.storage_bytes, "tier": site.tier / 3,
                "holds_input": site in grid.replicas(job),
                "failed_here": site.index in grid.failed_at(job),
                "waiting_time": grid.waiting_time(job, site),
                "transfer_time": grid.transfer_time(job, site), "run_time": site.run_time(job),
            }  # fmt: skip
            for feature, value in zip(SITE_FEATURES, row, strict=True):
                expected = meant.get(feature.name, getattr(site, feature.name, None))
                expected = shown(expected, feature.unit)
                assert value == pytest.approx(expected, rel=1e-6, abs=1e-7), feature.name
        meant = {"waited": grid.time - job.submit, "failures": len(grid.failed_at(job))}
        for feature, value in zip(JOB_FEATURES, seen["job"], strict=True):
            expected = shown(
                meant.get(feature.name, getattr(job, feature.name, None)), feature.unit
            )
            assert value == pytest.approx(expected, rel=1e-6), feature.name
        return int(numbers.choice(np.flatnonzero(env.action_masks())))

    seen, _, ended, _ = episode(env, decide=compare_and_choose)
    assert ended
    assert not any(seen[-1][part].any() for part in seen[-1])


def test_flat_observations_are_the_parts_one_after_the_other(scenario):
    keys = scenario()
    parts, flat = BrokerageEnv(keys).reset(seed=1)[0], BrokerageEnv(keys, flat=True)
    assert (
        flat.reset(seed=1)[0].tolist()
        == np.concatenate([parts["sites"].ravel(), parts["job"], parts["mask"]]).tolist()
    )


def test_rewards_add_up_to_the_outcomes(scenario, tmp_path):
    sites = [{**site, "carbon_intensity": 100.0 * n} for n, site in enumerate(EASY)]
    keys = scenario(failures="none", sites=sites)
    for name, expected in {
        "turnaround": lambda jobs, summary: -(jobs["end"] - jobs["submit"]).sum() / 3600,
        "queue_time": lambda jobs, summary: -jobs["queue_s"].sum() / 3600,
        "throughput": lambda jobs, summary: summary["throughput"]["value"],
        "bytes_moved": lambda jobs, summary: -summary["wan_bytes"]["value"] / 1e9,
        "carbon": lambda jobs, summary: -summary["carbon"]["value"],
    }.items():
        env = BrokerageEnv(keys, reward=name)
        rewards = episode(env)[1]
        write_run(env.run, tmp_path / "run")
        jobs = pd.read_parquet(tmp_path / "run" / "jobs.parquet")
        outcomes = json.loads((tmp_path / "run" / "summary.json").read_text())["outcomes"]
        assert sum(rewards) == pytest.approx(expected(jobs, outcomes), rel=1e-9), name
    both = BrokerageEnv(keys, reward={"queue_time": 2.0, "bytes_moved": 0.5})
    alone = [sum(episode(BrokerageEnv(keys, reward=n))[1]) for n in ("queue_time", "bytes_moved")]
    assert sum(episode(both)[1]) == pytest.approx(2 * alone[0] + 0.5 * alone[1])


def test_carbon_is_paid_where_sites_have_an_intensity_only(scenario):
    with pytest.raises(InputError, match="no site of the scenario has a carbon_intensity"):
        BrokerageEnv(scenario(), reward="carbon")


def test_a_job_under_way_costs_its_time_until_the_next_decision(scenario):
    env = BrokerageEnv(scenario(jobs=2, failures="none"))
    env.reset(seed=1)
    before = env.grid.time
    _, reward, _, _, _ = env.step(first(env))
    assert before == 0
    assert reward == pytest.approx(-env.grid.time / 3600)


def test_the_same_seed_is_the_same_episode_and_seeds_follow(scenario):
    env = BrokerageEnv(scenario(sites=HARD), jobs_per_episode=50)
    again = BrokerageEnv(scenario(sites=HARD), jobs_per_episode=50)
    env.reset(), again.reset()
    infos = [[one.reset()[1]["seed"] for _ in range(3)] for one in (env, again)]
    assert infos[0] == infos[1]
    assert len(set(infos[0])) == 3
    assert episode(env, seed=7)[1] == episode(again, seed=7)[1] != episode(env, seed=8)[1]


def test_an_endless_stream_has_other_jobs_in_each_episode(scenario):
    keys = scenario(jobs=30)
    table = pd.read_parquet(keys["workload"]["jobs"])

    def sample(seed):
        return table.sample(20, random_state=seed)

    env = BrokerageEnv(keys, jobs=sample)
    assert episode(env, seed=1)[1] != episode(env, seed=2)[1]
    assert len(env.run.workload) == 20
    with pytest.raises(InputError, match="episode with seed 3: they lack workload"):
        BrokerageEnv(keys, jobs=lambda seed: table.drop(columns="workload")).reset(seed=3)
    with pytest.raises(InputError, match="no rows"):
        BrokerageEnv(keys, jobs=lambda seed: table[:0]).reset(seed=3)


def test_many_environments_run_in_processes_of_their_own(scenario):
    keys = scenario(jobs=20)
    many = gym.vector.AsyncVectorEnv([lambda: BrokerageEnv(keys)] * 2)
    try:
        observed, _ = many.reset(seed=[1, 2])
        alone, _ = BrokerageEnv(keys).reset(seed=2)
        assert (observed["sites"][1] == alone["sites"]).all()
        ended = 0
        for _ in range(60):
            _, _, over, _, _ = many.step(observed["mask"].argmax(axis=1))
            ended += over.sum()
        assert ended >= 2
    finally:
        many.close()


def test_maskable_ppo_learns_in_it(scenario):
    env = BrokerageEnv(scenario(jobs=50, sites=HARD), flat=True)
    agent = MaskablePPO("MlpPolicy", env, n_steps=64, batch_size=32, n_epochs=1, seed=1)
    agent.learn(128)
    observed, _ = env.reset(seed=1)
    action, _ = agent.predict(observed, action_masks=env.action_masks(), deterministic=True)
    env.step(action)
    assert env.decisions["invalid"] == 0


def test_an_action_that_is_not_allowed_is_an_error_or_counted(scenario):
    sites = [*EASY, {"name": "small", "cores": 1, "queue_limit": 1}]
    env = BrokerageEnv(scenario(sites=sites))
    env.reset(seed=1)
    for action, message in {
        4: "action is 4, expected a whole number from 0 to 3",
        -1: "action is -1",
        1.5: "action is 1.5",
        "A": "action is 'A'",
    }.items():
        with pytest.raises(InputError, match=message):
            env.step(action)
    with pytest.raises(InputError, match=r"job \d+: the action is 3, site 'small', which cannot"):
        episode(env, decide=lambda env: 3)
    assert env.decisions["invalid"] == 1
    tolerant = BrokerageEnv(scenario(sites=sites), invalid="decline")
    *_, info = episode(tolerant, decide=lambda env: 3)
    assert info["invalid"] == info["declined"] > 0
    assert info["decisions"] > info["invalid"]


class Never(Brokerage):
    def choose(self, job, grid):
        return None


def test_an_agent_that_never_acts_is_stopped(scenario):
    env = BrokerageEnv(scenario(jobs=20), may_decline=True)
    _, rewards, ended, info = episode(env, decide=lambda env: env.decline)
    assert not ended
    assert info["decisions"] == info["declined"] + 1 == 201 == len(rewards) + 1
    with pytest.raises(InputError, match="step: the episode was truncated at 200 decisions"):
        env.step(0)
    with pytest.raises(InputError, match="policy still had to decide after 200 decisions"):
        play(BrokerageEnv(scenario(jobs=20), may_decline=True), Never())
    # Left alone it loses all jobs, two days after each.
    patient = BrokerageEnv(scenario(jobs=20), may_decline=True, most_decisions=10**6)
    assert episode(patient, decide=lambda env: env.decline)[2]
    assert set(patient.run.log.finals()[:, 1]) == {4}


def test_garbage_is_collected_as_before_once_an_episode_is_over(scenario):
    gc.unfreeze()  # another test may have left an episode open
    env = BrokerageEnv(scenario(jobs=20))
    for end in (lambda: episode(env), env.close, lambda: env.reset(seed=1) and env.close()):
        env.reset(seed=1)
        assert gc.get_freeze_count() > 0
        end()
        assert gc.get_freeze_count() == 0


def test_nothing_can_be_asked_before_the_beginning_or_after_the_end(scenario):
    env = BrokerageEnv(scenario(jobs=3))
    asked = {
        "step": lambda: env.step(0), "observe": env.observe, "job": lambda: env.job,
        "action_masks": env.action_masks, "grid": lambda: env.grid,
    }  # fmt: skip
    for state, prepare in {
        "no episode has begun": lambda: None,
        "the episode has ended": lambda: episode(env),
        "the environment is closed": env.close,
    }.items():
        prepare()
        for name, ask in asked.items():
            with pytest.raises(InputError, match=f"{name}: {state}; call reset first"):
                ask()
    with pytest.raises(InputError, match="no run before an episode has ended"):
        _ = env.run


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"network": "simgrid"}, {}, "network is 'simgrid'.*`network: fluid`"),
        ({}, {"reward": "turnarund"}, "'turnarund' is unknown; the nearest is 'turnaround'; there"),
        ({}, {"reward": "carbn"}, ", ".join(REWARDS)),
        ({}, {"reward": {}}, "no reward is given"),
        ({}, {"reward": {"turnaround": float("nan")}}, "its weight is nan"),
        ({}, {"invalid": "ignore"}, "invalid is 'ignore', expected 'error' or 'decline'"),
        ({}, {"jobs_per_episode": 0}, "jobs_per_episode is 0"),
        ({"workload": {}}, {}, "workload.*jobs"),
    ],
)
def test_what_cannot_be_is_said_at_once(scenario, changes, options, message):
    with pytest.raises(InputError, match=message):
        BrokerageEnv({**scenario(), **changes}, **options)


def test_jobs_none_of_which_needs_a_site_are_an_error(scenario):
    env = BrokerageEnv(scenario(sites=[{"name": "A", "cores": 1}]))
    table = pd.read_parquet(scenario()["workload"]["jobs"]).assign(cores=2)
    wide = BrokerageEnv(scenario(sites=[{"name": "A", "cores": 1}]), jobs=lambda seed: table)
    with pytest.raises(InputError, match="none of its 300 jobs needs a site"):
        wide.reset(seed=1)
    env.reset(seed=1)
