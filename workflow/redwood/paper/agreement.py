"""Whether synthetic jobs judge policies as recorded jobs do.

*Relative error* of an outcome under a policy: synthetic / recorded - 1, of means over the seeds.
*Ranking* by an outcome: Kendall's τ_b (M. G. Kendall, Biometrika 33 (1945) 239) between the means
of all policies on synthetic and on recorded jobs: 1 if both put them in the same order. *Regret*:
how much worse, on recorded jobs, the policy that is best on synthetic jobs is than the one that is
best on recorded jobs, as a share of the latter.

Intervals, 95 %, have two sources: the seeds of the simulation, and which jobs there were. For the
*seeds* it is the bootstrap (B. Efron, Ann. Statist. 7 (1979) 1): the seeds of the recorded and of
the synthetic runs are resampled independently. Ends are percentiles. With few seeds plain
percentiles are too narrow (of five they hold the truth in 89 of 100 cases), so they are taken
further out, as Student's t is wider than the normal distribution (T. C. Hesterberg, Am. Stat. 69
(2015) 371); of two or three seeds that is the range of all draws. For the *jobs* it is the
jackknife over a few groups of jobs that were submitted one after the other (`redwood.jackknife`),
on either side by itself: both have the same campaigns, but queues differ from one draw of real jobs
to another as much as from one time to another. The squares of the two halves add up (MOVER, see
`redwood.paper.combining`). Outcomes without such groups, as a recovery, have intervals from the
seeds alone.

For the *ranking* percentiles of the bootstrap would be of no use: its draws have the noise of the
seeds twice over, so that policies that are close change places more often in them than they do, and
they held the true τ in 35 of 100 cases. Instead each pair of policies is either *told apart* on a
side, or is not: the difference of their logarithms is compared with its error, of seeds and jobs,
or with that of all pairs together if this is larger, by Student's t. Levels are such that in 95 of
100 cases every pair that is told apart on either side is so rightly (S. Holm, Scand. J. Statist. 6
(1979) 65). The interval reaches from the τ of the worst order to that of the best that this leaves
open (as confidence sets for ranks: M. Mogstad et al., Rev. Econ. Stud. 91 (2024) 476). It holds the
true τ in at least 95 of 100 cases, and it is wide where policies are close. What stands there for
recorded jobs against themselves is no interval: it is where the τ of two sets of seeds of theirs
lies in 95 of 100 cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import factorial
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtrit

from redwood.jackknife import jackknife_error, jackknife_half
from redwood.paper.outcomes import Outcomes
from redwood.paper.style import RECORDED
from redwood.seeds import generator

# Of the order of policies.
TOO_FEW: Final = "too few policies, jobs or seeds to tell"
_DRAWS = 5000
_OUTSIDE = 0.025
# The level at which pairs are told apart on one side: .95 on both, which are independent.
_BOTH_SIDES = 0.95**0.5


@dataclass(frozen=True)
class Runs:
    """Outcomes of single runs as arrays.

    Attributes:
        policies: names, in order.
        by_key: (workload, outcome) → (policies, seeds), NaN where undefined.
        signs: outcomes by which policies can be better or worse: 1 if less is better, −1 if more.
        without_group: (workload, outcome) → (groups, policies) means over the seeds without each
            group of jobs; none where one policy has no such values.
        floors: the workloads of real jobs that are not the recorded ones.
    """

    policies: tuple[str, ...]
    by_key: dict[tuple[str, str], np.ndarray]
    signs: Mapping[str, int]
    without_group: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)
    floors: tuple[str, ...] = ()

    @classmethod
    def of(cls, outcomes: Outcomes) -> "Runs":
        """Of the outcomes of simulations."""
        runs = outcomes.runs
        policies = tuple(dict.fromkeys(runs["policy"]))
        seeds = sorted(runs["seed"].unique())
        values = {}
        for key, part in runs.groupby(["workload", "outcome"], sort=False):
            table = part.pivot_table("value", "policy", "seed", dropna=False)
            values[key] = table.reindex(index=policies, columns=seeds).to_numpy(float)
        without = {
            (workload, outcome): np.array(
                [outcomes.without_group[workload, policy, outcome] for policy in policies], float
            ).T
            for workload, outcome in values
            if all((workload, policy, outcome) in outcomes.without_group for policy in policies)
        }
        floors = tuple(name for name, role in outcomes.roles.items() if role == "floor")
        return cls(policies, values, outcomes.signs, without, floors)

    def draws(self, workload: str, outcome: str, side: str) -> np.ndarray:
        """(draws, policies) means over resampled seeds; one draw, the mean, if only one.

        Args:
            workload, outcome: of the runs.
            side: apart from what is drawn for another.
        """
        values = self.by_key[workload, outcome]
        seeds = values.shape[1]
        if seeds == 1:
            return values[:, 0][None]
        random = generator(seeds, "paper", "bootstrap", workload, side)
        chosen = random.integers(seeds, size=(_DRAWS, seeds))
        return _mean_of_defined(values[:, chosen]).T

    def means(self, workload: str, outcome: str) -> np.ndarray:
        """(policies,) means over the seeds."""
        return _mean_of_defined(self.by_key[workload, outcome])

    @property
    def seeds(self) -> int:
        return max(values.shape[1] for values in self.by_key.values())

    @property
    def outside(self) -> float:
        """The share of draws that an interval leaves out on each side."""
        if self.seeds == 1:
            return _OUTSIDE
        wider = np.sqrt(self.seeds / (self.seeds - 1)) * stdtrit(self.seeds - 1, _OUTSIDE)
        return float(ndtr(wider))

    def interval(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(k,) and (k,) ends of the intervals of (draws, k).

        NaN where there is one draw, or any is undefined.
        """
        if len(drawn) == 1:
            nothing = np.full(drawn.shape[1], np.nan)
            return nothing, nothing
        low, high = np.quantile(drawn, [self.outside, 1 - self.outside], axis=0)
        return low, high

    def told_apart(self, workload: str, outcome: str, level: float = _BOTH_SIDES) -> np.ndarray:
        """(policies, policies) −1 where the first has surely less, 1 where more, else 0.

        All at once in `level` of the cases, √.95 if it is not given.
        """
        values, means = self.by_key[workload, outcome], self.means(workload, outcome)
        without = self.without_group.get((workload, outcome))
        apart = np.zeros((len(means),) * 2, int)
        if all((some > 0).all() for some in (values, without) if some is not None):
            # The noise of policies is alike relative to their outcomes, rather than in itself.
            values, means = np.log(values), np.log(means)
            without = None if without is None else np.log(without)
        first, second = np.triu_indices(len(means), 1)
        differences = values[first] - values[second]
        seeds = np.isfinite(differences).sum(axis=1)
        known = np.flatnonzero(seeds > 1)
        if not len(known):
            return apart
        first, second, seeds = first[known], second[known], seeds[known]
        degrees = len(np.unique([first, second])) - 1
        between = means[first] - means[second]
        squares = np.nanvar(differences[known], axis=1, ddof=1) / seeds
        sources = [(squares, int(seeds.min()) - 1)]
        if without is not None:
            squares = jackknife_error(without[:, first] - without[:, second]) ** 2
            sources.append((squares, len(without) - 1))
        sure = np.zeros(len(known), bool)
        while True:
            # The fewer are left, the less it takes for the next one.
            outside = (1 - level) / 2 / max(1, int(np.count_nonzero(~sure)))
            half_squares = sum(
                # Of few seeds or groups a pair's own variance may be small by chance.
                stdtrit(degrees * of_each, outside) ** 2 * np.maximum(squares, squares.mean())
                for squares, of_each in sources
            )
            more = ~sure & (between**2 > half_squares)
            if not more.any():
                break
            sure |= more
        apart[first[sure], second[sure]] = np.sign(between[sure])
        return apart - apart.T

    @property
    def workloads(self) -> list[str]:
        """Recorded jobs first, then other real ones."""
        names = {workload for workload, _ in self.by_key}
        return sorted(names, key=lambda name: (name != RECORDED, name not in self.floors, name))

    @property
    def outcomes(self) -> list[str]:
        return list(dict.fromkeys(outcome for _, outcome in self.by_key))


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Means over the last axis of what is defined there, NaN where nothing is."""
    defined = np.isfinite(values)
    sums, counts = np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def relative_errors(runs: Runs) -> pd.DataFrame:
    """Columns workload, policy, outcome, error, error_low and error_high, for synthetic jobs.

    Undefined where the recorded outcome is 0 or either side is undefined.
    """
    rows = []
    for workload in runs.workloads:
        for outcome in runs.outcomes:
            if workload == RECORDED or (RECORDED, outcome) not in runs.by_key:
                continue
            error = _ratio(runs.means(workload, outcome), runs.means(RECORDED, outcome))
            drawn = _ratio(
                runs.draws(workload, outcome, "one"), runs.draws(RECORDED, outcome, "other")
            )
            low, high = _with_jobs(
                error, *runs.interval(drawn), _of_jobs(runs, workload, outcome, error)
            )
            # Nothing is less than none of it.
            columns = zip(runs.policies, error, np.maximum(low, -1.0), high, strict=True)
            rows += [(workload, policy, outcome, *rest) for policy, *rest in columns]
    names = ["workload", "policy", "outcome", "error", "error_low", "error_high"]
    return pd.DataFrame(rows, columns=names)


def _ratio(synthetic: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = synthetic / recorded - 1
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _of_jobs(
    runs: Runs, workload: str, outcome: str, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Both halves, (policies,), of the intervals of relative errors over which jobs there were.

    Of the logarithms of the ratios, which have their bounds; of the ratios where some are 0. `None`
    without groups of jobs on both sides.
    """
    made, real = (runs.without_group.get((name, outcome)) for name in (workload, RECORDED))
    if made is None or real is None:
        return None
    positive = (made > 0).all(axis=0) & (real > 0).all(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(np.hypot(jackknife_half(np.log(made)), jackknife_half(np.log(real))))
        below, above = (1 + error) * (1 - 1 / factor), (1 + error) * (factor - 1)
        of_some_0 = np.hypot(jackknife_half(made), (1 + error) * jackknife_half(real))
        of_some_0 /= np.abs(runs.means(RECORDED, outcome))
    return np.where(positive, below, of_some_0), np.where(positive, above, of_some_0)


def _with_jobs(
    value: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    halves: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The interval over the seeds, widened by what hangs on the jobs."""
    if halves is None:
        return low, high
    return value - np.hypot(value - low, halves[0]), value + np.hypot(high - value, halves[1])


def kendall(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kendall's τ_b along the last axis: (…, k) and (…, k) → (…).

    NaN where either side is all ties. Policies that are undefined on either side do not count.
    SciPy's takes one pair of rankings at a time, and a table needs some hundred thousand.
    """
    first, second = np.triu_indices(one.shape[-1], 1)
    a = np.sign(one[..., first] - one[..., second])
    b = np.sign(other[..., first] - other[..., second])
    known = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(known, a, 0.0), np.where(known, b, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=-1) / np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))


def rankings(runs: Runs) -> pd.DataFrame:
    """How alike policies are ranked, and what choosing by synthetic jobs costs.

    Columns workload, outcome, tau, low, high, policies (that are defined on both sides),
    pairs_apart (told apart on both sides), pairs_changed (see `contradictions`), best (on these
    jobs), best_recorded, regret, regret_low and regret_high. The rows of recorded jobs compare them
    with themselves; their regret is 0. Of policies that are best alike the first counts. A regret
    is undefined where the best is 0.
    """
    rows = []
    for workload in runs.workloads:
        for outcome in runs.outcomes:
            if outcome not in runs.signs or (RECORDED, outcome) not in runs.by_key:
                continue
            means, recorded = runs.means(workload, outcome), runs.means(RECORDED, outcome)
            both, sign = np.isfinite(means) & np.isfinite(recorded), runs.signs[outcome]
            if both.sum() < 2 or np.ptp(recorded[both]) == 0:
                continue
            theirs = runs.draws(RECORDED, outcome, "other")
            tau = float(kendall(means, recorded))
            low, high, apart = tau_bounds(runs, workload, outcome, tau)
            if workload == RECORDED:
                drawn = kendall(runs.draws(RECORDED, outcome, "one"), theirs)
                tau = float(np.mean(drawn)) if len(drawn) > 1 else np.nan
                low, high = (float(bound[0]) for bound in runs.interval(drawn[:, None]))
            chosen, first = (_best(np.where(both, m, np.nan), sign) for m in (means, recorded))
            best, best_recorded = runs.policies[chosen], runs.policies[first]
            regret = float(_regrets(recorded[None], chosen, first, sign)[0])
            drawn_regrets = _regrets(theirs, chosen, first, sign)[:, None]
            halves = None
            if (RECORDED, outcome) in runs.without_group:
                without = runs.without_group[RECORDED, outcome]
                half = jackknife_half(_regrets(without, chosen, first, sign)[:, None])
                halves = half, half
            bounds = [
                float(bound[0])
                for bound in _with_jobs(np.array([regret]), *runs.interval(drawn_regrets), halves)
            ]
            changed = len(contradictions(runs, workload, outcome))
            rows.append(
                (workload, outcome, tau, low, high, int(both.sum()), apart, changed, best,
                 best_recorded, regret, *bounds)
            )  # fmt: skip
    names = ["workload", "outcome", "tau", "low", "high", "policies", "pairs_apart",
             "pairs_changed", "best", "best_recorded", "regret", "regret_low",
             "regret_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def tau_bounds(
    runs: Runs, workload: str, outcome: str, tau: float, other: str = RECORDED
) -> tuple[float, float, int]:
    """The interval of τ, NaN with one seed; the number of pairs that both sides tell apart."""
    if runs.seeds == 1:
        return np.nan, np.nan, 0
    upper = np.triu_indices(len(runs.policies), 1)
    signs, others = (runs.told_apart(name, outcome)[upper] for name in (workload, other))
    defined = np.isfinite(runs.means(workload, outcome) + runs.means(other, outcome))
    pairs = np.count_nonzero(defined[upper[0]] & defined[upper[1]])
    same, opposite = (np.count_nonzero(signs * others == sign) for sign in (1, -1))
    # Of means that are equal τ_b may lie outside.
    low, high = min(tau, 2 * same / pairs - 1), max(tau, 1 - 2 * opposite / pairs)
    return float(low), float(high), int(same + opposite)


def too_few(ranked: Any) -> bool:
    """Whether the τ of a row of `rankings` tells nothing.

    By chance alone n policies are in the same order in 1 of n! cases, of fewer than four in more
    than 5 %; or seeds and jobs leave the order of every pair open on one side.
    """
    return bool(factorial(int(ranked["policies"])) < 20 or ranked["pairs_apart"] == 0)


def _best(means: np.ndarray, sign: int) -> int:
    return int(np.nanargmin(means * sign))


def _regrets(recorded: np.ndarray, chosen: int, best: int, sign: int) -> np.ndarray:
    """(draws,) how much worse the chosen policy is than the best; `recorded` (draws, policies)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        worse = sign * (recorded[:, chosen] - recorded[:, best])
        regrets = worse / np.abs(recorded[:, best])
    # Without the sum a regret of nothing may be -0.
    return np.where(np.isfinite(regrets), regrets + 0.0, np.nan)


def contradictions(runs: Runs, workload: str, outcome: str) -> list[tuple[str, str]]:
    """The pairs of policies that both sides tell apart, in the opposite order."""
    signs, recorded = (runs.told_apart(name, outcome) for name in (workload, RECORDED))
    pairs = (recorded < 0) & (signs > 0)
    return sorted((runs.policies[a], runs.policies[b]) for a, b in np.argwhere(pairs).tolist())
