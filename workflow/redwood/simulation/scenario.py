"""A scenario: everything that decides what a simulation does, in one file.

In YAML or JSON, written by hand or by the workflow. The smallest:

    environment: {sites: [{name: A, cores: 100}, {name: B, cores: 50}]}
    workload: {jobs: jobs.csv}

Paths are relative to the folder in which the simulation is run, so that a results folder can move
and equal runs write equal files.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from redwood.configuration import own_policy
from redwood.errors import InputError
from redwood.outputs import file_digest, write_text
from redwood.simulation.environment import Environment, Positive, read_yaml
from redwood.simulation.rules import Rules
from redwood.validation import Section, read_section


class WorkloadPart(Section):
    """The jobs."""

    name: str = Field("recorded", description="what outcomes call it: `recorded` or a surrogate")
    jobs: str = Field(description="the job table (parquet or CSV)")
    table: str | None = Field(
        None, description="its description (JSON); by the names of its columns if null"
    )
    load_factor: Positive = Field(1.0, description="arrivals are this many times as fast")
    output_share: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="bytes a job writes per byte it reads"
    )


class DataPart(Section):
    """The datasets that jobs read, and where they and outputs lie."""

    replicas: int = Field(2, ge=1, description="of each dataset in the beginning")
    jobs_per_dataset: Positive = Field(20.0, description="where the job table names no datasets")
    catalogue: str | None = Field(
        None, description="CSV with dataset, sites and bytes, for job tables with datasets"
    )
    outputs: Literal["site", "tier1"] = Field(
        "site", description="stored where the job ran, or at the Tier-0 or Tier-1 of its kind"
    )


class PolicyPart(Section):
    """Who decides: names of shipped policies, or FILE.py or FILE.py:NAME for one's own."""

    name: str | None = Field(None, description="what outcomes call them; made of the three if null")
    brokerage: str = "least_loaded"
    placement: str = "none"
    queue: str = "fifo"
    patience_s: Positive = Field(10.0, description="wall-clock time that one answer may take, s")

    @property
    def label(self) -> str:
        """`name`, or the brokerage and what is not the default."""
        if self.name is not None:
            return self.name
        parts = [self.brokerage]
        parts += [self.placement] if self.placement != "none" else []
        parts += [self.queue] if self.queue != "fifo" else []
        return "+".join(Path(part).stem if ".py" in part else part for part in parts)


class RulesPart(Section):
    """What happens to jobs and transfers that fail or find no place; times in s."""

    failures: Literal["drawn", "recorded", "none"] = Field(
        "drawn", description="at the environment's rates, as the job table says, or none"
    )
    attempts: int = Field(3, ge=1, description="of a job before it is failed")
    retry_delay_s: Positive = Field(600.0, description="from a failure to the next brokerage")
    transfer_attempts: int = Field(3, ge=1, description="of a transfer before the attempt fails")
    transfer_delay_s: Positive = Field(60.0, description="from a failed transfer to the next")
    pending_s: Positive = Field(1200.0, description="between offers of a job that gets no site")
    give_up_s: Positive = Field(172_800.0, description="until such a job ends as unbrokered")
    drain_s: Positive = Field(
        7_776_000.0, description="from the last submission to the end at the latest"
    )


class MonitoringPart(Section):
    """What is written down."""

    interval_s: Positive = Field(3600.0, description="step of the time series of the sites")
    events: bool = Field(False, description="whether every event is written, with the state")
    checkpoint_s: Positive = Field(30.0, description="wall-clock time between partial results")


class Scenario(Section):
    """Environment, workload, data and policies of a simulation, its rules and its seeds."""

    environment: str | Environment = Field(description="a file, or the environment itself")
    workload: WorkloadPart
    data: DataPart = DataPart()
    policies: PolicyPart = PolicyPart()
    rules: RulesPart = RulesPart()
    monitoring: MonitoringPart = MonitoringPart()
    tcp_gamma: float = Field(
        0.0, ge=0, allow_inf_nan=False,
        description="TCP window in bytes that caps a single transfer; 0 lifts the cap",
    )  # fmt: skip
    time_step: Positive = Field(1.0, description="what follows sooner may be late by as much, s")
    seed: int = Field(1, ge=0, lt=2**32, description="the first seed")
    repetitions: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="runs with seeds from `seed` on"
    )
    digests: dict[str, str] = Field(
        {}, description="path → SHA-256 of what the scenario reads; checked where given"
    )

    @property
    def seeds(self) -> range:
        return range(self.seed, self.seed + self.repetitions)

    @property
    def engine_rules(self) -> Rules:
        return Rules(
            **self.rules.model_dump(),
            outputs=self.data.outputs,
            time_step=self.time_step,
            tcp_gamma=self.tcp_gamma,
        )

    @property
    def files(self) -> list[str]:
        """The paths of all that it reads, policies of one's own included."""
        paths = [self.workload.jobs]
        paths += [self.workload.table] if self.workload.table is not None else []
        paths += [self.environment] if isinstance(self.environment, str) else []
        paths += [self.data.catalogue] if self.data.catalogue is not None else []
        for policy in (self.policies.brokerage, self.policies.placement, self.policies.queue):
            path = own_policy(policy)
            paths += [path] if path else []
        return sorted(set(paths))

    def read_environment(self) -> Environment:
        """The environment, its sites sorted by name."""
        if isinstance(self.environment, str):
            return Environment.load(self.environment)
        return self.environment.in_order()

    def save(self, path: str | Path) -> None:
        """Write it with the digests of the files it reads, as JSON (which is YAML too)."""
        content = self.model_dump(mode="json", exclude_defaults=True, exclude={"digests"})
        content["digests"] = {file: file_digest(file) for file in self.files}
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, source: str | Path) -> "Scenario":
        """Read a scenario from a file, or from a text that begins with `{`.

        Raises:
            InputError: the file is missing or no scenario, or a file that it reads is missing or
                not what it was when the scenario was saved.
        """
        text = str(source).lstrip()
        if text.startswith("{"):
            name = "scenario"
            content = _parse(text)
        else:
            name = str(source)
            content = read_yaml(source, "scenario")
        if isinstance(content.get("environment"), dict):
            # By itself, so that errors do not say besides that it might have been a path.
            there = read_section(Environment, content["environment"], f"{name}: environment")
            content = {**content, "environment": there}
        scenario = read_section(cls, content, name)
        for path in scenario.files:
            found = file_digest(path)
            wanted = scenario.digests.get(path, found)
            if found != wanted:
                raise InputError(
                    f"{name}: {path} has changed since: its sha256 is {found[:12]}…, "
                    f"expected {wanted[:12]}…"
                )
        return scenario


def _parse(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"scenario: not JSON: {error}: {text!r}") from None


def describe(scenario: Scenario) -> dict[str, Any]:
    """What labels the results of a scenario."""
    return {"workload": scenario.workload.name, "policy": scenario.policies.label}
