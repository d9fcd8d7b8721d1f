"""What Table II comes to by mean turnaround: a line a workload."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from redwood.paper.agreement import TOO_FEW, too_few
from redwood.paper.rendering import NONE
from redwood.paper.report.findings import Results
from redwood.paper.style import RECORDED


def policy_rows(results: Results) -> list[Mapping[str, str]]:
    """Workload, τ with its interval, pairs, best policy and what choosing it costs, in words.

    Real jobs first, then by how alike they rank the policies.
    """
    ranked = results.by_turnaround
    order = sorted(ranked.index, key=lambda name: (name != RECORDED, -_number(ranked, name), name))
    return [_row(name, ranked.loc[name]) for name in order]


def _number(ranked: pd.DataFrame, name: str) -> float:
    value = float(ranked.loc[name, "tau"])
    return -2.0 if pd.isna(value) else value


def _row(name: str, row: Any) -> Mapping[str, str]:
    own = name == RECORDED
    return {
        "name": "recorded, other seeds" if own else name,
        "tau": _signed(row["tau"]),
        "interval": TOO_FEW if too_few(row) else f"{_signed(row['low'])} to {_signed(row['high'])}",
        "apart": f"{int(row['pairs_apart'])} of {int(row['policies'] * (row['policies'] - 1) / 2)}",
        "changed": NONE if own else str(int(row["pairs_changed"])),
        "best": str(row["best"]),
        "cost": NONE if own or pd.isna(row["regret"]) else f"{100 * row['regret']:.2g} %",
    }


def _signed(value: float) -> str:
    return NONE if pd.isna(value) else f"{value:.2f}".replace("-", "−")
