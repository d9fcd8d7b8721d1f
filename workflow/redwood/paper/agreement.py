"""Whether synthetic jobs judge policies as recorded jobs do.

*Relative error* of an outcome under a policy: synthetic / recorded - 1, of means over the seeds.
*Ranking* by an outcome: Kendall's τ_b (M. G. Kendall, Biometrika 33 (1945) 239) between the means
of all policies on synthetic and on recorded jobs: 1 if both put them in the same order. *Regret*:
how much worse, on recorded jobs, the policy that is best on synthetic jobs is than the one that is
best on recorded jobs, as a share of the latter.

Intervals, 95 %, are from the bootstrap over seeds (B. Efron, Ann. Statist. 7 (1979) 1): the seeds
of the recorded and of the synthetic runs are resampled independently. Ends are percentiles. With
few seeds plain percentiles are too narrow (of five they hold the truth in 89 of 100 cases), so they
are taken further out, as Student's t is wider than the normal distribution (T. C. Hesterberg, Am.
Stat. 69 (2015) 371); of two or three seeds that is the range of all draws. For the ranking of
recorded jobs against themselves both sides are drawn from the recorded runs: what a perfect
surrogate would reach.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtrit

from redwood.paper.outcomes import Outcomes
from redwood.paper.style import RECORDED
from redwood.seeds import generator

_DRAWS = 5000
_OUTSIDE = 0.025


@dataclass(frozen=True)
class Runs:
    """Outcomes of single runs as arrays.

    Attributes:
        policies: names, in order.
        by_key: (workload, outcome) → (policies, seeds), NaN where undefined.
        signs: outcomes by which policies can be better or worse: 1 if less is better, −1 if more.
    """

    policies: tuple[str, ...]
    by_key: dict[tuple[str, str], np.ndarray]
    signs: Mapping[str, int]

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
        return cls(policies, values, outcomes.signs)

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

    @property
    def workloads(self) -> list[str]:
        """Recorded jobs first."""
        names = {workload for workload, _ in self.by_key}
        return sorted(names, key=lambda name: (name != RECORDED, name))

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
            low, high = runs.interval(drawn)
            columns = zip(runs.policies, error, low, high, strict=True)
            rows += [(workload, policy, outcome, *rest) for policy, *rest in columns]
    names = ["workload", "policy", "outcome", "error", "error_low", "error_high"]
    return pd.DataFrame(rows, columns=names)


def _ratio(synthetic: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = synthetic / recorded - 1
    return np.where(np.isfinite(ratio), ratio, np.nan)


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
    pairs_changed (see `contradictions`), best (on these jobs), best_recorded, regret, regret_low
    and regret_high. The rows of recorded jobs compare them with themselves; their regret is 0. Of
    policies that are best alike the first counts. A regret is undefined where the best is 0.
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
            ours, theirs = (
                runs.draws(workload, outcome, "one"), runs.draws(RECORDED, outcome, "other"),
            )  # fmt: skip
            drawn = kendall(ours, theirs)
            low, high = (float(bound[0]) for bound in runs.interval(drawn[:, None]))
            tau = float(kendall(means, recorded))
            if workload == RECORDED:
                tau = float(np.mean(drawn)) if len(drawn) > 1 else np.nan
            chosen, first = (_best(np.where(both, m, np.nan), sign) for m in (means, recorded))
            best, best_recorded = runs.policies[chosen], runs.policies[first]
            regret = float(_regrets(recorded[None], chosen, first, sign)[0])
            drawn_regrets = _regrets(theirs, chosen, first, sign)[:, None]
            bounds = [float(bound[0]) for bound in runs.interval(drawn_regrets)]
            changed = len(contradictions(runs, workload, outcome))
            rows.append(
                (workload, outcome, tau, low, high, int(both.sum()), changed, best, best_recorded,
                 regret, *bounds)
            )  # fmt: skip
    names = ["workload", "outcome", "tau", "low", "high", "policies", "pairs_changed", "best",
             "best_recorded", "regret", "regret_low", "regret_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


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
    """The pairs of policies whose order on recorded jobs is the opposite one on synthetic jobs.

    An order counts where it holds on either side in as many draws as lie above the low end of an
    interval.
    """
    sides = [runs.draws(RECORDED, outcome, "other"), runs.draws(workload, outcome, "one")]
    if any(len(drawn) == 1 for drawn in sides):
        return []
    recorded, synthetic = ((d[:, :, None] < d[:, None, :]).mean(axis=0) for d in sides)
    pairs = np.minimum(recorded, synthetic.T) >= 1 - runs.outside
    return sorted((runs.policies[a], runs.policies[b]) for a, b in np.argwhere(pairs).tolist())
