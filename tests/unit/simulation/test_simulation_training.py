"""Training an agent, and the agent as a policy of one's own."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from redwood.configuration import PolicyChoice
from redwood.errors import InputError
from redwood.simulation.choosing import choose_policies
from redwood.simulation.learning import training
from redwood.simulation.learning.agent import INPUTS, Agent
from redwood.simulation.learning.environment import BrokerageEnv, play
from redwood.simulation.policies.brokerage.least_loaded import Policy as LeastLoaded
from redwood.simulation.running import run_scenario, write_run
from redwood.simulation.scenario import Scenario

FILES = ("policy.py", "weights.npz", "training.json")


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    """Three sites that are busy, the largest of them slow."""
    random = np.random.default_rng(1)
    seconds = np.sort(random.integers(0, 20_000, 200))
    frame = pd.DataFrame(
        {
            "creationtime": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(seconds, "s"),
            "computingsite": "A",
            "workload": random.lognormal(9, 1, 200),
        }
    )
    path = tmp_path_factory.mktemp("jobs") / "jobs.parquet"
    frame.to_parquet(path, index=False)
    sites = [
        {"name": "A", "cores": 12, "core_power": 5.0},
        {"name": "B", "cores": 6},
        {"name": "C", "cores": 3, "core_power": 20.0},
    ]
    return {
        "environment": {"sites": sites}, "workload": {"jobs": str(path)}, "network": "fluid",
    }  # fmt: skip


@pytest.fixture(scope="module")
def trained(scenario, tmp_path_factory):
    """A folder that was trained in a second, and what was said of it."""
    patch = pytest.MonkeyPatch()
    for name, value in {"_IMITATED": 400, "_CHECKED_EPISODES": 2, "_PAIRS": 3}.items():
        patch.setattr(training, name, value)

    def train(name, **options):
        folder = tmp_path_factory.mktemp("trained") / name
        return folder, training.train(scenario, folder, jobs_per_episode=100, **options)

    yield train
    patch.undo()


def test_the_same_seed_trains_the_same_bytes(trained):
    (one, _), (same, _), (other, _) = (
        trained(name, steps=steps, seed=seed)
        for name, steps, seed in (("a", 1, 1), ("b", 1, 1), ("c", 0, 2))
    )
    for file in FILES:
        assert (one / file).read_bytes() == (same / file).read_bytes(), file
    assert (one / "weights.npz").read_bytes() != (other / "weights.npz").read_bytes()


def test_what_is_kept_is_what_was_paid_most(trained):
    folder, said = trained("kept", steps=3)
    assert json.loads((folder / "training.json").read_text()) == said
    paid = said["paid_an_episode"]
    assert len(paid["checks"]) == 2
    assert paid["kept"] == max(paid["checks"])
    assert said["episodes"] == 18


def test_an_imitator_decides_as_its_teacher(trained, scenario):
    folder, _ = trained("imitator", steps=0)
    env, teacher, agent = BrokerageEnv(scenario), LeastLoaded(), Agent(folder / "weights.npz")
    env.reset(seed=5)
    same, over = [], False
    while not over:
        site = teacher.choose(env.job, env.grid)
        same.append(agent.choose(env.job, env.grid) is site)
        _, _, over, _, _ = env.step(site.index)
    assert np.mean(same) > 0.7


def test_a_trained_agent_is_a_policy_of_ones_own(trained, scenario, tmp_path):
    folder, _ = trained("policy", steps=1)
    own = Scenario.load({**scenario, "policies": {"name": "l", "brokerage": f"{folder}/policy.py"}})
    summary = run_scenario(own, tmp_path / "simulated")
    assert summary["repeats"]
    assert summary["jobs"]["finished"] == 200
    env = BrokerageEnv({**scenario, "policies": {"name": "l"}})
    play(env, Agent(folder / "weights.npz"), seed=1)
    write_run(env.run, tmp_path / "learned")
    for file in ("jobs.parquet", "summary.json"):
        theirs = (tmp_path / "simulated" / "seed-1" / file).read_bytes()
        assert (tmp_path / "learned" / file).read_bytes() == theirs


def test_weights_that_are_not_the_policys_are_an_error(trained, tmp_path):
    folder, _ = trained("broken", steps=0)

    def choose():
        choose_policies(PolicyChoice(brokerage=str(copy / "policy.py")))

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    choose()
    with np.load(folder / "weights.npz") as file:
        weights = dict(file)
    np.savez(copy / "weights.npz", **weights | {"bias_0": weights["bias_0"] + 1})
    with pytest.raises(InputError, match=r"weights.npz: its sha256 is .*, expected .*: not the"):
        choose()
    (copy / "weights.npz").unlink()
    with pytest.raises(InputError, match=r"weights.npz: no such file"):
        choose()
    for content, message in {
        "inputs": (weights | {"inputs": np.array(INPUTS[::-1])}, "trained on other features"),
        "lacking": ({"inputs": weights["inputs"]}, "no weights of a trained agent"),
        "pickled": (weights | {"bias_0": np.array([{}])}, "no weights of a trained agent"),
    }.values():
        np.savez(copy / "weights.npz", **content)
        with pytest.raises(InputError, match=message):
            Agent(copy / "weights.npz")


def test_a_teacher_that_does_not_exist_is_an_error(scenario, tmp_path):
    with pytest.raises(InputError, match=r"teacher: 'leastloaded' is unknown; there are .*random"):
        training.train(scenario, tmp_path / "x", teacher="leastloaded")
    assert not (tmp_path / "x").exists()


def test_the_slope_of_imitation_is_that_of_finite_differences():
    random = np.random.default_rng(1)
    seen, chosen = random.standard_normal((4, 3, len(INPUTS))), np.array([0, 2, 1, 1])
    weights = training._imitate(seen, chosen, 1)
    weights |= {name: weights[name].astype(float) for name in training._LAYERS}

    def likelihood(by):
        changed = weights | {name: weights[name] + by[name] for name in by}
        score = training.hidden(changed, seen)[-1] @ changed["weight_2"]
        return np.mean(score[np.arange(4), chosen] - np.log(np.exp(score).sum(axis=1)))

    slope = training._likelier(weights, seen, chosen)
    for name in training._LAYERS:
        way = random.standard_normal(weights[name].shape)
        by = (likelihood({name: 1e-5 * way}) - likelihood({name: -1e-5 * way})) / 2e-5
        assert (slope[name] * way).sum() == pytest.approx(by, rel=1e-4, abs=1e-9), name
