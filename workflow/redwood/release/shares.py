"""How many units an attacker finds, and how many at most: shares, their bounds, groups of sizes.

A unit is found if its score is above that which one in ten of those never planted reach
(`FALSE_ALARMS`): 0.1 are found by chance. Scores are compared among units of about the same size,
which the attacker knows.

The bound of a share at a confidence is the quantile of the beta distribution that H. Jeffreys' rule
gives for a binomial share (L. Brown, T. Cai and A. DasGupta, Statistical Science 16 (2001) 101),
averaged over a bootstrap of those never planted, from which the threshold comes (B. Efron and
R. Tibshirani, An Introduction to the Bootstrap, Chapman & Hall 1993, chapter 13): few canaries
prove little, and leave it high.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from redwood.nearest import counted
from redwood.roc import RocCurve

FALSE_ALARMS = 0.1
# The chance of a bound that is too low.
RISK = 0.05
# Planted units of a group that is judged by itself, in each sample: with so many, and seven others
# for each, the bound is below 0.3 in 92 of 100 audits where chance alone finds one in ten.
ENOUGH = 40
# Others of about the same size, among whom a score is ranked.
_OTHERS = 30
_RESAMPLES = 1000
_DRAWS = 500


@dataclass(frozen=True)
class Share:
    """What an attacker finds of some units.

    Attributes:
        planted, others: how many there were.
        found: the share of the planted that are found.
        thresholds: the number found at the threshold of each resample of the others, (resamples,).
    """

    planted: int
    others: int
    found: float
    thresholds: np.ndarray

    def at_most(self, risk: float = RISK) -> float:
        """The upper bound of the share that holds but for this chance."""
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            if self._above(middle) > risk:
                low = middle
            else:
                high = middle
        return high

    def _above(self, share: float) -> float:
        """The chance that the true share is larger."""
        found, times = np.unique(self.thresholds, return_counts=True)
        below = np.where(
            found < self.planted,
            betainc(found + 0.5, self.planted - found + 0.5, share),
            float(share >= 1),
        )
        return 1 - float(np.average(below, weights=times))


def share_found(score: np.ndarray, planted: np.ndarray, random: np.random.Generator) -> Share:
    """How many of the planted units are found by a score.

    Args:
        score: of each unit, (units,), of which more speaks for a planted one.
        planted: which were, (units,) bool, at least one and not all of them.
        random: draws the resamples of the others.
    """
    members, others = np.sort(score[planted]), score[~planted]
    values, counts = np.unique(others, return_counts=True)
    shares = counts[::-1] / len(others)
    resampled = random.multinomial(len(others), shares, _RESAMPLES)
    reached = resampled.cumsum(axis=1)
    # The threshold of a resample: the largest score that more than a tenth of it reaches. Of those
    # who score just as much, so many are taken for planted that a tenth are.
    at = (reached > FALSE_ALARMS * len(others)).argmax(axis=1)[:, None]
    upto, there = (np.take_along_axis(of, at, 1)[:, 0] for of in (reached, resampled))
    part = (FALSE_ALARMS * len(others) - (upto - there)) / there
    threshold = values[::-1][at[:, 0]]
    below, not_above = (np.searchsorted(members, threshold, side) for side in ("left", "right"))
    found = len(members) - not_above + part * (not_above - below)
    return Share(len(members), len(others), share_alone(score, planted), found)


def share_alone(score: np.ndarray, planted: np.ndarray) -> float:
    """The share of the planted units that a score finds; arguments as of `share_found`."""
    curve = RocCurve.of_scores(score[planted], score[~planted])
    return curve.true_positives_at(FALSE_ALARMS)


def standings(
    scores: np.ndarray, stratum: np.ndarray, planted: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """The place of each unit's score among those of the others of its stratum.

    Args:
        scores: (units, attackers).
        stratum: of each unit, (units,).
        planted: which units were, (units,) bool; every stratum has others.
        random: draws the order of equal scores.

    Returns:
        (units, attackers) in (0, 1), the larger the higher the score is. Where nothing tells them
        apart all places are equally likely, of planted units and of others.
    """
    places = np.empty(scores.shape)
    for one in np.unique(stratum):
        for attacker in range(scores.shape[1]):
            of_others = np.flatnonzero((stratum == one) & ~planted)
            score = scores[of_others, attacker]
            order = np.lexsort((random.random(len(score)), score))
            # As uniform numbers lie: those between them, of planted units, are uniform, too.
            edges = np.concatenate([[0.0], np.sort(random.random(len(score))), [1.0]])
            places[of_others[order], attacker] = edges[1:-1]
            # One more score has one more place among n than the n have.
            more = np.flatnonzero((stratum == one) & planted)
            below, upto = (
                np.searchsorted(score[order], scores[more, attacker], side=side)
                for side in ("left", "right")
            )
            place = random.integers(below, upto + 1) if len(more) else below
            width = edges[place + 1] - edges[place]
            places[more, attacker] = edges[place] + width * random.random(len(more))
    return places


def joined(counts: Mapping[int, int], enough: int) -> list[list[int]]:
    """Sizes, ascending, joined with the next larger ones until there are enough units of them.

    What is left at the end is joined with the sizes before.

    Args:
        counts: size → units.
        enough: units of a group.
    """
    groups: list[list[int]] = []
    group: list[int] = []
    for size in sorted(size for size, units in counts.items() if units):
        group.append(size)
        if sum(counts[one] for one in group) >= enough:
            groups.append(group)
            group = []
    if group and groups:
        groups[-1].extend(group)
    elif group:
        groups.append(group)
    return groups


def strata(size: np.ndarray, planted: np.ndarray) -> np.ndarray:
    """The stratum of each unit, (units,): its size, joined with others where few others have it."""
    counts = {int(one): int((size[~planted] == one).sum()) for one in np.unique(size)}
    groups = joined(counts, _OTHERS)
    number = {one: place for place, group in enumerate(groups) for one in group}
    return np.array([number[int(one)] for one in size])


def best_by_chance(
    places: np.ndarray, group: np.ndarray, planted: np.ndarray, random: np.random.Generator
) -> tuple[float, np.ndarray]:
    """What the most successful of several attackers finds, and what it finds by chance.

    Without a leak any units of a group might have been the planted ones; lots are drawn again.

    Args:
        places: of scores among all units of about the same size, (units, attackers).
        group: of each unit, (units,), any of which might have been planted as well.
        planted: which, (units,) bool.
        random: draws the lots.

    Returns:
        The share that the best attacker finds, and those that the best would find, (draws,).
    """
    ordered = np.argsort(group, kind="stable")
    places, was, group = places[ordered], planted[ordered], group[ordered]
    _, place, sizes = np.unique(group, return_inverse=True, return_counts=True)
    rank = counted(sizes)
    drawn_of_group = np.bincount(place, weights=was)[place]

    def best(lots: np.ndarray) -> float:
        others = places[~lots]
        at = len(others) - int(FALSE_ALARMS * len(others)) - 1
        threshold = np.partition(others, at, axis=0)[at]
        return float((places[lots] > threshold).mean(axis=0).max())

    drawn = np.empty(_DRAWS)
    for draw in range(_DRAWS):
        shuffled = np.lexsort((random.random(len(was)), place))
        lots = np.zeros(len(was), bool)
        lots[shuffled[rank < drawn_of_group]] = True
        drawn[draw] = best(lots)
    return best(was), drawn


def sizes_in_words(sizes: Sequence[int]) -> str:
    """Numbers of rows from the least to the most, in words."""
    least, most = min(sizes), max(sizes)
    if least == most:
        return f"{least} row" if least == 1 else f"{least} rows"
    return f"{least} to {most} rows"
