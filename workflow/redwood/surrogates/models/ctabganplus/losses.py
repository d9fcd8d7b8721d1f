"""The losses of CTAB-GAN+ (arXiv 2204.00401, section 3): critic, information, condition, target."""

import math
from dataclasses import dataclass

import torch
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from redwood.surrogates.models.ctabganplus.networks import Critic, Predictor

# Rows whose gradients are held at once.
_ROWS_OF_GRADIENTS = 64


def critic_loss(
    critic: Critic,
    real: torch.Tensor,
    fake: torch.Tensor,
    condition: torch.Tensor,
    mix: torch.Tensor,
    penalty: float,
) -> torch.Tensor:
    """The Wasserstein loss with gradient penalty (Gulrajani et al., arXiv 1704.00028, equation 3).

    Args:
        real: (rows, width) real rows that meet the conditions.
        fake: (rows, width) generated ones.
        condition: (rows, condition).
        mix: (rows, 1) where between fake and real the gradient is looked at, in 0 … 1.
        penalty: weight of the squared difference of the gradient's norm from 1.
    """
    between = (fake + mix * (real - fake)).requires_grad_()
    score = critic(between, condition).sum()
    (slope,) = torch.autograd.grad(score, between, create_graph=True)
    steepness = (slope.square().sum(dim=1) + 1e-12).sqrt()
    scores = critic(torch.cat([fake, real]), torch.cat([condition, condition]))
    fakes, reals = scores.split(len(real))
    return fakes.mean() - reals.mean() + penalty * (steepness - 1).square().mean()


def private_gradients(
    critic: Critic,
    real: torch.Tensor,
    fake: torch.Tensor,
    condition: torch.Tensor,
    mix: torch.Tensor,
    penalty: float,
    clip: float,
    noise: float,
    expected_rows: float,
    source: torch.Generator,
) -> list[torch.Tensor]:
    """The gradients of `critic_loss`, private (Abadi et al., arXiv 1607.00133, algorithm 1).

    Those of each real row, with the generated row that it is paired with, are clipped to the norm
    `clip` over all parameters; normal noise of standard deviation `noise` × `clip` is added to
    their sum, which is divided by the rows that a step draws on average.
    """
    parameters = {name: tensor.detach() for name, tensor in critic.named_parameters()}

    def loss_of_row(
        parameters: dict[str, torch.Tensor],
        real: torch.Tensor,
        fake: torch.Tensor,
        condition: torch.Tensor,
        mix: torch.Tensor,
    ) -> torch.Tensor:
        def score(row: torch.Tensor) -> torch.Tensor:
            return functional_call(critic, parameters, (row[None], condition[None])).squeeze()

        slope = grad(score)(fake + mix * (real - fake))
        steepness = (slope.square().sum() + 1e-12).sqrt()
        return score(fake) - score(real) + penalty * (steepness - 1).square()

    gradients_of = vmap(grad(loss_of_row), in_dims=(None, 0, 0, 0, 0))
    sums = {name: torch.zeros_like(tensor) for name, tensor in parameters.items()}
    for begin in range(0, len(real), _ROWS_OF_GRADIENTS):
        chosen = slice(begin, begin + _ROWS_OF_GRADIENTS)
        rows = gradients_of(parameters, *(x[chosen] for x in (real, fake, condition, mix)))
        squares = sum(rows[name].flatten(1).square().sum(dim=1) for name in sums)
        scale = (clip / squares.sqrt().clamp_min(1e-12)).clamp_max(1.0)
        for name, total in sums.items():
            total += torch.tensordot(scale, rows[name], dims=1)
    return [
        (total + noise * clip * torch.randn(total.shape, generator=source, device=source.device))
        / expected_rows
        for total in sums.values()
    ]


def information_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """How far apart the means and standard deviations of the critic's features are, each by norm.

    Args:
        real: (rows, features) of real rows.
        fake: the same of generated ones.
    """
    means = real.mean(dim=0) - fake.mean(dim=0)
    deviations = _deviations(real) - _deviations(fake)
    return (means.square().sum() + 1e-12).sqrt() + (deviations.square().sum() + 1e-12).sqrt()


def condition_loss(
    logits: torch.Tensor, blocks: tuple[int, ...], categories: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy between the category asked for and the generator's block that holds it.

    Args:
        logits: (rows, sum of blocks) the generator's one-hot part before its activation.
        categories: (rows,) the categories asked for, numbered over all blocks.
    """
    sizes = torch.tensor(blocks, device=logits.device)
    block = torch.arange(len(blocks), device=logits.device).repeat_interleave(sizes)
    # Of each row only the block asked for, all at once: many small steps take long.
    elsewhere = block != block[categories][:, None]
    return cross_entropy(logits.masked_fill(elsewhere, -math.inf), categories)


@dataclass(frozen=True)
class Target:
    """The column that the downstream loss predicts from the others.

    A categorical column is classified; a numeric one is regressed as its standardised number.

    Attributes:
        place: its place in the row, `None` without one.
        block: where its one-hot block begins and ends in the row, `None` without one.
        slopes: (modes,) for numbers: slope × place + offset; `None` for categories.
        offsets: (modes,).
    """

    place: int | None
    block: tuple[int, int] | None
    slopes: torch.Tensor | None
    offsets: torch.Tensor | None

    @property
    def outputs(self) -> int:
        """Outputs of its predictor."""
        if self.slopes is not None or self.block is None:
            return 1
        return self.block[1] - self.block[0]

    def loss(self, predictor: Predictor, row: torch.Tensor) -> torch.Tensor:
        """What the predictor gets wrong about soft rows: cross-entropy or absolute error."""
        others = torch.ones(row.shape[1], device=row.device)
        if self.place is not None:
            others[self.place] = 0
        if self.block is not None:
            others[slice(*self.block)] = 0
        predicted = predictor(row * others)
        if self.block is not None and self.outputs > 1:
            return cross_entropy(predicted, row[:, slice(*self.block)])
        return (predicted.squeeze(1) - self._number(row)).abs().mean()

    def _number(self, row: torch.Tensor) -> torch.Tensor:
        place = row[:, self.place] if self.place is not None else row.new_zeros(len(row))
        if self.slopes is None or self.offsets is None:
            return place
        numbers = place[:, None] * self.slopes + self.offsets
        if self.block is None:
            return numbers[:, 0]
        return (row[:, slice(*self.block)] * numbers).sum(dim=1)


def _deviations(features: torch.Tensor) -> torch.Tensor:
    # As `var` has it, which takes ten times as long on the CPU.
    variance = (features - features.mean(dim=0)).square().mean(dim=0)
    # The root's slope at 0 is infinite.
    return (variance + math.ulp(1.0)).sqrt()
