"""Differential privacy of Grove's networks: noisy steps that no single unit can steer.

DP-SGD (M. Abadi et al., Deep Learning with Differential Privacy, arXiv 1607.00133, algorithm 1)
with a whole task or a whole user as the unit, as in H. B. McMahan et al., Learning Differentially
Private Recurrent Language Models, arXiv 1710.06963. A step draws each unit with probability q on
its own. The gradients of all items that are looked at of a unit are summed and clipped as one to
norm C, and normal noise of standard deviation σ C is added to the sum over units. Tables are
neighbours if one has a unit more.

A task is drawn given other tasks of its owner, so it is in their gradients, too. Where tasks are
the units, the drawn tasks of an owner therefore make a sequence by themselves, and its gradient is
clipped as one. Given which others are drawn, a task more changes what its owner adds from one
vector of norm C to another, by 2 C at most, and only if it is drawn itself. So that is DP-SGD with
twice the norm, and has twice the noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from redwood.errors import InputError
from redwood.seeds import generator
from redwood.surrogates.accounting import epsilon_spent, noise_needed
from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.models.grove.lessons import Lesson
from redwood.surrogates.models.grove.level import (
    Remembered,
    log_density,
    log_density_of_times,
    observed,
    observed_times,
)
from redwood.surrogates.models.grove.options import Privacy
from redwood.surrogates.models.grove.timing import TimeNetwork
from redwood.surrogates.streams.marks import MarkNetwork
from redwood.surrogates.training_loop import (
    Checkpoint,
    moving_average,
    train_steps,
    without_subnormals,
)

if TYPE_CHECKING:
    from redwood.surrogates.models.grove.surrogate import Surrogate

# Training has no epochs; its checkpoints are as many times as many steps apart.
_STEPS_OF_EPOCH = 5

# Units whose gradients are held at once.
_AT_ONCE = 32


@dataclass(frozen=True)
class Guarantee:
    """What is guaranteed of the networks, together.

    Attributes:
        unit: the column that names the units.
        epsilon, delta: that they are private by.
        noise: σ of every step.
        share: q of every step.
        steps: of all networks in all.
    """

    unit: str
    epsilon: float
    delta: float
    noise: float
    share: float
    steps: int

    @classmethod
    def of(
        cls, privacy: Privacy, units: Sequence[str], number: int, networks: int, model: str
    ) -> "Guarantee":
        """The least noise that keeps what is asked for.

        Args:
            units: the columns that name units and are learned from.
            number: how many units of the kind asked for there are.
            networks: how many are trained.
            model: its name, for messages.

        Raises:
            InputError: there is no such unit, or there are too few of them.
        """
        if privacy.unit not in units:
            known = " or ".join(units) or "one of the table's `units`, of which it has none"
            raise InputError(
                f"{model}: privacy.unit is {privacy.unit!r}: expected a column that names the "
                f"units which are learned from: {known}"
            )
        if privacy.delta * number >= 1:
            raise InputError(
                f"{model}: privacy.delta is {privacy.delta:g}, but the training rows are of "
                f"{number} different values of {privacy.unit}: expected a delta below one over "
                f"that, {1 / number:.2g}: a larger one would permit giving one of them away whole"
            )
        steps = privacy.steps * networks
        noise = noise_needed(privacy.epsilon, privacy.delta, privacy.share, steps)
        if noise > privacy.share * number:
            raise InputError(
                f"{model}: privacy.epsilon is {privacy.epsilon:g}, which takes noise of "
                f"{noise:.3g} times what one {privacy.unit} may say, but the "
                f"{privacy.share * number:.3g} that a step draws of {number} can together not say "
                "as much: expected more of them, a larger epsilon, or fewer steps"
            )
        spent = epsilon_spent(privacy.share, noise, steps, privacy.delta)
        return cls(privacy.unit, spent, privacy.delta, noise, privacy.share, steps)

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON holds exactly."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Guarantee":
        return cls(**content)

    def __str__(self) -> str:
        """What it is and what it is not, for the card."""
        return (
            f"The weights of the networks are ({self.epsilon:.3g}, {self.delta:g})-differentially "
            f"private for one {self.unit} with all its rows added or removed (DP-SGD, arXiv "
            "1607.00133), for all who do not know the training seed, which model.json and "
            "train.json state. Not covered, and taken for known, is what population.json holds: "
            "the categories and which were rare; the bounds, means, bins and repeated values of "
            "numbers; the calendar; the quantiles of sizes, spans and gaps, and the share and "
            "scale of the power law of the largest sizes; how many owners and rows there are. "
            "Samples are made of both, so the guarantee is of the networks' part in them alone."
        )


class Density(nn.Module):
    """The log density of items by a network, as a module whose calls can be transformed."""

    def __init__(self, network: MarkNetwork | TimeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *seen: Tensor) -> Tensor:
        if isinstance(self.network, TimeNetwork):
            return log_density_of_times(self.network, *seen)
        return log_density(self.network, *seen)


@dataclass(frozen=True)
class Drawn:
    """What a step looks at.

    Attributes:
        seen: for each of m items what its density is taken of, see `level.observed`.
        place: (U, R) the items of each of U clipped sums, any item where there are no more.
        known: (U, R) whether there is one.
    """

    seen: tuple[Tensor, ...]
    place: Tensor
    known: Tensor


@dataclass(frozen=True)
class Units:
    """The items of a lesson by what is protected.

    Attributes:
        lesson: the items.
        by_group: whether groups are the units, not owners.
        most: items of a clipped sum, at most.
    """

    lesson: Lesson
    by_group: bool
    most: int

    @property
    def apart(self) -> bool:
        """Whether items are units that follow others, so that they are drawn one by one."""
        return self.by_group and self.lesson.name == "groups"

    @property
    def changes(self) -> int:
        """By how many times its norm a unit more may change what is clipped as one."""
        return 2 if self.apart else 1

    def draw(
        self,
        network: MarkNetwork | TimeNetwork,
        remembered: Remembered | None,
        share: float,
        calendar: Calendar,
        random: np.random.Generator,
        device: torch.device,
    ) -> Drawn | None:
        """Draw each unit with probability `share`; `None` if none is.

        Args:
            network: the one that learns.
            remembered: of the lesson's level and the network's marks; `None` without marks.
        """
        lesson, level = self.lesson, self.lesson.level
        unit = lesson.group if self.by_group else lesson.owner
        together = lesson.owner if self.apart else unit
        chosen = random.random(int(unit.max()) + 1) < share
        items = np.flatnonzero(lesson.allowed & chosen[unit])
        order = items[np.lexsort((random.random(len(items)), together[items]))]
        rank = np.arange(len(order)) - np.searchsorted(together[order], together[order])
        items = np.sort(order[rank < self.most])
        if not len(items):
            return None
        place, known = _padded(together[items])
        if isinstance(network, TimeNetwork):
            seen = observed_times(level, items, calendar, device)
        else:
            if self.apart:
                level, items = level.only(items), np.arange(len(items))
                remembered = Remembered.of(level, network.marks, calendar)
            assert remembered is not None
            given = level.sequences.references(items, random)
            seen = observed(level, remembered, items, given, device)
        return Drawn(seen, torch.tensor(place, device=device), torch.tensor(known, device=device))


def _padded(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places (U, R) of items of each of U keys (m,), and which of them there are."""
    _, number, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    place = np.zeros((len(sizes), sizes.max()), np.int64)
    order = np.argsort(number, kind="stable")
    within = np.arange(len(keys)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place[number[order], within] = order
    return place, np.arange(sizes.max()) < sizes[:, None]


def noisy(
    sums: Mapping[str, Tensor],
    parameters: Mapping[str, Tensor],
    deviation: float,
    source: torch.Generator,
) -> dict[str, Tensor]:
    """Gradients with normal noise of that standard deviation; of no unit, noise alone.

    Args:
        sums: of the clipped gradients, empty if no unit was drawn.
        parameters: what the gradients are of.
        source: random numbers, on the parameters' device.
    """
    gradients = {}
    for name, parameter in parameters.items():
        shaken = torch.randn(parameter.shape, generator=source, device=parameter.device)
        gradients[name] = shaken * deviation + sums.get(name, 0.0)
    return gradients


def clipped_sum(density: nn.Module, drawn: Drawn, clip: float) -> dict[str, Tensor]:
    """The sum over units of the gradients of minus their log density, each clipped to `clip`.

    Returns:
        parameter of `density` → gradient.
    """
    parameters = {name: tensor.detach() for name, tensor in density.named_parameters()}

    def loss(parameters: dict[str, Tensor], known: Tensor, *seen: Tensor) -> Tensor:
        logs = functional_call(density, parameters, seen)
        return -torch.where(known, logs, 0.0).sum()

    of_units = vmap(grad(loss), in_dims=(None, *[0] * (1 + len(drawn.seen))))
    sums = {name: torch.zeros_like(tensor) for name, tensor in parameters.items()}
    for begin in range(0, len(drawn.place), _AT_ONCE):
        chunk = slice(begin, begin + _AT_ONCE)
        seen = [part[drawn.place[chunk]] for part in drawn.seen]
        parts = of_units(parameters, drawn.known[chunk], *seen)
        squares = [part.flatten(1).square().sum(dim=1) for part in parts.values()]
        norms = torch.stack(squares).sum(dim=0).sqrt()
        # What is no number would pass all bounds.
        weights = torch.where(norms.isfinite(), (clip / norms.clamp_min(1e-12)).clamp_max(1), 0.0)
        for name, part in parts.items():
            sums[name] += torch.einsum("u,u...->...", weights, part.nan_to_num(0.0, 0.0, 0.0))
    return sums


def train_privately(
    surrogate: "Surrogate",
    module: MarkNetwork | TimeNetwork,
    lesson: Lesson,
    guarantee: Guarantee,
    calendar: Calendar,
    checkpoint: Checkpoint | None,
    device: torch.device,
) -> None:
    """Train one network in place by noisy steps; it ends as the average of its weights.

    All random numbers of a step come from the model's seed and the step's number. So a step that is
    made again, after a training was cut off, is the same and spends nothing anew.

    Args:
        surrogate: whose network, options and seed it is.
    """
    options = surrogate.options
    privacy = options.privacy
    assert privacy is not None
    by_group = guarantee.unit in surrogate.units[1:]
    most = options.most_groups if lesson.name == "groups" else privacy.rows
    units = Units(lesson, by_group, most)
    known = None
    if isinstance(module, MarkNetwork):
        known = Remembered.of(lesson.level, module.marks, calendar)
        module.by_torch = True
    density = Density(module.eval())
    parameters = dict(density.named_parameters())
    average = moving_average(module, options.average)
    optimizer = torch.optim.Adam(module.parameters(), lr=privacy.learning_rate)

    def step(number: int) -> None:
        random = generator(surrogate.seed, surrogate.name, lesson.name, "units", number)
        drawn = units.draw(module, known, privacy.share, calendar, random, device)
        sums = {} if drawn is None else clipped_sum(density, drawn, privacy.clip)
        noise = surrogate.noise(device, lesson.name, "noise", number)
        deviation = guarantee.noise * units.changes * privacy.clip
        for name, gradient in noisy(sums, parameters, deviation, noise).items():
            parameters[name].grad = gradient
        optimizer.step()
        average.update_parameters(module)

    every = _STEPS_OF_EPOCH * options.checkpoint_epochs
    both = nn.ModuleList([module, average])
    with without_subnormals():
        train_steps(surrogate.name, both, optimizer, step, privacy.steps, every, checkpoint)
    module.load_state_dict(average.module.state_dict())
