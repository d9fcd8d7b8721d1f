"""The two networks of TVAE (arXiv 1907.00503, section 4.5)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# What the paper calls δ: the standard deviation of each output, learned, begins here.
_FIRST_DEVIATION = 0.1


def _hidden_layers(width: int, hidden: Sequence[int]) -> list[nn.Module]:
    """Fully connected layers with ReLU, from `width` inputs to `hidden[-1]` outputs."""
    layers: list[nn.Module] = []
    for before, after in zip((width, *hidden), hidden, strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return layers


class Encoder(nn.Module):
    """From encoded rows to the normal law q(z | row) of their latent vectors.

    Args:
        width: numbers of an encoded row.
        hidden: widths of the layers.
        embedding: dimensions of the latent space.
    """

    def __init__(self, width: int, hidden: Sequence[int], embedding: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_hidden_layers(width, hidden))
        self.mean = nn.Linear(hidden[-1], embedding)
        self.log_variance = nn.Linear(hidden[-1], embedding)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, standard deviation and log variance of z, (rows, embedding) each."""
        hidden = self.layers(rows)
        log_variance = self.log_variance(hidden)
        return self.mean(hidden), (log_variance / 2).exp(), log_variance


class Decoder(nn.Module):
    """From latent vectors to the law of encoded rows.

    Its parameters are called as in the model folders of earlier versions.

    Args:
        embedding: dimensions of the latent space.
        hidden: widths of the layers.
        width: numbers of an encoded row.
    """

    def __init__(self, embedding: int, hidden: Sequence[int], width: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(*_hidden_layers(embedding, hidden), nn.Linear(hidden[-1], width))
        self.sigma = nn.Parameter(torch.full((width,), _FIRST_DEVIATION))

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """The rows before tanh and softmax, (rows, width), and their deviations, (width,)."""
        return self.seq(latent), self.sigma


class Autoencoder(nn.Module):
    """An encoder and the decoder that mirrors it.

    Args:
        width: numbers of an encoded row.
        hidden: widths of the encoder's layers.
        embedding: dimensions of the latent space.
    """

    def __init__(self, width: int, hidden: Sequence[int], embedding: int) -> None:
        super().__init__()
        self.encoder = Encoder(width, hidden, embedding)
        self.decoder = Decoder(embedding, hidden[::-1], width)
