"""Rows as networks see them: numbers, then one-hot blocks.

Rows are kept as numbers and codes; blocks are expanded for a batch at a time, since with many
categories they would not fit in memory.
"""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Layout:
    """How a row is laid out for the networks: P places, then one-hot blocks.

    Attributes:
        places: P, the number of varying numeric columns.
        blocks: sizes of the blocks: the components of each of them, then the categories of each
            varying categorical column.
    """

    places: int
    blocks: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.places + sum(self.blocks)

    def expand(self, rows: "Rows") -> torch.Tensor:
        """Rows as the encoder takes them: (rows, width)."""
        starts = torch.tensor(np.cumsum((0, *self.blocks[:-1])), device=rows.codes.device)
        blocks = torch.zeros(len(rows.codes), sum(self.blocks), device=rows.codes.device)
        return torch.cat([rows.places, blocks.scatter_(1, rows.codes + starts, 1.0)], dim=1)

    def split(self, decoded: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """What the decoder gives: places before their tanh (rows, P), and each block's logits."""
        places, *blocks = decoded.split((self.places, *self.blocks), dim=1)
        return places, tuple(blocks)


@dataclass(frozen=True)
class Rows:
    """Rows in the form that is kept: places (rows, P) and each block's code (rows, blocks)."""

    places: torch.Tensor
    codes: torch.Tensor

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, chosen: "torch.Tensor | slice") -> "Rows":
        return Rows(self.places[chosen], self.codes[chosen])
