"""How often a category differs from that of the item before, set right after training.

Networks learn what follows recorded items. In a sample they follow items of their own, and a
network that repeats a little too often is misled by its own repetitions: exposure bias (S. Bengio
et al., Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks, arXiv
1506.03099). So after training whole populations are drawn, and the odds of drawing a category anew
instead of taking it from an earlier item are multiplied, a factor a category, until items differ
from those before them as often as recorded ones do, by stochastic approximation (H. Robbins and S.
Monro, A Stochastic Approximation Method, Ann. Math. Statist. 22 (1951) 400). The factors are all
that is kept of it. No group and no owner counts for more than so many of its items.
"""

from collections.abc import Callable, Mapping

import numpy as np

# Populations that are drawn; the last one moves the factors by a quarter of what it says.
_ROUNDS = 5
# The largest factor, as a logarithm: more would not repair a network but replace it.
_MOST = 2.0
# Of rarer changes a population shows too few to tell a factor.
_LEAST_SHARE = 1e-2


def share_of_changes(tokens: np.ndarray, sequence: np.ndarray, most: int) -> np.ndarray:
    """How often a mark differs from that of the item before in its sequence, (M,).

    Args:
        tokens: (n, M) of the items, those of a sequence together and in their order.
        sequence: (n,) the sequence of each.
        most: a longer sequence counts as one of so many items.
    """
    follows = np.diff(sequence) == 0
    if not follows.any():
        return np.zeros(tokens.shape[1])
    number = np.concatenate([[0], np.cumsum(~follows)])
    weight = np.minimum(1.0, most / np.bincount(number)[number])[1:][follows]
    return np.average((tokens[1:] != tokens[:-1])[follows], axis=0, weights=weight)


def settled(
    wanted: Mapping[str, np.ndarray],
    drawn: Callable[[Mapping[str, np.ndarray], int], Mapping[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Logarithms of the factors with which items change as often as is wanted.

    Args:
        wanted: level → share of changes of each mark, (M,).
        drawn: what these are in a population that is drawn with such factors, the number of which
            is the second argument.

    Returns:
        level → (M,) in nats.
    """
    nats = {level: np.zeros(len(shares)) for level, shares in wanted.items()}
    for turn in range(_ROUNDS):
        found = drawn(nats, turn)
        for level, shares in wanted.items():
            off = _log_odds(shares) - _log_odds(found[level])
            nats[level] = np.clip(nats[level] + off / max(1, turn), -_MOST, _MOST)
    return nats


def _log_odds(share: np.ndarray) -> np.ndarray:
    clipped = np.clip(share, _LEAST_SHARE, 1 - _LEAST_SHARE)
    return np.log(clipped / (1 - clipped))
