"""What a simulation is judged by, and the outcomes of many simulations as one tidy table."""

import csv
from collections.abc import Sequence
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import write_json, writing

# name → (unit, what it is)
OUTCOMES = {
    "makespan": ("s", "from the first submission to the last end"),
    "queue_time_mean": ("s", "mean time from input complete to start"),
    "queue_time_median": ("s", "median time from input complete to start"),
    "queue_time_p95": ("s", "95th percentile of the time from input complete to start"),
    "stagein_mean": ("s", "mean time to stage in the input, local inputs included"),
    "turnaround_mean": ("s", "mean time from submission to end"),
    "throughput": ("jobs/h", "finished jobs per hour of makespan"),
    "utilisation": ("", "busy share of all cores over the makespan"),
    "goodput": ("", "share of the delivered HS23·s that went into jobs that finished"),
    "wan_bytes": ("bytes", "input moved between sites"),
}


def write_outcomes(folders: Sequence[str | Path], path: str | Path) -> None:
    """Write the outcomes of many runs as one tidy CSV, and a summary beside it.

    The columns are workload, policy, seed, outcome, unit, value; an undefined value is empty.

    Raises:
        InputError: a folder holds no complete run, or two hold the same one.
    """
    rows, seen = [], {}
    for folder in folders:
        file = Path(folder) / "summary.json"
        summary = read_json(file, "summary of a simulation")
        try:
            run = (summary["workload"], summary["policy"], summary["seed"])
            outcomes = {name: summary["outcomes"][name]["value"] for name in OUTCOMES}
        except (KeyError, TypeError) as error:
            raise InputError(f"{file}: not the summary of a simulation: {error}") from None
        if run in seen:
            raise InputError(
                f"{folder}: workload {run[0]!r}, policy {run[1]!r}, seed {run[2]} is the run that "
                f"{seen[run]} holds too"
            )
        seen[run] = folder
        for name, value in outcomes.items():
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
            "undefined": sum(row[-1] == "" for row in rows),
            "outcomes": {
                name: {"unit": unit, "definition": definition}
                for name, (unit, definition) in OUTCOMES.items()
            },
        },
    )
