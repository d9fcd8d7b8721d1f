"""Laws of single numbers: smooth quantiles, none of which is one owner's.

How many items an owner or a group has and for how long, and how the groups of an owner follow each
other. There are too few of these for networks, and a few quantiles tell them well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from redwood.surrogates.models.grove.ownership import without_extremes

# Quantiles between which spans and gaps are interpolated.
_SPANS, _GAPS = 11, 33

# Classes by number of items are of at least so many times `least`.
_OF_CLASS = 2

# Two numbers of one owner are never taken for equal.
_MOST_ALIKE = 0.95


@dataclass(frozen=True)
class SizeLaw:
    """The law of a unit's number of items and of the time between the first and the last.

    A Gaussian copula makes units of one owner alike.

    Attributes:
        counts: (K,) quantiles of ln(1 + items) at equal distances.
        spans: (B, Q) quantiles of ln(1 + seconds) of the units in each of B classes by items, the
            fewest first.
        alike: correlation of the normal scores of two units of one owner, of counts and of spans.
        tied: correlation of the normal scores of counts and spans within a class.
    """

    counts: np.ndarray
    spans: np.ndarray
    alike: tuple[float, float]
    tied: float

    @classmethod
    def fit(cls, counts: np.ndarray, spans: np.ndarray, owner: np.ndarray, least: int) -> "SizeLaw":
        """Learn it from units' numbers of items, spans in s and owners, each (units,).

        Args:
            least: units between two quantiles of the counts; a class of spans has twice as many.
        """
        units = len(counts)
        smooth = without_extremes(np.log1p(counts), owner, least)
        order = np.lexsort((spans, counts))
        classes = max(1, units // (_OF_CLASS * least))
        by_count = np.array_split(order, classes)
        logs = without_extremes(np.log1p(spans), owner, least)
        quantiles = np.linspace(0, 1, _SPANS)
        rank, within = np.empty(units), np.empty(units)
        rank[order] = (np.arange(units) + 0.5) / units
        ties = []
        for members in by_count:
            of_class = members[np.argsort(logs[members], kind="stable")]
            within[of_class] = (np.arange(len(members)) + 0.5) / len(members)
            if len(np.unique(counts[members])) > max(2, len(members) / 2):
                # Both in the order of the counts, so that their scores are the same numbers.
                own = ndtri((np.arange(len(members)) + 0.5) / len(members))
                ties.append((own * ndtri(within[members])).sum() / (own**2).sum())
        return cls(
            np.quantile(smooth, np.linspace(0, 1, max(2, units // least))),
            np.stack([np.quantile(logs[members], quantiles) for members in by_count]),
            (_alike(ndtri(rank), owner), _alike(ndtri(within), owner)),
            float(np.clip(np.mean(ties), 0, _MOST_ALIKE)) if ties else 0.0,
        )

    def draw(self, owner: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of items, at least 1, and spans in whole seconds of units of owners (units,)."""
        rank, within = (_scores(owner, alike, random) for alike in self.alike)
        knots = np.linspace(0, 1, len(self.counts))
        counts = np.maximum(1, np.rint(np.expm1(np.interp(rank, knots, self.counts))))
        classes = len(self.spans)
        number = np.minimum((rank * classes).astype(np.int64), classes - 1)
        of_class = self.spans[number]
        place = ndtri(np.clip(rank * classes - number, 1e-6, 1 - 1e-6))
        own = ndtri(np.clip(within, 1e-6, 1 - 1e-6))
        within = ndtr(self.tied * place + np.sqrt(1 - self.tied**2) * own)
        spans = np.rint(np.expm1(_interpolated(of_class, within)))
        return counts.astype(np.int64), np.where(counts > 1, spans, 0.0)

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON holds exactly."""
        return {
            "counts": self.counts.tolist(),
            "spans": self.spans.tolist(),
            "alike": list(self.alike),
            "tied": self.tied,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "SizeLaw":
        counts, spans = np.array(content["counts"], float), np.array(content["spans"], float)
        alike = (content["alike"][0], content["alike"][1])
        return cls(counts, spans, alike, content["tied"])


@dataclass(frozen=True)
class GapLaw:
    """The law of the gaps between the items of a sequence, of which the ends are known.

    A renewal process on a clock: gaps as multiples of their mean, which follow a normal
    autoregression in their ranks and are stretched to fill the span.

    Attributes:
        gaps: (B, Q) quantiles of ln(gap / mean gap) in each of B classes by number of items.
        bounds: (B − 1,) the least number of items of the second class and of those after it.
        persistence: correlation of the normal scores of one gap and the next.
    """

    gaps: np.ndarray
    bounds: np.ndarray
    persistence: float

    @classmethod
    def fit(cls, sizes: np.ndarray, readings: np.ndarray, least: int) -> "GapLaw":
        """Learn it from sequences of `sizes` (S,) items at `readings` (n,) of a clock in s.

        Args:
            least: sequences of a class, at least.
        """
        starts = np.cumsum(sizes) - sizes
        useful = np.flatnonzero(sizes > 2)
        if not len(useful):
            return cls(np.zeros((1, 2)), np.empty(0), 0.0)
        useful = useful[np.argsort(sizes[useful], kind="stable")]
        classes = max(1, len(useful) // (_OF_CLASS * least))
        quantiles, products, bounds = [], [], []
        for number, members in enumerate(np.array_split(useful, classes)):
            ratios = []
            for member in members:
                own = readings[starts[member] : starts[member] + sizes[member]]
                gaps = np.diff(own) + 1.0
                ratios.append(np.log(gaps / gaps.mean()))
            # Each sequence counts alike, however long it is.
            together = np.concatenate(ratios)
            weights = np.concatenate([np.full(len(r), 1 / len(r)) for r in ratios])
            order = np.argsort(together, kind="stable")
            passed = (np.cumsum(weights[order]) - 0.5 * weights[order]) / weights.sum()
            quantiles.append(np.interp(np.linspace(0, 1, _GAPS), passed, together[order]))
            bounds += [int(sizes[members[0]])] * (number > 0)
            for ratio in ratios:
                score = ndtri(np.clip(np.interp(ratio, together[order], passed), 1e-3, 1 - 1e-3))
                if len(score) > 1:
                    products.append((score[1:] * score[:-1]).mean())
        alike = float(np.clip(np.mean(products), 0, _MOST_ALIKE)) if products else 0.0
        return cls(np.stack(quantiles), np.array(bounds, float), alike)

    def draw(
        self, sizes: np.ndarray, low: np.ndarray, high: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """Readings (n,) of the items of sequences of `sizes` (S,) between `low` and `high` (S,)."""
        starts = np.cumsum(sizes) - sizes
        items = int(sizes.sum())
        sequence = np.repeat(np.arange(len(sizes)), sizes)
        place = np.arange(items) - starts[sequence]
        score = random.standard_normal(items)
        fresh = np.sqrt(1 - self.persistence**2)
        by_place = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
        for members in by_place[2:]:
            score[members] = self.persistence * score[members - 1] + fresh * score[members]
        of_class = self.gaps[np.searchsorted(self.bounds, sizes, side="right")[sequence]]
        gaps = np.exp(_interpolated(of_class, ndtr(score)))
        gaps[place == 0] = 0.0
        passed = np.cumsum(gaps)
        passed -= passed[starts][sequence]
        total = np.maximum(passed[starts + sizes - 1], 1e-12)[sequence]
        return low[sequence] + passed / total * (high - low)[sequence]

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON holds exactly."""
        return {
            "gaps": self.gaps.tolist(),
            "bounds": self.bounds.tolist(),
            "persistence": self.persistence,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "GapLaw":
        gaps, bounds = np.array(content["gaps"], float), np.array(content["bounds"], float)
        return cls(gaps, bounds, content["persistence"])


def _interpolated(quantiles: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The values (m,) at `place` (m,) in 0 … 1 of rows of quantiles (m, Q)."""
    steps = quantiles.shape[1] - 1
    low = np.minimum((place * steps).astype(np.int64), steps - 1)
    rows = np.arange(len(place))
    below, above = quantiles[rows, low], quantiles[rows, low + 1]
    return below + (place * steps - low) * (above - below)


def _alike(scores: np.ndarray, owner: np.ndarray) -> float:
    """The mean product of the scores of two units of one owner; owners count alike."""
    number = np.bincount(owner)
    total = np.bincount(owner, scores)
    pairs = total**2 - np.bincount(owner, scores**2)
    several = number > 1
    if not several.any():
        return 0.0
    mean = pairs[several] / (number * (number - 1))[several]
    return float(np.clip(mean.mean(), 0, _MOST_ALIKE))


def _scores(owner: np.ndarray, alike: float, random: np.random.Generator) -> np.ndarray:
    """Ranks in 0 … 1 of units of owners (units,), whose normal scores correlate within owners."""
    common = random.standard_normal(int(owner.max()) + 1)[owner]
    own = random.standard_normal(len(owner))
    return ndtr(np.sqrt(alike) * common + np.sqrt(1 - alike) * own)
