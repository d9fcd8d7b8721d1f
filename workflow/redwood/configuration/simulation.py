"""The section of the configuration about the simulated grid."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from redwood import plugins
from redwood.validation import Section, known_plugins

_POLICIES = {
    kind: f"redwood.simulation.policies.{package}"
    for kind, package in (
        ("brokerage", "brokerage"), ("placement", "placement"), ("queue", "queueing"),
    )
}  # fmt: skip


class PolicyChoice(Section):
    """A brokerage, a placement and a queue order that work together."""

    name: str = Field(pattern=r"^[A-Za-z0-9_+.-]+$", description="what tables call it")
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
            kinds = [kind for kind, package in _POLICIES.items() if part in plugins.names(package)]
            if not kinds:
                there = "; ".join(
                    f"{kind}: {', '.join(plugins.names(package))}"
                    for kind, package in _POLICIES.items()
                )
                raise ValueError(f"policy {part!r} is unknown; there are {there}")
            if kinds[0] in chosen:
                raise ValueError(f"{value!r} names two policies for {kinds[0]}")
            chosen[kinds[0]] = part
        return chosen

    @model_validator(mode="after")
    def _are_there(self) -> "PolicyChoice":
        for kind, package in _POLICIES.items():
            if not own_policy(getattr(self, kind)):
                known_plugins(package, (getattr(self, kind),))
        return self

    @property
    def modules(self) -> list[str]:
        """The modules of those that are shipped."""
        return [
            f"{package}.{getattr(self, kind)}"
            for kind, package in _POLICIES.items()
            if not own_policy(getattr(self, kind))
        ]

    @property
    def files(self) -> list[str]:
        """The files of those that are one's own."""
        chosen = (own_policy(getattr(self, kind)) for kind in _POLICIES)
        return [path for path in chosen if path]


def own_policy(name: str) -> str:
    """The file of a policy of one's own, `FILE.py` or `FILE.py:NAME`; empty for a shipped one."""
    path = name.rpartition(":")[0] or name
    path = path if path.endswith(".py") else name
    return path if path.endswith(".py") else ""


class Simulation(Section):
    """The grid on which recorded and synthetic jobs are run."""

    policies: tuple[PolicyChoice, ...] = Field(
        tuple(
            PolicyChoice.model_validate(name)
            for name in (
                "as_recorded", "random", "round_robin", "least_loaded", "power_of_two",
                "data_locality", "panda_weight", "shortest_completion", "least_loaded+cache",
                "data_locality+rebalancing",
            )
        ),
        min_length=1,
        description="each a brokerage, with a placement and a queue order if joined by +, or keys "
        "for policies of one's own",
    )  # fmt: skip
    seeds: int = Field(5, ge=1, le=100, description="repetitions, each with a seed of its own")
    load_factor: float = Field(
        1.0, gt=0, description="arrivals are this many times as fast as in the job table"
    )
    utilisation: float = Field(
        0.7, gt=0, lt=1, description="busy share of the cores at which the sites are sized"
    )
    failures: Literal["drawn", "recorded", "none"] = Field(
        "drawn", description="attempts fail at the rates fitted to the training jobs, or as the "
        "job table says, or never",
    )  # fmt: skip
    output_share: float = Field(0.1, ge=0, description="bytes that jobs write per byte they read")
    outputs: Literal["site", "tier1"] = Field(
        "site", description="stored where the job ran, or at the Tier-0 or Tier-1 of its kind"
    )
    interval_s: float = Field(3600.0, gt=0, description="step of the recorded time series in s")
    events: bool = Field(False, description="whether every event is written, with the state")
    tcp_gamma: float = Field(
        0.0, ge=0, description="TCP window in bytes that caps a single transfer; 0 lifts the cap"
    )

    @field_validator("policies")
    @classmethod
    def _distinct_policies(cls, policies: tuple[PolicyChoice, ...]) -> tuple[PolicyChoice, ...]:
        names = [policy.name for policy in policies]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice")
        return policies

    @property
    def labels(self) -> list[str]:
        """The names of the policies."""
        return [policy.name for policy in self.policies]

    def policy(self, name: str) -> PolicyChoice:
        """The policy of that name."""
        return next(policy for policy in self.policies if policy.name == name)
