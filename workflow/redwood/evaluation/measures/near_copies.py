"""Near copies: synthetic rows that lie closer to a training row than real rows do.

Let F and G be the distribution functions of the distance to the closest training row, of synthetic
rows and of training rows among the others, and r the distance that 1 % of the latter do not exceed.
What is measured is the largest excess of F over G up to r, in [0, 1]: the share of the rows for
which chance does not account, and so, if the others lie like real rows or farther, at least the
share that was copied. It is a one-sided two-sample statistic of Kolmogorov and Smirnov, confined to
what is close (N. V. Smirnov, Bull. Math. Univ. Moscou 2 (1939) no. 2). Distances are those of
`dcr`. Unlike the median (`dcr`) it sees one copied row in a hundred, also among rows that are
otherwise far from anything real, and rows that were copied and set off a little; unlike a count of
equal rows it does not mind a table in which real rows are equal, too. Training rows among the
others are what a model that learned their law would draw; holdout rows, of which there are fewer,
may be of another time or of other tasks.

For the interval, rows are dealt out to the groups one by one: with runs of neighbours, copies that
are all of one task would pass for an accident of that time. The floor shows what chance and bursts
do to honest rows: it is the mean excess of runs of holdout rows, half of them each time, and above
0 since no excess is negative. Where the holdout rows are of other units than the training rows
(`redwood.evaluation.membership`), the runs are of training rows among the others, one half of them
against the other. The paper (arXiv 2410.07940) has no such measure.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.intervals import group_of_rows
from redwood.evaluation.membership import percent, shares_units
from redwood.evaluation.results import result
from redwood.nearest import closest_distances, distance_to_closest
from redwood.seeds import generator

TITLE = "near copies"
UNIT = "1"
ASPECT = "privacy"
DIRECTION = "lower"
DEFINITION = (
    "Share of the synthetic rows that are closer to a training row than chance accounts for: the "
    "largest excess of the share of synthetic rows within a distance over that of training rows "
    "that have another so close, for distances that at most 1 % of them keep (as for DCR). Floor: "
    "half of the holdout rows, in runs, in place of the synthetic ones."
)
EQUATION = r"\max\left(0, \max_{d \le r} F(d) - G(d)\right), \quad G(r) = 0.01"

_SHARE = 0.01
_QUANTILE = 0.05
# Training rows whose distance to the others is looked up, at most.
_MOST_REAL = 200_000
# Runs of holdout rows for each group of the interval: few enough to hold bursts together, enough
# for both halves to have rows of all times, as synthetic rows have.
_RUNS = 10
_SPLITS = 25
# The draws of unseen rows that a sample may resemble.
_MOST_DRAWS = 0.8


def measure(samples: Samples) -> Result:
    """The largest excess; the interval is over synthetic and training rows."""
    if len(samples.train) < 2:
        raise Inapplicable("there is no second training row")
    synthetic, holdout = (
        distance_to_closest(rows, samples.train, samples.description)
        for rows in (samples.synthetic, samples.holdout)
    )
    real = _among_others(samples)
    copies, real_copies = (int(np.count_nonzero(d == 0)) for d in (synthetic, real))
    quantile, real_quantile = (float(np.quantile(d, _QUANTILE)) for d in (synthetic, real))
    note = (
        f"equal to a training row: {copies} of {len(synthetic)} rows; to another one: "
        f"{real_copies} of {len(real)} training rows; 5 % of the rows are closer than "
        f"{quantile:.2g}, of training rows to others closer than {real_quantile:.2g}"
    )
    # Of unseen rows of other units none is close; the training rows among the others are.
    unseen = holdout if shares_units(samples) else None
    return result(
        excess,
        (synthetic, real),
        samples.groups,
        floor_draws=_floors(unseen, real, samples),
        most=1.0,
        note=note,
        group_of=lambda rows, groups: np.arange(rows) % groups,
    )


def judge(measured: Mapping[str, Any]) -> tuple[bool, str]:
    """A sample passes if its share of copies may be that of four in five draws of unseen rows."""
    floor = np.quantile(measured["floor_draws"] or [measured["floor"]], _MOST_DRAWS)
    if measured["low"] <= floor:
        return True, "no more near copies of training rows than chance accounts for"
    return False, (
        f"at least {percent(measured['low'])} of the rows are closer to training rows than chance "
        f"accounts for, {percent(measured['value'])} as measured: copies, or nearly"
    )


def excess(synthetic: np.ndarray, real: np.ndarray) -> float:
    """The largest excess of the share of synthetic over that of real distances, where close.

    Args:
        synthetic, real: distances to the closest training row, (rows,) each, at least one.
    """
    radius = np.quantile(real, _SHARE, method="inverted_cdf")
    # The excess is largest at a synthetic distance, if anywhere.
    distances = np.unique(synthetic[synthetic <= radius])
    shares, real_shares = (
        np.searchsorted(np.sort(rows), distances, side="right") / len(rows)
        for rows in (synthetic, real)
    )
    return float(np.max(shares - real_shares, initial=0.0))


def _among_others(samples: Samples) -> np.ndarray:
    """How far training rows are from the closest other one, in their order."""
    random = generator(samples.seed, "near_copies", "real")
    chosen = np.sort(random.permutation(len(samples.train))[:_MOST_REAL])
    # The closest of all training rows is the row itself.
    rows = samples.train.iloc[chosen]
    return closest_distances(rows, samples.train, samples.description, 2)[:, 1]


def _floors(unseen: np.ndarray | None, real: np.ndarray, samples: Samples) -> list[float]:
    """The excess of half of the unseen rows; where there are none, of half of the real ones."""
    random = generator(samples.seed, "near_copies")
    rows = real if unseen is None else unseen
    runs = min(_RUNS * samples.groups, len(rows))
    run_of_row = group_of_rows(len(rows), runs)
    floors = []
    for _ in range(_SPLITS):
        chosen = np.isin(run_of_row, random.permutation(runs)[: runs // 2])
        halves = rows[chosen], rows[~chosen]
        # Half of the real rows is compared with the other half, or they would share rows.
        against = halves[::-1] if unseen is None else (real, real)
        floors += [excess(half, other) for half, other in zip(halves, against, strict=True)]
    return floors
