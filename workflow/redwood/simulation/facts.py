"""Facts about sites and networks, from the tables in `resources/`."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from redwood.errors import InputError

DEFAULT_CORE_POWER = 10.0
DEFAULT_TIER = 2
_BYTES_PER_GIGABIT = 1e9 / 8
_BYTES_PER_TERABYTE = 1e12


@dataclass(frozen=True)
class SiteFacts:
    """What is known of a site: its tier, HS23 per core, and its installed cores, if published."""

    tier: int
    core_power: float
    cores: int | None


@dataclass(frozen=True)
class TierFacts:
    """What sites of a tier have: bandwidths in bytes/s, latency in s, cores, bytes of disk.

    `transfer` is what one transfer reaches when it is alone, bytes/s.
    """

    bandwidth: float
    storage: float
    latency: float
    transfer: float
    cores: float
    disk: float


def read_sites(path: Path) -> dict[str, SiteFacts]:
    """Facts by site name and by the name of each of the site's queues; a queue's own row wins.

    Raises:
        InputError: the file is missing, or a row is wrong.
    """
    facts: dict[str, SiteFacts] = {}
    queues: dict[str, SiteFacts] = {}
    for line, row in _rows(path, ("site", "tier", "core_power", "cores", "queues")):
        power = _number(path, line, "core_power", row["core_power"] or DEFAULT_CORE_POWER)
        cores = _number(path, line, "cores", row["cores"]) if row["cores"] else None
        fact = SiteFacts(_tier(path, line, row["tier"]), power, cores and int(cores))
        facts[row["site"]] = fact
        for queue in row["queues"].split():
            queues.setdefault(queue, fact)
    return queues | facts


def read_network(path: Path) -> dict[int, TierFacts]:
    """Facts by tier, 0 to 3.

    Raises:
        InputError: the file is missing, a row is wrong, or a tier has none.
    """
    tiers = {}
    columns = (
        "bandwidth_gbps", "storage_gbps", "latency_ms", "transfer_gbps", "cores", "storage_tb",
    )  # fmt: skip
    for line, row in _rows(path, ("tier", *columns)):
        values = {name: _number(path, line, name, row[name]) for name in columns}
        tiers[_tier(path, line, row["tier"])] = TierFacts(
            bandwidth=values["bandwidth_gbps"] * _BYTES_PER_GIGABIT,
            storage=values["storage_gbps"] * _BYTES_PER_GIGABIT,
            latency=values["latency_ms"] / 1e3,
            transfer=values["transfer_gbps"] * _BYTES_PER_GIGABIT,
            cores=values["cores"],
            disk=values["storage_tb"] * _BYTES_PER_TERABYTE,
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
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{path}: row {line}: {name} is {text!r}, expected a positive number")
    return value
