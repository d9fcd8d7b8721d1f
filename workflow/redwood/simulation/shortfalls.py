"""What does not happen as a scenario asks: known before it runs, or only once it has.

What a simulation leaves out it says on the command line and in `remarks` of its `summary.json`. One
that cannot run, or of which nothing has come, ends with an error.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from redwood.configuration import Settings
from redwood.errors import InputError
from redwood.names import listed, nth_row, suggested
from redwood.simulation.carbon import mean_intensity
from redwood.simulation.environment import Environment
from redwood.simulation.job_table import KNOWN
from redwood.simulation.log import LOST
from redwood.simulation.scenario import Scenario
from redwood.simulation.users import TIMES
from redwood.simulation.workload import KIND, kinds_of

_USED = {column.name for column in KNOWN}
# A pause is worth a remark if it takes this share of more than so long.
_MOSTLY, _LONG = 0.9, pd.Timedelta(days=365)


def foreseen(
    scenario: Scenario, environment: Environment, columns: Sequence[str], jobs: pd.DataFrame
) -> list[str]:
    """What will not happen as asked whoever decides, a line each, which names no path.

    Args:
        scenario: the scenario.
        environment: its environment.
        columns: all that the job table offers: its features, or what stands in its file.
        jobs: the job table as it is simulated.
    """
    found = []
    used = _USED | (set(TIMES) if scenario.users == "closed" else set())
    if unused := [name for name in columns if name not in used]:
        found.append(f"a simulation makes no use of {listed(unused)}")
    if elsewhere := _at_unknown_sites(environment, jobs):
        found.append(elsewhere)
    largest = max(environment.sites, key=lambda site: site.cores)
    if "cores" in jobs and (large := jobs["cores"] > largest.cores).any():
        row = int(large.to_numpy().argmax())
        found.append(
            f"{int(large.sum())} of {len(jobs)} jobs need more cores than any site has and "
            f"cannot run: {nth_row(row)} needs {jobs['cores'][row]}, the largest site, "
            f"{largest.name!r}, has {largest.cores}"
        )
    found += _long_gap(jobs["creationtime"]) + _without_intensity(environment)
    return found + _without_effect(scenario, environment, jobs)


def require_recorded_sites(
    scenario: Scenario, environment: Environment, jobs: pd.DataFrame
) -> None:
    """For a brokerage that replays.

    Raises:
        InputError: jobs were recorded at sites that the environment lacks.
    """
    if elsewhere := _at_unknown_sites(environment, jobs):
        raise InputError(
            f"policy {scenario.policies.brokerage!r} sends jobs to where they were recorded, but "
            f"of {scenario.workload.jobs} {elsewhere}; add these sites to the environment, correct "
            "the names, or take another brokerage"
        )


def require_some_that_ran(counts: Mapping[str, float], what: str) -> None:
    """Make sure that there is something to judge a simulation by.

    Args:
        counts: number of jobs `submitted` and in each final state.
        what: the run, for the message.

    Raises:
        InputError: no job has run.
    """
    if not counts["finished"] + counts["failed"] + counts["cancelled"]:
        raise InputError(
            f"{what}: none of the {counts['submitted']:.0f} jobs ran, so there are no outcomes: "
            f"{states(counts)}"
        )


def afterwards(counts: Mapping[str, float], runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What has not happened as asked, a line each.

    Args:
        counts: number of jobs `submitted` and in each final state, means over the seeds.
        runs: the summaries of the runs.
    """
    short = max(run["short_of_replicas"] for run in runs)
    few = [
        f"{short} of {runs[0]['datasets']} datasets began with fewer replicas than asked for: the "
        "environment has too few sites, or these too little room"
    ]
    never = dict.fromkeys(
        f"the outage of {outage['site']!r} at {outage['start_s']:g} s never came: the simulation "
        "was over before"
        for run in runs
        for outage in run["outages"]["never_begun"]
    )
    number = sum(counts[state] for state in LOST)
    lost = [
        f"{number:g} of {counts['submitted']:.0f} jobs did not run to an end and count in no mean: "
        f"{states({state: counts[state] for state in LOST})}"
    ]
    return [*(few if short else ()), *never, *(lost if number else ())]


def states(counts: Mapping[str, float]) -> str:
    """How many jobs ended how, in words; states without jobs are left out."""
    return ", ".join(
        f"{number:g} {state}" for state, number in counts.items() if number and state != "submitted"
    )


def _at_unknown_sites(environment: Environment, jobs: pd.DataFrame) -> str:
    """How many jobs were recorded at sites that the environment lacks, and at which, if any."""
    known = [site.name for site in environment.sites]
    counts = jobs["computingsite"].value_counts()
    counts = counts[~counts.index.isin(known)]
    if counts.empty:
        return ""
    names = [
        f"{name!r} ({number} jobs{suggested(name, known)})"
        for name, number in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]
    return (
        f"{counts.sum()} of {len(jobs)} jobs were recorded at {len(counts)} "
        f"{'site' if len(counts) == 1 else 'sites'} that the environment lacks: {listed(names)}"
    )


def _long_gap(created: pd.Series) -> list[str]:
    """That most of the simulated time is one pause, as after a date that was mistyped."""
    dates = created.sort_values(ignore_index=True)
    gaps, whole = dates.diff(), dates.iloc[-1] - dates.iloc[0]
    if whole < _LONG or gaps.max() < _MOSTLY * whole:
        return []
    after = int(gaps.argmax())
    return [
        f"no job was created between {dates[after - 1]:%Y-%m-%d} and {dates[after]:%Y-%m-%d}, "
        f"which is most of the simulated time: {after} of {len(dates)} jobs come before"
    ]


def _without_intensity(environment: Environment) -> list[str]:
    """The sites of unknown carbon intensity, where others have one."""
    mean = mean_intensity(environment.sites)
    names = [site.name for site in environment.sites if site.carbon_intensity is None]
    if mean is None or not names:
        return []
    return [
        f"{len(names)} of {len(environment.sites)} sites have no carbon_intensity and count with "
        f"the mean of the others by cores, {mean:.4g} gCO2e/kWh: {listed(names)}"
    ]


def _without_effect(scenario: Scenario, environment: Environment, jobs: pd.DataFrame) -> list[str]:
    """Settings that change nothing with these jobs."""
    usual, found = Settings(), []

    def changed(*names: str) -> list[str]:
        return [n for n in names if getattr(scenario, n) != getattr(usual, n)]

    without_input = "size" not in jobs or not jobs["size"].any()
    if without_input:
        names = changed("output_share", "outputs", "replicas", "jobs_per_dataset")
        if scenario.policies.placement != "none":
            names.append(f"placement {scenario.policies.placement!r}")
        found += [f"{name} has no effect: no job has input" for name in names]
    elif scenario.workload.catalogue is not None:
        names = changed("replicas", "jobs_per_dataset")
        found += [f"{name} has no effect: the catalogue says what lies where" for name in names]
    elif "dataset" in jobs:
        names = changed("jobs_per_dataset")
        found += [f"{name} has no effect: the job table names its datasets" for name in names]
    if scenario.users == "open" and changed("session_gap_s"):
        found.append("session_gap_s has no effect: users are open")
    if scenario.failures == "recorded" and "jobstatus" not in jobs:
        found.append("failures: recorded has no effect: the job table has no feature jobstatus")
    rates = environment.kind_failure_rates
    if rates and scenario.failures == "drawn" and rates.keys().isdisjoint(kinds_of(jobs)[1]):
        found.append(
            f"kind_failure_rates have no effect: no job is of a kind that they name, such as "
            f"{next(iter(rates))!r}; the kinds are {'/'.join(KIND)}"
        )
    return found
