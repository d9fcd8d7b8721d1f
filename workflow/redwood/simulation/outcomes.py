"""What a simulation is judged by, and the outcomes of many simulations as one tidy table."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import file_digest, require_ending, write_json, writing
from redwood.simulation.scenario import role_of


@dataclass(frozen=True)
class Comparison:
    """How an outcome on synthetic jobs is compared with that on recorded ones: by their ratio.

    Attributes:
        title: what tables call it.
        what: what is compared, in words.
        offset: added to both sides, in the outcome's unit, where it may be near 0.
    """

    title: str
    what: str
    offset: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """An outcome: all that tables and figures need to know of it.

    Attributes:
        unit: of the value in every file; empty for a share.
        definition: what it is.
        title: what tables call it.
        shown_unit: the unit that readers see.
        scale: how many of `unit` one `shown_unit` is.
        better: whether policies with `less` or with `more` of it are better; `None`: neither.
        comparison: how surrogates are compared by it; `None` where they are not.
        least, most: what it cannot be below or above, in `unit`; nor can an interval of it.
    """

    unit: str
    definition: str
    title: str
    shown_unit: str
    scale: float
    better: Literal["less", "more"] | None = "less"
    comparison: Comparison | None = None
    least: float | None = 0.0
    most: float | None = None


# The values of an outcome without each group of jobs, in order, as far as they are defined.
_WithoutGroup = list[float | None] | None
_MINUTES, _HOURS, _PERCENT = ("min", 60.0), ("h", 3600.0), ("%", 0.01)

OUTCOMES = {
    "makespan": Outcome(
        "s", "from the first submission to the end of the last job that ran", "Makespan", *_HOURS),
    "queue_time_mean": Outcome(
        "s", "mean time from input complete to start, of last attempts", "Queue time, mean",
        *_MINUTES,
        comparison=Comparison("queue time", "mean queue times, a minute added to each", 60.0)),
    "queue_time_median": Outcome(
        "s", "median time from input complete to start, of last attempts", "Queue time, median",
        *_MINUTES),
    "queue_time_p95": Outcome(
        "s", "95th percentile of the time from input complete to start",
        "Queue time, 95th percentile", *_MINUTES),
    "wall_time_mean": Outcome(
        "s", "mean time from start to end of the run, of last attempts", "Wall time, mean",
        *_MINUTES, better=None),
    "stagein_mean": Outcome(
        "s", "mean time to stage in the input, local inputs included", "Stage-in, mean", *_MINUTES),
    "turnaround_mean": Outcome(
        "s", "mean time from submission to end of the jobs that ran", "Turnaround, mean", *_MINUTES,
        comparison=Comparison("turnaround", "mean turnarounds")),
    "throughput": Outcome(
        "jobs/h", "finished jobs per hour of makespan", "Throughput, finished jobs", "jobs/h", 1.0,
        "more", Comparison("throughput", "numbers of finished jobs per hour")),
    "utilisation": Outcome(
        "", "busy share of all cores from the first to the last submission",
        "Utilisation of the cores", *_PERCENT,
        "more", Comparison("utilisation", "busy shares of the cores"), most=1.0),
    "goodput": Outcome(
        "", "share of the core seconds that went into attempts that finished",
        "Goodput, core time of attempts that finished", *_PERCENT, "more", most=1.0),
    "failed_share": Outcome(
        "", "jobs that failed among those that finished or failed", "Failed jobs", *_PERCENT,
        most=1.0),
    "lost_share": Outcome(
        "", "jobs that got no site, or had not ended when the simulation did, among all submitted; "
        "means are over the others", "Jobs that did not run to an end", *_PERCENT, most=1.0),
    "wan_bytes": Outcome(
        "bytes", "moved between sites: inputs, outputs and copies", "Moved between sites", "TB",
        1e12, comparison=Comparison("moved data", "bytes moved between sites")),
    "cache_hit_rate": Outcome(
        "", "share of the inputs that lay at the job's site", "Inputs found at the site", *_PERCENT,
        "more", most=1.0),
    "carbon": Outcome(
        "kg", "CO2e of the electricity of all attempts, failed ones too: cores × watts per core × "
        "time × carbon intensity at the site; of sites that have none, the mean of the others by "
        "cores", "Carbon", "kg", 1.0),
    "carbon_per_job": Outcome(
        "g", "carbon by the number of finished jobs", "Carbon per finished job", "g", 1.0),
    "recovery_time": Outcome(
        "s", "mean time from the start of an outage until it is over and no more jobs are under "
        "way than at its start", "Recovery from an outage", *_HOURS),
}  # fmt: skip


def write_outcomes(folders: Sequence[str | Path], path: str | Path) -> None:
    """Write the outcomes of many scenarios as one tidy CSV, and a JSON of the same name beside it.

    The columns are workload, policy, seed, outcome, unit, value; an undefined value is empty. The
    JSON has the role of each workload, what is to be known of each outcome (see `Outcome`), and
    `without_group`: workload → policy → outcome → its values without each of some groups of jobs
    (see `accounts.summarise`), means over the seeds. Both are sorted: the order of the folders does
    not matter.

    Args:
        folders: those that `redwood simulate` wrote, each with one folder a seed.
        path: the CSV.

    Raises:
        InputError: a folder holds no complete run, two hold the same one, or the ending of `path`
            says another format.
    """
    require_ending(path, ".csv")
    rows: list[tuple[str, str, int, str, str, str]] = []
    seen: dict[tuple[str, str, int], str | Path] = {}
    roles: dict[str, str] = {}
    groups: dict[tuple[str, str, str], list[_WithoutGroup]] = {}
    for folder in folders:
        role, runs = _read(Path(folder))
        for run, values in runs:
            if roles.setdefault(run[0], role) != role:
                raise InputError(
                    f"{folder}: the role of workload {run[0]!r} is {role!r}, but in another "
                    f"folder {roles[run[0]]!r}"
                )
            if run in seen:
                raise InputError(
                    f"{folder}: workload {run[0]!r}, policy {run[1]!r}, seed {run[2]} is the run "
                    f"that {seen[run]} holds too"
                )
            seen[run] = folder
            for name, (value, without_group) in values.items():
                text = "" if value is None else repr(value)
                rows.append((*run, name, OUTCOMES[name].unit, text))
                groups.setdefault((*run[:2], name), []).append(without_group)
    rows.sort(key=lambda row: row[:3])
    path = Path(path)
    with writing(path) as partial, open(partial, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("workload", "policy", "seed", "outcome", "unit", "value"))
        writer.writerows(rows)
    write_json(
        path.with_suffix(".json"),
        {
            "runs": len(seen),
            "rows": len(rows),
            "sha256": file_digest(path),
            "undefined": sum(row[-1] == "" for row in rows),
            "workloads": dict(sorted(roles.items())),
            "outcomes": {name: asdict(outcome) for name, outcome in OUTCOMES.items()},
            "without_group": _means_of_groups(groups),
        },
    )


def _means_of_groups(found: Mapping[tuple[str, str, str], list[_WithoutGroup]]) -> dict[str, Any]:
    """Workload → policy → outcome → means over the seeds, where every seed has all groups."""
    means: dict[str, Any] = {}
    for (workload, policy, name), of_seeds in sorted(found.items()):
        known = [of_seed for of_seed in of_seeds if of_seed is not None and None not in of_seed]
        if len(known) == len(of_seeds):
            of_policy = means.setdefault(workload, {}).setdefault(policy, {})
            of_policy[name] = [fmean(of_group) for of_group in zip(*known, strict=True)]
    return means


def described(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Outcome → what `values` has of it, its unit and its definition."""
    return {
        name: {**values[name], "unit": outcome.unit, "definition": outcome.definition}
        for name, outcome in OUTCOMES.items()
    }


def _read(
    folder: Path,
) -> tuple[str, list[tuple[tuple[str, str, int], dict[str, tuple[float | None, _WithoutGroup]]]]]:
    """The role of a scenario's jobs; of each run workload, policy and seed, and its outcomes.

    Of an outcome its value, and those without each group of jobs.
    """
    file = folder / "summary.json"
    try:
        whole = read_json(file, "summary of a simulation")
        seeds, role = whole["seeds"], whole.get("role") or role_of(whole["workload"])
        runs = []
        for seed in seeds:
            file = folder / f"seed-{seed}" / "summary.json"
            summary = read_json(file, "summary of a run")
            key = (summary["workload"], summary["policy"], summary["seed"])
            if missing := [name for name in OUTCOMES if name not in summary["outcomes"]]:
                raise InputError(f"{file}: lacks the outcome {missing[0]!r}: simulate again")
            found = {name: summary["outcomes"][name] for name in OUTCOMES}
            values = {name: (one["value"], one.get("without_group")) for name, one in found.items()}
            runs.append((key, values))
    except (KeyError, TypeError) as error:
        raise InputError(f"{file}: not the summary of a simulation: {error!r}") from None
    return role, runs
