"""The platform: the sites of the grid, their cores and their links.

Sites are those that the training jobs ran at; what each is like comes from the resource tables, how
large it is from the training jobs' load.

*Cores.* With W the training jobs' work at a site [HS23·s], P its core power [HS23 per core], T the
time between the first and the last training job [s], r the arrival rate of the jobs to be simulated
over that of the training jobs, f the load factor and u the wanted utilisation, the site's jobs ask
for

    demand = W / P / T × r × f   cores on average, and it gets   cores = ⌈demand / u⌉,

but at least as many as the largest training job takes, and at least one.

*Links.* A simulated site is the slice cores / installed cores of the real one and has the same
slice of its access link and of its storage, but never less than one transfer reaches on its own and
never more than the whole.
"""

import csv
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import write_json
from redwood.simulation.checks import is_count, is_positive
from redwood.simulation.workload import arrival_rate
from redwood.tables import TableDescription

DEFAULT_CORE_POWER = 10.0
_DEFAULT_TIER = 2
_BYTES_PER_GIGABIT = 1e9 / 8


@dataclass(frozen=True)
class PlatformSite:
    """A site of the platform.

    Attributes:
        name: the `computingsite` of the job table.
        tier: its tier in the WLCG, 0 to 3.
        cores: cores for the simulated jobs.
        core_power: HS23 per core.
        bandwidth: of its access link, bytes/s in each direction.
        latency: of its access link, s one way.
        storage_bandwidth: of its storage, bytes/s, reading and writing together.
    """

    name: str
    tier: int
    cores: int
    core_power: float
    bandwidth: float
    latency: float
    storage_bandwidth: float


@dataclass(frozen=True)
class Platform:
    """All sites, sorted by name, and how they were arrived at."""

    sites: tuple[PlatformSite, ...]
    summary: dict[str, Any]

    def save(self, path: str | Path) -> None:
        write_json(path, {"sites": [asdict(site) for site in self.sites], "summary": self.summary})

    @classmethod
    def load(cls, path: str | Path) -> "Platform":
        """Read a platform that `save` wrote, or one written by hand.

        Raises:
            InputError: the file is missing or no JSON, it has no sites, or a value is impossible.
        """
        content = read_json(path, "platform")
        entries = content.get("sites")
        if not isinstance(entries, list) or not entries:
            raise InputError(f"{path}: a platform has a list `sites` of at least one site")
        sites = []
        for index, entry in enumerate(entries):
            try:
                sites.append(PlatformSite(**entry))
            except TypeError as error:
                raise InputError(f"{path}: sites[{index}] is not a site: {error}") from None
            _check_site(path, sites[-1])
        names = [site.name for site in sites]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{path}: site {name!r} stands there twice")
        return cls(tuple(sorted(sites, key=lambda site: site.name)), content.get("summary", {}))


def _check_site(path: str | Path, site: PlatformSite) -> None:
    if not isinstance(site.name, str) or not site.name:
        raise InputError(f"{path}: a site's name is {site.name!r}, expected a text")
    if not is_count(site.tier) or site.tier > 3:
        raise InputError(f"{path}: {site.name}: tier is {site.tier!r}, expected 0 to 3")
    if not is_count(site.cores) or site.cores < 1:
        raise InputError(f"{path}: {site.name}: cores is {site.cores!r}, expected at least 1")
    for key in ("core_power", "bandwidth", "latency", "storage_bandwidth"):
        value = getattr(site, key)
        if not is_positive(value):
            raise InputError(f"{path}: {site.name}: {key} is {value!r}, expected a positive number")


def build_platform(
    jobs: pd.DataFrame,
    description: TableDescription,
    resources: str | Path,
    load_factor: float,
    utilisation: float,
    rate: float | None = None,
) -> Platform:
    """The platform on which jobs like the training jobs keep `utilisation` of the cores busy.

    Args:
        jobs: the training jobs, as `workload.read_jobs` reads them.
        description: their description.
        resources: folder with `sites.csv` and `network.csv`.
        load_factor: how many times as fast as in their table the simulated jobs arrive.
        utilisation: wanted share of busy cores, in (0, 1).
        rate: arrival rate of the jobs to be simulated, rows per second of their table; that of the
            training jobs if `None`.
    """
    facts = _read_sites(Path(resources) / "sites.csv")
    tiers = _read_network(Path(resources) / "network.csv")
    training_rate = arrival_rate(jobs, description)
    span = len(jobs) / training_rate
    speedup = (rate or training_rate) / training_rate * load_factor
    largest = int(jobs["cores"].max()) if "cores" in jobs else 1
    sites, unknown = [], []
    for name, work in jobs.groupby("computingsite", sort=True)["workload"].sum().items():
        if name not in facts:
            unknown.append(name)
        fact = facts.get(name, _SiteFacts(_DEFAULT_TIER, DEFAULT_CORE_POWER, None))
        tier = tiers[fact.tier]
        demand = work / fact.core_power / span * speedup
        cores = max(math.ceil(demand / utilisation), largest, 1)
        slice_of_site = cores / (fact.cores or tier.cores)
        sites.append(
            PlatformSite(
                name=name,
                tier=fact.tier,
                cores=cores,
                core_power=fact.core_power,
                bandwidth=_slice(tier.bandwidth, slice_of_site, tier.transfer),
                latency=tier.latency,
                storage_bandwidth=_slice(tier.storage, slice_of_site, tier.transfer),
            )
        )
    summary = {
        "jobs": len(jobs),
        "sites": len(sites),
        "sites_without_facts": unknown,
        "cores": sum(site.cores for site in sites),
        "arrival_rate_of_training_per_s": training_rate,
        "arrival_rate_of_simulated_per_s": rate or training_rate,
        "load_factor": load_factor,
        "utilisation": utilisation,
        "largest_job_cores": largest,
    }
    return Platform(tuple(sites), summary)


def _slice(whole: float, share: float, least: float) -> float:
    return float(np.clip(whole * share, min(least, whole), whole))


@dataclass(frozen=True)
class _SiteFacts:
    tier: int
    core_power: float
    cores: int | None


@dataclass(frozen=True)
class _TierFacts:
    """What sites of a tier have: bandwidths in bytes/s, latency in s, installed cores."""

    bandwidth: float
    storage: float
    latency: float
    transfer: float
    cores: float


def _read_sites(path: Path) -> dict[str, _SiteFacts]:
    """Facts by site name and by the name of each of the site's queues; a queue's own row wins."""
    facts: dict[str, _SiteFacts] = {}
    queues: dict[str, _SiteFacts] = {}
    for line, row in _rows(path, ("site", "tier", "core_power", "cores", "queues")):
        power = _number(path, line, "core_power", row["core_power"] or DEFAULT_CORE_POWER)
        cores = _number(path, line, "cores", row["cores"]) if row["cores"] else None
        fact = _SiteFacts(_tier(path, line, row["tier"]), power, cores and int(cores))
        facts[row["site"]] = fact
        for queue in row["queues"].split():
            queues.setdefault(queue, fact)
    return queues | facts


def _read_network(path: Path) -> dict[int, _TierFacts]:
    tiers = {}
    columns = ("bandwidth_gbps", "storage_gbps", "latency_ms", "transfer_gbps", "cores")
    for line, row in _rows(path, ("tier", *columns)):
        values = {name: _number(path, line, name, row[name]) for name in columns}
        tiers[_tier(path, line, row["tier"])] = _TierFacts(
            bandwidth=values["bandwidth_gbps"] * _BYTES_PER_GIGABIT,
            storage=values["storage_gbps"] * _BYTES_PER_GIGABIT,
            latency=values["latency_ms"] / 1e3,
            transfer=values["transfer_gbps"] * _BYTES_PER_GIGABIT,
            cores=values["cores"],
        )
    for tier in range(4):
        if tier not in tiers:
            raise InputError(f"{path}: there is no row for tier 'T{tier}'")
    return tiers


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(line for line in stream if not line.startswith("#"))
            rows = list(enumerate(reader, start=1))
    except FileNotFoundError:
        raise InputError(f"{path}: no such resource table") from None
    for name in columns:
        if name not in (reader.fieldnames or ()):
            raise InputError(
                f"{path}: column {name!r} is missing; it has {', '.join(reader.fieldnames or ())}"
            )
    for line, row in rows:
        if any(row[name] is None for name in columns):
            raise InputError(f"{path}: row {line} has fewer values than the header has columns")
    return rows


def _tier(path: Path, line: int, text: str) -> int:
    if text not in ("T0", "T1", "T2", "T3"):
        raise InputError(f"{path}: row {line}: tier is {text!r}, expected T0, T1, T2 or T3")
    return int(text[1])


def _number(path: Path, line: int, name: str, text: str | float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not is_positive(value):
        raise InputError(f"{path}: row {line}: {name} is {text!r}, expected a positive number")
    return value
