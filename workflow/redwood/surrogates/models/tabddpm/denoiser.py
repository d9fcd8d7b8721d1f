"""The network of tabddpm: from a noisy row and its time to the noise and the clean categories."""

import math

import torch
from torch import Tensor, nn

from redwood.surrogates.layout import Rows

# Frequencies of the sinusoidal embedding are spread over this range (Vaswani et al.).
_LONGEST_PERIOD = 10_000

# Times 0 … 1 are embedded as the steps of the published models with T = 1000.
_TIME_SCALE = 1000


class Denoiser(nn.Module):
    """The multilayer perceptron of TabDDPM (arXiv 2209.15421, section 3, "Reverse process").

    The row and its time are mapped to vectors of the same size, whose sum goes through the layers.
    Categories are looked up, which equals a linear map of their one-hot blocks and costs less.

    Args:
        numbers: P, the number of numeric columns.
        categories: number of categories of each categorical column.
        embedding: size of the vectors, an even number.
        hidden: widths of the layers.
    """

    starts: Tensor

    def __init__(
        self, numbers: int, categories: tuple[int, ...], embedding: int, hidden: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.numbers, self.categories = numbers, categories
        self.embedding = embedding
        self.of_numbers = nn.Linear(numbers, embedding) if numbers else None
        self.of_codes = nn.Embedding(sum(categories), embedding) if categories else None
        self.of_time = nn.Sequential(
            nn.Linear(embedding, embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )
        layers: list[nn.Module] = []
        for width, wider in zip((embedding, *hidden[:-1]), hidden, strict=True):
            layers += [nn.Linear(width, wider), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(hidden[-1], numbers + sum(categories)))
        starts = [sum(categories[:i]) for i in range(len(categories))]
        self.register_buffer("starts", torch.tensor(starts, dtype=torch.int64), persistent=False)

    def forward(self, rows: Rows, times: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The predicted noise, (rows, P), and each column's logits of x̂_0, (rows, K).

        Args:
            rows: noisy rows.
            times: t / T, (rows,).
        """
        vectors = self.of_time(self._sinusoids(times))
        if self.of_numbers is not None:
            vectors = vectors + self.of_numbers(rows.places)
        if self.of_codes is not None:
            vectors = vectors + self.of_codes(rows.codes + self.starts).sum(dim=1)
        noise, *logits = self.layers(vectors).split((self.numbers, *self.categories), dim=1)
        return noise, tuple(logits)

    def _sinusoids(self, times: Tensor) -> Tensor:
        half = self.embedding // 2
        places = torch.arange(half, device=times.device, dtype=torch.float32) / half
        angles = _TIME_SCALE * times[:, None] * (-math.log(_LONGEST_PERIOD) * places).exp()
        return torch.cat([angles.cos(), angles.sin()], dim=1)
