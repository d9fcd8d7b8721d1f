"""The platform: the environment that recorded jobs ran in, from facts and from training jobs.

Sites are those that the training jobs ran at, and any besides at which jobs to be simulated were
recorded; what each is like comes from the resource tables,
how fast it is and how often it fails from the training jobs (`calibration.py`,
`failure_rates.py`), how large it is from their load.

*Cores.* With C the core seconds that the training jobs of a site take, T the time between the first
and the last training job [s], r the arrival rate of the jobs to be simulated over that of the
training jobs, f the load factor and u the wanted utilisation, the site's jobs ask for

    demand = C / T × r × f   cores on average, and it gets   cores = ⌈demand / u⌉,

but at least as many as the largest training job takes, and at least one. A site without training
jobs gets just these.

*Links and storage.* A simulated site is the slice cores / installed cores of the real one and has
the same slice of its access link and of its storage, but never less bandwidth than one transfer
reaches on its own and never more than the whole.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.simulation.calibration import RunTimes, calibration_table, cores_of, fit_run_times
from redwood.simulation.environment import Environment, Site
from redwood.simulation.facts import TierFacts, read_intensities, read_network
from redwood.simulation.failure_rates import FailureRates, fit_failure_rates
from redwood.simulation.workload import KIND, arrival_rate
from redwood.sites import Site as KnownSite
from redwood.sites import default_core_power, load_sites
from redwood.tables import TableDescription, to_numbers

# A site that the table of sites does not know is a Tier-2, as most are.
_DEFAULT_TIER = 2


@dataclass(frozen=True)
class Platform:
    """An environment, and how well its run times meet those of jobs that were not fitted.

    Attributes:
        environment: with all that was fitted, and a summary of it.
        calibration: see `calibration.calibration_table`.
    """

    environment: Environment
    calibration: pd.DataFrame


@dataclass(frozen=True)
class Demand:
    """For what load sites are sized.

    Attributes:
        load_factor: how many times as fast as in their table the simulated jobs arrive.
        utilisation: wanted share of busy cores, in (0, 1).
        rate: arrival rate of the jobs to be simulated, rows per second of their table; that of the
            training jobs if `None`.
        cores_known: whether the simulated jobs have their cores; else all take one.
        sites: at which the jobs to be simulated were recorded.
    """

    load_factor: float = 1.0
    utilisation: float = 0.7
    rate: float | None = None
    cores_known: bool = True
    sites: frozenset[str] = frozenset()


def build_platform(
    training: pd.DataFrame,
    validation: pd.DataFrame | None,
    description: TableDescription,
    resources: str | Path,
    demand: Demand,
) -> Platform:
    """The platform on which jobs like the training jobs keep the wanted share of cores busy.

    Args:
        training: the training jobs, with recorded wall times and cores where there are any
            (`calibration.read_with_auxiliary`).
        validation: jobs like them on which run times are checked; none are if `None`.
        description: of both; what it assumes of sites whose core power is unknown holds here too.
        resources: folder with `sites.csv`, `network.csv` and, if known, `carbon.csv`.
        demand: for what load.

    Raises:
        InputError: a resource table is missing or wrong.
    """
    table_of_sites = load_sites(Path(resources) / "sites.csv")
    tiers = read_network(Path(resources) / "network.csv")
    intensities = read_intensities(Path(resources) / "carbon.csv")
    names = {*_names(training, validation), *demand.sites}
    known = {name: table_of_sites.find(name) for name in names}
    default_power = default_core_power(description)

    def power(name: str) -> float:
        site = known[name]
        return (site.core_power if site else None) or default_power

    run_times = fit_run_times(training, power)
    seconds = to_numbers(training["creationtime"], description["creationtime"])
    rates = fit_failure_rates(training, seconds, KIND)
    training_rate = arrival_rate(training, description)
    speedup = (demand.rate or training_rate) / training_rate * demand.load_factor
    cores = cores_of(training) if demand.cores_known else np.ones(len(training))
    one_core = training if demand.cores_known else training.drop(columns="cores", errors="ignore")
    core_seconds = pd.Series(cores * run_times.predict(one_core, power))
    if "jobstatus" in training:
        core_seconds[(training["jobstatus"] == "closed").to_numpy()] = 0.0
    asked = core_seconds.groupby(training["computingsite"].to_numpy()).sum()
    wanted = asked * training_rate / len(training) * speedup / demand.utilisation
    new = sorted(demand.sites - set(wanted.index))
    wanted = wanted.reindex([*wanted.index, *new], fill_value=0.0)
    largest = int(cores.max())
    sites = tuple(
        _site(
            name,
            max(math.ceil(number), largest, 1),
            known[name],
            power(name),
            tiers,
            run_times,
            rates,
            intensities,
        )
        for name, number in sorted(wanted.items())
    )
    checked = training.iloc[:0] if validation is None else validation
    table = calibration_table(checked, power, run_times)
    summary = {
        "jobs": len(training),
        "sites": len(sites),
        "sites_without_facts": [site.name for site in sites if known[site.name] is None],
        "cores": sum(site.cores for site in sites),
        "arrival_rate_of_training_per_s": training_rate,
        "arrival_rate_of_simulated_per_s": demand.rate or training_rate,
        "load_factor": demand.load_factor,
        "utilisation": demand.utilisation,
        "largest_job_cores": largest,
        "run_times": _of_run_times(run_times, table),
        "failures": {
            "failed_share_of_training": rates.failed_share,
            "kinds_with_a_rate_on_top": len(rates.kind),
            "outages": _of_outages(rates),
        },
    }
    if new:
        summary["sites_without_training_jobs"] = new
    environment = Environment(sites=sites, kind_failure_rates=rates.kind, summary=summary)
    return Platform(environment, table)


def _site(
    name: str,
    cores: int,
    known: KnownSite | None,
    core_power: float,
    tiers: dict[int, TierFacts],
    run_times: RunTimes,
    rates: FailureRates,
    intensities: Mapping[str, float],
) -> Site:
    number = known.tier if known else _DEFAULT_TIER
    tier = tiers[number]
    share = cores / ((known and known.cores) or tier.cores)
    storage = _slice(tier.storage, share, tier.transfer)
    return Site(
        name=name,
        tier=number,
        cores=cores,
        core_power=core_power,
        efficiency=(run_times.efficiency or {}).get(name, 1.0),
        overhead_s=run_times.overhead_s,
        core_scaling=run_times.scaling,
        bandwidth=_slice(tier.bandwidth, share, tier.transfer),
        latency=tier.latency,
        read_bandwidth=storage,
        write_bandwidth=storage,
        storage_bytes=tier.disk * min(share, 1.0),
        failure_rate=rates.site.get(name, 0.0),
        carbon_intensity=intensities.get(known.country) if known else None,
        outages=rates.outages,
    )


def _names(*tables: pd.DataFrame | None) -> set[str]:
    return {name for table in tables if table is not None for name in table["computingsite"]}


def _slice(whole: float, share: float, least: float) -> float:
    return float(np.clip(whole * share, min(least, whole), whole))


def _of_outages(rates: FailureRates) -> dict[str, Any]:
    if rates.by_chance is None:
        return {"why": "there are none without final states and tasks"}
    summary = {"seen": rates.seen, "by_chance": round(rates.by_chance, 1)}
    if rates.outages is None:
        return summary | {"why": "there are none, for no more are seen than by chance"}
    return summary | rates.outages.model_dump()


def _of_run_times(fitted: RunTimes, table: pd.DataFrame) -> dict[str, Any]:
    if fitted.jobs == 0:
        return {"fitted_to": 0, "why": "too few finished jobs with work and a recorded wall time"}
    summary: dict[str, Any] = {
        "fitted_to": fitted.jobs,
        "overhead_s": fitted.overhead_s,
        "core_scaling": fitted.scaling,
    }
    if len(table):
        whole = table.iloc[-1]
        summary["on_validation"] = {"jobs": int(whole["jobs"])} | {
            name: round(float(whole[name]), 4) for name in table.columns[3:]
        }
    return summary
