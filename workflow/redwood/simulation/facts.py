"""What sites of a tier have, `resources/network.csv`, and electricity, `resources/carbon.csv`."""

from dataclasses import dataclass
from pathlib import Path

from redwood.errors import InputError
from redwood.facts import read_facts

_BYTES_PER_GIGABIT = 1e9 / 8
_BYTES_PER_TERABYTE = 1e12


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


def read_network(path: Path) -> dict[int, TierFacts]:
    """Facts by tier, 0 to 3.

    Raises:
        InputError: the file is missing, a row is wrong, or a tier has none.
    """
    columns = (
        "tier",
        "bandwidth_gbps",
        "storage_gbps",
        "latency_ms",
        "transfer_gbps",
        "cores",
        "storage_tb",
    )
    tiers = {
        row.tier(): TierFacts(
            bandwidth=row.number("bandwidth_gbps") * _BYTES_PER_GIGABIT,
            storage=row.number("storage_gbps") * _BYTES_PER_GIGABIT,
            latency=row.number("latency_ms") / 1e3,
            transfer=row.number("transfer_gbps") * _BYTES_PER_GIGABIT,
            cores=row.number("cores"),
            disk=row.number("storage_tb") * _BYTES_PER_TERABYTE,
        )
        for row in read_facts(path, columns)
    }
    for tier in range(4):
        if tier not in tiers:
            raise InputError(f"{path}: there is no row for tier 'T{tier}'")
    return tiers


def read_intensities(path: Path) -> dict[str, float]:
    """gCO2e per kWh of electricity by country; of none where there is no such table.

    Raises:
        InputError: a row is wrong, or two are of one country.
    """
    found: dict[str, float] = {}
    for row in read_facts(path, ("country", "g_per_kwh")) if path.exists() else ():
        country = row.text("country")
        if country in found:
            raise InputError(f"{path}: there are two rows for country {country!r}")
        found[country] = row.number("g_per_kwh")
    return found
