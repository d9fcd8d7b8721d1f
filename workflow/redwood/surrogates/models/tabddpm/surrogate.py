"""TabDDPM, a diffusion model of table rows.

Kotelnikov et al., "TabDDPM: Modelling Tabular Data with Diffusion Models", ICML 2023
(arXiv 2209.15421), written from the paper: numbers are transformed to normal ones by their
quantiles and diffuse by Gaussian noise, categories by uniform noise; one network predicts both.
Unlike the authors' code, x̂_0 is kept within the training values at each sampling step, without
which numbers run away; the weights are averaged; and by default the network predicts a mix of
noise and number (`prediction`) and sampling takes fewer, more exact steps (`sampler`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from redwood.progress import ProgressReport
from redwood.seeds import derive_seed
from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.layout import Rows
from redwood.surrogates.models.tabddpm.denoiser import Denoiser
from redwood.surrogates.models.tabddpm.diffusion import NoiseSchedule, draw_times
from redwood.surrogates.models.tabddpm.options import Options
from redwood.surrogates.models.tabddpm.process import row_losses, rows_from_noise
from redwood.surrogates.models.tabddpm.quantiles import QuantileNormaliser
from redwood.surrogates.neural import CHUNK, NeuralSurrogate
from redwood.surrogates.training_loop import Checkpoint, choose_device

# Logits that the rows of a chunk may have.
_CHUNK_LOGITS = 2**22


class Surrogate(NeuralSurrogate):
    """TabDDPM on the features of a table: P numeric columns and some categorical ones."""

    about = (
        "TabDDPM: Gaussian diffusion of numbers and multinomial diffusion of categories "
        "(arXiv 2209.15421), written from the paper."
    )
    privacy = (
        "The folder has no training rows, but each numeric column's quantiles, its smallest and "
        "largest value among them, and every category. No guarantee such as differential privacy "
        "is given."
    )
    options: Options
    network: Denoiser

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        device = choose_device(self.options.device)
        self._encoding = TableEncoding.fit(train, self.description)
        self.refuse_constant(self._encoding.varies)
        seen = self.seen(validation, self._encoding.knows(validation))
        numbers = self._encoding.numbers(train)
        self._normalisers = [QuantileNormaliser.fit(x, self.options.quantiles) for x in numbers.T]
        train_rows = self._rows(train, device)
        validation_rows = self._rows(seen, device)
        denoiser, average = self._new_denoiser(), self._new_denoiser()
        denoiser.to(device)
        average.to(device)
        state = self.checkpoint_in(checkpoint, train, validation, device)
        with self.computing():
            summary = self._train(denoiser, average, train_rows, validation_rows, state)
        self.network = average.cpu()
        return {
            **summary,
            "validation_rows_left_out_for_unseen_categories": len(validation) - len(seen),
            "parameters": sum(parameter.numel() for parameter in denoiser.parameters()),
            "device": device.type,
        }

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        options = self.options
        schedule = NoiseSchedule.cosine(options.steps)
        bounds = [normaliser.bounds() for normaliser in self._normalisers]
        source = torch.Generator().manual_seed(derive_seed(seed, self.name, "sample"))
        numbers, codes = [], []
        with self.sampling() as device, ProgressReport(self.name, n, "rows") as report:
            for begin in range(0, n, self._chunk):
                chunk = rows_from_noise(
                    self.network,
                    options.prediction,
                    schedule,
                    bounds,
                    min(self._chunk, n - begin),
                    options.sampling_steps,
                    options.sampler,
                    source,
                    device,
                )
                numbers.append(chunk.places.double().cpu().numpy())
                codes.append(chunk.codes.cpu().numpy())
                report.advance(len(chunk))
        decoded = np.concatenate(numbers)
        for i, normaliser in enumerate(self._normalisers):
            decoded[:, i] = normaliser.decode(decoded[:, i])
        return self._encoding.decode(decoded, np.concatenate(codes))

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self._encoding.to_json(),
            "quantiles": [normaliser.to_json() for normaliser in self._normalisers],
        }

    def restore(self, content: Mapping[str, Any], folder: Path) -> Denoiser:
        self._encoding = TableEncoding.from_json(content["table"], self.description)
        self._normalisers = [QuantileNormaliser.from_json(q) for q in content["quantiles"]]
        return self._new_denoiser()

    @property
    def _categories(self) -> tuple[int, ...]:
        return tuple(len(e.categories) for e in self._encoding.varying_categorical)

    @property
    def _chunk(self) -> int:
        return max(1, min(CHUNK, _CHUNK_LOGITS // max(1, sum(self._categories))))

    def _rows(self, frame: pd.DataFrame, device: torch.device) -> Rows:
        numbers = self._encoding.numbers(frame)
        for i, normaliser in enumerate(self._normalisers):
            numbers[:, i] = normaliser.encode(numbers[:, i])
        return Rows(
            torch.tensor(numbers, dtype=torch.float32, device=device),
            torch.tensor(self._encoding.codes(frame), device=device),
        )

    def _new_denoiser(self) -> Denoiser:
        """The network with its weights drawn by the model's seed."""
        options = self.options
        with self.seeded("weights"):
            return Denoiser(
                len(self._normalisers), self._categories, options.embedding, options.hidden
            )

    def _train(
        self,
        denoiser: Denoiser,
        average: Denoiser,
        train: Rows,
        validation: Rows,
        checkpoint: Checkpoint | None,
    ) -> dict[str, Any]:
        options, device = self.options, train.codes.device
        kept = NoiseSchedule.cosine(options.steps).kept.to(device)
        optimizer = torch.optim.AdamW(
            denoiser.parameters(),
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
            fused=True,
        )
        steps_per_epoch = -(-len(train) // options.batch_size)

        def train_epoch(epoch: int) -> float:
            source = self.noise(device, "epoch", epoch)
            total = torch.zeros((), dtype=torch.float64, device=device)
            order = torch.randperm(len(train), generator=source, device=device)
            step = epoch * steps_per_epoch
            for batch in order.split(options.batch_size):
                left = 1 - step / (options.epochs * steps_per_epoch)
                optimizer.param_groups[0]["lr"] = options.learning_rate * left
                step += 1
                times = draw_times(len(batch), options.steps, source)
                loss = row_losses(
                    denoiser, options.prediction, kept, train[batch], times, source
                ).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                # Early on, an average over long would still be of the first weights.
                decay = min(options.average_decay, step / (step + 10))
                with torch.no_grad():
                    for mean, weight in zip(
                        average.parameters(), denoiser.parameters(), strict=True
                    ):
                        mean.lerp_(weight, 1 - decay)
                total += loss.detach() * len(batch)
            return total.item() / len(train)

        @torch.no_grad()
        def validate() -> float:
            source = self.noise(device, "validation")
            times = draw_times(len(validation), options.steps, source)
            total = 0.0
            for begin in range(0, len(validation), self._chunk):
                chunk = slice(begin, begin + self._chunk)
                losses = row_losses(
                    average, options.prediction, kept, validation[chunk], times[chunk], source
                )
                total += losses.sum().item()
            return total / len(validation)

        networks = torch.nn.ModuleDict({"denoiser": denoiser, "average": average})
        return self.train(networks, optimizer, train_epoch, validate, checkpoint)
