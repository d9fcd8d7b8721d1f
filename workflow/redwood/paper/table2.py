"""Table II: whether policies are judged on synthetic jobs as they are on recorded ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.outputs import write_json, write_text, writing
from redwood.paper.agreement import TOO_FEW, Runs, rankings, relative_errors, too_few
from redwood.paper.outcomes import Outcomes, read_outcomes
from redwood.paper.rendering import NONE, Block, Cell, Page, plain_number, with_interval
from redwood.paper.style import RECORDED

Described = Mapping[str, Mapping[str, Any]]

# Shown policy by policy; the others are in the tidy table.
_IN_FULL = ("turnaround_mean", "queue_time_mean", "wan_bytes", "carbon_per_job")
_RANKED = ("turnaround_mean", "queue_time_mean", "wan_bytes", "cache_hit_rate")
_MAIN = "turnaround_mean"
# Above it an error is shown as a factor: ×12 says more than +1100 %.
_FACTOR = 10.0


def write_table2(outcomes: Path, prefix: Path) -> list[str]:
    """Write Table II: tidy as CSV and parquet, for readers as Markdown, LaTeX and HTML.

    The tidy table has mean, least and greatest value over the seeds of each outcome, and the
    relative error of synthetic jobs with its interval. How alike policies are ranked is in
    `…_ranking.csv`. A summary goes beside as JSON.

    Args:
        outcomes: the CSV that `redwood simulation outcomes` wrote.
        prefix: the files' path without their endings.

    Returns:
        What the outcomes lack or leave out, a sentence each; notes of the table say it, too.

    Raises:
        InputError: the file is missing, empty or not of that form, or so is the JSON beside it.
    """
    read = read_outcomes(outcomes)
    runs = Runs.of(read)
    errors, ranked = relative_errors(runs), rankings(runs)
    tidy = summarise(read.runs).merge(errors, "left", on=["workload", "policy", "outcome"])
    write_text(f"{prefix}.csv", tidy.to_csv(index=False))
    with writing(f"{prefix}.parquet") as partial:
        tidy.to_parquet(partial, index=False)
    write_text(f"{prefix}_ranking.csv", ranked.to_csv(index=False))
    page = _page(runs, tidy, ranked, read)
    page.save(prefix)
    write_json(
        f"{prefix}.json",
        {
            "workloads": runs.workloads,
            "policies": list(runs.policies),
            "undefined": int(tidy["value"].isna().sum()),
            "outcomes_in_the_tidy_table_only": sorted(set(tidy["outcome"]) - set(_IN_FULL)),
            "remarks": read.shortfalls,
            "page": page.content(),
        },
    )
    return read.shortfalls


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Outcomes of single runs → workload, policy, outcome, unit, value, low, high, seeds.

    `value` is the mean over the seeds for which the outcome is defined, `seeds` their number.
    """
    keys = ["workload", "policy", "outcome", "unit"]
    grouped = runs.fillna({"unit": ""}).groupby(keys, sort=False)["value"]
    return grouped.agg(value="mean", low="min", high="max", seeds="count").reset_index()


def _page(runs: Runs, tidy: pd.DataFrame, ranked: pd.DataFrame, read: Outcomes) -> Page:
    described = read.described
    workloads, seeds = runs.workloads, int(tidy["seeds"].max())
    blocks = _ranking_blocks(workloads, ranked, described)
    in_short = bool(blocks)
    values = tidy.set_index(["workload", "policy", "outcome"])
    shown = [name for name in _IN_FULL if _has_meaning(tidy, name)]
    for outcome in shown:
        about = described[outcome]
        rows = [
            (
                policy,
                [_cell(values, name, policy, outcome, about["scale"]) for name in workloads],
            )
            for policy in _by_turnaround(runs)
        ]
        title = f"{about['title']} [{about['shown_unit']}]"
        title += "; error of synthetic jobs" if RECORDED in workloads else ""
        blocks.append(Block(title, rows, folded=in_short))
    of_recorded = " on recorded jobs" if RECORDED in workloads else ""
    notes = [
        f"Means over {seeds} seeds of the simulation. In brackets: 95 % intervals of two sources, "
        f"the seeds and which jobs there were; of outcomes{of_recorded} the least and the "
        "greatest of a seed."
        if seeds > 1
        else "One seed of the simulation, and so no intervals."
    ]
    if runs.floors:
        notes.append(
            f"Floor ({', '.join(runs.floors)}): other real jobs in place of the synthetic ones, "
            "which no model can be expected to come closer than."
        )
    if seeds > 1 and (without_jobs := _without_jobs(runs, shown)):
        notes.append(
            "Intervals are from the seeds alone, as the outcomes do not say how much hangs on "
            f"which jobs there were: {', '.join(without_jobs)}."
        )
    notes += read.shortfalls
    if len(workloads) > 1 and len(runs.policies) > 1:
        notes += [
            "Ranking: Kendall's τ between the means of all policies on these and on recorded "
            "jobs, 1 if both put them in the same order. The interval is from the worst to the "
            "best order of all pairs that seeds and jobs do not tell apart on both sides: wide "
            "where policies are close. Of recorded jobs: against the same jobs with other seeds, "
            "and where that τ lies in 95 of 100 cases.",
            "Regret: by how much the policy that is best on these jobs is worse than the best "
            "one on recorded jobs; if the interval reaches 0, the two are not told apart.",
        ]
        notes += _changes(ranked)
    found = set(tidy["outcome"])
    others = [
        about["title"].lower()
        for name, about in described.items()
        if name in found and name not in _IN_FULL
    ]
    if others:
        notes.append(f"In the tidy tables (CSV) besides: {'; '.join(others)}.")
    caption = "How brokerage and placement policies fare on recorded and on synthetic jobs."
    header = ["", *(f"{w} (floor)" if w in runs.floors else w for w in workloads)]
    return Page("Table II", caption, header, blocks, notes, _lead(runs, ranked))


def _without_jobs(runs: Runs, shown: Sequence[str]) -> list[str]:
    """The outcomes shown that have no values without groups of jobs."""
    return [
        outcome
        for outcome in shown
        if any(
            (workload, outcome) not in runs.without_group
            for workload, of in runs.by_key
            if of == outcome
        )
    ]


def _by_turnaround(runs: Runs) -> list[str]:
    """The policies, the best on recorded jobs first."""
    key = (RECORDED, _MAIN)
    if key not in runs.by_key:
        return list(runs.policies)
    order = np.argsort(runs.means(*key), kind="stable")
    return [runs.policies[index] for index in order]


def _has_meaning(tidy: pd.DataFrame, outcome: str) -> bool:
    """Jobs without input move nothing: no rows for that."""
    values = tidy.loc[tidy["outcome"] == outcome, "value"].dropna()
    return len(values) > 0 and values.max() > 0


def _ranking_blocks(
    workloads: list[str], ranked: pd.DataFrame, described: Described
) -> list[Block]:
    if ranked.empty or len(workloads) < 2:
        return []
    table = ranked.set_index(["outcome", "workload"])
    known = [name for name in _RANKED if name in table.index.get_level_values("outcome")]
    agreement, regret = (
        [(described[name]["title"], [cell(table, name, w) for w in workloads]) for name in known]
        for cell in (_tau, _regret)
    )
    return [
        Block("Ranking of the policies: Kendall's τ with recorded jobs", agreement),
        Block("Regret of choosing the best policy by these jobs [%]", regret),
    ]


def _tau(table: pd.DataFrame, outcome: str, workload: str) -> Cell:
    if (outcome, workload) not in table.index:
        return Cell(NONE)
    row = table.loc[outcome, workload]
    if pd.isna(row["tau"]):
        return Cell(NONE)
    text = f"{row['tau']:.2f}".replace("-", "−")
    if pd.isna(row["low"]):
        return Cell(text)
    return Cell(text, f"[{row['low']:.2f}, {row['high']:.2f}]".replace("-", "−"))


def _regret(table: pd.DataFrame, outcome: str, workload: str) -> Cell:
    if workload == RECORDED or (outcome, workload) not in table.index:
        return Cell(NONE)
    row = table.loc[outcome, workload]
    if not np.isfinite(row["regret"]):
        return Cell(NONE)
    text = plain_number(100 * row["regret"], 2)
    if pd.isna(row["regret_low"]) or row["regret"] == 0:
        return Cell(text)
    low, high = (plain_number(100 * row[name], 2) for name in ("regret_low", "regret_high"))
    return Cell(text, f"[{low}, {high}]")


def _cell(values: pd.DataFrame, workload: str, policy: str, outcome: str, scale: float) -> Cell:
    key = (workload, policy, outcome)
    if key not in values.index or pd.isna(values.loc[key, "value"]):
        return Cell(NONE)
    row = values.loc[key]
    # Without recorded jobs there are no errors, and so the outcomes themselves.
    if workload == RECORDED or RECORDED not in values.index.get_level_values("workload"):
        mean, low, high = (float(row[name]) / scale for name in ("value", "low", "high"))
        if high > low:
            return Cell(*with_interval(mean, low, high))
        return Cell(plain_number(mean))
    if pd.isna(row["error"]):
        return Cell(NONE)
    interval = ""
    if pd.notna(row["error_low"]):
        interval = f"[{_percent(row['error_low'])}, {_percent(row['error_high'])}]"
    return Cell(f"{_percent(row['error'])} %".replace("× %", "×"), interval)


def _percent(error: float) -> str:
    if error + 1 > _FACTOR:
        return f"{plain_number(error + 1, 2)}×"
    text = f"{100 * error:+.0f}".replace("-", "−")
    return "0" if text in ("+0", "−0") else text


def _lead(runs: Runs, ranked: pd.DataFrame) -> str:
    """What the table comes to, by mean turnaround."""
    of_main = ranked[ranked["outcome"] == _MAIN].set_index("workload")
    real = [RECORDED, *runs.floors]
    models = of_main.drop(index=real, errors="ignore").sort_values("tau", ascending=False)
    if models.empty or RECORDED not in of_main.index:
        return ""
    best = of_main.loc[RECORDED, "best_recorded"]
    words = [
        f"{name} {row['tau']:.2f}{f' ({TOO_FEW})' if too_few(row) else ''}".replace("-", "−")
        for name, row in models.iterrows()
    ]
    text = (
        f"By mean turnaround {best} is the best of {len(runs.policies)} policies on recorded jobs. "
        f"Synthetic jobs rank the policies as recorded ones do with a τ of: {', '.join(words)}"
    )
    others = {f"other real jobs ({name})": name for name in runs.floors}
    for said, name in {"recorded jobs with other seeds": RECORDED, **others}.items():
        if name in of_main.index and pd.notna(of_main.loc[name, "tau"]):
            text += f"; {said} {of_main.loc[name, 'tau']:.2f}".replace("-", "−")
    agree = [name for name, row in models.iterrows() if row["best"] == best]
    text += f". The same policy is best on the jobs of {', '.join(agree) or 'none of them'}."
    return text


def _changes(ranked: pd.DataFrame) -> list[str]:
    """How many pairs of policies change places, beyond what seeds and jobs account for."""
    of_main = ranked[(ranked["outcome"] == _MAIN) & (ranked["workload"] != RECORDED)]
    if of_main.empty or of_main["low"].isna().all():
        return []
    pairs = int(of_main["policies"].iloc[0] * (of_main["policies"].iloc[0] - 1) / 2)
    counts = [f"{row.workload} {row.pairs_changed}" for row in of_main.itertuples()]
    apart = [f"{row.workload} {row.pairs_apart}" for row in of_main.itertuples()]
    return [
        f"Pairs of policies, of {pairs}, whose order by mean turnaround is certain on both sides: "
        f"{', '.join(apart)}; and opposite: {', '.join(counts)}."
    ]
