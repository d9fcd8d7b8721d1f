"""Laws of single numbers: smooth quantiles, none of which is one owner's.

How many items an owner or a group has and for how long, and how the groups of an owner follow each
other. There are too few of these for networks, and a few quantiles tell them well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from redwood.surrogates.models.grove.ownership import tail_of, without_extremes

# Quantiles between which spans and gaps are interpolated.
_SPANS, _GAPS = 11, 33
_MIDDLES = (np.arange(_GAPS) + 0.5) / _GAPS

# Classes by number of items have at least so many times `least` units or sequences.
_OF_CLASS = 2

# An owner has many units from so many times `least` on.
_MANY = 2

# The largest are a tail of the law if at most this share of the owners tells how large they are.
_TAIL_SHARE = 0.1

# Two numbers of one owner are never taken for equal.
_MOST_ALIKE = 0.95


@dataclass(frozen=True)
class SizeLaw:
    """The law of a unit's number of items and of the time between the first and the last.

    A Gaussian copula makes units of one owner alike. The largest numbers of items of owners follow
    a power law, as the activity of users does: few of them have most items. It takes many owners
    to tell it: with fewer, quantiles stand for all sizes.

    Attributes:
        counts: (K,) quantiles of ln(1 + items) at equal distances, of the units below the tail.
        tail_share: share of the units that are in the tail, the largest; 0 without a power law.
        tail_scale: by how much ln(1 + items) of these exceeds the last quantile in the mean: one
            over the index of the power law.
        tail_end: by how much it exceeds that at most: as the largest recorded unit typically does.
        spans: (B, Q) quantiles of ln(1 + seconds) of the units in each of B classes by items, the
            fewest first.
        alike: correlation of the normal scores of two units of one owner, of counts and of spans,
            (2, 2): of owners with few units and of those with many.
        many: the least number of units of the latter.
        tied: correlation of the normal scores of counts and spans within a class.
    """

    counts: np.ndarray
    tail_share: float
    tail_scale: float
    tail_end: float
    spans: np.ndarray
    alike: np.ndarray
    many: int
    tied: float

    @classmethod
    def fit(
        cls,
        counts: np.ndarray,
        spans: np.ndarray,
        owner: np.ndarray,
        least: int,
        *,
        heavy: bool,
        most: int | None = None,
    ) -> "SizeLaw":
        """Learn it from units' numbers of items, spans in s and owners, each (units,).

        Args:
            least: units between two quantiles of the counts, and fewest owners that tell a thing.
            heavy: whether the largest counts may follow a power law. Those of owners may. Those of
                groups fall off faster, and quantiles tell them well.
            most: units of an owner, at most, where not all are given.
        """
        units, many = len(counts), _MANY * least
        if most is not None:
            many = min(many, most)
        logs = np.log1p(counts)
        smooth, tail = without_extremes(logs, owner, least), tail_of(logs, owner, least)
        share = scale = end = 0.0
        if heavy and tail.scale > 0 and tail.share <= _TAIL_SHARE:
            share, scale = float(np.mean(logs > tail.bound)), tail.scale
            end = tail.excess(least)
        order = np.lexsort((spans, counts))
        classes = max(1, units // (_OF_CLASS * least))
        by_count = np.array_split(order, classes)
        lasting = without_extremes(np.log1p(spans), owner, least)
        quantiles = np.linspace(0, 1, _SPANS)
        rank, within = np.empty(units), np.empty(units)
        rank[order] = (np.arange(units) + 0.5) / units
        ties = []
        for members in by_count:
            of_class = members[np.argsort(lasting[members], kind="stable")]
            within[of_class] = (np.arange(len(members)) + 0.5) / len(members)
            if len(np.unique(counts[members])) > max(2, len(members) / 2):
                # Both in the order of the counts, so that their scores are the same numbers.
                own = ndtri((np.arange(len(members)) + 0.5) / len(members))
                ties.append((own * ndtri(within[members])).sum() / (own**2).sum())
        return cls(
            np.quantile(smooth, np.linspace(0, 1 - share, max(2, units // least))),
            share,
            scale,
            end,
            np.stack([np.quantile(lasting[members], quantiles) for members in by_count]),
            np.stack([_alike(ndtri(part), owner, least, many) for part in (rank, within)]),
            many,
            float(np.clip(np.mean(ties), 0, _MOST_ALIKE)) if ties else 0.0,
        )

    def draw(self, owner: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of items, at least 1, and spans in whole seconds of units of owners (units,).

        Numbers of items are the law's quantiles at equal distances, one a unit: where few units
        have most items, how many those have would else hang on chance.
        """
        number = (np.bincount(owner)[owner] >= self.many).astype(np.int64)
        rank, within = (_scores(owner, alike[number], random) for alike in self.alike)
        rank[np.argsort(rank, kind="stable")] = (np.arange(len(rank)) + 0.5) / len(rank)
        share = self.tail_share
        logs = np.interp(rank, np.linspace(0, 1 - share, len(self.counts)), self.counts)
        above = rank > 1 - share
        excess = self.tail_scale * np.log(share / (1 - rank[above]))
        logs[above] += np.minimum(self.tail_end, excess)
        counts = np.maximum(1, np.rint(np.expm1(logs)))
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
            "tail_share": self.tail_share,
            "tail_scale": self.tail_scale,
            "tail_end": self.tail_end,
            "spans": self.spans.tolist(),
            "alike": self.alike.tolist(),
            "many": self.many,
            "tied": self.tied,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "SizeLaw":
        return cls(
            np.array(content["counts"], float),
            content["tail_share"],
            content["tail_scale"],
            content["tail_end"],
            np.array(content["spans"], float),
            np.array(content["alike"], float),
            content["many"],
            content["tied"],
        )


@dataclass(frozen=True)
class GapLaw:
    """The law of the gaps between the items of a sequence, of which the ends are known.

    A renewal process on a clock: gaps as multiples of their mean, which follow a normal
    autoregression in their ranks and are stretched to fill the span.

    Attributes:
        gaps: (B, Q) quantiles of ln(gap / mean gap) in each of B classes by number of items, in the
            middles of Q equal parts: the extremes are single owners'.
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
            quantiles.append(np.interp(_MIDDLES, passed, together[order]))
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
        between = np.clip((ndtr(score) * _GAPS - 0.5) / (_GAPS - 1), 0.0, 1.0)
        gaps = np.exp(_interpolated(of_class, between))
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


def _alike(scores: np.ndarray, owner: np.ndarray, least: int, many: int) -> np.ndarray:
    """The mean product of the scores of two units of one owner; owners count alike.

    Returns:
        (2,) of owners with fewer than `many` units and of the others; of all, where either are
        fewer than `least`.
    """
    number = np.bincount(owner)
    total = np.bincount(owner, scores)
    several = number > 1
    if not several.any():
        return np.zeros(2)
    pairs = (total**2 - np.bincount(owner, scores**2))[several]
    mean = pairs / (number * (number - 1))[several]
    busy = number[several] >= many
    if min(busy.sum(), (~busy).sum()) < least:
        return np.full(2, np.clip(mean.mean(), 0, _MOST_ALIKE))
    return np.clip([mean[~busy].mean(), mean[busy].mean()], 0, _MOST_ALIKE)


def _scores(owner: np.ndarray, alike: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ranks in 0 … 1 of units of owners (units,), whose normal scores correlate within owners.

    Args:
        alike: (units,) correlation.
    """
    common = random.standard_normal(int(owner.max()) + 1)[owner]
    own = random.standard_normal(len(owner))
    return ndtr(np.sqrt(alike) * common + np.sqrt(1 - alike) * own)
