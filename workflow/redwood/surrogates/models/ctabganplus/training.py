"""One epoch of CTAB-GAN+'s training: steps of the critic, the predictor and the generator."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from redwood.surrogates.layout import Rows
from redwood.surrogates.models.ctabganplus import losses
from redwood.surrogates.models.ctabganplus.conditions import Conditions, MatchingRows
from redwood.surrogates.models.ctabganplus.networks import Critic, Generator, Predictor, activate
from redwood.surrogates.models.ctabganplus.options import Options
from redwood.surrogates.models.ctabganplus.rows import RowEncoder

# Adam's for Wasserstein GANs with gradient penalty (arXiv 1704.00028, algorithm 1: 0 and 0.9), with
# the momentum of DCGAN.
_BETAS = (0.5, 0.9)


def critic_steps_per_epoch(options: Options, rows: int) -> int:
    """Steps in which the critic sees about as many rows as there are."""
    return options.critic_steps * max(1, round(rows / options.batch_size / options.critic_steps))


class Training:
    """The networks, their optimiser and the training rows.

    Attributes:
        average: the generator whose weights are the running average of the trained one's.
        networks: it, `generator`, `critic` and, if there is a target, `predictor`.
        optimizer: Adam over all of them; a step moves those that have gradients.
        share: part of the rows that a step of the critic sees on average.
        critic_steps_per_epoch: see the function.
    """

    def __init__(
        self,
        options: Options,
        encoder: RowEncoder,
        conditions: Conditions,
        places: np.ndarray,
        codes: np.ndarray,
        target: str | None,
        noise: float | None,
        device: torch.device,
    ) -> None:
        """Draw the networks' weights from PyTorch's own random numbers.

        Args:
            options: the model's.
            encoder: what made `places` (rows, P) and `codes` (rows, blocks) of the training rows.
            conditions: the law of the conditions.
            target: column of the downstream loss, `None` without it.
            noise: noise multiplier of differential privacy, `None` without it.
            device: where to compute.
        """
        self._options, self._conditions, self._noise = options, conditions, noise
        self._layout = layout = encoder.layout
        self._device, self._codes = device, codes
        self._rows = Rows(torch.tensor(places, device=device), torch.tensor(codes, device=device))
        self._matching = MatchingRows(codes, conditions) if layout.blocks else None
        self.share = min(1.0, options.batch_size / len(codes))
        self.critic_steps_per_epoch = critic_steps_per_epoch(options, len(codes))
        sizes = (options.noise, sum(layout.blocks), layout.width, options.channels)
        self._generator = Generator(*sizes)
        self._critic = Critic(layout.width, options.channels)
        self.average = Generator(*sizes)
        self.average.load_state_dict(self._generator.state_dict())
        self.average.requires_grad_(False)
        self.networks = nn.ModuleDict(
            {"generator": self._generator, "critic": self._critic, "average": self.average}
        )
        self._downstream = None
        if target is not None:
            column = _target(target, encoder, device)
            predictor = Predictor(layout.width, options.predictor_width, column.outputs)
            self.networks["predictor"] = predictor
            self._downstream = (column, predictor)
        self.networks.to(device)
        self.optimizer = torch.optim.Adam(
            self.networks.parameters(), lr=options.learning_rate, betas=_BETAS, fused=True
        )

    def train_epoch(self, epoch: int, source: torch.Generator, rng: np.random.Generator) -> float:
        """Train one epoch.

        Args:
            epoch: its number, from 0.
            source: draws the noise of the networks.
            rng: draws conditions and rows.

        Returns:
            The mean loss of the generator, which says little about its rows: it is a difference
            to an opponent that learns as well.
        """
        steps = self.critic_steps_per_epoch // self._options.critic_steps
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        for step in range(steps):
            for _ in range(self._options.critic_steps):
                self._critic_step(source, rng)
            if self._downstream is not None:
                self._predictor_step(*self._downstream, rng)
            total += self._generator_step(source, rng).detach()
            self._update_average(epoch * steps + step)
        return total.item() / steps

    def _critic_step(self, source: torch.Generator, rng: np.random.Generator) -> None:
        options, critic = self._options, self._critic
        if self._noise is None:
            real, condition, _ = self._real_rows(rng)
        else:
            real, condition = self._poisson_rows(rng)
        with torch.no_grad():
            fake = self._activated(self._logits(condition, source), source)
        mix = torch.rand(len(real), 1, generator=source, device=self._device)
        batch = (real, fake, condition, mix, options.gradient_penalty)
        if self._noise is None:
            self._descend(losses.critic_loss(critic, *batch), critic)
            return
        expected = self.share * len(self._codes)
        self._move(
            critic,
            losses.private_gradients(critic, *batch, options.clip, self._noise, expected, source),
        )

    def _predictor_step(
        self, target: losses.Target, predictor: Predictor, rng: np.random.Generator
    ) -> None:
        row, _, _ = self._real_rows(rng)
        self._descend(target.loss(predictor, row), predictor)

    def _generator_step(self, source: torch.Generator, rng: np.random.Generator) -> torch.Tensor:
        options, critic = self._options, self._critic
        private = self._noise is not None
        if private:
            # Nothing but the critic may look at rows, and it has learned the rows' own law.
            asked = self._draw_conditions(balanced=False, rng=rng)
            condition = self._one_hot(asked)
        else:
            real, condition, asked = self._real_rows(rng)
        logits = self._logits(condition, source)
        fake = self._activated(logits, source)
        features = critic.features(fake, condition)
        loss = -critic.last(features).mean()
        if self._layout.blocks and options.condition_weight:
            choices, categories = logits[:, self._layout.places :], torch.from_numpy(asked)
            loss = loss + options.condition_weight * losses.condition_loss(
                choices, self._layout.blocks, categories.to(self._device)
            )
        if not private and options.information_weight:
            with torch.no_grad():
                real_features = critic.features(real, condition)
            loss = loss + options.information_weight * losses.information_loss(
                real_features, features
            )
        if self._downstream is not None:
            target, predictor = self._downstream
            loss = loss + options.downstream_weight * target.loss(predictor, fake)
        self._descend(loss, self._generator)
        return loss

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        # Early weights are forgotten sooner.
        decay = min(self._options.averaging, (1 + step) / (10 + step))
        if not self._options.averaging:
            decay = 0.0
        weights = [list(one.parameters()) for one in (self.average, self._generator)]
        get_ema_multi_avg_fn(decay)(*weights, step)

    def _descend(self, loss: torch.Tensor, network: nn.Module) -> None:
        self._move(network, torch.autograd.grad(loss, list(network.parameters())))

    def _move(self, network: nn.Module, gradients: Sequence[torch.Tensor]) -> None:
        """One step of Adam of one network; the others' parameters have no gradient."""
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _real_rows(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
        """Conditions and real rows that meet them: (batch, width), one-hot and categories."""
        asked = self._draw_conditions(balanced=True, rng=rng)
        if self._matching is None:
            chosen = rng.integers(len(self._codes), size=len(asked))
        else:
            chosen = self._matching.draw(asked, rng)
        return self._expanded(chosen), self._one_hot(asked), asked

    def _poisson_rows(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows drawn each on its own, and as a condition one of their own categories."""
        chosen = np.flatnonzero(rng.random(len(self._codes)) < self.share)
        asked = np.zeros(len(chosen), np.int64)
        if self._layout.blocks:
            block = rng.integers(len(self._layout.blocks), size=len(chosen))
            asked = self._conditions.starts[block] + self._codes[chosen, block]
        return self._expanded(chosen), self._one_hot(asked)

    def _draw_conditions(self, balanced: bool, rng: np.random.Generator) -> np.ndarray:
        size = self._options.batch_size
        if not self._layout.blocks:
            return np.zeros(size, np.int64)
        return self._conditions.draw(size, balanced, rng)

    def _expanded(self, chosen: np.ndarray) -> torch.Tensor:
        return self._layout.expand(self._rows[torch.from_numpy(chosen).to(self._device)])

    def _one_hot(self, asked: np.ndarray) -> torch.Tensor:
        condition = torch.zeros(len(asked), sum(self._layout.blocks), device=self._device)
        if self._layout.blocks:
            condition.scatter_(1, torch.from_numpy(asked).to(self._device)[:, None], 1.0)
        return condition

    def _logits(self, condition: torch.Tensor, source: torch.Generator) -> torch.Tensor:
        shape = (len(condition), self._options.noise)
        noise = torch.randn(shape, generator=source, device=self._device)
        return self._generator(noise, condition)

    def _activated(self, logits: torch.Tensor, source: torch.Generator) -> torch.Tensor:
        return activate(logits, self._layout.places, self._layout.blocks, source)


def _target(column: str, encoder: RowEncoder, device: torch.device) -> losses.Target:
    """Where a column is in the row, and how its number comes out of it."""
    layout = encoder.layout
    place, block = encoder.where(column)
    span = None
    if block is not None:
        begin = layout.places + sum(layout.blocks[:block])
        span = (begin, begin + layout.blocks[block])
    slopes = offsets = None
    for encoding, modes in zip(encoder.table.varying_numeric, encoder.numbers, strict=True):
        if encoding.column == column:
            slopes, offsets = (
                torch.tensor(x, dtype=torch.float32, device=device)
                for x in (modes.slopes, modes.offsets)
            )
    return losses.Target(place, span, slopes, offsets)
