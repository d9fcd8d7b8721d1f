"""Training of Grove's networks without noise, until owners they have not seen are foretold best.

No owner and no group counts for more than so many of its items.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from redwood.seeds import generator
from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.models.grove.lessons import Lesson
from redwood.surrogates.models.grove.level import (
    Remembered,
    chosen_items,
    log_density,
    log_density_of_times,
    observed,
    observed_times,
)
from redwood.surrogates.models.grove.timing import TimeNetwork
from redwood.surrogates.neural import CHUNK
from redwood.surrogates.streams.marks import MarkNetwork
from redwood.surrogates.training_loop import Checkpoint, moving_average

if TYPE_CHECKING:
    from redwood.surrogates.models.grove.surrogate import Surrogate

# Of a network, items (m,) and random numbers: minus the log density of the items, summed.
_Loss = Callable[[torch.nn.Module, np.ndarray, np.random.Generator], torch.Tensor]

# Steps of an epoch, at least.
_LEAST_STEPS = 8

# Networks of times are small; they need less decay.
_DECAY_OF_TIMES = 0.25

# The largest decay of the weights by itself.
_LARGEST_DECAY = 5.0


def train_plainly(
    surrogate: "Surrogate",
    module: MarkNetwork | TimeNetwork,
    lesson: Lesson,
    calendar: Calendar,
    checkpoint: Checkpoint | None,
    device: torch.device,
) -> dict[str, Any]:
    """Train one network in place; it ends as the best average of its weights.

    Args:
        surrogate: whose network, options and seed it is.

    Returns:
        what `NeuralSurrogate.train` tells of it.
    """
    options = surrogate.options
    level, learned = lesson.level, lesson.allowed & ~lesson.judging
    judging = lesson.allowed & lesson.judging
    judging = judging if judging.any() else learned
    number = len(chosen_items(level, lesson.most, np.random.default_rng(0), learned))
    decay = min(options.weight_decay / max(1, number), _LARGEST_DECAY)
    decay *= _DECAY_OF_TIMES if isinstance(module, TimeNetwork) else 1.0
    groups = [
        {"params": [p for p in module.parameters() if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in module.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    if isinstance(module, MarkNetwork):
        coarse, loss_of = 0, _loss_of_marks(module, lesson, calendar, device)
    else:
        # Long sequences have few coarse steps, and these shape what is seen of them.
        coarse, loss_of = lesson.most // 2, _loss_of_times(lesson, calendar, device)
    average = moving_average(module, options.average)
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)

    def train_epoch(epoch: int) -> float:
        module.train()
        random = generator(surrogate.seed, surrogate.name, lesson.name, "epoch", epoch)
        items = chosen_items(level, lesson.most, random, learned, coarse)
        items = random.permutation(items)
        size = max(1, min(options.batch_size, len(items) // _LEAST_STEPS))
        total = 0.0
        with surrogate.seeded(lesson.name, "epoch", epoch, device=device):
            for begin in range(0, len(items), size):
                batch = items[begin : begin + size]
                loss = loss_of(module, batch, random)
                optimizer.zero_grad()
                (loss / len(batch)).backward()
                torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
                optimizer.step()
                average.update_parameters(module)
                total += float(loss.detach())
        return total / max(1, len(items))

    def validate() -> float:
        average.eval()
        random = generator(surrogate.seed, surrogate.name, lesson.name, "validation")
        items = chosen_items(level, lesson.most, random, judging, coarse)
        with torch.no_grad():
            total = sum(
                float(loss_of(average.module, items[begin : begin + CHUNK], random))
                for begin in range(0, len(items), CHUNK)
            )
        return total / len(items)

    both = torch.nn.ModuleList([module, average])
    summary = surrogate.train(both, optimizer, train_epoch, validate, checkpoint)
    module.load_state_dict(average.module.state_dict())
    return summary


def _loss_of_marks(
    module: MarkNetwork, lesson: Lesson, calendar: Calendar, device: torch.device
) -> _Loss:
    known = Remembered.of(lesson.level, module.marks, calendar)

    def loss_of(
        network: torch.nn.Module, items: np.ndarray, random: np.random.Generator
    ) -> torch.Tensor:
        given = lesson.level.sequences.references(items, random)
        seen = observed(lesson.level, known, items, given, device)
        return -log_density(cast(MarkNetwork, network), *seen).sum()

    return loss_of


def _loss_of_times(lesson: Lesson, calendar: Calendar, device: torch.device) -> _Loss:
    taught = np.flatnonzero(lesson.allowed)
    timed = observed_times(lesson.level, taught, calendar, device)

    def loss_of(
        network: torch.nn.Module, items: np.ndarray, random: np.random.Generator
    ) -> torch.Tensor:
        places = torch.as_tensor(np.searchsorted(taught, items), device=device)
        seen = (part[places] for part in timed)
        return -log_density_of_times(cast(TimeNetwork, network), *seen).sum()

    return loss_of
