"""Table II: what each policy does to recorded and to synthetic jobs."""

from pathlib import Path

import pandas as pd

from redwood.errors import InputError
from redwood.outputs import write_text, writing
from redwood.paper.reading import read_csv
from redwood.paper.rendering import Block, Page, plain_number

RECORDED = "recorded"

# outcome → (column title, unit shown, how many of the outcome's units one of these is)
_SHOWN = {
    "queue_time_mean": ("queue time, mean", "min", 60.0),
    "queue_time_p95": ("queue time, 95 %", "min", 60.0),
    "stagein_mean": ("stage-in, mean", "min", 60.0),
    "turnaround_mean": ("turnaround, mean", "min", 60.0),
    "throughput": ("throughput", "jobs/h", 1.0),
    "utilisation": ("utilisation", "%", 0.01),
    "goodput": ("goodput", "%", 0.01),
    "wan_bytes": ("moved", "TB", 1e12),
}
_RANKED = "turnaround_mean"


def write_table2(outcomes: Path, prefix: Path) -> None:
    """Write Table II: tidy as CSV and parquet, for readers as Markdown, LaTeX and HTML.

    The tidy table has mean, least and greatest value over the seeds of each outcome.

    Args:
        outcomes: the CSV that `redwood simulation outcomes` wrote.
        prefix: the files' path without their endings.

    Raises:
        InputError: the file is missing, empty or not of that form.
    """
    columns = ("workload", "policy", "seed", "outcome", "unit", "value")
    runs = read_csv(outcomes, columns)
    if runs.empty:
        raise InputError(f"{outcomes}: no outcomes")
    tidy = summarise(runs)
    write_text(f"{prefix}.csv", tidy.to_csv(index=False))
    with writing(f"{prefix}.parquet") as partial:
        tidy.to_parquet(partial, index=False)
    _page(tidy).save(prefix)


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Outcomes of single runs → workload, policy, outcome, unit, value, low, high, seeds."""
    grouped = runs.fillna({"unit": ""}).groupby(
        ["workload", "policy", "outcome", "unit"], sort=False
    )["value"]
    return grouped.agg(value="mean", low="min", high="max", seeds="size").reset_index()


def policy_order(tidy: pd.DataFrame, workload: str) -> list[str]:
    """The policies from the shortest to the longest mean turnaround of a workload's jobs."""
    rows = tidy[(tidy["workload"] == workload) & (tidy["outcome"] == _RANKED)]
    return rows.sort_values("value", kind="stable")["policy"].tolist()


def _page(tidy: pd.DataFrame) -> Page:
    values = tidy.set_index(["policy", "workload", "outcome"])[["value", "low", "high"]]
    workloads = sorted(tidy["workload"].unique(), key=lambda name: (name != RECORDED, name))
    shown = [name for name in _SHOWN if _has_meaning(tidy, name)]
    header = ["jobs", *(f"{_SHOWN[name][0]} [{_SHOWN[name][1]}]" for name in shown)]
    blocks = []
    for policy in tidy["policy"].unique():
        rows = [
            [workload, *(_cell(values, policy, workload, name) for name in shown)]
            for workload in workloads
        ]
        blocks.append(Block(f"policy {policy}", rows))
    seeds = int(tidy["seeds"].max())
    notes = [
        f"Mean over {seeds} seed{'s' if seeds > 1 else ''} of the simulation; in brackets, for "
        "synthetic jobs, the deviation from the recorded ones under the same policy.",
        *_verdicts(tidy, workloads),
    ]
    caption = "What each brokerage policy does to recorded and to synthetic jobs on the same grid."
    return Page("Table II", caption, header, blocks, notes)


def _has_meaning(tidy: pd.DataFrame, outcome: str) -> bool:
    """Jobs without input stage nothing in and move nothing: no column for that."""
    values = tidy.loc[tidy["outcome"] == outcome, "value"].dropna()
    return len(values) > 0 and (outcome not in ("stagein_mean", "wan_bytes") or values.max() > 0)


def _cell(values: pd.DataFrame, policy: str, workload: str, outcome: str) -> str:
    key = (policy, workload, outcome)
    if key not in values.index or pd.isna(values.loc[key, "value"]):
        return "–"
    value, unit = values.loc[key, "value"], _SHOWN[outcome][2]
    text = plain_number(value / unit)
    reference = values["value"].get((policy, RECORDED, outcome))
    if workload == RECORDED or reference is None or not reference > 0:
        return text
    return f"{text} ({100 * (value / reference - 1):+.0f} %)".replace("-", "−")


def _verdicts(tidy: pd.DataFrame, workloads: list[str]) -> list[str]:
    """Whether synthetic jobs put the policies in the order in which recorded ones do."""
    if tidy["policy"].nunique() < 2:
        return []
    notes = []
    for workload in workloads:
        order = " < ".join(policy_order(tidy, workload))
        same = ""
        if workload != RECORDED and RECORDED in workloads:
            agrees = policy_order(tidy, workload) == policy_order(tidy, RECORDED)
            same = ": the order of the recorded jobs" if agrees else ": NOT that of recorded jobs"
        notes.append(f"Policies by mean turnaround, {workload} jobs: {order}{same}.")
    return notes
