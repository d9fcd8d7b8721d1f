"""Runs of the same jobs under the same policies in several engines, side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from redwood.configuration import OURS, asks_policies
from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import require_ending, write_json, write_text
from redwood.simulation.account_tables import JOBS
from redwood.simulation.engines import load
from redwood.simulation.outcomes import OUTCOMES
from redwood.tables import read_table

# Outcomes that two engines are compared by, and those that policies are ranked by.
COMPARED = (
    "makespan", "wall_time_mean", "queue_time_mean", "queue_time_p95", "stagein_mean",
    "turnaround_mean", "throughput", "utilisation", "failed_share", "wan_bytes",
)  # fmt: skip
SAME_SITE = "same_site"
_RANKED = ("turnaround_mean", "makespan")
# Those whose largest difference is told in words.
_TOLD = ("makespan", "wall_time_mean", "turnaround_mean", "stagein_mean")


def compare_engines(runs: Sequence[str | Path]) -> pd.DataFrame:
    """Each outcome in each engine beside that in ours, by workload and policy.

    Of each run the first seed that ours has, too. `same_site` is no outcome of a run: the share of
    the jobs whose last attempt was at the same site as in ours. The run of an engine that asks no
    policies is compared with ours under each.

    Args:
        runs: folders that `redwood simulate` wrote.

    Returns:
        Columns workload, policy, seed, engine, outcome, unit, ours, value, ratio (of value to ours;
        NaN where ours is 0), in order.

    Raises:
        InputError: a folder holds no run, one of another engine has none of ours beside it, or
            differs from it in more than the engine.
    """
    read = [_read(Path(run)) for run in runs]
    rows = []
    for run in read:
        if run["engine"] == OURS:
            continue
        keys = ("workload", "policy") if asks_policies(run["engine"]) else ("workload",)
        of_ours = [
            one for one in read if one["engine"] == OURS and all(one[k] == run[k] for k in keys)
        ]
        if not of_ours:
            wanted = " and ".join(f"{key} {run[key]!r}" for key in keys)
            raise InputError(
                f"{run['folder']}: there is no run of {OURS} with {wanted} to compare it with"
            )
        for ours in of_ours:
            rows += _rows(run, ours, _common_seed(run, ours))
    table = pd.DataFrame(rows, columns=["workload", "policy", "seed", "engine", "outcome", "unit",
                                        "ours", "value", "ratio"])  # fmt: skip
    return table.sort_values(["workload", "engine", "policy"], kind="stable", ignore_index=True)


def _common_seed(run: Mapping[str, Any], ours: Mapping[str, Any]) -> int:
    """The first seed of both, which differ in nothing but the engine."""
    for key, value in run["scenario"].items():
        if value != ours["scenario"].get(key):
            raise InputError(
                f"{run['folder']}: cannot be compared with {ours['folder']}: {key} is "
                f"{str(value)[:40]!r}, there {str(ours['scenario'].get(key))[:40]!r}"
            )
    seeds = [seed for seed in run["seeds"] if seed in ours["seeds"]]
    if not seeds:
        raise InputError(f"{run['folder']}: none of its seeds is one of {ours['folder']}")
    return int(seeds[0])


def _read(folder: Path) -> dict[str, Any]:
    summary = read_json(folder / "summary.json", "summary of a simulation")
    scenario = read_json(folder / "scenario.json", "scenario of a run")
    if "engine" not in summary:
        raise InputError(f"{folder}: of another version of REDWOOD: no engine; simulate again")
    digests: Mapping[str, str] = scenario["digests"]
    same = {
        key: digests.get(str(value), value)
        for key, value in scenario.items()
        if key not in ("engine", "digests", "repetitions", "policies", "workload")
    }
    same["workload.jobs"] = digests.get(scenario["workload"]["jobs"])
    return {
        "folder": folder,
        "workload": summary["workload"],
        "policy": summary["policy"],
        "seeds": summary["seeds"],
        "engine": summary["engine"]["name"],
        "version": summary["engine"]["version"],
        "left_out": summary["engine"]["left_out"],
        "scenario": same,
    }


def _rows(run: Mapping[str, Any], ours: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    theirs, own = (
        read_json(one["folder"] / f"seed-{seed}" / "summary.json", "summary of a run")["outcomes"]
        for one in (run, ours)
    )
    rows = []
    for name in COMPARED:
        value, mine = (
            np.nan if o[name]["value"] is None else o[name]["value"] for o in (theirs, own)
        )
        rows.append(
            {
                "workload": run["workload"],
                "policy": ours["policy"],
                "seed": seed,
                "engine": run["engine"],
                "outcome": name,
                "unit": OUTCOMES[name].unit,
                "ours": mine,
                "value": value,
                "ratio": value / mine if mine else np.nan,
            }
        )
    one, other = (_sites(each["folder"], seed) for each in (run, ours))
    share = float((one == other).mean())
    rows.append({**rows[-1], "outcome": SAME_SITE, "unit": "", "ours": 1.0, "value": share,
                 "ratio": share})  # fmt: skip
    return rows


def _sites(folder: Path, seed: int) -> np.ndarray:
    jobs = read_table(folder / f"seed-{seed}" / "jobs.parquet", JOBS)
    return jobs["site"].astype(object).fillna("").to_numpy()


def ranked_alike(table: pd.DataFrame) -> pd.DataFrame:
    """Kendall's τ_b between the policies' order in ours and in each other engine.

    Args:
        table: of `compare_engines`.

    Returns:
        Columns workload, engine, outcome, tau, policies; τ is NaN of fewer than two policies. An
        engine that asks none is not among them.
    """
    rows = []
    of_ranked = table[table["outcome"].isin(_RANKED) & table["engine"].map(asks_policies)]
    for (workload, engine, outcome), group in of_ranked.groupby(["workload", "engine", "outcome"]):
        tau = np.nan
        if len(group) > 1:
            tau = float(kendalltau(group["ours"], group["value"]).statistic)
        rows.append((workload, engine, outcome, tau, len(group)))
    return pd.DataFrame(rows, columns=["workload", "engine", "outcome", "tau", "policies"])


def write_comparison(runs: Sequence[str | Path], path: str | Path) -> str:
    """Write `compare_engines` as a CSV, a JSON beside it with what each engine leaves out and τ.

    Returns:
        Both as Markdown.

    Raises:
        InputError: as `compare_engines`, or the ending of `path` says another format.
    """
    require_ending(path, ".csv")
    path = Path(path)
    table = compare_engines(runs)
    alike = ranked_alike(table)
    engines: dict[str, Any] = {}
    for run in map(_read, map(Path, runs)):
        name, version = run["engine"], run["version"]
        asks, title = asks_policies(name), load(name).TITLE
        engine = {"title": title, "version": version, "asks_policies": asks, "left_out": []}
        known = engines.setdefault(run["engine"], engine)
        known["left_out"] += [one for one in run["left_out"] if one not in known["left_out"]]
    for name, group in table.groupby("engine"):
        engines[name]["apart"] = _apart(group)
    write_text(path, table.to_csv(index=False, lineterminator="\n"))
    write_json(
        path.with_suffix(".json"),
        {"engines": engines, "ranked_alike": _records(alike)},
    )
    return f"{_wide(table)}\n{markdown(alike)}"


def _apart(table: pd.DataFrame) -> dict[str, float]:
    """How far an engine is from ours at most, relatively, by the titles of some outcomes."""
    far = (table["ratio"] - 1).abs().groupby(table["outcome"]).max()
    return {OUTCOMES[name].title: float(far[name]) for name in _TOLD if np.isfinite(far[name])}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _wide(table: pd.DataFrame) -> str:
    """A row a workload, engine and policy; each outcome's ratio to ours, in per cent more."""
    # Without a sign where it rounds to nothing.
    more = table.assign(more=((table["ratio"] - 1) * 100).round(2) + 0.0)
    keys = ["workload", "engine", "policy"]
    wide = more.pivot_table("more", keys, "outcome", sort=False, dropna=False).reset_index()
    return markdown(
        wide[[*keys, *(name for name in (*COMPARED, SAME_SITE) if name in wide)]], "{:+.2f} %"
    )


def markdown(table: pd.DataFrame, number: str = "{:.5g}") -> str:
    """A table in Markdown; numbers to the right, missing ones as a dash."""
    numeric = [pd.api.types.is_float_dtype(table[name]) for name in table]
    lines = [
        "| " + " | ".join(map(str, table.columns)) + " |",
        "|" + "|".join("--:" if one else ":--" for one in numeric) + "|",
    ]
    for row in table.itertuples(index=False):
        cells = [
            str(value) if not one else "–" if pd.isna(value) else number.format(value)
            for value, one in zip(row, numeric, strict=True)
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
