"""The environment: the sites of a grid, their storage, the links between them, and what fails.

A file in YAML or JSON, made from records (`platform.py`) or written by hand. The smallest:

    sites:
      - {name: A, cores: 100}
      - {name: B, cores: 50}
"""

import json
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, model_validator

from redwood.errors import InputError
from redwood.facts import PANDA_CORE_POWER
from redwood.inputs import REMEDY, read_text
from redwood.names import listed, suggested
from redwood.outputs import write_json
from redwood.validation import Positive, Section, read_section

Share = Annotated[float, Field(ge=0, lt=1)]


class Background(Section):
    """Local jobs, which queue with the grid's and take one core each."""

    load: float = Field(ge=0, lt=1, description="share of the cores that they keep busy on average")
    job_s: Positive = Field(3600.0, description="mean of their exponential run times, s")


class Outages(Section):
    """Outages at random moments: exponential times up and down."""

    every_s: Positive = Field(description="mean time between the end of one and the next, s")
    lasting_s: Positive = Field(description="mean duration, s")


class Site(Section):
    """A site of the grid."""

    name: str = Field(min_length=1, description="the `computingsite` of the job table")
    tier: int = Field(2, ge=0, le=3, description="tier in the WLCG")
    cores: int = Field(ge=0, description="cores for the grid's jobs; 0: storage only")
    core_power: Positive = Field(PANDA_CORE_POWER, description="HS23 per core")
    efficiency: Positive = Field(1.0, description="share of the core power that jobs use")
    core_scaling: float = Field(
        1.0, gt=0, le=1, description="exponent with which cores make a job faster"
    )
    overhead_s: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="wall time of a job before and after its work"
    )
    bandwidth: Positive | None = Field(
        1.25e9, description="of its access to the wide area network, bytes/s each way; null: none"
    )
    latency: Positive = Field(0.015, description="one way to the core of that network, s")
    read_bandwidth: Positive | None = Field(
        None, description="of its storage, bytes/s; null: not a limit"
    )
    write_bandwidth: Positive | None = Field(
        None, description="of its storage, bytes/s; null: not a limit"
    )
    storage_bytes: Positive | None = Field(
        None, description="room for replicas of inputs, bytes; null: unlimited"
    )
    queue_limit: int | None = Field(
        None, ge=1, description="most jobs that wait or stage in here; null: no limit"
    )
    failure_rate: Share = Field(0.0, description="share of the attempts that fail here")
    transfer_failure_rate: Share = Field(0.0, description="share of transfers from here that fail")
    carbon_intensity: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="of its electricity, gCO2e/kWh; null: unknown",
    )
    background: Background | None = None
    outages: Outages | None = None


class Link(Section):
    """A link of two sites' own, which their transfers take instead of the wide area network."""

    between: tuple[str, str]
    bandwidth: Positive = Field(description="bytes/s each way")
    latency: Positive = Field(0.005, description="one way, s")


class Outage(Section):
    """A site is down: what runs there fails, and nothing is read, written or started."""

    site: str
    start_s: float = Field(ge=0, allow_inf_nan=False, description="after the first submission, s")
    lasting_s: Positive = Field(description="duration, s")


class Environment(Section):
    """All parts of a grid that are there before any job."""

    sites: tuple[Site, ...] = Field(min_length=1)
    links: tuple[Link, ...] = ()
    outages: tuple[Outage, ...] = Field((), description="outages at set moments")
    kind_failure_rates: dict[str, Share] = Field(
        {},
        description="share of the attempts that fail on top, by kind of job: "
        "`project/prodstep/datatype`",
    )
    summary: dict[str, Any] = Field({}, description="how it was arrived at")

    @model_validator(mode="after")
    def _names_are_known(self) -> "Environment":
        names = [site.name for site in self.sites]
        known = set(names)
        if len(known) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"site {twice!r} is listed twice")
        for link in self.links:
            if link.between[0] == link.between[1]:
                raise ValueError(f"a link leads from {link.between[0]!r} to itself")
        for what, name in (
            *((f"links.{i}.between", name) for i, a in enumerate(self.links) for name in a.between),
            *((f"outages.{i}.site", outage.site) for i, outage in enumerate(self.outages)),
        ):
            if name not in known:
                raise ValueError(
                    f"{what}: there is no site {name!r}{suggested(name, names)}; "
                    f"the sites are {listed(names)}"
                )
        if not any(site.cores for site in self.sites):
            raise ValueError("no site has cores")
        return self

    @model_validator(mode="after")
    def _is_connected(self) -> "Environment":
        """Every site can be reached from every other, over the wide area network or links."""
        reached = {site.name for site in self.sites if site.bandwidth is not None}
        reached = reached or {self.sites[0].name}
        found = True
        while found:
            found = False
            for link in self.links:
                if len(reached.intersection(link.between)) == 1:
                    reached.update(link.between)
                    found = True
        for site in self.sites:
            if site.name not in reached:
                raise ValueError(
                    f"no path leads to site {site.name!r}: it has no bandwidth and no link to "
                    "a site that can be reached"
                )
        return self

    def save(self, path: str | Path) -> None:
        write_json(path, self.model_dump(mode="json", exclude_defaults=True))

    @classmethod
    def load(cls, path: str | Path) -> "Environment":
        """Read one that `save` wrote, or one written by hand; the sites come sorted by name.

        Raises:
            InputError: the file is missing or not YAML, or a value is impossible.
        """
        return read_section(cls, read_yaml(path, "environment"), str(path)).in_order()

    def in_order(self) -> "Environment":
        """The same with its sites sorted by name."""
        return self.model_copy(update={"sites": tuple(sorted(self.sites, key=lambda s: s.name))})


def read_yaml(path: str | Path, what: str) -> dict[str, Any]:
    """The mapping in a file of YAML, of which JSON is a part.

    Raises:
        InputError: the file is missing, is not YAML, or holds no mapping.
    """
    try:
        text = read_text(path)
        # JSON by its own parser, which is a hundred times as fast.
        content = json.loads(text) if str(path).endswith(".json") else yaml.safe_load(text)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such {what}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected YAML: the {what}") from None
    except (yaml.YAMLError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: holds no {what} in YAML: {error}; {REMEDY}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no {what}: expected keys and values")
    return content
