"""The figure of Table II: the ranks of the policies, on recorded jobs and on each model's.

A bump chart: a column a workload, recorded jobs first and then by how alike they rank the policies,
and a line a policy, the best on top. Where lines cross, synthetic jobs put two policies in another
order than recorded ones do.
"""

from pathlib import Path
from typing import Any

import numpy as np

from redwood.errors import InputError
from redwood.paper.agreement import Runs, rankings, too_few
from redwood.paper.outcomes import read_outcomes
from redwood.paper.style import COLUMN_WIDTH, RECORDED, save_figure, use_style

_MAIN = "turnaround_mean"
# The policies that are best on recorded jobs have colours, the others are grey.
_COLOURS = ("#0072B2", "#D55E00", "#117733")
_GREY = "#9a9a9a"


def draw_ranks(outcomes: Path, dpi: int, prefix: Path) -> None:
    """Ranks of the policies by mean turnaround, a column a workload.

    Args:
        outcomes: the CSV that `redwood simulation outcomes` wrote.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: the file is missing or not of that form, or has no turnaround of recorded jobs.
    """
    use_style()
    from matplotlib import pyplot

    runs = Runs.of(read_outcomes(outcomes))
    if (RECORDED, _MAIN) not in runs.by_key:
        raise InputError(f"{outcomes}: has no {_MAIN} of recorded jobs to rank policies by")
    ranked = rankings(runs)
    of_main = ranked[(ranked["outcome"] == _MAIN) & (ranked["workload"] != RECORDED)]
    taus = dict(zip(of_main["workload"], of_main["tau"], strict=True))
    others = sorted(taus, key=lambda name: (-taus[name], name))
    places = {name: _ranks(runs.means(name, _MAIN)) for name in (RECORDED, *others)}
    policies = [runs.policies[place] for place in np.argsort(places[RECORDED], kind="stable")]
    height = max(0.21 * len(policies) + 0.95, 1.6)
    figure, axis = pyplot.subplots(figsize=(COLUMN_WIDTH, height), layout="constrained")
    columns = np.arange(len(places))
    for rank, policy in reversed(list(enumerate(policies))):
        of_policy = [places[name][runs.policies.index(policy)] for name in places]
        colour = _COLOURS[rank] if rank < len(_COLOURS) else _GREY
        axis.plot(columns, of_policy, "o-", color=colour, markersize=4, linewidth=1.4)
    known = sorted({rank for ranks in places.values() for rank in ranks if np.isfinite(rank)})
    axis.set_yticks(
        [places[RECORDED][runs.policies.index(policy)] for policy in policies], policies
    )
    axis.set_ylim(max(known, default=1) + 0.6, 0.4)
    # A τ that tells nothing is left out.
    silent = set(of_main.loc[[too_few(row) for _, row in of_main.iterrows()], "workload"])
    said = ["" if name in silent else f", τ {taus[name]:.2f}".replace("-", "−") for name in others]
    labels = [RECORDED, *map("".join, zip(others, said, strict=True))]
    crowded = len(labels) > 4
    axis.set_xticks(
        columns, labels, rotation=50 if crowded else 0, ha="right" if crowded else "center"
    )
    axis.set_xlim(-0.2, len(places) - 0.8)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.grid(visible=False)
    ranks: dict[str, Any] = {
        name: {
            policy: float(rank) if np.isfinite(rank) else None
            for policy, rank in zip(runs.policies, found, strict=True)
        }
        for name, found in places.items()
    }
    save_figure(figure, prefix, dpi, {"by": _MAIN, "ranks": ranks, "tau": taus, "columns": labels})


def _ranks(means: np.ndarray) -> np.ndarray:
    """1 for the policy with the least mean; NaN where it is undefined."""
    ranks = np.full(len(means), np.nan)
    known = np.flatnonzero(np.isfinite(means))
    ranks[known[np.argsort(means[known], kind="stable")]] = 1 + np.arange(len(known))
    return ranks
