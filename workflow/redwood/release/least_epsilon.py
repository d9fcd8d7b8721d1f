"""What an audit proves of differential privacy: an ε that a surrogate's samples surely exceed.

Of each group of canaries one was planted by lot. If the sample is ε-differentially private for a
unit added or removed, two tables of which one has canary j planted and the other canary k are 2 ε
apart, so whatever is seen of the sample, the planted one of k canaries is told with probability

    e^{2ε} / (e^{2ε} + k − 1)

at most, whichever the others are. Then the number of groups in which an attacker who knows nothing
of the lots tells the planted one is at most binomial with that probability (T. Steinke, M. Nasr and
M. Jagielski, Privacy Auditing with One (1) Training Run, arXiv 2305.08846, of groups in place of
coins). What is found more often than that (C. Clopper and E. Pearson, Biometrika 26 (1934) 404)
proves a larger ε. It is a lower bound: nothing is proved of what better attackers would find. A
δ > 0 is left out, which is right while δ times the number of canaries is far below the risk.
"""

import numpy as np
from scipy.special import betaincinv

from redwood.release.shares import RISK


def least_epsilon(correct: int, groups: int, members: int, risk: float = RISK) -> float:
    """The ε that is surely exceeded, but for a chance of `risk`.

    Args:
        correct: groups in which the planted canary was told.
        groups: how many there are, at least 1.
        members: canaries of each, at least 2.
    """
    if correct == 0:
        return 0.0
    if correct == groups:
        share = risk ** (1 / groups)
    else:
        share = float(betaincinv(correct, groups - correct + 1, risk))
    return max(0.0, 0.5 * float(np.log(share * (members - 1) / (1 - share))))


def proved(
    scores: np.ndarray, group: np.ndarray, planted: np.ndarray, random: np.random.Generator
) -> float:
    """The largest ε that one of several attackers proves; their risks together are `RISK`.

    Args:
        scores: (units, attackers), of which more speaks for a planted unit; made without knowing
            which were.
        group: of each unit, (units,); of each group one was planted by lot.
        planted: which, (units,) bool.
        random: decides between equal scores.
    """
    groups, place, sizes = np.unique(group, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes) - 1
    found = []
    for score in scores.T:
        order = np.lexsort((random.random(len(score)), score, place))
        correct = int(planted[order][last].sum())
        risk = RISK / scores.shape[1]
        found.append(least_epsilon(correct, len(groups), int(sizes.min()), risk))
    return max(found)
