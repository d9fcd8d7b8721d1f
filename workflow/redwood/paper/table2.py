"""Table II: what each policy does to recorded and to synthetic jobs."""

from itertools import pairwise, permutations
from pathlib import Path

import pandas as pd

from redwood.outputs import write_json, write_text, writing
from redwood.paper.reading import read_csv
from redwood.paper.rendering import NONE, Block, Cell, Page, plain_number, with_interval

RECORDED = "recorded"

# outcome → (title, unit shown, how many of the outcome's units one of these is)
_SHOWN = {
    "queue_time_mean": ("Queue time, mean", "min", 60.0),
    "queue_time_median": ("Queue time, median", "min", 60.0),
    "queue_time_p95": ("Queue time, 95th percentile", "min", 60.0),
    "stagein_mean": ("Stage-in, mean", "min", 60.0),
    "turnaround_mean": ("Turnaround, mean", "min", 60.0),
    "makespan": ("Makespan", "h", 3600.0),
    "throughput": ("Throughput, finished jobs", "jobs/h", 1.0),
    "utilisation": ("Utilisation of the cores", "%", 0.01),
    "goodput": ("Goodput, work of finished jobs among all work", "%", 0.01),
    "wan_bytes": ("Moved between sites", "TB", 1e12),
}
_RANKED = "turnaround_mean"
_OF_INPUT = ("stagein_mean", "wan_bytes")
# Above it a deviation is shown as a factor: ×12 says more than +1100 %.
_FACTOR = 10.0


def write_table2(outcomes: Path, prefix: Path) -> None:
    """Write Table II: tidy as CSV and parquet, for readers as Markdown, LaTeX and HTML.

    The tidy table has mean, least and greatest value over the seeds of each outcome. A summary goes
    beside as JSON.

    Args:
        outcomes: the CSV that `redwood simulation outcomes` wrote.
        prefix: the files' path without their endings.

    Raises:
        InputError: the file is missing, empty or not of that form.
    """
    columns = ("workload", "policy", "seed", "outcome", "unit", "value")
    tidy = summarise(read_csv(outcomes, columns, numbers=("value",)))
    shown = _shown(tidy)
    write_text(f"{prefix}.csv", tidy.to_csv(index=False))
    with writing(f"{prefix}.parquet") as partial:
        tidy.to_parquet(partial, index=False)
    _page(tidy, shown).save(prefix)
    write_json(
        f"{prefix}.json",
        {
            "workloads": _workloads(tidy),
            "policies": tidy["policy"].unique().tolist(),
            "undefined": int(tidy["value"].isna().sum()),
            "outcomes_not_shown": sorted(set(tidy["outcome"]) - set(shown)),
        },
    )


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Outcomes of single runs → workload, policy, outcome, unit, value, low, high, seeds.

    `value` is the mean over the seeds for which the outcome is defined, `seeds` their number.
    """
    keys = ["workload", "policy", "outcome", "unit"]
    grouped = runs.fillna({"unit": ""}).groupby(keys, sort=False)["value"]
    return grouped.agg(value="mean", low="min", high="max", seeds="count").reset_index()


def ranking(tidy: pd.DataFrame, workload: str) -> pd.DataFrame:
    """The policies' mean turnaround for a workload, the shortest first: policy, low, high."""
    rows = tidy[(tidy["workload"] == workload) & (tidy["outcome"] == _RANKED)]
    rows = rows.dropna(subset="value").sort_values("value", kind="stable")
    return rows[["policy", "low", "high"]].reset_index(drop=True)


def contradictions(recorded: pd.DataFrame, synthetic: pd.DataFrame) -> list[tuple[str, str]]:
    """The pairs of policies whose order in `recorded` is the opposite one in `synthetic`.

    Both are of `ranking`. An order counts where the ranges over the seeds do not overlap.
    """
    return sorted(_separated(recorded) & {(b, a) for a, b in _separated(synthetic)})


def _separated(ranked: pd.DataFrame) -> set[tuple[str, str]]:
    """The pairs (a, b) of which a is faster than b with every seed."""
    rows = ranked.itertuples(index=False)
    return {(a.policy, b.policy) for a, b in permutations(rows, 2) if a.high < b.low}


def _workloads(tidy: pd.DataFrame) -> list[str]:
    return sorted(tidy["workload"].unique(), key=lambda name: (name != RECORDED, name))


def _shown(tidy: pd.DataFrame) -> dict[str, tuple[str, str, float]]:
    """The outcomes of the table, those unknown here under their own name and unit."""
    units = dict(zip(tidy["outcome"], tidy["unit"], strict=True))
    known = {name: entry for name, entry in _SHOWN.items() if name in units}
    others = {
        name: (name.replace("_", " ").capitalize(), unit, 1.0)
        for name, unit in units.items()
        if name not in _SHOWN
    }
    return {name: entry for name, entry in (known | others).items() if _has_meaning(tidy, name)}


def _has_meaning(tidy: pd.DataFrame, outcome: str) -> bool:
    """Jobs without input stage nothing in and move nothing: no rows for that."""
    values = tidy.loc[tidy["outcome"] == outcome, "value"].dropna()
    return len(values) > 0 and (outcome not in _OF_INPUT or values.max() > 0)


def _page(tidy: pd.DataFrame, shown: dict[str, tuple[str, str, float]]) -> Page:
    values = tidy.set_index(["workload", "policy", "outcome"])
    workloads, policies = _workloads(tidy), tidy["policy"].unique()
    blocks = [
        Block(
            f"{title} [{unit}]" if unit else title,
            [(p, [_cell(values, w, p, name, scale) for w in workloads]) for p in policies],
        )
        for name, (title, unit, scale) in shown.items()
    ]
    seeds = int(tidy["seeds"].max())
    notes = [
        f"Mean and, unless all agree, range over {seeds} seeds of the simulation."
        if seeds > 1
        else "One seed of the simulation."
    ]
    if RECORDED in workloads and len(workloads) > 1:
        notes.append(
            "In parentheses: deviation of synthetic from recorded jobs under the same policy."
        )
    notes += _verdicts(tidy, workloads)
    caption = "What each brokerage policy does to recorded and to synthetic jobs on the same grid."
    return Page("Table II", caption, ["policy", *workloads], blocks, notes)


def _cell(values: pd.DataFrame, workload: str, policy: str, outcome: str, scale: float) -> Cell:
    key = (workload, policy, outcome)
    if key not in values.index or pd.isna(values.loc[key, "value"]):
        return Cell(NONE)
    row = values.loc[key]
    mean, low, high = (float(row[name]) / scale for name in ("value", "low", "high"))
    text, interval = plain_number(mean), ""
    if high > low:
        text, interval = with_interval(mean, low, high)
    reference = values["value"].get((RECORDED, policy, outcome))
    if workload != RECORDED and reference is not None and reference > 0:
        text += f" ({_deviation(float(row['value']) / reference)})"
    return Cell(text, interval)


def _deviation(ratio: float) -> str:
    if ratio > _FACTOR:
        return f"×{plain_number(ratio, 2)}"
    percent = f"{100 * (ratio - 1):+.0f} %".replace("-", "−")
    return "±0 %" if percent in ("+0 %", "−0 %") else percent


def _verdicts(tidy: pd.DataFrame, workloads: list[str]) -> list[str]:
    """Whether synthetic jobs put the policies in the order in which recorded ones do."""
    if tidy["policy"].nunique() < 2:
        return []
    recorded = ranking(tidy, RECORDED)
    notes = []
    for workload in workloads:
        ranked = ranking(tidy, workload)
        verdict = ""
        if workload != RECORDED and len(recorded):
            opposed = contradictions(recorded, ranked)
            pairs = ", ".join(f"{a} and {b}" for a, b in opposed)
            verdict = (
                f"; against recorded jobs: {pairs} change places"
                if opposed
                else "; consistent with recorded jobs"
            )
        notes.append(f"Mean turnaround, {workload} jobs: {_order(ranked)}{verdict}.")
    if any("≈" in note for note in notes):
        notes.append("≈: the ranges over the seeds overlap.")
    return notes


def _order(ranked: pd.DataFrame) -> str:
    rows = list(ranked.itertuples(index=False))
    if not rows:
        return NONE
    text = rows[0].policy
    for a, b in pairwise(rows):
        text += f" {'<' if a.high < b.low else '≈'} {b.policy}"
    return text
