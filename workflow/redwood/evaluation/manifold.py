"""Balls around real rows: what a sample covers of reality, and how much of it lies there.

Each real row has a ball that reaches to its k-th nearest other real row, k = 5. Together the balls
are an estimate of where rows are real, the finer the denser they are (M. F. Naeem et al., Reliable
Fidelity and Diversity Metrics for Generative Models, ICML 2020, arXiv 2002.09797, section 3).

The metric is that of `redwood.nearest`: numbers on their scale such that the training
rows span [0, 1], two different categories 1 apart. All rows are set off by up to 1e-5 at random,
far less than what tells rows apart, so that chance decides of rows that are equal: how many rows of
the law of the real ones lie in a ball then is the same for all laws, discrete or not.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.evaluation.contract import Arrays, Inapplicable, Samples
from redwood.evaluation.intervals import group_of_rows
from redwood.nearest import Encoded, encoded, squared_distances
from redwood.progress import ProgressReport
from redwood.seeds import generator

NEAREST = 5
# All pairs of rows are compared, which takes time as the square of this.
MOST_ROWS = 20_000
# Real rows whose distances to all others are held at once: 40 MB of them.
_BLOCK = 256
_LARGEST_OFFSET = 1e-5


@dataclass(frozen=True)
class Hits:
    """Which of n rows lie in the balls of n real rows.

    Attributes:
        by_ball: (n, groups) how many rows of each group of rows lie in each ball.
        by_row: (n,) in how many balls each row lies.
    """

    by_ball: np.ndarray
    by_row: np.ndarray


@dataclass(frozen=True)
class Balls:
    """The balls of some holdout rows, and as many rows of each other sample in them.

    Attributes:
        real: (n rows) whose balls they are, in time order.
        groups: (n,) the jackknife's group of each row, real or not.
        synthetic: which synthetic rows lie in the balls.
        draws: which rows of each draw of real ones do.
    """

    real: pd.DataFrame
    groups: np.ndarray
    synthetic: Hits
    draws: tuple[Hits, ...]


def balls(samples: Samples) -> Balls:
    """The balls of holdout rows, with synthetic rows and draws of real ones in them.

    As many rows of each, at most 20,000, the larger samples thinned at random. Found once for all
    measures.

    Raises:
        Inapplicable: a sample has too few rows for a ball.
    """
    if "balls" not in samples.shared:
        samples.shared["balls"] = _balls(samples)
    found: Balls = samples.shared["balls"]
    return found


def _balls(samples: Samples) -> Balls:
    synthetic, real, *draws = _thinned(samples)
    if len(real) <= NEAREST:
        raise Inapplicable(f"a sample has {len(real)} rows, balls take {NEAREST + 1}")
    of_real, of_synthetic, *of_draws = _points(samples, real, synthetic, *draws)
    groups = group_of_rows(len(real), samples.groups)
    blocks = [slice(i, i + _BLOCK) for i in range(0, len(real), _BLOCK)]
    with ProgressReport("balls of real rows", (2 + len(draws)) * len(real), "rows") as report:

        def hits(points: Encoded, squared_radii: np.ndarray) -> Hits:
            by_ball = np.zeros((len(real), samples.groups), np.int64)
            by_row = np.zeros(len(real), np.int64)
            for block in blocks:
                squared = squared_distances(_rows(of_real, block), points)
                inside = squared <= squared_radii[block, None]
                by_row += inside.sum(axis=0)
                for group in range(samples.groups):
                    by_ball[block, group] = inside[:, groups == group].sum(axis=1)
                report.advance(len(inside))
            return Hits(by_ball, by_row)

        def of_real_rows() -> Arrays:
            radii = np.concatenate([_squared_radii(of_real, block, report) for block in blocks])
            found = [hits(points, radii) for points in of_draws]
            return {
                "squared_radii": radii,
                "by_ball": np.array([one.by_ball for one in found]),
                "by_row": np.array([one.by_row for one in found]),
            }

        known = samples.once("balls", of_real_rows)
        return Balls(
            real.reset_index(drop=True),
            groups,
            hits(of_synthetic, known["squared_radii"]),
            tuple(map(Hits, known["by_ball"], known["by_row"])),
        )


def _thinned(samples: Samples) -> list[pd.DataFrame]:
    """As many synthetic rows, holdout rows and rows of each draw of real ones, in time order."""
    thinned = []
    for name, frame in samples.equally_many.items():
        order = generator(samples.seed, "manifold", name).permutation(len(frame))
        thinned.append(frame.iloc[np.sort(order[:MOST_ROWS])])
    return thinned


def _points(samples: Samples, *frames: pd.DataFrame) -> list[Encoded]:
    """Rows as numbers, (n, 1 + numeric features), the first one an offset, and codes."""
    random = generator(samples.seed, "manifold", "offsets")
    offsets = [random.uniform(0, _LARGEST_OFFSET, len(frame)) for frame in frames]
    rows = encoded(frames, samples.description, samples.train)
    return [
        (np.column_stack([offset, numbers]), codes)
        for offset, (numbers, codes) in zip(offsets, rows, strict=True)
    ]


def _squared_radii(real: Encoded, block: slice, report: ProgressReport) -> np.ndarray:
    """The squared distances of some rows to their k-th nearest other row: (rows of the block,)."""
    squared = squared_distances(_rows(real, block), real)
    rows = np.arange(len(squared))
    squared[rows, block.start + rows] = np.inf
    report.advance(len(squared))
    return np.partition(squared, NEAREST - 1, axis=1)[:, NEAREST - 1]


def _rows(points: Encoded, block: slice) -> Encoded:
    return points[0][block], points[1][block]
