"""Rows by entity and burst: how whoever sends rows behaves, whoever it was and whenever.

An *entity* is what sends rows that are alike: the rows of equal values in the categorical features
that stay the same within a unit of the table, such as a task or a user (`TableDescription.units`).
A sample need not have the columns that name units, which are read of the training rows alone. A
*burst* is a run of rows of one entity in which no gap is longer than a bound.

Distributions over bursts, and over an entity's rows in turn, do not ask which entities there were,
nor when they came: two realisations of one law agree in them as far as chance lets them. They are
what is measured of users and tasks that nobody has seen (behaviour per entity, as arXiv 2604.13125
has it: gaps, bursts, switching, repeats).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from redwood.evaluation.contract import Inapplicable, Samples, deviation
from redwood.evaluation.sequence import entity_column, time_column
from redwood.seeds import generator
from redwood.tables import Column, scaled, to_numbers

# How much surer than by chance the next row of a unit has the same value: Cohen's kappa.
_LEAST_AGREEMENT = 0.9
# Of fewer gaps no bound can be told.
_LEAST_GAPS = 10
_BINS = 128


@dataclass(frozen=True)
class History:
    """The n rows of a sample in order of time, each with what its entity did before.

    Attributes:
        frame: (n rows) in time order, those of the same time in random order.
        before: (n,) the position of the row of the same entity before it; -1 for its first.
        gaps: (n,) the s since that row; NaN for the first.
        entity: (n,) the number of its entity, from 0.
        burst: (n,) the number of its burst; bursts are numbered by when they begin.
    """

    frame: pd.DataFrame
    before: np.ndarray
    gaps: np.ndarray
    entity: np.ndarray
    burst: np.ndarray

    @property
    def follows(self) -> np.ndarray:
        """Whether each row is of the burst of the row of its entity before it: (n,) bool."""
        return (self.before >= 0) & (self.burst == self.burst[self.before])

    @property
    def sizes(self) -> np.ndarray:
        """The number of rows of each burst: (bursts,)."""
        return np.bincount(self.burst)

    @property
    def lengths(self) -> np.ndarray:
        """The s from the first to the last row of each burst: (bursts,)."""
        follows = self.follows
        return np.bincount(
            self.burst[follows], weights=self.gaps[follows], minlength=len(self.sizes)
        )


@dataclass(frozen=True)
class Histories:
    """Equally many rows of each sample by entity and burst.

    Attributes:
        entity: the features whose values name an entity.
        others: the other categorical features.
        bound_s: the longest gap within a burst, in s.
        all: the history of the synthetic rows, of the holdout rows and of each draw of real rows.
    """

    entity: tuple[Column, ...]
    others: tuple[Column, ...]
    bound_s: float
    all: tuple[History, ...]

    @property
    def real(self) -> History:
        return self.all[1]

    @property
    def note(self) -> str:
        """What entities and bursts are in this table."""
        names = ", ".join(column.name for column in self.entity)
        made, real = (history.sizes for history in self.all[:2])
        return (
            f"bursts: rows of one ({names}) with gaps of at most {self.bound_s:.3g} s; "
            f"{len(made)} synthetic, {len(real)} real"
        )


def histories(samples: Samples) -> Histories:
    """The rows of all samples by entity and burst.

    Raises:
        Inapplicable: the table has no timestamp or no categorical feature, or no entity of the
            holdout has rows enough to tell bursts.
    """
    time_column(samples.description)
    entity = entity_features(samples)
    random = generator(samples.seed, "bursts")
    frames = [_by_entity(rows, samples, entity, random) for rows in samples.equally_many.values()]
    gaps = frames[1].gaps
    bound = longest_gap(gaps[~np.isnan(gaps)])
    others = tuple(c for c in samples.description.categorical_features if c not in entity)
    return Histories(entity, others, bound, tuple(_in_bursts(one, bound) for one in frames))


def entity_features(samples: Samples) -> tuple[Column, ...]:
    """The categorical features that stay the same within units of training rows.

    Such a feature is one for which κ = (P − Q)/(1 − Q) is at least 0.9 (J. Cohen, Educational and
    Psychological Measurement 20 (1960) 37), where P and Q are the probabilities that two rows have
    the same value: consecutive ones of a unit, the narrowest that the table names, and any two.
    Where there are no units, or no such feature, it is the categorical feature with most values.

    Raises:
        Inapplicable: there is no categorical feature.
    """
    if samples.train_units is not None and len(samples.train_units.columns):
        units = samples.train_units.iloc[:, -1]
        known = units.notna().to_numpy()
        unit = pd.factorize(units[known])[0]
        order = np.argsort(unit, kind="stable")
        same_unit = unit[order[1:]] == unit[order[:-1]]
        chosen = tuple(
            column
            for column in samples.description.categorical_features
            if _agreement(samples.train.loc[known, column.name], order, same_unit)
            >= _LEAST_AGREEMENT
        )
        if chosen:
            return chosen
    column = entity_column(samples)
    if column is None:
        raise Inapplicable("the table has no categorical feature")
    return (column,)


def longest_gap(gaps: np.ndarray) -> float:
    """The gap that best divides short from long ones, in s.

    The bound at which the variance of ln(1 + s) between the two classes is greatest (N. Otsu, IEEE
    Trans. Systems, Man, and Cybernetics 9 (1979) 62), of 128 equally spaced ones.

    Args:
        gaps: (gaps,) in s.

    Raises:
        Inapplicable: there are fewer than ten.
    """
    if len(gaps) < _LEAST_GAPS:
        raise Inapplicable("next to no row has one of the same entity before it")
    logs = np.log1p(gaps)
    # What differs by rounding alone is of one length, and too near for so many bins.
    if np.ptp(logs) < 1e-9:
        logs = np.full(len(logs), logs[0])
    counts, edges = np.histogram(logs, _BINS)
    below = np.cumsum(counts)[:-1] / len(logs)
    centres = (edges[1:] + edges[:-1]) / 2
    sums = np.cumsum(counts * centres)[:-1] / len(logs)
    mean = counts @ centres / len(logs)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (mean * below - sums) ** 2 / (below * (1 - below))
    return float(np.expm1(edges[1:-1][np.argmax(np.nan_to_num(between))]))


def steps(history: History, column: Column, deviation: float) -> np.ndarray:
    """How far a number is from that of the row before in its burst: (rows that follow one,).

    On the column's scale, in standard deviations of the holdout rows.
    """
    values = scaled(history.frame, column)
    follows = history.follows
    return np.abs(values[follows] - values[history.before[follows]]) / deviation


def levels(history: History, column: Column, deviation: float) -> np.ndarray:
    """The mean of a number over each burst, on its scale, in standard deviations: (bursts,)."""
    sums = np.bincount(history.burst, weights=scaled(history.frame, column))
    return sums / history.sizes / deviation


def varying(samples: Samples) -> list[tuple[Column, float]]:
    """The numbers that are no timestamps and vary in the holdout, with their deviation there.

    Raises:
        Inapplicable: there is none.
    """
    numbers = [c for c in samples.description.numeric_features if c.kind != "timestamp"]
    found = [(column, deviation(samples.holdout, column)) for column in numbers]
    if not (found := [(column, spread) for column, spread in found if spread > 0]):
        raise Inapplicable("the table has no number, but for timestamps, that varies")
    return found


def log_distance(made: np.ndarray, real: np.ndarray) -> float:
    """The first Wasserstein distance of ln(1 + x): (rows,) each; 0 where real rows have none.

    Where there are none of the sample, the distance to all of them being 0.
    """
    return distance(np.log1p(made), np.log1p(real))


def distance(made: np.ndarray, real: np.ndarray) -> float:
    """The first Wasserstein distance, (rows,) each; of a sample without any, the distance to 0."""
    if not len(real):
        return 0.0
    return float(wasserstein_distance(made if len(made) else np.zeros(1), real))


def require_others(found: Histories) -> Sequence[Column]:
    """The categorical features that may change within an entity.

    Raises:
        Inapplicable: there is none.
    """
    if not found.others:
        names = ", ".join(column.name for column in found.entity)
        raise Inapplicable(f"no categorical feature changes within an entity ({names})")
    return found.others


def _agreement(values: pd.Series, order: np.ndarray, same_unit: np.ndarray) -> float:
    """Cohen's kappa of consecutive rows of a unit; 0 of a feature with one value."""
    codes = pd.factorize(values)[0]
    by_chance = np.sum((np.bincount(codes) / len(codes)) ** 2) if len(codes) else 1.0
    equal = (codes[order[1:]] == codes[order[:-1]])[same_unit]
    if not len(equal) or by_chance == 1:
        return 0.0
    return float((equal.mean() - by_chance) / (1 - by_chance))


def _by_entity(
    frame: pd.DataFrame, samples: Samples, entity: Sequence[Column], random: np.random.Generator
) -> History:
    """A history without bursts yet: every row is a burst of its own."""
    column = time_column(samples.description)
    times = to_numbers(frame[column.name], column)
    order = np.lexsort((random.random(len(frame)), times))
    frame, times = frame.iloc[order].reset_index(drop=True), times[order]
    number = frame.groupby([c.name for c in entity], sort=False).ngroup().to_numpy()
    by_entity = np.argsort(number, kind="stable")
    again = number[by_entity[1:]] == number[by_entity[:-1]]
    before = np.full(len(frame), -1)
    before[by_entity[1:][again]] = by_entity[:-1][again]
    gaps = np.where(before < 0, np.nan, times - times[before])
    return History(frame, before, gaps, number, np.arange(len(frame)))


def _in_bursts(history: History, bound: float) -> History:
    """The history with its bursts."""
    begins = ~(history.gaps <= bound)
    by_entity = np.argsort(history.entity, kind="stable")
    burst = np.empty(len(begins), dtype=np.int64)
    burst[by_entity] = np.cumsum(begins[by_entity]) - 1
    # In order of time, as its first row has it.
    rank = np.empty(int(begins.sum()), dtype=np.int64)
    rank[burst[begins]] = np.arange(len(rank))
    return History(history.frame, history.before, history.gaps, history.entity, rank[burst])
