"""What a simulation is judged by, and the outcomes of many simulations as one tidy table."""

import csv
from collections.abc import Sequence
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import file_digest, write_json, writing

# name → (unit, what it is)
OUTCOMES = {
    "makespan": ("s", "from the first submission to the end of the last job that ran"),
    "queue_time_mean": ("s", "mean time from input complete to start, of last attempts"),
    "queue_time_median": ("s", "median time from input complete to start, of last attempts"),
    "queue_time_p95": ("s", "95th percentile of the time from input complete to start"),
    "wall_time_mean": ("s", "mean time from start to end of the run, of last attempts"),
    "stagein_mean": ("s", "mean time to stage in the input, local inputs included"),
    "turnaround_mean": ("s", "mean time from submission to end of the jobs that ran"),
    "throughput": ("jobs/h", "finished jobs per hour of makespan"),
    "utilisation": ("", "busy share of all cores from the first to the last submission"),
    "goodput": ("", "share of the core seconds that went into attempts that finished"),
    "failed_share": ("", "jobs that failed among those that finished or failed"),
    "wan_bytes": ("bytes", "moved between sites: inputs, outputs and copies"),
    "cache_hit_rate": ("", "share of the inputs that lay at the job's site"),
    "recovery_time": (
        "s",
        "mean time from the begin of an outage until it is over and no more jobs are under way "
        "than at its begin",
    ),
}


def write_outcomes(folders: Sequence[str | Path], path: str | Path) -> None:
    """Write the outcomes of many scenarios as one tidy CSV, and a summary beside it.

    The columns are workload, policy, seed, outcome, unit, value; an undefined value is empty.

    Args:
        folders: those that `redwood simulate` wrote, each with one folder a seed.
        path: the CSV.

    Raises:
        InputError: a folder holds no complete run, or two hold the same one.
    """
    rows, seen = [], {}
    for folder in folders:
        for run, values in _runs(Path(folder)):
            if run in seen:
                raise InputError(
                    f"{folder}: workload {run[0]!r}, policy {run[1]!r}, seed {run[2]} is the run "
                    f"that {seen[run]} holds too"
                )
            seen[run] = folder
            for name, value in values.items():
                rows.append((*run, name, OUTCOMES[name][0], "" if value is None else repr(value)))
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
            "outcomes": described(),
        },
    )


def described() -> dict[str, dict[str, str]]:
    """Outcome → its unit and definition."""
    return {
        name: {"unit": unit, "definition": definition}
        for name, (unit, definition) in OUTCOMES.items()
    }


def _runs(folder: Path) -> list[tuple[tuple[str, str, int], dict[str, float | None]]]:
    """Workload, policy and seed of each run of a scenario, and its outcomes."""
    file = folder / "summary.json"
    try:
        seeds = read_json(file, "summary of a simulation")["seeds"]
        runs = []
        for seed in seeds:
            file = folder / f"seed-{seed}" / "summary.json"
            summary = read_json(file, "summary of a run")
            key = (summary["workload"], summary["policy"], summary["seed"])
            runs.append((key, {name: summary["outcomes"][name]["value"] for name in OUTCOMES}))
    except (KeyError, TypeError) as error:
        raise InputError(f"{file}: not the summary of a simulation: {error!r}") from None
    return runs
