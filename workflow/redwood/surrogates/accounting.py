"""How much differential privacy noisy training gives: Rényi accounting of DP-SGD.

Mironov, Talwar, Zhang, "Rényi Differential Privacy of the Sampled Gaussian Mechanism", 2019 (arXiv
1908.10530). A step draws each row with probability q on its own, sums their gradients, each clipped
to norm C, and adds normal noise of standard deviation σ C. The neighbouring tables differ by one
row, added or removed.
"""

import math

import numpy as np
from scipy.special import gammaln, gammasgn, log_ndtr, logsumexp

from redwood.errors import InputError

# Orders of the divergence at which ε is computed; the least ε holds.
_ORDERS = (
    *(1 + tenth / 10 for tenth in range(1, 100)),
    *range(11, 65),
    *(72, 80, 96, 128, 192, 256, 512, 1024),
)

# The terms of the series for fractional orders fall like k^-(order + 2).
_TERMS = 500

_LARGEST_NOISE = 1e4


def renyi_divergence(q: float, noise: float, order: float) -> float:
    """The Rényi divergence of the given order that one step costs (section 3.3).

    Args:
        q: probability that a step draws a row, in 0 … 1.
        noise: σ, the noise as a multiple of the clipping norm, above 0.
        order: α, above 1.
    """
    if q == 0:
        return 0.0
    if q == 1:
        return order / (2 * noise**2)
    log_moment = _whole if float(order).is_integer() else _fractional
    return max(0.0, log_moment(q, noise, order) / (order - 1))


def epsilon_spent(q: float, noise: float, steps: int, delta: float) -> float:
    """The ε at which `steps` steps are (ε, δ)-differentially private.

    Divergences add up over steps. The bound from them to ε is proposition 12 of Canonne, Kamath and
    Steinke, "The Discrete Gaussian for Differential Privacy", 2020 (arXiv 2004.00010).
    """
    if steps == 0:
        return 0.0
    least = math.inf
    for order in _ORDERS:
        divergence = steps * renyi_divergence(q, noise, order)
        bound = math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)
        least = min(least, divergence + bound)
    return max(0.0, least)


def noise_needed(epsilon: float, delta: float, q: float, steps: int) -> float:
    """The least σ, to 0.1 %, at which `steps` steps spend at most ε.

    Raises:
        InputError: no sensible noise suffices.
    """
    if epsilon_spent(q, _LARGEST_NOISE, steps, delta) > epsilon:
        raise InputError(
            f"epsilon is {epsilon:g}: out of reach in {steps} steps at delta {delta:g}: "
            "ask for a larger one, or for fewer epochs"
        )
    low, high = 1e-2, _LARGEST_NOISE
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        if epsilon_spent(q, middle, steps, delta) > epsilon:
            low = middle
        else:
            high = middle
    return high


def _whole(q: float, noise: float, order: float) -> float:
    """log A for whole orders: a sum over how often the mixture takes its shifted half."""
    k = np.arange(int(order) + 1)
    log_binomial = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    terms = log_binomial + k * math.log(q) + (order - k) * math.log1p(-q)
    return float(logsumexp(terms + k * (k - 1) / (2 * noise**2)))


def _fractional(q: float, noise: float, order: float) -> float:
    """log A for other orders: two binomial series, cut where the halves of the mixture cross."""
    k = np.arange(_TERMS)
    j = order - k
    crossing = noise**2 * (math.log1p(-q) - math.log(q)) + 0.5
    log_binomial = gammaln(order + 1) - gammaln(k + 1) - gammaln(j + 1)
    log_q, log_rest = math.log(q), math.log1p(-q)
    below = j * log_rest + k * log_q + k * (k - 1) / (2 * noise**2)
    below += log_ndtr((crossing - k) / noise)
    above = k * log_rest + j * log_q + j * (j - 1) / (2 * noise**2)
    above += log_ndtr((j - crossing) / noise)
    terms = np.concatenate([below, above]) + np.tile(log_binomial, 2)
    return float(logsumexp(terms, b=np.tile(gammasgn(j + 1), 2)))
