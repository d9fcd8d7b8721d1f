"""The log density of a mixture and its gradients, both in closed form.

A mixture of a base, neighbours and tables (see `marks`) has 1 + K + T components or more for each
event. What automatic differentiation would keep and pass back for them costs several times what
the networks do; the gradients are known. With rᵢ, the share of component i in the density
(C. Bishop, Pattern Recognition and Machine Learning, Springer 2006, section 9.2.2), and wᵢ, its
weight, the softmax of logits vᵢ,

    ∂ ln p/∂ vᵢ = rᵢ − wᵢ,

and for a logistic kernel around c of log width s, z = (x − c) e⁻ˢ,

    ∂ ln p/∂ c = r tanh(z/2) e⁻ˢ,  ∂ ln p/∂ s = r (z tanh(z/2) − 1).
"""

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import softplus

_IMPOSSIBLE = float("-inf")


@dataclass(frozen=True)
class Observed:
    """What the density of one mark of B events is taken of.

    Attributes:
        tokens: (B,) the events' tokens.
        near: (B, K) their neighbours'.
        counted: (B, T) log frequencies of the events' tokens in the tables.
        values: (B,) numbers; `None` for a discrete mark, which the others below are of no use to.
        atoms: number of tokens that stand for single values, the first ones.
        log_bins: (B,) log width of the bin that the token is, 0 of an atom.
    """

    tokens: Tensor
    near: Tensor
    counted: Tensor
    values: Tensor | None = None
    atoms: int = 0
    log_bins: Tensor | None = None


def log_mixture(
    base: Tensor,
    weights: Tensor,
    centres: Tensor | None,
    log_widths: Tensor | None,
    observed: Observed,
    by_torch: bool = False,
) -> Tensor:
    """ln p (B,): a log probability of a token, a log density of a number that is no atom.

    Args:
        base: (B, tokens) log probabilities up to a constant.
        weights: (B, 1 + K + T) log weights up to a constant, of base, neighbours, tables; for
            numbers (B, 1 + K + 2T), with those of kernels around the tables' means.
        centres, log_widths: (B, K + T) of the kernels around neighbours and means; `None` for a
            discrete mark.
        by_torch: whether gradients are left to PyTorch, whose transforms (`torch.func`) cannot pass
            through those in closed form.
    """
    if by_torch:
        return _terms(base, weights, centres, log_widths, observed).logsumexp(dim=1)
    return cast(Tensor, _LogMixture.apply(base, weights, centres, log_widths, observed))


def _terms(
    base: Tensor,
    weights: Tensor,
    centres: Tensor | None,
    log_widths: Tensor | None,
    observed: Observed,
) -> Tensor:
    """The logarithms of what each component gives to the density: (B, 1 + K + T) or more."""
    base, weights = base.log_softmax(dim=1), weights.log_softmax(dim=1)
    number, tables = observed.near.shape[1], observed.counted.shape[1]
    ends = (1, 1 + number, 1 + number + tables)
    of_base, beside, followed, around = weights.tensor_split(ends, dim=1)
    of_base = of_base + base.gather(1, observed.tokens[:, None])
    followed = followed + observed.counted
    repeated = observed.near == observed.tokens[:, None]
    if observed.values is None or observed.log_bins is None or centres is None:
        beside = beside.masked_fill(~repeated, _IMPOSSIBLE)
        return torch.cat([of_base, beside, followed], dim=1)
    widths = cast(Tensor, log_widths)
    z = (observed.values[:, None] - centres) * widths.neg().exp()
    is_atom = (observed.tokens < observed.atoms)[:, None]
    kernels = (-2 * softplus(-z) - z - widths).masked_fill(is_atom, 0.0)
    never = torch.where(is_atom, ~repeated, observed.near < observed.atoms)
    beside = beside.masked_fill(never, _IMPOSSIBLE) + kernels[:, :number]
    around = around.masked_fill(is_atom, _IMPOSSIBLE) + kernels[:, number:]
    bins = observed.log_bins[:, None]
    return torch.cat([of_base - bins, beside, followed - bins, around], dim=1)


class _LogMixture(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        base: Tensor,
        weights: Tensor,
        centres: Tensor | None,
        log_widths: Tensor | None,
        observed: Observed,
    ) -> Tensor:
        needs_gradients = any(ctx.needs_input_grad)
        base, weights = base.log_softmax(dim=1), weights.log_softmax(dim=1)
        number, tables = observed.near.shape[1], observed.counted.shape[1]
        ends = (1, 1 + number, 1 + number + tables)
        terms = weights.clone()
        of_base, beside, followed, around = terms.tensor_split(ends, dim=1)
        of_base += base.gather(1, observed.tokens[:, None])
        followed += observed.counted
        repeated = observed.near == observed.tokens[:, None]
        if observed.values is None or observed.log_bins is None or centres is None:
            beside.masked_fill_(~repeated, _IMPOSSIBLE)
        else:
            scales = cast(Tensor, log_widths).neg().exp_()
            z = (observed.values[:, None] - centres).mul_(scales)
            kernels = softplus(z.neg()).mul_(-2).sub_(z).sub_(cast(Tensor, log_widths))
            is_atom = (observed.tokens < observed.atoms)[:, None]
            of_base -= observed.log_bins[:, None]
            followed -= observed.log_bins[:, None]
            # An atom is given by neighbours with that very value, other numbers by kernels.
            never = torch.where(is_atom, ~repeated, observed.near < observed.atoms)
            kernels.masked_fill_(is_atom, 0.0)
            beside.masked_fill_(never, _IMPOSSIBLE).add_(kernels[:, :number])
            around.masked_fill_(is_atom, _IMPOSSIBLE).add_(kernels[:, number:])
        density = terms.logsumexp(dim=1)
        if not needs_gradients:
            return density
        shares = terms.sub_(density[:, None]).exp_()
        gradients = [base.exp_().mul_(-shares[:, :1])]
        gradients[0].scatter_add_(1, observed.tokens[:, None], shares[:, :1])
        if centres is not None:
            of_kernels = torch.cat([shares[:, 1 : 1 + number], shares[:, ends[2] :]], dim=1)
            of_kernels.masked_fill_(is_atom, 0.0)
            slope = (z / 2).tanh_()
            gradients.append(scales.mul_(slope).mul_(of_kernels))
            gradients.append(z.mul_(slope).sub_(1).mul_(of_kernels))
        gradients.insert(1, shares.sub_(weights.exp_()))
        ctx.save_for_backward(*gradients)
        return density

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        of_inputs = [part * gradients[0][:, None] for part in ctx.saved_tensors]
        return *of_inputs, *[None] * (5 - len(of_inputs))
