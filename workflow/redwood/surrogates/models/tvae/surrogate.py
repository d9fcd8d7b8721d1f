"""TVAE, a variational autoencoder of table rows.

Xu et al., "Modeling Tabular Data using Conditional GAN", NeurIPS 2019 (arXiv 1907.00503), section
4.5, written from the paper; the defaults are those of the authors' `ctgan.TVAE`. REDWOOD adds a
validation loss with early stopping, checkpoints, and seeds that reach every random number.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy

from redwood.progress import ProgressReport
from redwood.seeds import derive_seed, generator
from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.layout import Layout, Rows
from redwood.surrogates.mixture import ModeNormaliser
from redwood.surrogates.models.tvae.networks import Autoencoder, Decoder
from redwood.surrogates.models.tvae.options import Options
from redwood.surrogates.neural import CHUNK, NeuralSurrogate
from redwood.surrogates.training_loop import Checkpoint, choose_device, mixed_precision


class Surrogate(NeuralSurrogate):
    """TVAE on the features of a table.

    A row is seen as the places of its P numbers within their components, then one-hot blocks: the
    component of each number and the category of each categorical column.
    """

    about = (
        "TVAE: a variational autoencoder of rows, numbers by mode-specific normalisation "
        "(arXiv 1907.00503), written from the paper."
    )
    privacy = (
        "The folder has no training rows, but the smallest and largest value of each numeric "
        "column and every category. No guarantee such as differential privacy is given."
    )
    options: Options
    network: Decoder

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        device = choose_device(self.options.device)
        self._encoding = TableEncoding.fit(train, self.description)
        self.refuse_constant(self._encoding.varies)
        seen = self.seen(validation, self._encoding.knows(validation))
        self._modes = self._fit_modes(self._encoding.numbers(train))
        train_rows = self._rows(train, "train", device)
        validation_rows = self._rows(seen, "validation", device)
        autoencoder = self._new_autoencoder().to(device)
        state = self.checkpoint_in(checkpoint, train, validation, device)
        with self.computing():
            summary = self._train(autoencoder, train_rows, validation_rows, state)
        self.network = autoencoder.decoder.cpu()
        return {
            **summary,
            "validation_rows_left_out_for_unseen_categories": len(validation) - len(seen),
            "rows_the_mixtures_are_fitted_on": min(len(train), self.options.mixture_rows),
            "parameters": sum(parameter.numel() for parameter in autoencoder.parameters()),
            "device": device.type,
        }

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        # Drawn on the CPU, so that a GPU gives the same rows up to rounding.
        source = torch.Generator().manual_seed(derive_seed(seed, self.name, "sample"))
        places, codes = [], []
        with self.sampling() as device, ProgressReport(self.name, n, "rows") as report:
            for begin in range(0, n, CHUNK):
                rows = min(CHUNK, n - begin)
                latent = torch.randn(rows, self.options.embedding, generator=source)
                with mixed_precision(device):
                    decoded, deviations = self.network(latent.to(device))
                means, blocks = self._layout.split(decoded.float().cpu())
                noise = torch.randn(means.shape, generator=source)
                deviations = deviations.cpu()[: self._layout.places]
                places.append((means.tanh() + noise * deviations).double().numpy())
                codes.append(self._draw_codes(blocks, source))
                report.advance(rows)
        return self._decode(np.concatenate(places), np.concatenate(codes))

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self._encoding.to_json(),
            "modes": [modes.to_json() for modes in self._modes],
        }

    def restore(self, content: Mapping[str, Any], folder: Path) -> Decoder:
        self._encoding = TableEncoding.from_json(content["table"], self.description)
        self._modes = [ModeNormaliser.from_json(modes) for modes in content["modes"]]
        return self._new_autoencoder().decoder

    @property
    def _layout(self) -> Layout:
        components = (modes.components for modes in self._modes)
        categories = (len(e.categories) for e in self._encoding.varying_categorical)
        return Layout(len(self._modes), (*components, *categories))

    def _fit_modes(self, numbers: np.ndarray) -> list[ModeNormaliser]:
        rng = generator(self.seed, self.name, "mixtures")
        modes = []
        with ProgressReport(f"{self.name}: mixtures", numbers.shape[1], "columns") as report:
            for column in numbers.T:
                modes.append(
                    ModeNormaliser.fit(
                        column, self.options.components, self.options.mixture_rows, rng
                    )
                )
                report.advance()
        return modes

    def _rows(self, frame: pd.DataFrame, purpose: str, device: torch.device) -> Rows:
        rng = generator(self.seed, self.name, "components", purpose)
        numbers = self._encoding.numbers(frame)
        encoded = [modes.encode(x, rng) for modes, x in zip(self._modes, numbers.T, strict=True)]
        places = [place for place, _ in encoded]
        codes = [*(component for _, component in encoded), *self._encoding.codes(frame).T]
        return Rows(
            torch.tensor(
                np.reshape(places, (len(places), len(frame))).T, dtype=torch.float32, device=device
            ),
            torch.tensor(np.column_stack(codes), device=device),
        )

    def _decode(self, places: np.ndarray, codes: np.ndarray) -> pd.DataFrame:
        numbers = np.empty(places.shape)
        for i, modes in enumerate(self._modes):
            numbers[:, i] = modes.decode(places[:, i], codes[:, i])
        return self._encoding.decode(numbers, codes[:, len(self._modes) :])

    def _draw_codes(self, blocks: tuple[torch.Tensor, ...], source: torch.Generator) -> np.ndarray:
        """Each block's code by its logits: (rows, blocks)."""
        codes = []
        for logits in blocks:
            if self.options.categories == "drawn":
                # The largest of logit + Gumbel noise is a draw from their softmax.
                uniform = torch.rand(logits.shape, generator=source, dtype=torch.float64)
                logits = logits - (-uniform.log()).log()
            codes.append(logits.argmax(dim=1).numpy())
        return np.column_stack(codes)

    def _new_autoencoder(self) -> Autoencoder:
        """The networks with their weights drawn by the model's seed."""
        with self.seeded("weights"):
            return Autoencoder(self._layout.width, self.options.hidden, self.options.embedding)

    def _train(
        self,
        autoencoder: Autoencoder,
        train: Rows,
        validation: Rows,
        checkpoint: Checkpoint | None,
    ) -> dict[str, Any]:
        options, layout = self.options, self._layout
        device = train.codes.device
        optimizer = torch.optim.Adam(
            autoencoder.parameters(),
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
            fused=True,
        )

        def loss_of(rows: Rows, source: torch.Generator) -> torch.Tensor:
            return _loss(autoencoder, layout, rows, options.loss_factor, source)

        def train_epoch(epoch: int) -> float:
            source = self.noise(device, "epoch", epoch)
            total = torch.zeros((), dtype=torch.float64, device=device)
            order = torch.randperm(len(train), generator=source, device=device)
            for batch in order.split(options.batch_size):
                loss = loss_of(train[batch], source)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                # As in the authors' code: a place is never certain, nor wider than its range.
                autoencoder.decoder.sigma.data.clamp_(0.01, 1.0)
                total += loss.detach() * len(batch)
            return total.item() / len(train)

        @torch.no_grad()
        def validate() -> float:
            source = self.noise(device, "validation")
            chunks = (validation[i : i + CHUNK] for i in range(0, len(validation), CHUNK))
            total = sum(loss_of(chunk, source).item() * len(chunk) for chunk in chunks)
            return total / len(validation)

        return self.train(autoencoder, optimizer, train_epoch, validate, checkpoint)


def _loss(
    autoencoder: Autoencoder,
    layout: Layout,
    rows: Rows,
    loss_factor: float,
    source: torch.Generator,
) -> torch.Tensor:
    """The negative evidence lower bound per row, its reconstruction weighted by `loss_factor`.

    Places are normal around the tanh of the decoder's output, blocks categorical (section 4.5); the
    prior of the latent vector is standard normal. The constant ln 2π / 2 of each place is left out.
    """
    device = rows.codes.device
    with mixed_precision(device):
        code = autoencoder.encoder(layout.expand(rows))
        mean, deviation, log_variance = (part.float() for part in code)
        noise = torch.randn(mean.shape, generator=source, device=device)
        decoded, sigma = autoencoder.decoder(mean + deviation * noise)
    places, blocks = layout.split(decoded.float())
    sigma = sigma[: layout.places]
    reconstruction = ((rows.places - places.tanh()) / sigma).square().sum() / 2
    reconstruction = reconstruction + len(rows) * sigma.log().sum()
    for logits, codes in zip(blocks, rows.codes.T, strict=True):
        reconstruction = reconstruction + cross_entropy(logits, codes, reduction="sum")
    divergence = (mean.square() + deviation.square() - 1 - log_variance).sum() / 2
    return (loss_factor * reconstruction + divergence) / len(rows)
