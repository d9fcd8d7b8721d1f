"""Conditionals: how far the distributions of a feature, given others, are from real ones.

For stated features x given g, such as the final state of a job given its site, the mean over the
groups of g of the total variation distance of the distributions of x within a group, synthetic p
against real q, weighted by the groups' shares of real rows. It is the total variation distance of
the joint distributions p(x|g) q(g) and q(x, g) (D. Levin and Y. Peres, Markov Chains and Mixing
Times, 2nd ed., AMS 2017, proposition 4.2): that of g itself, which `jsd`, `wd` and `joint` see,
plays no part. In [0, 1], and the mean over all stated conditionals. A group that has no synthetic
row counts 1, as nothing is known of it. Numbers are put in bins between the deciles of training;
categories are as they are. Groups of few rows differ by chance: what of the distance that makes,
for as many rows, is the floor. The paper (arXiv 2410.07940) has no such measure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.evaluation.binning import decile_bins
from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.evaluation.intervals import group_of_rows
from redwood.evaluation.results import mean_of_parts
from redwood.tables import Column, category_codes

TITLE = "conditionals"
UNIT = "1"
ASPECT = "fidelity"
DIRECTION = "lower"
DEFINITION = (
    "Total variation distance of the distribution of a feature within each group of rows that are "
    "alike in others, synthetic against holdout rows, numbers between the deciles of training; "
    "mean over the groups by their share of the holdout rows (a group without synthetic rows "
    "counts 1) and over the stated conditionals. In [0, 1]; what chance leaves is the floor."
)
EQUATION = r"\sum_g q(g) \, \frac{1}{2} \sum_x |\tilde{p}(x \mid g) - q(x \mid g)|"


@dataclass(frozen=True)
class _Conditional:
    """How many rows of each sample are where, for one feature given others.

    Attributes:
        counts: for each sample, (jackknife groups, cells), a cell being a value of the feature in a
            group of rows that are alike in the others.
        groups: (cells,) of which such group each cell is.
    """

    counts: list[np.ndarray]
    groups: np.ndarray


def measure(samples: Samples) -> Result:
    """The mean distance, that of each conditional; the interval is over both samples' rows."""
    names = {_name(stated): stated for stated in samples.conditionals}
    lacking = {
        name: [column for column in stated if column not in samples.description]
        for name, stated in names.items()
    }
    left_out = [f"{name}, for lack of {', '.join(of)}" for name, of in lacking.items() if of]
    chosen = [name for name in names if not lacking[name]]
    if not chosen:
        reason = f": {'; '.join(left_out)}" if left_out else ""
        raise Inapplicable(f"the table has the features of no stated conditional{reason}")
    if min(len(samples.synthetic), len(samples.holdout)) < 2:
        raise Inapplicable("a sample has a single row, which has no distribution")
    values, floors, without, notes = [], [], [], []
    for name in chosen:
        found = _conditional(samples, names[name])
        synthetic, real, *draws = (counts.sum(axis=0) for counts in found.counts)
        values.append(_distance(synthetic, real, found.groups))
        floors.append([_distance(draw, real, found.groups) for draw in draws])
        without.append(
            [
                _distance(synthetic - made, real - known, found.groups)
                for made, known in zip(*found.counts[:2], strict=True)
            ]
        )
        notes.append(f"{name}: {_groups_without_rows(synthetic, real, found.groups)}")
    note = "; ".join([*notes, *(f"without {name}" for name in left_out)])
    return mean_of_parts(chosen, values, floors, without, most=1.0, note=note)


def _name(stated: Sequence[str]) -> str:
    *given, of = stated
    return f"{of} | {', '.join(given)}"


def _conditional(samples: Samples, stated: Sequence[str]) -> _Conditional:
    frames = (samples.synthetic, samples.holdout, *samples.real_draws)
    ends = np.cumsum([len(frame) for frame in frames])[:-1]
    *given, of = (_codes(samples.description[name], samples.train, frames) for name in stated)
    group_of_row, _ = _combined(given)
    cell_of_row, cells = _combined([group_of_row, of])
    group_of_cell = np.empty(cells, np.int64)
    group_of_cell[cell_of_row] = group_of_row
    counts = []
    for in_cells in np.split(cell_of_row, ends):
        slices = group_of_rows(len(in_cells), samples.groups)
        places = np.bincount(slices * cells + in_cells, minlength=samples.groups * cells)
        counts.append(places.reshape(samples.groups, cells))
    return _Conditional(counts, group_of_cell)


def _codes(column: Column, train: pd.DataFrame, frames: Sequence[pd.DataFrame]) -> np.ndarray:
    """The category or the bin of each row, all frames one after the other: (rows,) int64."""
    if column.is_categorical:
        return np.concatenate(category_codes(column, *frames)[0])
    return np.concatenate(decile_bins(column, train, frames))


def _combined(codes: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """The combination of codes of each row, as a code (rows,), and how many combinations occur."""
    found = codes[0]
    for further in codes[1:]:
        found = pd.factorize(found * (int(further.max()) + 1) + further)[0]
    return found, int(found.max()) + 1


def _distance(made: np.ndarray, real: np.ndarray, groups: np.ndarray) -> float:
    """C of the counts of rows, (cells,) each, in cells of these groups, (cells,)."""
    made_sums, real_sums = (np.bincount(groups, weights=counts) for counts in (made, real))
    p, q = (
        counts / np.maximum(sums, 1)[groups]
        for counts, sums in ((made, made_sums), (real, real_sums))
    )
    distances = np.bincount(groups, weights=np.abs(p - q)) / 2
    distances[made_sums == 0] = 1
    return float(distances @ real_sums / real_sums.sum())


def _groups_without_rows(made: np.ndarray, real: np.ndarray, groups: np.ndarray) -> str:
    """Of the groups of real rows how many have no synthetic row, and how many real rows these."""
    made_sums, real_sums = (np.bincount(groups, weights=counts) for counts in (made, real))
    missing = (made_sums == 0) & (real_sums > 0)
    share = 100 * real_sums[missing].sum() / real_sums.sum()
    return (
        f"no synthetic row in {np.count_nonzero(missing)} of {np.count_nonzero(real_sums)} groups, "
        f"with {share:.2g} % of the holdout rows"
    )
