"""Policies against a reference, outcome by outcome, in pairs; and against each other, by ranks.

Under the same seed a job has the same luck under every policy, and the same groups of jobs are
left out of each: so of two policies it is the difference that is judged, seed by seed and group by
group, in which most of the luck falls out (common random numbers: A. Law, Simulation Modeling and
Analysis, 5th ed., McGraw-Hill 2015, sections 10.2.1 and 11.2). Its 95 % interval has two sources:
of the seeds Student's t of the paired differences, of the jobs the jackknife of the differences
without each group; the squares of the halves add up (MOVER, see `redwood.paper.combining`).
Outcomes without such groups, as a recovery, have intervals from the seeds alone.

The *relative* difference is policy / reference − 1, of the means over the seeds, and its interval
that of the difference of logarithms, which is where noise is alike: it cannot say less than
nothing. It is undefined where some value is 0; the *difference* itself never is. An outcome's own
interval stays in its range (`redwood.intervals`).

*Ranks*: by each outcome a policy's rank among all lies between 1 + the number of those that are
surely better and the number of all − that of those that are surely worse, all pairs of policies
being judged at once (`Runs.told_apart`): of all ranks none lies outside in 95 of 100 cases
(confidence sets for ranks: M. Mogstad et al., Rev. Econ. Stud. 91 (2024) 476). Of two workloads
Kendall's τ says whether both put the policies in the same order, as in Table II.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.intervals import seeds_half, within
from redwood.jackknife import jackknife_half
from redwood.names import suggested
from redwood.outputs import require_ending, write_json, write_text
from redwood.paper.agreement import Runs, kendall, tau_bounds
from redwood.paper.outcomes import Outcomes
from redwood.paper.rendering import NONE, Block, Cell, Page, plain_number
from redwood.paper.style import FIGURE_ENDINGS, PAGE_WIDTH, line_styles, use_style, write_figure

# Shown on the page; all others are in the table.
_SHOWN = (
    "turnaround_mean", "queue_time_mean", "stagein_mean", "throughput", "failed_share",
    "wan_bytes", "cache_hit_rate",
)  # fmt: skip
_DRAWN = ("turnaround_mean", "queue_time_mean", "throughput", "wan_bytes")
_MAIN = "turnaround_mean"
_RANKS_HOLD = 0.95
_DPI = 150
# Less than this part of a value is no difference between seeds or groups, but of rounding.
_NO_LUCK = 1e-12
# A ratio that is known no better than by this factor tells less than the difference.
_WIDEST = 100.0
# Above it a relative difference is shown as a factor: 12× says more than +1100 %.
_FACTOR = 10.0


def compare_policies(read: Outcomes, against: str) -> pd.DataFrame:
    """Every policy against the reference, on each workload, by each outcome.

    Args:
        read: the outcomes of runs that differ in policies and workloads only.
        against: the policy that is the reference.

    Returns:
        One row a workload, policy and outcome: `value`, mean over the seeds, its 95 % interval
        `low` to `high`, `unit`; `difference` to the reference, paired, and `difference_low` to
        `difference_high`; `relative`, policy / reference − 1, and `relative_low` to
        `relative_high`; `rank`, `rank_best` and `rank_worst` among the policies; `seeds`. NaN where
        undefined: of one seed there are no intervals. Its `attrs` name the `reference`.

    Raises:
        InputError: there is one policy only, or none called `against`.
    """
    runs = Runs.of(read)
    reference = _reference(runs, against)
    rows = [
        row
        for workload in runs.workloads
        for outcome in (name for name in read.described if (workload, name) in runs.by_key)
        for row in _rows(runs, read, workload, outcome, reference)
    ]
    table = pd.DataFrame(rows)
    table.attrs["reference"] = runs.policies[reference]
    return table


def order_agreements(read: Outcomes) -> pd.DataFrame:
    """Kendall's τ between the orders of the policies on each two workloads, by ranked outcomes.

    Columns workload, other, outcome, tau, low, high (its 95 % interval, see `agreement`), policies,
    pairs_apart (told apart on both). No rows for one workload.
    """
    runs = Runs.of(read)
    rows = []
    for workload, other in combinations(runs.workloads, 2):
        for outcome in runs.signs:
            if not {(workload, outcome), (other, outcome)} <= runs.by_key.keys():
                continue
            one, two = (runs.means(name, outcome) for name in (workload, other))
            tau = float(kendall(one, two))
            if np.isfinite(tau):
                low, high, apart = tau_bounds(runs, workload, outcome, tau, other)
                known = int(np.isfinite(one + two).sum())
                rows.append((workload, other, outcome, tau, low, high, known, apart))
    names = ["workload", "other", "outcome", "tau", "low", "high", "policies", "pairs_apart"]
    return pd.DataFrame(rows, columns=names)


def comparison_page(read: Outcomes, table: pd.DataFrame) -> Page:
    """The comparison for readers: policies by outcomes, a block a workload, and τ between these."""
    runs, reference = Runs.of(read), table.attrs["reference"]
    described, taus = read.described, order_agreements(read)
    known = table[table["outcome"].isin(_SHOWN)].groupby("outcome")["value"].max()
    shown = [name for name in _SHOWN if known.get(name, 0) > 0]
    cells = table.set_index(["workload", "policy", "outcome"])
    blocks = []
    for workload in runs.workloads:
        of_all = table[(table["workload"] == workload) & (table["outcome"] == _MAIN)]
        names = of_all.sort_values("rank", kind="stable")["policy"]
        rows = [
            (policy, [_rank(cells.loc[workload, policy, _MAIN])]
             + [_cell(cells.loc[workload, policy, name], described[name], policy == reference)
                for name in shown])
            for policy in names
        ]  # fmt: skip
        blocks.append(Block(workload, rows))
    header = ["", "rank", *(f"{described[n]['title']} [{described[n]['shown_unit']}]"
                            for n in shown)]  # fmt: skip
    if len(taus):
        pairs = taus.set_index(["workload", "other", "outcome"])
        rows = [
            (f"{one}, {two}", [Cell("")] + [_tau(pairs, (one, two, name)) for name in shown])
            for one, two in combinations(runs.workloads, 2)
        ]
        blocks.append(Block("Kendall's τ between the orders of the policies", rows))
    notes = [
        f"Of {reference}, the reference, means over the seeds; of the others the difference from "
        "it, relative where a unit is not given. In brackets: 95 % intervals, paired by seed and "
        "by groups of jobs, none where neither makes a difference; bold where they leave out no "
        "difference. Rank: by mean turnaround, and the ranks that seeds and jobs leave open."
        if runs.seeds > 1
        else f"Of {reference}, the reference, the outcomes; of the others the difference from it, "
        "relative where a unit is not given. One seed, and so no intervals."
    ]
    caption = f"Policies against {reference}, {runs.seeds} seeds."
    return Page("Policies", caption, header, blocks, [*notes, *read.gaps])


def write_comparison(read: Outcomes, table: pd.DataFrame, path: Path) -> None:
    """Write the table as CSV, and beside it a JSON of the same name with τ and what is lacking.

    Raises:
        InputError: the ending of `path` says another format.
    """
    require_ending(path, ".csv")
    write_text(path, table.to_csv(index=False))
    taus = order_agreements(read)
    content: dict[str, Any] = {
        "workloads": list(dict.fromkeys(table["workload"])),
        "policies": list(dict.fromkeys(table["policy"])),
        "reference": table.attrs["reference"],
        "seeds": int(table["seeds"].max()),
        "agreement": taus.astype(object).where(taus.notna(), None).to_dict("records"),
        "remarks": read.gaps,
    }
    write_json(path.with_suffix(".json"), content)


def draw_ranks(read: Outcomes, table: pd.DataFrame, path: Path) -> None:
    """Draw the ranks of the policies and what seeds and jobs leave open of them.

    A panel an outcome, a line a policy, a colour a workload.

    Raises:
        InputError: the ending of `path` is none of a figure's.
    """
    if path.suffix not in FIGURE_ENDINGS:
        raise InputError(f"{path}: expected a name that ends with {' or '.join(FIGURE_ENDINGS)}")
    use_style()
    from matplotlib import pyplot

    ranked = table[table["rank"].notna()]
    drawn = [name for name in _DRAWN if name in set(ranked["outcome"])]
    workloads = list(dict.fromkeys(table["workload"]))
    main = table[(table["workload"] == workloads[0]) & (table["outcome"] == _MAIN)]
    policies = main.sort_values("rank", kind="stable")["policy"].tolist()
    styles = line_styles(workloads)
    height = 0.9 + len(policies) * max(0.22, 0.13 * len(workloads))
    figure, axes = pyplot.subplots(
        1, len(drawn), figsize=(PAGE_WIDTH, height), sharey=True, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axis, outcome in zip(axes[0], drawn, strict=True):
        for number, workload in enumerate(workloads):
            here = ranked[(ranked["workload"] == workload) & (ranked["outcome"] == outcome)]
            here = here.set_index("policy").reindex(policies)
            shift = (number - (len(workloads) - 1) / 2) * 0.6 / len(workloads)
            places = np.arange(len(policies)) + shift
            colour = styles[workload]["color"]
            axis.hlines(places, here["rank_best"], here["rank_worst"], color=colour, linewidth=1.6)
            axis.plot(here["rank"], places, "o", color=colour, markersize=3.5, label=workload)
        # What follows a comma does not fit above a panel.
        axis.set_title(read.described[outcome]["title"].partition(",")[0])
        axis.set_xlabel("rank")
        axis.set_xlim(0.5, len(policies) + 0.5)
        axis.set_xticks(range(1, len(policies) + 1))
        axis.set_yticks(range(len(policies)), policies)
    axes[0][0].invert_yaxis()
    if len(workloads) > 1:
        handles, names = axes[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=len(workloads))
    write_figure(figure, path, _DPI)
    pyplot.close(figure)


def _reference(runs: Runs, against: str) -> int:
    if len(runs.policies) < 2:
        raise InputError(f"one policy only, {runs.policies[0]!r}: expected two or more")
    if against not in runs.policies:
        raise InputError(
            f"--against is {against!r}, expected one of {', '.join(runs.policies)}"
            f"{suggested(against, runs.policies)}"
        )
    return runs.policies.index(against)


def _rows(
    runs: Runs, read: Outcomes, workload: str, outcome: str, reference: int
) -> list[dict[str, Any]]:
    values, means = runs.by_key[workload, outcome], runs.means(workload, outcome)
    without = runs.without_group.get((workload, outcome))
    about = read.described[outcome]
    ranks = _ranks(runs, workload, outcome, means)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs, log_means = np.log(values), np.log(means)
        log_without = None if without is None else np.log(without)
    rows = []
    for number, policy in enumerate(runs.policies):
        half = _half(values[number], None if without is None else without[:, number])
        low, high = within(
            means[number] - half, means[number] + half, about.get("least"), about.get("most")
        )
        difference = means[number] - means[reference]
        paired = _paired(values, without, number, reference)
        relative, of_logs = np.nan, np.nan
        if _positive(values, without, number) and _positive(values, without, reference):
            relative = log_means[number] - log_means[reference]
            of_logs = _paired(logs, log_without, number, reference)
        with np.errstate(over="ignore"):
            ratio, least, most = np.expm1([relative, relative - of_logs, relative + of_logs])
        rows.append(
            {
                "workload": workload,
                "policy": policy,
                "outcome": outcome,
                "unit": about["unit"],
                "value": means[number],
                "low": low,
                "high": high,
                "difference": difference,
                "difference_low": difference - paired,
                "difference_high": difference + paired,
                "relative": ratio,
                "relative_low": least,
                "relative_high": most,
                **{name: ranks[name][number] for name in ranks},
                "seeds": int(np.isfinite(values[number]).sum()),
            }
        )
    return rows


def _positive(values: np.ndarray, without: np.ndarray | None, policy: int) -> bool:
    """Whether a policy's values have logarithms, as far as they are defined."""
    mine = values[policy][np.isfinite(values[policy])]
    rest = () if without is None else (without[:, policy],)
    return len(mine) > 0 and all((some > 0).all() for some in (mine, *rest))


def _paired(values: np.ndarray, without: np.ndarray | None, policy: int, reference: int) -> float:
    """Half of the interval of a difference, seed by seed and group by group.

    Of policies that do the same in each it is 0.
    """
    seeds = values[policy] - values[reference]
    groups = None if without is None else without[:, policy] - without[:, reference]
    if not np.any(seeds) and not np.any(groups if groups is not None else 0):
        return 0.0 if len(seeds) > 1 else np.nan
    return _half(seeds, groups)


def _half(of_seeds: np.ndarray, of_groups: np.ndarray | None) -> float:
    """Half of the 95 % interval of a mean over (seeds,), of (groups,) values without each.

    NaN for fewer than two seeds, and where neither they nor the groups differ, as of a makespan
    without luck: then there is nothing to tell how sure it is.
    """
    known = of_seeds[np.isfinite(of_seeds)]
    if len(known) < 2:
        return np.nan
    jobs = 0.0 if of_groups is None else float(jackknife_half(of_groups))
    half = float(np.hypot(seeds_half(known), jobs))
    return half if half > _NO_LUCK * np.abs(known).max() else np.nan


def _ranks(runs: Runs, workload: str, outcome: str, means: np.ndarray) -> dict[str, np.ndarray]:
    """(policies,) each: the rank by the means, and the best and the worst that it may be."""
    unknown = np.full(len(means), np.nan)
    if outcome not in runs.signs:
        return {"rank": unknown, "rank_best": unknown, "rank_worst": unknown}
    sign, known = runs.signs[outcome], np.isfinite(means)
    rank = pd.Series(means * sign).rank(method="min").to_numpy()
    if runs.seeds == 1:
        return {"rank": rank, "rank_best": unknown, "rank_worst": unknown}
    signs = runs.told_apart(workload, outcome, _RANKS_HOLD) * sign
    best, worst = 1 + (signs > 0).sum(axis=1), known.sum() - (signs < 0).sum(axis=1)
    return {
        "rank": rank,
        "rank_best": np.where(known, best, np.nan),
        "rank_worst": np.where(known, worst, np.nan),
    }


def _rank(row: pd.Series) -> Cell:
    if pd.isna(row["rank"]):
        return Cell(NONE)
    if pd.isna(row["rank_best"]) or row["rank_best"] == row["rank_worst"]:
        return Cell(f"{row['rank']:.0f}")
    return Cell(f"{row['rank']:.0f}", f"[{row['rank_best']:.0f}–{row['rank_worst']:.0f}]")


def _cell(row: pd.Series, about: Any, is_reference: bool) -> Cell:
    """The reference's value; another's difference from it."""
    if pd.isna(row["value"]):
        return Cell(NONE)
    if is_reference:
        return Cell(plain_number(row["value"] / about["scale"]))
    relative = pd.notna(row["relative"]) and not (
        1 + row["relative_high"] > _WIDEST * (1 + row["relative_low"])
    )
    key, scale = ("relative", 0.01) if relative else ("difference", about["scale"])
    if pd.isna(row[key]):
        return Cell(NONE)
    value, low, high = (row[f"{key}{end}"] / scale for end in ("", "_low", "_high"))
    if value == 0 and low == high:
        return Cell("=")
    ends = [low, high] if pd.notna(low) else []
    if relative and row[key] + 1 > _FACTOR:
        factors = ", ".join(f"{plain_number(end * scale + 1, 2)}×" for end in ends)
        interval = f"[{factors}]" if ends else ""
        return Cell(f"{plain_number(row[key] + 1, 2)}×", interval, bold=bool(low > 0))
    unit = "%" if relative else about["shown_unit"].replace("%", "points")
    decimals = _decimals(value, ends)
    interval = f"[{', '.join(_signed(end, decimals) for end in ends)}]" if ends else ""
    sure = bool(ends) and (low > 0 or high < 0)
    return Cell(f"{_signed(value, decimals)} {unit}", interval, bold=sure)


def _decimals(value: float, ends: Sequence[float]) -> int:
    """So many that the interval, or a value without one, has two digits; the value at most four."""
    size = (ends[1] - ends[0]) / 2 if ends else abs(value)
    if size >= 10 or size == 0:
        return 0
    most = 3 - int(np.floor(np.log10(abs(value)))) if value else 6
    return max(0, min(most, 1 - int(np.floor(np.log10(size)))))


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+.{decimals}f}"
    return (text[1:] if float(text) == 0 else text).replace("-", "−")


def _tau(pairs: pd.DataFrame, key: tuple[str, str, str]) -> Cell:
    if key not in pairs.index:
        return Cell(NONE)
    row = pairs.loc[key]
    value, low, high = (f"{row[name]:.2f}".replace("-", "−") for name in ("tau", "low", "high"))
    return Cell(value, "" if pd.isna(row["low"]) else f"[{low}, {high}]")
