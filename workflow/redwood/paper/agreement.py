"""Whether synthetic jobs judge policies as recorded jobs do.

*Relative error* of an outcome under a policy: synthetic / recorded - 1, of means over the seeds.
*Ranking* by an outcome: Kendall's τ_b (M. G. Kendall, Biometrika 33 (1945) 239) between the means
of all policies on synthetic and on recorded jobs: 1 if both put them in the same order. *Regret*:
how much worse on recorded jobs the policy is that is best on synthetic ones than the best on
recorded ones, as a share of the latter.

Intervals, 95 %, are from the bootstrap over seeds (B. Efron, Ann. Statist. 7 (1979) 1): the seeds
of the recorded and of the synthetic runs are drawn anew, apart from each other, percentiles taken.
For the ranking of recorded jobs against themselves both sides are drawn from the recorded runs:
what a perfect surrogate would reach.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.seeds import generator

RECORDED = "recorded"
_DRAWS = 2000
_LOW, _HIGH = 0.025, 0.975

# Outcomes by which policies can be better or worse: 1 where less is better, -1 where more is.
BETTER = {
    "turnaround_mean": 1, "queue_time_mean": 1, "queue_time_median": 1, "queue_time_p95": 1,
    "stagein_mean": 1, "makespan": 1, "failed_share": 1, "wan_bytes": 1, "recovery_time": 1,
    "throughput": -1, "goodput": -1, "cache_hit_rate": -1, "utilisation": -1,
}  # fmt: skip


@dataclass(frozen=True)
class Runs:
    """Outcomes of single runs as arrays.

    Attributes:
        policies: names, in order.
        by_key: (workload, outcome) → (policies, seeds), NaN where undefined.
    """

    policies: tuple[str, ...]
    by_key: dict[tuple[str, str], np.ndarray]

    @classmethod
    def of(cls, runs: pd.DataFrame) -> "Runs":
        """Of a tidy table of workload, policy, seed, outcome and value."""
        policies = tuple(dict.fromkeys(runs["policy"]))
        seeds = sorted(runs["seed"].unique())
        values = {}
        for key, part in runs.groupby(["workload", "outcome"], sort=False):
            table = part.pivot_table("value", "policy", "seed", dropna=False)
            values[key] = table.reindex(index=policies, columns=seeds).to_numpy(float)
        return cls(policies, values)

    def draws(self, workload: str, outcome: str, side: str) -> np.ndarray:
        """(draws, policies) means over seeds that are drawn anew; one draw, the mean, if only one.

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
        with np.errstate(invalid="ignore"):
            return np.nanmean(values[:, chosen], axis=2).T

    def means(self, workload: str, outcome: str) -> np.ndarray:
        """(policies,) means over the seeds."""
        values = self.by_key[workload, outcome]
        defined = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return np.where(defined, values, 0.0).sum(axis=1) / np.where(
                defined.any(axis=1), defined.sum(axis=1), np.nan
            )

    @property
    def workloads(self) -> list[str]:
        """Recorded jobs first."""
        names = {workload for workload, _ in self.by_key}
        return sorted(names, key=lambda name: (name != RECORDED, name))

    @property
    def outcomes(self) -> list[str]:
        return list(dict.fromkeys(outcome for _, outcome in self.by_key))


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
            low, high = _interval(drawn)
            columns = zip(runs.policies, error, low, high, strict=True)
            rows += [(workload, policy, outcome, *rest) for policy, *rest in columns]
    names = ["workload", "policy", "outcome", "error", "error_low", "error_high"]
    return pd.DataFrame(rows, columns=names)


def _ratio(synthetic: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = synthetic / recorded - 1
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _interval(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(k,) percentiles of (draws, k); NaN where there is one draw, or any is undefined."""
    if len(drawn) == 1:
        nothing = np.full(drawn.shape[1], np.nan)
        return nothing, nothing
    low, high = np.quantile(drawn, [_LOW, _HIGH], axis=0)
    return low, high


def kendall(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kendall's τ_b along the last axis: (…, k) and (…, k) → (…).

    NaN where either side is all ties. Policies that are undefined on either side do not count.
    """
    first, second = (np.triu_indices(one.shape[-1], 1)[i] for i in (0, 1))
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
    and regret_high. The rows of recorded jobs compare them with themselves; their regret is 0.
    """
    rows = []
    for workload in runs.workloads:
        for outcome in runs.outcomes:
            if outcome not in BETTER or (RECORDED, outcome) not in runs.by_key:
                continue
            means, recorded = runs.means(workload, outcome), runs.means(RECORDED, outcome)
            both = np.isfinite(means) & np.isfinite(recorded)
            if both.sum() < 2 or np.ptp(recorded[both]) == 0:
                continue
            ours, theirs = (
                runs.draws(workload, outcome, "one"), runs.draws(RECORDED, outcome, "other"),
            )  # fmt: skip
            drawn = kendall(ours, theirs)
            low, high = (float(bound[0]) for bound in _interval(drawn[:, None]))
            tau = float(kendall(means, recorded))
            if workload == RECORDED:
                tau = float(np.mean(drawn)) if len(drawn) > 1 else np.nan
            regret, *bounds = _regret(means, recorded, theirs, outcome)
            best, best_recorded = (runs.policies[_best(m, outcome)] for m in (means, recorded))
            changed = len(contradictions(runs, workload, outcome))
            rows.append(
                (workload, outcome, tau, low, high, int(both.sum()), changed, best, best_recorded,
                 regret, *bounds)
            )  # fmt: skip
    names = ["workload", "outcome", "tau", "low", "high", "policies", "pairs_changed", "best",
             "best_recorded", "regret", "regret_low", "regret_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _best(means: np.ndarray, outcome: str) -> int:
    return int(np.nanargmin(means * BETTER[outcome]))


def _regret(
    means: np.ndarray, recorded: np.ndarray, drawn: np.ndarray, outcome: str
) -> tuple[float, float, float]:
    """The regret of choosing by `means`, and its interval.

    Args:
        means, recorded: (policies,).
        drawn: (draws, policies) of recorded jobs.
        outcome: says what is better.
    """
    chosen, best = _best(means, outcome), _best(recorded, outcome)
    with np.errstate(divide="ignore", invalid="ignore"):
        worse = BETTER[outcome] * (recorded[chosen] - recorded[best]) / abs(recorded[best])
        drawn_worse = BETTER[outcome] * (drawn[:, chosen] - drawn[:, best]) / np.abs(drawn[:, best])
    low, high = (float(bound[0]) for bound in _interval(drawn_worse[:, None]))
    return float(worse), low, high


def contradictions(runs: Runs, workload: str, outcome: str) -> list[tuple[str, str]]:
    """The pairs of policies whose order on recorded jobs is the opposite one on synthetic jobs.

    An order counts where it holds in 97.5 % of the draws of either side.
    """
    sides = [runs.draws(RECORDED, outcome, "other"), runs.draws(workload, outcome, "one")]
    if any(len(drawn) == 1 for drawn in sides):
        return []
    recorded, synthetic = ((d[:, :, None] < d[:, None, :]).mean(axis=0) for d in sides)
    pairs = (recorded >= _HIGH) & (synthetic.T >= _HIGH)
    return sorted((runs.policies[a], runs.policies[b]) for a, b in np.argwhere(pairs).tolist())
