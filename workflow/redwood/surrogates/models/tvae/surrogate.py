"""TVAE, a variational autoencoder of table rows.

Xu et al., "Modeling Tabular Data using Conditional GAN", NeurIPS 2019 (arXiv 1907.00503), section
4.5, written from the paper; the defaults are those of the authors' `ctgan.TVAE`. REDWOOD adds a
validation loss with early stopping, checkpoints, and seeds that reach every random number.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch.nn.functional import cross_entropy

from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.progress import ProgressReport
from redwood.seeds import derive_seed, generator
from redwood.surrogates import contract
from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.layout import Layout, Rows
from redwood.surrogates.mixture import ModeNormaliser
from redwood.surrogates.models.tvae.networks import Decoder, Encoder
from redwood.surrogates.models.tvae.options import Options
from redwood.surrogates.training_loop import (
    Checkpoint,
    Schedule,
    choose_device,
    explained_memory_errors,
    fingerprint,
    mixed_precision,
    sensible_threads,
    train_epochs,
)

_WEIGHTS_FILE = "weights.safetensors"
_ENCODING_FILE = "encoding.json"

# Rows that are decoded or validated at once.
_CHUNK = 4096


class Surrogate(contract.Surrogate):
    """TVAE on the features of a table.

    A row is seen as the places of its P numbers within their components, then one-hot blocks: the
    component of each number and the category of each categorical column.
    """

    about = (
        "TVAE: a variational autoencoder of rows, numbers by mode-specific normalisation "
        "(arXiv 1907.00503), written from the paper."
    )
    licence = "REDWOOD's own code (Apache-2.0); it runs PyTorch (BSD-3-Clause)."
    privacy = (
        "The folder has no training rows, but the smallest and largest value of each numeric "
        "column and every category. No guarantee such as differential privacy is given."
    )
    options: Options

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        device = choose_device(self.options.device)
        self._encoding = TableEncoding.fit(train, self.description)
        if not (self._encoding.varying_numeric or self._encoding.varying_categorical):
            raise InputError(f"tvae: every feature of table {self.description.name!r} is constant")
        seen = (self._encoding.codes(validation) >= 0).all(axis=1)
        if not seen.any():
            raise InputError(
                "tvae: every validation row has a category that no training row has; "
                "expected at least one row without"
            )
        self._modes = self._fit_modes(self._encoding.numbers(train))
        train_rows = self._rows(train, "train", device)
        validation_rows = self._rows(validation[seen], "validation", device)
        autoencoder = self._new_autoencoder().to(device)
        state = None
        if checkpoint is not None:
            state = Checkpoint(checkpoint, self._fingerprint(train, validation, device))
        with sensible_threads(), explained_memory_errors(self.name):
            self.losses = self._train(autoencoder, train_rows, validation_rows, state)
        self._decoder = autoencoder["decoder"].cpu()
        best = int(self.losses["validation"].idxmin())
        return {
            "epochs": len(self.losses),
            "best_epoch": best + 1,
            "validation_loss": float(f"{self.losses['validation'][best]:.6g}"),
            "validation_rows_left_out_for_unseen_categories": int((~seen).sum()),
            "rows_the_mixtures_are_fitted_on": min(len(train), self.options.mixture_rows),
            "parameters": sum(parameter.numel() for parameter in autoencoder.parameters()),
            "device": device.type,
        }

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        device = choose_device(self.options.device)
        decoder = self._decoder.to(device)
        # Drawn on the CPU, so that a GPU gives the same rows up to rounding.
        source = torch.Generator().manual_seed(derive_seed(seed, "tvae", "sample"))
        places, codes = [], []
        with (
            sensible_threads(),
            torch.inference_mode(),
            ProgressReport("tvae", n, "rows") as report,
        ):
            for begin in range(0, n, _CHUNK):
                rows = min(_CHUNK, n - begin)
                latent = torch.randn(rows, self.options.embedding, generator=source)
                with mixed_precision(device):
                    decoded, deviations = decoder(latent.to(device))
                means, blocks = self._layout.split(decoded.float().cpu())
                noise = torch.randn(means.shape, generator=source)
                deviations = deviations.cpu()[: self._layout.places]
                places.append((means.tanh() + noise * deviations).double().numpy())
                codes.append(self._draw_codes(blocks, source))
                report.advance(rows)
        self._decoder.cpu()
        return self._decode(np.concatenate(places), np.concatenate(codes))

    def save(self, folder: Path) -> None:
        # save_file would deny reading to all but the owner.
        (folder / _WEIGHTS_FILE).write_bytes(save(self._decoder.state_dict()))
        content = {
            "table": self._encoding.to_json(),
            "modes": [modes.to_json() for modes in self._modes],
        }
        write_json(folder / _ENCODING_FILE, content)

    def load(self, folder: Path) -> None:
        try:
            content = json.loads((folder / _ENCODING_FILE).read_text(encoding="utf-8"))
            self._encoding = TableEncoding.from_json(content["table"], self.description)
            self._modes = [ModeNormaliser.from_json(modes) for modes in content["modes"]]
            self._decoder = self._new_autoencoder()["decoder"]
            self._decoder.load_state_dict(load_file(folder / _WEIGHTS_FILE))
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{folder}: not a complete tvae model: {reason}") from None

    @property
    def _layout(self) -> Layout:
        components = (modes.components for modes in self._modes)
        categories = (len(e.categories) for e in self._encoding.varying_categorical)
        return Layout(len(self._modes), (*components, *categories))

    def _fit_modes(self, numbers: np.ndarray) -> list[ModeNormaliser]:
        rng = generator(self.seed, "tvae", "mixtures")
        modes = []
        with ProgressReport("tvae: mixtures", numbers.shape[1], "columns") as report:
            for column in numbers.T:
                modes.append(
                    ModeNormaliser.fit(
                        column, self.options.components, self.options.mixture_rows, rng
                    )
                )
                report.advance()
        return modes

    def _rows(self, frame: pd.DataFrame, purpose: str, device: torch.device) -> Rows:
        rng = generator(self.seed, "tvae", "components", purpose)
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

    def _new_autoencoder(self) -> torch.nn.ModuleDict:
        """The encoder and the decoder with their weights drawn by the model's seed."""
        hidden, embedding, width = self.options.hidden, self.options.embedding, self._layout.width
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive_seed(self.seed, "tvae", "weights"))
            return torch.nn.ModuleDict(
                {
                    "encoder": Encoder(width, hidden, embedding),
                    "decoder": Decoder(embedding, hidden[::-1], width),
                }
            )

    def _fingerprint(
        self, train: pd.DataFrame, validation: pd.DataFrame, device: torch.device
    ) -> str:
        return fingerprint(
            train,
            validation,
            options=self.options.model_dump(mode="json"),
            columns=[
                (column.name, column.kind, column.scale) for column in self.description.columns
            ],
            seed=self.seed,
            device=device.type,
            versions=[torch.__version__],
        )

    def _train(
        self,
        autoencoder: torch.nn.ModuleDict,
        train: Rows,
        validation: Rows,
        checkpoint: Checkpoint | None,
    ) -> pd.DataFrame:
        options, layout = self.options, self._layout
        device = train.codes.device
        optimizer = torch.optim.Adam(
            autoencoder.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )

        def noise(*purpose: str | int) -> torch.Generator:
            return torch.Generator(device).manual_seed(derive_seed(self.seed, "tvae", *purpose))

        def loss_of(rows: Rows, source: torch.Generator) -> torch.Tensor:
            return _loss(autoencoder, layout, rows, options.loss_factor, source)

        def train_epoch(epoch: int) -> float:
            source = noise("epoch", epoch)
            total = torch.zeros((), dtype=torch.float64, device=device)
            order = torch.randperm(len(train), generator=source, device=device)
            for batch in order.split(options.batch_size):
                loss = loss_of(train[batch], source)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                # As in the authors' code: a place is never certain, nor wider than its range.
                autoencoder["decoder"].sigma.data.clamp_(0.01, 1.0)
                total += loss.detach() * len(batch)
            return total.item() / len(train)

        @torch.no_grad()
        def validate() -> float:
            source = noise("validation")
            chunks = (validation[i : i + _CHUNK] for i in range(0, len(validation), _CHUNK))
            total = sum(loss_of(chunk, source).item() * len(chunk) for chunk in chunks)
            return total / len(validation)

        schedule = Schedule(options.epochs, options.patience, options.checkpoint_epochs)
        return train_epochs(
            self.name, autoencoder, optimizer, train_epoch, validate, schedule, checkpoint
        )


def _loss(
    autoencoder: torch.nn.ModuleDict,
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
        code = autoencoder["encoder"](layout.expand(rows))
        mean, deviation, log_variance = (part.float() for part in code)
        noise = torch.randn(mean.shape, generator=source, device=device)
        decoded, sigma = autoencoder["decoder"](mean + deviation * noise)
    places, blocks = layout.split(decoded.float())
    sigma = sigma[: layout.places]
    reconstruction = ((rows.places - places.tanh()) / sigma).square().sum() / 2
    reconstruction = reconstruction + len(rows) * sigma.log().sum()
    for logits, codes in zip(blocks, rows.codes.T, strict=True):
        reconstruction = reconstruction + cross_entropy(logits, codes, reduction="sum")
    divergence = (mean.square() + deviation.square() - 1 - log_variance).sum() / 2
    return (loss_factor * reconstruction + divergence) / len(rows)
