"""The section of the configuration about the simulated grid, and what scenarios share with it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from redwood import plugins
from redwood.facts import PANDA_WATTS_PER_CORE
from redwood.validation import Positive, Section, known_plugins

POLICIES = {
    "brokerage": "redwood.simulation.policies.brokerage",
    "placement": "redwood.simulation.policies.placement",
    "queue": "redwood.simulation.policies.queueing",
}
ENGINES = "redwood.simulation.engines"
# Our own engine.
OURS = "simgrid"
# Before the name of a policy that was given as a Python object.
IN_PYTHON = "python:"
# What policies and workloads can be called, as folders have their names.
NAME = r"[A-Za-z0-9_+.-]+"


class PolicyChoice(Section):
    """A brokerage, a placement and a queue order that work together.

    Each is the name of a shipped policy, or `FILE.py` or `FILE.py:NAME` for your own.
    """

    name: str | None = Field(None, description="what tables call it; made of the three if null")
    brokerage: str = Field("least_loaded", description="shipped, or FILE.py or FILE.py:NAME")
    placement: str = Field("none", description="shipped, or FILE.py or FILE.py:NAME")
    queue: str = Field("fifo", description="shipped, or FILE.py or FILE.py:NAME")

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        """`data_locality+cache` stands for a brokerage and a placement or queue order with it."""
        if not isinstance(value, str):
            return value
        chosen: dict[str, str] = {"name": value}
        for part in value.split("+"):
            kinds = [kind for kind, package in POLICIES.items() if part in plugins.names(package)]
            if not kinds:
                there = "; ".join(
                    f"{kind}: {', '.join(plugins.names(package))}"
                    for kind, package in POLICIES.items()
                )
                raise ValueError(f"policy {part!r} is unknown; there are {there}")
            if kinds[0] in chosen:
                raise ValueError(f"{value!r} names two policies for {kinds[0]}")
            chosen[kinds[0]] = part
        return chosen

    @model_validator(mode="after")
    def _are_there(self) -> "PolicyChoice":
        for kind, name in self.chosen.items():
            if name.startswith(IN_PYTHON):
                raise ValueError(
                    f"{kind} {name!r} was a Python object: give it again, or put it into a file"
                )
            if not own_policy(name):
                known_plugins(POLICIES[kind], (name,))
        return self

    @property
    def chosen(self) -> dict[str, str]:
        """Kind → the policy of that kind."""
        return {kind: getattr(self, kind) for kind in POLICIES}

    @property
    def label(self) -> str:
        """`name`, or the brokerage and what is not the default."""
        if self.name is not None:
            return self.name
        defaults = PolicyChoice.model_fields
        parts = [
            name
            for kind, name in self.chosen.items()
            if kind == "brokerage" or name != defaults[kind].default
        ]
        return "+".join(
            Path(part).stem if own_policy(part) else part.removeprefix(IN_PYTHON) for part in parts
        )

    @property
    def modules(self) -> list[str]:
        """The modules of those that are shipped."""
        return [
            f"{POLICIES[kind]}.{name}" for kind, name in self.chosen.items() if not own_policy(name)
        ]

    @property
    def files(self) -> list[str]:
        """The files of the user's own."""
        return [path for path in map(own_policy, self.chosen.values()) if path]


def asks_policies(engine: str) -> bool:
    """Whether an engine asks the policies of a scenario, or decides everything by itself."""
    return bool(plugins.constant(ENGINES, engine, "ASKS_POLICIES", None))


def policies_in(engine: str, chosen: Sequence[PolicyChoice]) -> list[PolicyChoice]:
    """Those under which an engine runs: the chosen, or what it does itself, called as it is."""
    return list(chosen) if asks_policies(engine) else [PolicyChoice(name=engine)]


def own_policy(name: str) -> str:
    """The file of a user's own policy, `FILE.py` or `FILE.py:NAME`; empty for a shipped one."""
    path = name.rpartition(":")[0] or name
    path = path if path.endswith(".py") else name
    return path if path.endswith(".py") else ""


class Settings(Section):
    """What happens in a simulation besides what policies decide; times in s.

    A configuration and a scenario say these things with the same keys and the same defaults.
    """

    load_factor: Positive = Field(
        1.0, description="arrivals are this many times as fast as in the job table"
    )
    users: Literal["open", "closed"] = Field(
        "open",
        description="whether jobs are submitted when they were recorded, or once those that their "
        "user waited for have ended",
    )
    session_gap_s: Positive = Field(
        3600.0,
        description="a longer pause between two submissions ends a session of a user, s of the "
        "recording; only with users: closed",
    )
    output_share: float = Field(
        0.1, ge=0, allow_inf_nan=False, description="bytes that jobs write per byte they read"
    )
    outputs: Literal["site", "tier1"] = Field(
        "site", description="stored where the job ran, or at the Tier-0 or Tier-1 of its kind"
    )
    replicas: int = Field(2, ge=1, description="of each dataset at the beginning")
    jobs_per_dataset: Positive = Field(20.0, description="where the job table names no datasets")
    failures: Literal["drawn", "recorded", "none"] = Field(
        "drawn",
        description="attempts fail at the rates fitted to the training jobs, or as the job table "
        "says, or never",
    )
    attempts: int = Field(3, ge=1, description="at a job before it counts as failed")
    retry_delay_s: Positive = Field(
        600.0, description="from a failed attempt to the next brokerage, s"
    )
    transfer_attempts: int = Field(
        3, ge=1, description="at a transfer before the attempt at its job fails"
    )
    transfer_delay_s: Positive = Field(
        60.0, description="from a failed transfer to the next try, s"
    )
    pending_s: Positive = Field(1200.0, description="between offers of a job that gets no site, s")
    give_up_s: Positive = Field(
        172_800.0, description="from its submission until such a job ends as unbrokered, s"
    )
    drain_s: Positive = Field(
        7_776_000.0, description="from the last submission to the end at the latest, s"
    )
    network: Literal["simgrid", "fluid"] = Field(
        "simgrid",
        description="what shares the links among transfers: SimGrid, or the same model without it, "
        "which is as fast when thousands of transfers wait for each other",
    )
    transfers_per_link: int | None = Field(
        None,
        ge=1,
        description="the most at once from one site to one other, the others wait; any number if "
        "null; only with network: fluid",
    )
    transfers_per_site: int | None = Field(
        None, ge=1, description="the most at once from a site, and to it; as transfers_per_link"
    )
    tcp_gamma: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="TCP window in bytes that caps a single transfer; 0 lifts the cap",
    )
    time_step: Positive = Field(
        1.0, description="what follows a transfer within this time may be late by up to as much, s"
    )
    watts_per_core: Positive = Field(
        PANDA_WATTS_PER_CORE, description="electric power of a core that runs a job, W"
    )
    interval_s: Positive = Field(3600.0, description="step of the time series of the sites, s")
    events: bool = Field(False, description="whether every event is written, with the state")
    event_database: bool = Field(
        False,
        description="whether the events of each run are written as events.sqlite besides, a table "
        "EVENTS that tools made for CGSim read",
    )
    checkpoint_s: Positive = Field(30.0, description="wall-clock time between partial results, s")
    patience_s: Positive = Field(
        10.0, description="wall-clock time that a policy may take for an answer or its import, s"
    )

    @model_validator(mode="after")
    def _limits_need_the_fluid_network(self) -> Self:
        if self.network == "simgrid" and (self.transfers_per_link or self.transfers_per_site):
            raise ValueError(
                "transfers_per_link and transfers_per_site need network: fluid; with SimGrid "
                "transfers cannot wait"
            )
        return self


class Simulation(Settings):
    """The grid on which recorded and synthetic jobs are run."""

    policies: tuple[PolicyChoice, ...] = Field(
        tuple(
            PolicyChoice.model_validate(name)
            for name in (
                "as_recorded",
                "random",
                "round_robin",
                "least_loaded",
                "power_of_two",
                "data_locality",
                "panda_weight",
                "shortest_completion",
                "least_loaded+cache",
                "data_locality+rebalancing",
            )
        ),
        min_length=1,
        description="each a brokerage, with a placement and a queue order if joined by +, or keys "
        "for your own policies",
    )
    seeds: int = Field(5, ge=1, le=100, description="repetitions, each with a seed of its own")
    engines: tuple[str, ...] = Field(
        (OURS,),
        min_length=1,
        description="simulators: REDWOOD's own, simgrid, runs all workloads; others that are found "
        "run the recorded jobs besides, with one seed, and are compared with it; once, if they ask "
        "no policies",
    )
    programs: dict[str, str] = Field(
        {},
        description="engine → path of its program, or container image, instead of one on the PATH",
    )
    utilisation: float = Field(
        0.7, gt=0, lt=1, description="busy share of the cores at which the sites are sized"
    )

    @field_validator("policies")
    @classmethod
    def _distinct_names(cls, policies: tuple[PolicyChoice, ...]) -> tuple[PolicyChoice, ...]:
        names = [policy.label for policy in policies]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice")
            if not re.fullmatch(NAME, name):
                raise ValueError(f"{name!r} cannot name a folder, expected {NAME}")
        return policies

    @field_validator("engines")
    @classmethod
    def _known_engines(cls, chosen: tuple[str, ...]) -> tuple[str, ...]:
        if OURS not in chosen:
            raise ValueError(f"{OURS!r} is missing: the tables are made of its runs")
        return known_plugins(ENGINES, chosen)

    @field_validator("programs")
    @classmethod
    def _of_engines(cls, programs: dict[str, str]) -> dict[str, str]:
        known_plugins(ENGINES, tuple(programs))
        return programs

    @property
    def settings(self) -> dict[str, Any]:
        """What the configuration shares with scenarios, as far as it is not the default."""
        shared = set(Settings.model_fields)
        return self.model_dump(mode="json", include=shared, exclude_defaults=True)

    @property
    def labels(self) -> list[str]:
        """The names of the policies."""
        return [policy.label for policy in self.policies]

    def policy(self, name: str, engine: str = OURS) -> PolicyChoice:
        """The policy of that name, of those under which an engine runs."""
        chosen = policies_in(engine, self.policies)
        return next(policy for policy in chosen if policy.label == name)
