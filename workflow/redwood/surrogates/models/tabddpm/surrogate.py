"""TabDDPM, a diffusion model of table rows.

Kotelnikov et al., "TabDDPM: Modelling Tabular Data with Diffusion Models", ICML 2023
(arXiv 2209.15421), written from the paper: numbers are transformed to normal ones by their
quantiles and diffuse by Gaussian noise, categories by uniform noise; one network predicts both.
Unlike the authors' code, x̂_0 is kept within the training values at each sampling step, without
which numbers run away; the weights are averaged; and by default the network predicts a mix of
noise and number (`prediction`) and sampling takes fewer, more exact steps (`sampler`).
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

from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.progress import ProgressReport
from redwood.seeds import derive_seed
from redwood.surrogates import contract
from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.layout import Rows
from redwood.surrogates.models.tabddpm.denoiser import Denoiser
from redwood.surrogates.models.tabddpm.diffusion import NoiseSchedule, draw_times
from redwood.surrogates.models.tabddpm.options import Options
from redwood.surrogates.models.tabddpm.process import row_losses, rows_from_noise
from redwood.surrogates.models.tabddpm.quantiles import QuantileNormaliser
from redwood.surrogates.training_loop import (
    Checkpoint,
    Schedule,
    choose_device,
    explained_memory_errors,
    fingerprint,
    sensible_threads,
    train_epochs,
)

_WEIGHTS_FILE = "weights.safetensors"
_ENCODING_FILE = "encoding.json"

# Rows that are sampled or validated at once, and the logits that these may have.
_CHUNK = 4096
_CHUNK_LOGITS = 2**22


class Surrogate(contract.Surrogate):
    """TabDDPM on the features of a table: P numeric columns and some categorical ones."""

    about = (
        "TabDDPM: Gaussian diffusion of numbers and multinomial diffusion of categories "
        "(arXiv 2209.15421), written from the paper."
    )
    licence = "REDWOOD's own code; training and sampling run PyTorch, licensed under BSD-3-Clause."
    privacy = (
        "The folder has no training rows, but each numeric column's quantiles, its smallest and "
        "largest value among them, and every category. No guarantee such as differential privacy "
        "is given."
    )
    options: Options

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        device = choose_device(self.options.device)
        self._encoding = TableEncoding.fit(train, self.description)
        if not (self._encoding.varying_numeric or self._encoding.varying_categorical):
            raise InputError(
                f"tabddpm: every feature of table {self.description.name!r} is constant"
            )
        seen = (self._encoding.codes(validation) >= 0).all(axis=1)
        if not seen.any():
            raise InputError(
                "tabddpm: every validation row has a category that no training row has; "
                "expected at least one row without"
            )
        numbers = self._encoding.numbers(train)
        self._normalisers = [QuantileNormaliser.fit(x, self.options.quantiles) for x in numbers.T]
        train_rows = self._rows(train, device)
        validation_rows = self._rows(validation[seen], device)
        denoiser, average = self._new_denoiser(), self._new_denoiser()
        networks = torch.nn.ModuleDict({"denoiser": denoiser, "average": average}).to(device)
        state = None
        if checkpoint is not None:
            state = Checkpoint(checkpoint, self._fingerprint(train, validation, device))
        with sensible_threads(), explained_memory_errors(self.name):
            self.losses = self._train(networks, train_rows, validation_rows, state)
        self._denoiser = average.cpu()
        best = int(self.losses["validation"].idxmin())
        return {
            "epochs": len(self.losses),
            "best_epoch": best + 1,
            "validation_loss": float(f"{self.losses['validation'][best]:.6g}"),
            "validation_rows_left_out_for_unseen_categories": int((~seen).sum()),
            "parameters": sum(parameter.numel() for parameter in denoiser.parameters()),
            "device": device.type,
        }

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        options, device = self.options, choose_device(self.options.device)
        denoiser = self._denoiser.to(device)
        schedule = NoiseSchedule.cosine(options.steps)
        bounds = [normaliser.bounds() for normaliser in self._normalisers]
        source = torch.Generator().manual_seed(derive_seed(seed, "tabddpm", "sample"))
        numbers, codes = [], []
        with (
            sensible_threads(),
            explained_memory_errors(self.name),
            torch.inference_mode(),
            ProgressReport("tabddpm", n, "rows") as report,
        ):
            for begin in range(0, n, self._chunk):
                chunk = rows_from_noise(
                    denoiser,
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
        self._denoiser.cpu()
        decoded = np.concatenate(numbers)
        for i, normaliser in enumerate(self._normalisers):
            decoded[:, i] = normaliser.decode(decoded[:, i])
        return self._encoding.decode(decoded, np.concatenate(codes))

    def save(self, folder: Path) -> None:
        # save_file would deny reading to all but the owner.
        (folder / _WEIGHTS_FILE).write_bytes(save(self._denoiser.state_dict()))
        content = {
            "table": self._encoding.to_json(),
            "quantiles": [normaliser.to_json() for normaliser in self._normalisers],
        }
        write_json(folder / _ENCODING_FILE, content)

    def load(self, folder: Path) -> None:
        try:
            content = json.loads((folder / _ENCODING_FILE).read_text(encoding="utf-8"))
            self._encoding = TableEncoding.from_json(content["table"], self.description)
            self._normalisers = [QuantileNormaliser.from_json(q) for q in content["quantiles"]]
            self._denoiser = self._new_denoiser()
            self._denoiser.load_state_dict(load_file(folder / _WEIGHTS_FILE))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            RuntimeError,
            SafetensorError,
        ) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{folder}: not a complete tabddpm model: {reason}") from None

    @property
    def _categories(self) -> tuple[int, ...]:
        return tuple(len(e.categories) for e in self._encoding.varying_categorical)

    @property
    def _chunk(self) -> int:
        return max(1, min(_CHUNK, _CHUNK_LOGITS // max(1, sum(self._categories))))

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
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive_seed(self.seed, "tabddpm", "weights"))
            return Denoiser(
                len(self._normalisers), self._categories, options.embedding, options.hidden
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
        networks: torch.nn.ModuleDict,
        train: Rows,
        validation: Rows,
        checkpoint: Checkpoint | None,
    ) -> pd.DataFrame:
        options, device = self.options, train.codes.device
        kept = NoiseSchedule.cosine(options.steps).kept.to(device)
        denoiser, average = networks["denoiser"], networks["average"]
        optimizer = torch.optim.AdamW(
            denoiser.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        steps_per_epoch = -(-len(train) // options.batch_size)

        def noise(*purpose: str | int) -> torch.Generator:
            return torch.Generator(device).manual_seed(derive_seed(self.seed, "tabddpm", *purpose))

        def train_epoch(epoch: int) -> float:
            source = noise("epoch", epoch)
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
            source = noise("validation")
            times = draw_times(len(validation), options.steps, source)
            total = 0.0
            for begin in range(0, len(validation), self._chunk):
                chunk = slice(begin, begin + self._chunk)
                losses = row_losses(
                    average, options.prediction, kept, validation[chunk], times[chunk], source
                )
                total += losses.sum().item()
            return total / len(validation)

        schedule = Schedule(options.epochs, options.patience, options.checkpoint_epochs)
        return train_epochs(
            self.name, networks, optimizer, train_epoch, validate, schedule, checkpoint
        )
