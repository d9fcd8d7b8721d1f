"""The simulation as a Gymnasium environment: an agent is the brokerage, decision by decision.

The engine is the one of `redwood simulate`; the same decisions give the same bytes.
"""

import gc
from collections.abc import Callable, Generator, Mapping
from operator import index
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
from gymnasium import spaces

from redwood.errors import InputError
from redwood.seeds import generator
from redwood.simulation.accounts import Run
from redwood.simulation.carbon import grams_per_core_s
from redwood.simulation.choosing import choose_policies
from redwood.simulation.contract import Brokerage, Grid, Job
from redwood.simulation.job_table import check_jobs
from redwood.simulation.learning.rewards import Payment, weighted
from redwood.simulation.log import Log
from redwood.simulation.observing import (
    JOB_FEATURES,
    SITE_FEATURES,
    Observer,
    observed_size,
)
from redwood.simulation.running import Given, prepare
from redwood.simulation.scenario import Scenario
from redwood.simulation.site_state import SiteState

# An agent that puts off every job decides 145 times about each before it is given up.
_DECISIONS_PER_JOB = 10
_MOST_SEED = 2**32
Observation = np.ndarray | dict[str, np.ndarray]
Jobs = Callable[[int], pd.DataFrame]


class BrokerageEnv(gym.Env[Observation, np.int64]):
    """An agent names the site of each job of a scenario when it is submitted, or tried again.

    An episode is a simulation: all jobs of the scenario, or some, from the first decision until all
    have ended. The scenario's placement and queue order decide what is theirs. Global random
    numbers are left alone.

    The observation is a `Dict` of float32 from 0 to 1: `sites` (sites, features), `job` (features,)
    and `mask` (actions,), see `observing.SITE_FEATURES` and `JOB_FEATURES`; the sites are in the
    order of `sites`. The action is the place of a site, and may be any that can take the job.
    After the last decision, when all jobs have ended, all of the observation is 0.

    Args:
        scenario: a scenario's file, its text or its keys and values, whose `network` is `fluid`
            (SimGrid runs once in a process). Its brokerage does not matter.
        reward: a name of `rewards.REWARDS`, or names with weights.
        jobs: for each episode its jobs, a data frame with the features of the scenario's job table,
            made from the episode's seed: an endless stream. If `None`, those of the scenario.
        jobs_per_episode: so many jobs that were submitted one after the other, begun at random by
            the episode's seed; all if `None`.
        flat: whether the observation is one array, sites, job and mask one after the other.
        may_decline: whether there is one action more, the last: *not now*. The job is offered again
            after `pending_s`.
        invalid: what becomes of an action that the mask forbids: an `error`, or it counts and is
            taken as *not now* (`decline`), for agents that know no masks.
        most_decisions: after so many an episode is truncated, as of an agent that puts off all
            jobs; ten a job if `None`.

    Attributes:
        sites: the names of the sites.
        jobs: the scenario's jobs.

    Raises:
        InputError: the scenario or a file that it names is wrong, has no jobs, or asks for SimGrid;
            there is no such reward.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 as Gymnasium has it

    def __init__(
        self,
        scenario: str | Path | Mapping[str, Any],
        *,
        reward: str | Mapping[str, float] = "turnaround",
        jobs: Jobs | None = None,
        jobs_per_episode: int | None = None,
        flat: bool = False,
        may_decline: bool = False,
        invalid: str = "error",
        most_decisions: int | None = None,
    ) -> None:
        self._scenario = Scenario.load(scenario)
        if self._scenario.network != "fluid":
            raise InputError(
                f"environment for learning: the scenario's network is {self._scenario.network!r}, "
                "which can run once in a process; give it `network: fluid`, the same model"
            )
        if invalid not in ("error", "decline"):
            raise InputError(f"invalid is {invalid!r}, expected 'error' or 'decline'")
        for name, number in (("jobs_per_episode", jobs_per_episode),
                             ("most_decisions", most_decisions)):  # fmt: skip
            if number is not None and (not isinstance(number, int) or number < 1):
                raise InputError(f"{name} is {number!r}, expected a whole number above 0, or None")
        if self._scenario.users == "closed" and (jobs is not None or jobs_per_episode is not None):
            raise InputError(
                "environment for learning: with `users: closed` an episode has all jobs of the "
                "scenario; leave out jobs and jobs_per_episode"
            )
        self._weights = weighted(reward)
        self._given = Given.of(self._scenario)
        self._rates = grams_per_core_s(self._given.environment.sites, self._scenario.watts_per_core)
        if self._rates is None and "carbon" in self._weights:
            raise InputError("reward 'carbon': no site of the scenario has a carbon_intensity")
        self.jobs = self._given.jobs
        self._stream, self._jobs_per_episode = jobs, jobs_per_episode
        self._flat, self._tolerant, self._most = flat, invalid == "decline", most_decisions
        # The brokerage is the agent.
        self._choice = self._scenario.policies.model_copy(update={"brokerage": "random"})
        self.sites = tuple(site.name for site in self._given.environment.sites)
        sites = len(self.sites)
        self.decline = sites if may_decline else None
        self._actions = sites + may_decline
        self.action_space: spaces.Discrete = spaces.Discrete(self._actions)
        self.observation_space = self._space(sites)
        self._nothing = np.zeros(observed_size(sites, self._actions), np.float32)
        self._steps = _no_questions()
        self._job: Job | None = None
        self._log, self._froze = Log(), False
        self._why_not, self._ended = "no episode has begun", False

    def _space(self, sites: int) -> spaces.Space[Any]:
        def box(*shape: int) -> spaces.Box:
            return spaces.Box(0.0, 1.0, shape, np.float32)

        if self._flat:
            return box(observed_size(sites, self._actions))
        return spaces.Dict(
            {
                "sites": box(sites, len(SITE_FEATURES)),
                "job": box(len(JOB_FEATURES)),
                "mask": box(self._actions),
            }
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode: its first decision, and `seed` in the info.

        With a seed it is the simulation that `redwood simulate` does with it. Without one, seeds
        follow from the one before; the first is the scenario's.

        Raises:
            InputError: no job of the episode needs a site.
        """
        if seed is None and self._np_random is None:
            seed = self._scenario.seed
        super().reset(seed=seed)
        self.close()
        self._seed = int(self.np_random.integers(_MOST_SEED)) if seed is None else seed
        jobs = self._jobs(self._seed)
        self._engine, self._run = prepare(
            self._scenario,
            self._given,
            jobs,
            self._seed,
            lambda: choose_policies(self._choice),
            self._given.users,
        )
        self._log = self._engine.log
        self._most_now = self._most or _DECISIONS_PER_JOB * len(jobs)
        self._observer = Observer(self._engine.grid, self._actions)
        self._payment = Payment(self._weights, self._engine, self._rates)
        self._steps = self._engine.questions()
        self._job = next(self._steps, None)
        if self._job is None:
            self._why_not = "the last reset found no job that needs a site"
            raise InputError(
                f"episode with seed {self._seed}: none of its {len(jobs)} jobs needs a site: they "
                "are closed, or need more cores than any site has"
            )
        if not gc.get_freeze_count():
            # What is there stays; to look through it for garbage would take a tenth of the time.
            gc.freeze()
            self._froze = True
        return self._observed(self._job), {"seed": self._seed}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Give the job to a site; what is observed of the next, and the reward until then.

        Returns:
            Observation, reward, whether all jobs have ended, whether the agent has decided too
            often, and, with either of these, counts of `decisions` in the info.

        Raises:
            InputError: there is no job to decide about, the action is no site, or one that cannot
                take the job.
        """
        job = self._job
        if job is None:
            job = self._require_decision("step")
        answer = self._answer(job, action)
        try:
            self._job = job = self._steps.send(answer)
        except StopIteration:
            self._over("the episode has ended")
            self._ended = True
            observed = self._shaped(np.zeros_like(self._nothing))
            return observed, self._payment.pay(), True, False, self.decisions
        seen, reward = self._observer(job), self._payment.pay()
        observed = seen if self._flat else self._observer.parts(seen)
        if self._log.decisions > self._most_now:
            self._over(f"the episode was truncated at {self._most_now} decisions")
            return observed, reward, False, True, self.decisions
        return observed, reward, False, False, {}

    def _answer(self, job: Job, action: Any) -> SiteState | None:
        """The site that an action means."""
        states = self._engine.states
        try:
            number = index(action)
        except TypeError:
            number = -1
        if 0 <= number < len(states):
            state = states[number]
            if state.takes(job):
                return state
        elif number == self.decline:
            return None
        self._log.invalid += 1
        if self._tolerant:
            return None
        raise InputError(f"job {job.row}: the action is {self._wrong(action, number)}")

    def _wrong(self, action: Any, number: int) -> str:
        if not 0 <= number < len(self.sites):
            return f"{action!r}, expected a whole number from 0 to {self._actions - 1}"
        return (
            f"{number}, site {self.sites[number]!r}, which cannot take the job now; "
            "`action_masks` says which can"
        )

    def action_masks(self) -> np.ndarray:
        """(actions,) bool: which actions are allowed, at least one; as sb3-contrib asks for it.

        Raises:
            InputError: there is no job to decide about.
        """
        job = self._require_decision("action_masks")
        mask = self._engine.grid.takes_mask(job)
        return mask.copy() if self.decline is None else np.append(mask, True)

    def observe(self) -> Observation:
        """What is observed now, again.

        Raises:
            InputError: there is no job to decide about.
        """
        return self._observed(self._require_decision("observe"))

    @property
    def job(self) -> Job:
        """The job that needs a site, as policies see it."""
        return self._require_decision("job")

    @property
    def grid(self) -> Grid:
        """The grid, as policies see it."""
        self._require_decision("grid")
        return self._engine.grid

    @property
    def decisions(self) -> dict[str, int]:
        """Decisions of the episode so far, how many were *not now*, and how many not allowed."""
        return self._log.counts

    @property
    def run(self) -> Run:
        """The simulation that has been run, for `running.write_run` and `accounts.summarise`.

        Raises:
            InputError: the episode has not ended.
        """
        if not self._ended:
            raise InputError(
                "environment for learning: there is no run before an episode has ended"
            )
        return self._run

    def close(self) -> None:
        """End the episode."""
        self._steps.close()
        self._over("the environment is closed")
        self._ended = False

    def _over(self, why: str) -> None:
        """There is nothing to decide any more."""
        self._job, self._why_not = None, why
        if self._froze:
            gc.unfreeze()
            self._froze = False

    def _jobs(self, seed: int) -> pd.DataFrame:
        """The jobs of an episode."""
        frame = self.jobs
        if self._stream is not None:
            features = self._given.description.only_features()
            frame, where = self._stream(seed), f"jobs of the episode with seed {seed}"
            missing = [column.name for column in features.columns if column.name not in frame]
            if missing:
                raise InputError(f"{where}: they lack {', '.join(missing)}")
            check_jobs(where, frame, features)
        if self._jobs_per_episode is not None and self._jobs_per_episode < len(frame):
            last = len(frame) - self._jobs_per_episode
            first = int(generator(seed, "simulation", "episode").integers(last + 1))
            order = frame["creationtime"].argsort(kind="stable").to_numpy()
            frame = frame.iloc[np.sort(order[first : first + self._jobs_per_episode])]
        return frame.reset_index(drop=True)

    def _observed(self, job: Job) -> Observation:
        return self._shaped(self._observer(job))

    def _shaped(self, observed: np.ndarray) -> Observation:
        return observed if self._flat else self._observer.parts(observed)

    def _require_decision(self, what: str) -> Job:
        if self._job is None:
            raise InputError(f"environment for learning: {what}: {self._why_not}; call reset first")
        return self._job


def _no_questions() -> Generator[Job, SiteState | None, None]:
    yield from ()


def play(env: BrokerageEnv, brokerage: Brokerage, seed: int | None = None) -> float:
    """Let a policy, shipped or your own, decide an episode.

    Args:
        env: made with `may_decline` if the policy may answer *not now*.
        brokerage: the policy.
        seed: of the episode.

    Returns:
        The sum of the rewards.

    Raises:
        InputError: an answer is not allowed, or the episode was truncated.
    """
    env.reset(seed=seed)
    total = 0.0
    while True:
        site = brokerage.choose(env.job, env.grid)
        _, reward, ended, truncated, _ = env.step(env.decline if site is None else site.index)
        total += reward
        if truncated:
            raise InputError(
                f"the policy still had to decide after {env.decisions['decisions'] - 1} decisions; "
                "most_decisions allows more"
            )
        if ended:
            return total
