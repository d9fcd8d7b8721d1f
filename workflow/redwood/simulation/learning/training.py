"""Training a small agent: it imitates a shipped policy, then improves by evolution strategies.

A decision shows its worth hours and hundreds of decisions later, among those of all other jobs, so
that whole episodes are compared: agents whose weights differ a little from the present ones decide
the same episode, with the same jobs and the same luck, and the weights move to where more is paid.
Source: T. Salimans et al., Evolution Strategies as a Scalable Alternative to Reinforcement
Learning, arXiv:1703.03864 (2017), with mirrored differences and ranks.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from redwood import plugins
from redwood.configuration import POLICIES
from redwood.errors import InputError
from redwood.outputs import file_digest, write_json, write_text, writing_folder
from redwood.seeds import derive_seed, generator
from redwood.simulation.learning.agent import INPUTS, Agent, hidden, joined
from redwood.simulation.learning.environment import BrokerageEnv, play
from redwood.validation import known_plugins

_WIDTH = 32
_LAYERS = ("weight_0", "bias_0", "weight_1", "bias_1", "weight_2")
# Decisions that are imitated, how often each, and how many at once.
_IMITATED, _EPOCHS, _BATCH = 2048, 20, 128
# Pairs of agents a step, how far they are from the present one, and steps between checks.
_PAIRS, _SPREAD, _CHECK_EVERY = 8, 0.05, 10
_CHECKED_EPISODES = 8
_IMITATING_RATE, _IMPROVING_RATE = 3e-3, 1e-2
_POLICY = '''"""A trained brokerage; `training.json` says how. Its weights stand beside it."""

from pathlib import Path

from redwood.simulation.learning import agent


class Policy(agent.Agent):
    """The site of the greatest score."""

    def __init__(self) -> None:
        digest = "{sha256}"
        super().__init__(Path(__file__).with_name("weights.npz"), digest)
'''
Weights = dict[str, np.ndarray]


def train(
    scenario: str | Path | Mapping[str, Any],
    folder: str | Path,
    *,
    steps: int = 60,
    seed: int = 1,
    reward: str | Mapping[str, float] = "turnaround",
    jobs_per_episode: int | None = 1000,
    teacher: str = "least_loaded",
) -> dict[str, Any]:
    """Train an agent on the jobs of a scenario, and write it as a policy.

    Into `folder` go `policy.py`, which a scenario can name as its brokerage, `weights.npz`, and
    `training.json`. Kept are the weights that were paid most on eight episodes that are for that
    alone. The same seed gives the same bytes.

    Args:
        scenario, reward, jobs_per_episode: see `BrokerageEnv`.
        folder: where it goes; what an earlier training wrote there is replaced.
        steps: of improvement, each of sixteen episodes; 0: it imitates only.
        seed: of all that is drawn.
        teacher: the shipped brokerage that is imitated at first.

    Returns:
        The content of `training.json`.

    Raises:
        InputError: as `BrokerageEnv`, or there is no such teacher.
    """
    try:
        known_plugins(POLICIES["brokerage"], (teacher,))
    except ValueError as error:
        raise InputError(f"teacher: {error}") from None
    env = BrokerageEnv(scenario, reward=reward, jobs_per_episode=jobs_per_episode)
    plugin = plugins.load(POLICIES["brokerage"], teacher).Policy
    checked = [
        derive_seed(seed, "learning", "check", number) for number in range(_CHECKED_EPISODES)
    ]

    def paid(weights: Weights) -> float:
        return float(np.mean([play(env, Agent(weights), one) for one in checked]))

    with writing_folder(folder) as written:
        weights = _imitate(*_watch(env, plugin, seed), seed)
        best, checks = weights, [paid(weights)]
        learner = _Adam(_IMPROVING_RATE)
        random = generator(seed, "learning", "improve")
        for step in range(1, steps + 1):
            learner.move(weights, _slope(env, weights, random))
            if step % _CHECK_EVERY == 0 or step == steps:
                checks.append(paid(weights))
                print(f"step {step} of {steps}: {checks[-1]:.6g}", file=sys.stderr, flush=True)
                if checks[-1] == max(checks):
                    best = {name: values.copy() for name, values in weights.items()}
        np.savez(written / "weights.npz", allow_pickle=False, **best)
        digest = file_digest(written / "weights.npz")
        write_text(written / "policy.py", _POLICY.format(sha256=digest))
        summary = {
            "reward": reward,
            "jobs_per_episode": jobs_per_episode,
            "teacher": teacher,
            "steps": steps,
            "episodes": 2 * _PAIRS * steps,
            "seed": seed,
            "paid_an_episode": {
                "kept": max(checks),
                "teacher": float(np.mean([play(env, plugin(), one) for one in checked])),
                "checks": checks,
            },
            "weights_sha256": digest,
        }
        write_json(written / "training.json", summary)
    return summary


class _Adam:
    """D. Kingma, J. Ba, Adam: A Method for Stochastic Optimization, arXiv:1412.6980 (2014)."""

    def __init__(self, rate: float) -> None:
        self._rate, self._steps = rate, 0
        self._mean: Weights = {}
        self._square: Weights = {}

    def move(self, weights: Weights, slope: Weights) -> None:
        """Move the weights of the layers up the slope."""
        self._steps += 1
        for name, by in slope.items():
            mean = self._mean[name] = 0.9 * self._mean.get(name, 0.0) + 0.1 * by
            square = self._square[name] = 0.99 * self._square.get(name, 0.0) + 0.01 * by * by
            mean, square = mean / (1 - 0.9**self._steps), square / (1 - 0.99**self._steps)
            moved = weights[name] + self._rate * mean / (np.sqrt(square) + 1e-8)
            weights[name] = moved.astype(np.float32)


def _slope(env: BrokerageEnv, weights: Weights, random: np.random.Generator) -> Weights:
    """Where more is paid, from pairs of agents on either side that decide the same episode."""
    seed = int(random.integers(2**32))
    away = [
        {name: random.standard_normal(weights[name].shape) for name in _LAYERS}
        for _ in range(_PAIRS)
    ]
    paid = np.array(
        [
            [
                play(env, Agent(weights | {n: weights[n] + side * by[n] for n in _LAYERS}), seed)
                for side in (_SPREAD, -_SPREAD)
            ]
            for by in away
        ]
    )
    rank = paid.ravel().argsort().argsort().reshape(paid.shape) / (paid.size - 1)
    better = (rank[:, 0] - rank[:, 1]) / (_PAIRS * _SPREAD)
    return {n: sum(b * by[n] for b, by in zip(better, away, strict=True)) for n in _LAYERS}


def _watch(env: BrokerageEnv, plugin: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(decisions, sites, inputs) what the teacher saw, and (decisions,) the sites it chose."""
    seen: list[np.ndarray] = []
    chosen: list[int] = []
    number = 0
    while len(chosen) < _IMITATED:
        policy, over = plugin(), False
        env.reset(seed=derive_seed(seed, "learning", "teacher", number))
        number += 1
        while not over and len(chosen) < _IMITATED:
            observed, site = env.observe(), policy.choose(env.job, env.grid)
            # A teacher that puts a job off teaches nothing by that.
            action = int(env.action_masks().argmax()) if site is None else site.index
            if site is not None:
                seen.append(joined(observed["sites"], observed["job"]))
                chosen.append(action)
            _, _, ended, truncated, _ = env.step(action)
            over = ended or truncated
    return np.array(seen), np.array(chosen)


def _imitate(seen: np.ndarray, chosen: np.ndarray, seed: int) -> Weights:
    """Weights by which what was chosen has the greatest score, fitted by cross-entropy."""
    random = generator(seed, "learning", "imitate")
    inputs = seen.reshape(-1, len(INPUTS))
    weights: Weights = {
        "inputs": np.array(INPUTS),
        "mean": inputs.mean(axis=0),
        "scale": np.maximum(inputs.std(axis=0), 0.01),
        "bias_0": np.zeros(_WIDTH, np.float32),
        "bias_1": np.zeros(_WIDTH, np.float32),
        "weight_2": np.zeros(_WIDTH, np.float32),
    }
    for layer, width in enumerate((len(INPUTS), _WIDTH)):
        drawn = random.standard_normal((_WIDTH, width)) / width**0.5
        weights[f"weight_{layer}"] = drawn.astype(np.float32)
    learner = _Adam(_IMITATING_RATE)
    for _ in range(_EPOCHS):
        order = random.permutation(len(chosen))
        for begin in range(0, len(order), _BATCH):
            batch = order[begin : begin + _BATCH]
            learner.move(weights, _likelier(weights, seen[batch], chosen[batch]))
    return weights


def _likelier(weights: Weights, seen: np.ndarray, chosen: np.ndarray) -> Weights:
    """The slope of the mean logarithm of the likelihood of the sites that were chosen."""
    given, first, second = hidden(weights, seen)
    score = second @ weights["weight_2"]
    likely = np.exp(score - score.max(axis=1, keepdims=True))
    by_score = -likely / likely.sum(axis=1, keepdims=True)
    by_score[np.arange(len(chosen)), chosen] += 1
    by_score /= len(chosen)
    by_second = by_score[:, :, None] * weights["weight_2"] * (1 - second**2)
    by_first = (by_second @ weights["weight_1"]) * (1 - first**2)

    def product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return one.reshape(-1, one.shape[-1]).T @ other.reshape(-1, other.shape[-1])

    return {
        "weight_0": product(by_first, given),
        "bias_0": by_first.sum(axis=(0, 1)),
        "weight_1": product(by_second, first),
        "bias_1": by_second.sum(axis=(0, 1)),
        "weight_2": product(by_score[:, :, None], second)[0],
    }
