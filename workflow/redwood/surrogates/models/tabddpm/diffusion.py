"""Noise on numbers and categories, and the steps that take it away again.

Numbers: Gaussian diffusion (Ho et al., arXiv 2006.11239) with the steps of DDIM (Song et al.,
arXiv 2010.02502). Categories: multinomial diffusion (Hoogeboom et al., arXiv 2102.05379).

The state at time t keeps a share ᾱ_t of the row: a number is √ᾱ_t x_0 + √(1 − ᾱ_t) ε, a category is
the row's with probability ᾱ_t and else uniform over all K. A step leads from t to any s < t, since
the noise of several steps is one of the same kind with the share ᾱ_t / ᾱ_s.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

# What the network predicts of a noisy number: its noise ε, or √ᾱ ε − √(1 − ᾱ) x_0 (Salimans & Ho,
# arXiv 2202.00512, appendix D), from which x̂_0 has no larger error where hardly anything of it is
# left.
Prediction = Literal["noise", "velocity"]

# How sampling steps from x_t to x_s, see `process.rows_from_noise`.
Sampler = Literal["posterior", "multistep"]

# Offset of the cosine, which keeps the first steps from being too small (Nichol & Dhariwal, 3.2).
_OFFSET = 0.008

# Power of the sampling times; 1 spaces them evenly.
_CONCENTRATION = 1.5

# No step adds a larger share of noise (ibidem).
_LARGEST_STEP = 0.999

# At time 0 a category is certain up to this, so that all logarithms are finite.
_UNCERTAINTY = 1e-12


@dataclass(frozen=True)
class NoiseSchedule:
    """How much is left of a row at each time.

    Attributes:
        kept: ᾱ_0 = 1, …, ᾱ_T, float64.
    """

    kept: Tensor

    @classmethod
    def cosine(cls, steps: int) -> "NoiseSchedule":
        """The schedule of Nichol & Dhariwal (arXiv 2102.09672, eq. 17) with `steps` steps."""
        times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        kept = ((times + _OFFSET) / (1 + _OFFSET) * math.pi / 2).cos().square()
        noise = (1 - kept[1:] / kept[:-1]).clamp(max=_LARGEST_STEP)
        return cls(torch.cat([torch.ones(1, dtype=torch.float64), (1 - noise).cumprod(0)]))

    @property
    def steps(self) -> int:
        """T."""
        return len(self.kept) - 1

    def sampling_times(self, steps: int) -> list[int]:
        """`steps` + 1 times from T down to 0, the closer the less noise is left.

        The last steps settle the digits of the numbers; all T steps are the evenly spaced ones.
        """
        shares = ((i / steps) ** _CONCENTRATION for i in range(steps, -1, -1))
        # Near 0 the times would coincide.
        return [max(steps - i, round(self.steps * share)) for i, share in enumerate(shares)]


def draw_times(rows: int, steps: int, source: torch.Generator) -> Tensor:
    """Times 1 … `steps`, evenly spread over the rows: (rows,) int64.

    Each row's time is uniform; together they vary less than independent ones, and so does the loss
    (Kingma et al., arXiv 2107.00630, appendix I.1).
    """
    begin = torch.rand((), generator=source, device=source.device, dtype=torch.float64)
    places = (begin + torch.arange(rows, device=source.device, dtype=torch.float64) / rows) % 1
    times = (places * steps).long().clamp(max=steps - 1) + 1
    return times[torch.randperm(rows, generator=source, device=source.device)]


def noised_numbers(numbers: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """x_t given x_0 and standard normal `noise`, both (rows, P), and ᾱ_t, (rows, 1)."""
    return kept.sqrt() * numbers + (1 - kept).sqrt() * noise


def target_of(prediction: Prediction, numbers: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """What the network is to predict of x_t, given x_0, ε, both (rows, P), and ᾱ_t, (rows, 1)."""
    if prediction == "noise":
        return noise
    return kept.sqrt() * noise - (1 - kept).sqrt() * numbers


def clean_numbers(
    prediction: Prediction, noisy: Tensor, predicted: Tensor, kept: float, low: Tensor, high: Tensor
) -> Tensor:
    """x̂_0 by what the network predicts of x_t, within `low` … `high`, both (P,): (rows, P)."""
    signal, noise = math.sqrt(kept), math.sqrt(1 - kept)
    if prediction == "noise":
        clean = (noisy - noise * predicted) / signal
    else:
        clean = signal * noisy - noise * predicted
    return torch.minimum(torch.maximum(clean, low), high)


def extrapolated_numbers(
    clean: Tensor, kept: float, earlier: Tensor, kept_earlier: float, kept_after: float
) -> Tensor:
    """x̂_0 halfway from t to s, by those at t and at the time before: (rows, P).

    With it in place of x̂_0 at t, a step without fresh noise has an error of second order
    (DPM-Solver++(2M), Lu et al., arXiv 2211.01095, algorithm 2). Halfway is in ln(ᾱ / (1 − ᾱ)).

    Args:
        clean: x̂_0 at t, (rows, P).
        kept: ᾱ_t.
        earlier: x̂_0 at the time that the last step came from, (rows, P).
        kept_earlier: ᾱ there, less than ᾱ_t.
        kept_after: ᾱ_s, more than ᾱ_t and less than 1.
    """
    before, now, then = (math.log(k / (1 - k)) for k in (kept_earlier, kept, kept_after))
    return clean + (clean - earlier) * (then - now) / (now - before) / 2


def step_numbers(
    noisy: Tensor, clean: Tensor, kept: float, kept_after: float, eta: float, fresh: Tensor
) -> Tensor:
    """From x_t to x_s by x̂_0 (DDIM, eq. 12 and 16): (rows, P).

    Args:
        noisy: x_t, (rows, P).
        clean: x̂_0, (rows, P).
        kept: ᾱ_t.
        kept_after: ᾱ_s, not less than ᾱ_t.
        eta: 0 for a deterministic step, 1 for a draw from the posterior q(x_s | x_t, x̂_0).
        fresh: standard normal numbers, (rows, P).
    """
    noise = (noisy - math.sqrt(kept) * clean) / math.sqrt(1 - kept)
    deviation = eta * math.sqrt((1 - kept_after) / (1 - kept) * (1 - kept / kept_after))
    direction = math.sqrt(max(0.0, 1 - kept_after - deviation**2))
    return math.sqrt(kept_after) * clean + direction * noise + deviation * fresh


def noised_codes(codes: Tensor, categories: int, kept: Tensor, source: torch.Generator) -> Tensor:
    """A column's codes at time t: kept with probability ᾱ_t, (rows,), else uniform: (rows,)."""
    device, shape = codes.device, (len(codes),)
    stays = torch.rand(shape, generator=source, device=device) < kept
    drawn = torch.randint(categories, shape, generator=source, device=device)
    return torch.where(stays, codes, drawn)


def step_divergence(
    codes: Tensor, noisy: Tensor, logits: Tensor, kept: Tensor, kept_after: Tensor
) -> Tensor:
    """KL(q(x_s | x_t, x_0) ‖ q(x_s | x_t, x̂_0)) of one column, in nats: (rows,).

    Both posteriors are a_k b_k / Z (Hoogeboom et al., eq. 13-15), where a_k = ᾱ_t/ᾱ_s [k = x_t] +
    u is the likelihood of x_t, b_k = ᾱ_s x_0,k + v the law of x_s and u, v the noise over K.
    So their ratio is one of b and Z only, and the sum over k needs b at x_0, at x_t and in total.

    Args:
        codes: x_0, (rows,).
        noisy: x_t, (rows,).
        logits: logits of x̂_0, (rows, K).
        kept: ᾱ_t, (rows,) float64.
        kept_after: ᾱ_s, (rows,) float64.
    """
    categories = logits.shape[1]
    kept_after = kept_after.clamp(max=1 - _UNCERTAINTY)
    stays = kept / kept_after
    u, v = (1 - stays) / categories, (1 - kept_after) / categories
    ratio = kept_after / v
    same = (codes == noisy).double()

    # ln(b_k / v) of the prediction, at x_0, at x_t and summed over k.
    clean = logits.log_softmax(dim=1)
    raised = softplus(clean + ratio.log().to(clean.dtype)[:, None], beta=1, threshold=30)
    at_codes = raised.gather(1, codes[:, None])[:, 0].double()
    at_noisy = raised.gather(1, noisy[:, None])[:, 0].double()
    total = raised.sum(dim=1).double()

    # ln b of x_0 over ln b of x̂_0; that of x_0 is v but for k = x_0.
    gain = ratio.log1p()
    normaliser = stays * v * (1 + ratio * same) + u
    predicted_normaliser = stays * v * at_noisy.exp() + u
    expected = (
        u * v * (gain - total)
        + u * kept_after * (gain - at_codes)
        + stays * v * (gain * same - at_noisy)
        + stays * kept_after * same * (gain - at_codes)
    ) / normaliser
    return expected + predicted_normaliser.log() - normaliser.log()


def step_codes(
    noisy: Tensor, logits: Tensor, kept: float, kept_after: float, uniform: Tensor
) -> Tensor:
    """A draw from q(x_s | x_t, x̂_0) of one column: (rows,).

    The posterior (see `step_divergence`) is a mixture, (ᾱ_t/ᾱ_s [k = x_t] + u) (ᾱ_s x̂_0,k + v):
    stay at x_t, go to a draw from x̂_0, or to any category.

    Args:
        noisy: x_t, (rows,).
        logits: logits of x̂_0, (rows, K).
        kept: ᾱ_t.
        kept_after: ᾱ_s, not less than ᾱ_t.
        uniform: random numbers in 0 … 1, (rows, 2) float64.
    """
    categories = logits.shape[1]
    clean = logits.double().softmax(dim=1)
    stays = kept / kept_after
    u, v = (1 - stays) / categories, (1 - kept_after) / categories
    stay = stays * (kept_after * clean.gather(1, noisy[:, None])[:, 0] + v)
    place = uniform[:, 0] * (stay + u)
    codes = torch.where(place < stay, noisy, (uniform[:, 1] * categories).long())
    drawn = ((place >= stay) & (place < stay + u * kept_after)).nonzero()[:, 0]
    if len(drawn):
        cumulated = clean[drawn].cumsum(dim=1)
        # Below the last entry, which rounding may keep from 1.
        target = uniform[drawn, 1:] * cumulated[:, -1:]
        found = torch.searchsorted(cumulated, target, right=True)[:, 0]
        codes[drawn] = found.clamp(max=categories - 1)
    return codes
