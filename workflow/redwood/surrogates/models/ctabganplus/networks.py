"""The networks of CTAB-GAN+: rows wrapped into square images, convolutions as in DCGAN.

CTAB-GAN+ (arXiv 2204.00401) wraps row and condition into one square image, filled up with zeros.
Here the condition is a second channel of the critic's image, which has half the pixels then. The
critic has layer norm, as its gradient penalty is one for each row. So has the generator, in place
of DCGAN's batch norm: a generated row depends on no other row of its batch, which averaged weights
and differential privacy ask for.
"""

import math

import torch
from torch import nn
from torch.nn import functional

# Slope of the critic's leaky rectifier, as in DCGAN.
_LEAK = 0.2

# Temperature of the Gumbel-softmax, as in CTGAN.
_TEMPERATURE = 0.2


def image_side(width: int) -> tuple[int, int]:
    """Side of the smallest image of `width` pixels that halves to 3 or 4, and how many times."""
    side, halvings = min(
        (base * 2**halvings, halvings)
        for base in (3, 4)
        for halvings in range(1, 12)
        if (base * 2**halvings) ** 2 >= width
    )
    return side, halvings


class Generator(nn.Module):
    """Noise and condition → a row before its activations.

    Args:
        noise: dimensions of the noise.
        condition: width of the condition.
        width: width of a row.
        channels: of the last image but one; twice as many at each half of the side.
    """

    def __init__(self, noise: int, condition: int, width: int, channels: int) -> None:
        super().__init__()
        self.width = width
        side, halvings = image_side(width)
        deep = channels * 2 ** (halvings - 1)
        self.base = side >> halvings
        self.first = nn.Linear(noise + condition, deep * self.base**2)
        layers: list[nn.Module] = [_layer_norm(deep), nn.ReLU()]
        for _ in range(halvings - 1):
            layers += [
                nn.ConvTranspose2d(deep, deep // 2, 4, 2, 1, bias=False),
                _layer_norm(deep // 2),
                nn.ReLU(),
            ]
            deep //= 2
        self.images = nn.Sequential(*layers, nn.ConvTranspose2d(deep, 1, 4, 2, 1))

    def forward(self, noise: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(rows, noise) and (rows, condition) → (rows, width)."""
        deep = self.first(torch.cat([noise, condition], dim=1))
        image = self.images(deep.view(len(deep), -1, self.base, self.base))
        return image.flatten(1)[:, : self.width]


class Critic(nn.Module):
    """Row and condition → a score, higher for real rows, and the features before it."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.side, halvings = image_side(width)
        layers: list[nn.Module] = []
        before = 2
        for halving in range(halvings):
            after = channels * 2**halving
            layers += [
                nn.Conv2d(before, after, 4, 2, 1),
                _layer_norm(after),
                nn.LeakyReLU(_LEAK),
            ]
            before = after
        self.images = nn.Sequential(*layers, nn.Flatten())
        self.last = nn.Linear(before * (self.side >> halvings) ** 2, 1)

    def features(self, row: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(rows, width) and (rows, condition) → (rows, features)."""
        planes = [functional.pad(x, (0, self.side**2 - x.shape[1])) for x in (row, condition)]
        return self.images(torch.stack(planes, dim=1).unflatten(2, (self.side, self.side)))

    def forward(self, row: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Scores, (rows,)."""
        return self.last(self.features(row, condition)).squeeze(1)


class Predictor(nn.Module):
    """The auxiliary classifier or regressor: the row without the target → the target."""

    def __init__(self, width: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, hidden),
            nn.LeakyReLU(_LEAK),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(_LEAK),
            nn.Linear(hidden, outputs),
        )

    def forward(self, row: torch.Tensor) -> torch.Tensor:
        return self.layers(row)


def gumbel(shape: torch.Size, source: torch.Generator) -> torch.Tensor:
    """Standard Gumbel noise."""
    uniform = torch.rand(shape, generator=source, device=source.device, dtype=torch.float64)
    tiny = math.ulp(0.0)
    return uniform.add_(tiny).log_().neg_().log_().neg_().float()


def activate(
    logits: torch.Tensor, places: int, blocks: tuple[int, ...], source: torch.Generator
) -> torch.Tensor:
    """A generator's output → a soft row: tanh of places, Gumbel-softmax of blocks."""
    parts = [logits[:, :places].tanh()]
    if blocks:
        choice = logits[:, places:]
        choice = (choice + gumbel(choice.shape, source)) / _TEMPERATURE
        parts += [block.softmax(dim=1) for block in choice.split(blocks, dim=1)]
    return torch.cat(parts, dim=1)


def _layer_norm(channels: int) -> nn.Module:
    """Over a row's whole image, with a scale for each channel: group norm of one group."""
    return nn.GroupNorm(1, channels)
