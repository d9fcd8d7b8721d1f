"""CTAB-GAN+, a conditional generative adversarial network of table rows.

Zhao, Kunar, Birke, Chen, "CTAB-GAN+: Enhancing Tabular Data Synthesis", 2022 (arXiv 2204.00401),
and CTAB-GAN (arXiv 2102.08369), written from the papers. REDWOOD's are the validation loss, without
which a GAN does not know when to stop, the averaged generator that rows are drawn from (Yazıcı et
al., "The Unusual Effectiveness of Averaging in GAN Training", arXiv 1806.04498), and defaults that
get somewhere in a few minutes of one core: one step of the critic for each of the generator, and
smaller weights of the gradient penalty, the information and the downstream loss.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from redwood.seeds import derive_seed, generator
from redwood.surrogates import contract
from redwood.surrogates.models.ctabganplus.conditions import Conditions
from redwood.surrogates.models.ctabganplus.fidelity import Fidelity
from redwood.surrogates.models.ctabganplus.networks import Generator, gumbel
from redwood.surrogates.models.ctabganplus.options import Options
from redwood.surrogates.models.ctabganplus.privacy import epsilon_spent, noise_needed
from redwood.surrogates.models.ctabganplus.rows import RowEncoder
from redwood.surrogates.models.ctabganplus.training import Training, critic_steps_per_epoch
from redwood.surrogates.training_loop import (
    Checkpoint,
    Schedule,
    choose_device,
    explained_memory_errors,
    fingerprint,
    train_epochs,
)

_WEIGHTS_FILE = "weights.safetensors"
_ENCODING_FILE = "encoding.json"

# Rows that are generated at once.
_CHUNK = 4096

# Rows that are generated for each validation.
_VALIDATION_ROWS = 4096

# With conditions, give up after so many generated rows for each one asked for.
_MOST_DRAWS = 100


class Surrogate(contract.Surrogate):
    """CTAB-GAN+ on the features of a table."""

    about = (
        "CTAB-GAN+: a conditional Wasserstein GAN of rows as images, with mixed-type columns, "
        "information and downstream losses (arXiv 2204.00401), written from the paper."
    )
    licence = "REDWOOD's own, as the rest of its code."
    privacy = (
        "The folder has no training rows, but the smallest and largest value of each numeric "
        "column, its frequent values, and every category with the number of its rows. No guarantee "
        "such as differential privacy is given."
    )
    options: Options

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        options = self.options
        device = choose_device(options.device)
        self._encoder = RowEncoder.fit(
            train,
            self.description,
            options.point_share,
            options.components,
            options.mixture_rows,
            options.most_categories,
            generator(self.seed, self.name, "mixtures"),
        )
        layout = self._encoder.layout
        if not layout.width:
            raise InputError(
                f"{self.name}: every feature of table {self.description.name!r} is constant"
            )
        places, codes = self._encoder.encode(train, generator(self.seed, self.name, "rows"))
        self._conditions = Conditions.fit(codes, layout.blocks)
        target = None
        if options.epsilon is None and options.downstream_weight:
            target = self._target()
        noise = self._noise(len(train))
        fidelity = Fidelity(self._encoder.table, validation)
        state = None
        if checkpoint is not None:
            state = Checkpoint(checkpoint, self._fingerprint(train, validation, device))
        with _reproducible(), explained_memory_errors(self.name):
            with self._seeded("weights"):
                training = Training(
                    options, self._encoder, self._conditions, places, codes, target, noise, device
                )

            def train_epoch(epoch: int) -> float:
                source = torch.Generator(device)
                source.manual_seed(derive_seed(self.seed, self.name, "epoch", epoch))
                return training.train_epoch(
                    epoch, source, generator(self.seed, self.name, "conditions", epoch)
                )

            def validate() -> float:
                self._generator = training.networks["average"]
                rows = self._generate(_VALIDATION_ROWS, derive_seed(self.seed, "validation"), {})
                return fidelity.distance(rows)

            self.losses = train_epochs(
                self.name,
                training.networks,
                training.optimizer,
                train_epoch,
                validate,
                Schedule(options.epochs, options.patience, options.checkpoint_epochs),
                state,
            )
        self._generator = training.networks["average"].cpu()
        return self._summary(training, target, noise, device)

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        device = choose_device(self.options.device)
        categories = self._checked_condition(given or {})
        self._generator = self._generator.to(device)
        kept: list[pd.DataFrame] = []
        have = tried = 0
        with _reproducible(), ProgressReport(self.name, n, "rows") as report:
            for chunk in range(_MOST_DRAWS * (1 + n // _CHUNK)):
                rows = min(_CHUNK, n - have) if not categories else _CHUNK
                drawn = self._generate(
                    rows, derive_seed(seed, self.name, "sample", chunk), categories
                )
                tried += rows
                for column, value in (given or {}).items():
                    drawn = drawn[drawn[column] == value]
                drawn = drawn[: n - have]
                kept.append(drawn)
                have += len(drawn)
                report.advance(len(drawn))
                if have == n:
                    break
        self._generator.cpu()
        if have < n:
            asked = " and ".join(f"{column}={value}" for column, value in (given or {}).items())
            raise InputError(
                f"{self.name}: cannot sample given {asked}: "
                f"only {have} of {tried} generated rows meet it, expected {n}"
            )
        return pd.concat(kept, ignore_index=True)

    def save(self, folder: Path) -> None:
        # save_file would deny reading to all but the owner.
        (folder / _WEIGHTS_FILE).write_bytes(save(self._generator.state_dict()))
        content = {"rows": self._encoder.to_json(), "counts": self._conditions.counts}
        write_json(folder / _ENCODING_FILE, content)

    def load(self, folder: Path) -> None:
        try:
            content = json.loads((folder / _ENCODING_FILE).read_text(encoding="utf-8"))
            self._encoder = RowEncoder.from_json(content["rows"], self.description)
            layout = self._encoder.layout
            self._conditions = Conditions(layout.blocks, tuple(content["counts"]))
            with self._seeded("weights"):
                self._generator = Generator(
                    self.options.noise,
                    sum(layout.blocks),
                    layout.width,
                    self.options.channels,
                )
            self._generator.load_state_dict(load_file(folder / _WEIGHTS_FILE))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{folder}: not a complete {self.name} model: {reason}") from None

    def _target(self) -> str:
        """The column of the downstream loss."""
        table = self._encoder.table
        varying = {e.column for e in (*table.varying_numeric, *table.varying_categorical)}
        if self.options.target is None:
            return [c.name for c in self.description.columns if c.name in varying][-1]
        column = self.description[self.options.target].name
        if column not in varying:
            raise InputError(f"{self.name}: target is {column!r}: constant, it cannot be learned")
        return column

    def _noise(self, rows: int) -> float | None:
        """The noise that keeps all steps within epsilon, `None` without privacy."""
        options = self.options
        if options.epsilon is None:
            return None
        steps = options.epochs * critic_steps_per_epoch(options, rows)
        share = min(1.0, options.batch_size / rows)
        return noise_needed(options.epsilon, options.delta, share, steps)

    def _summary(
        self, training: Training, target: str | None, noise: float | None, device: torch.device
    ) -> dict[str, Any]:
        best = int(self.losses["validation"].idxmin())
        modes = zip(self._encoder.table.varying_numeric, self._encoder.numbers, strict=True)
        summary = {
            "epochs": len(self.losses),
            "best_epoch": best + 1,
            "validation_loss": float(f"{self.losses['validation'][best]:.6g}"),
            "target": target,
            "point_masses": {e.column: len(m.points) for e, m in modes if m.points},
            "parameters": sum(p.numel() for p in training.networks.parameters()),
            "device": device.type,
        }
        if noise is not None:
            share, steps = training.share, len(self.losses) * training.critic_steps_per_epoch
            spent = epsilon_spent(share, noise, steps, self.options.delta)
            summary["privacy"] = {
                "epsilon": float(f"{spent:.6g}"),
                "delta": self.options.delta,
                "noise_multiplier": float(f"{noise:.6g}"),
                "sampling_rate": share,
                "steps": steps,
            }
            self.privacy = (
                f"The weights are ({spent:.3g}, {self.options.delta:g})-differentially private for "
                "one training row added or removed, by noise on the critic's gradients (DP-SGD, "
                "arXiv 1908.10530), for all who do not know the training seed, which "
                "model.json and train.json state. Not covered are the number of rows and what the "
                "folder holds besides weights: the smallest and largest value of each numeric "
                "column, its mixture and frequent values, and every category with the number of "
                "its rows; nor the validation rows, which choose the epoch. No information or "
                "downstream loss was used, as both look at training rows."
            )
        return summary

    def _checked_condition(self, given: Mapping[str, str]) -> dict[int, int]:
        """Block → category of the given columns that have blocks."""
        categories = {}
        for column, value in given.items():
            refused = f"{self.name}: cannot sample given {column}={value}"
            if not self.description[column].is_categorical:
                raise InputError(f"{refused}: {column} is a number, expected a categorical column")
            encoding = next(e for e in self._encoder.table.categorical if e.column == column)
            code = int(encoding.encode(pd.Series([value], dtype=object))[0])
            if code < 0:
                raise InputError(f"{refused}: no training row has it")
            if not encoding.is_constant:
                _, block = self._encoder.where(column)
                if block is None:
                    raise InputError(
                        f"{refused}: {column} has {len(encoding.categories)} categories, expected "
                        f"at most most_categories, which is {self.options.most_categories}"
                    )
                categories[block] = code
        return categories

    def _generate(self, rows: int, seed: int, categories: Mapping[int, int]) -> pd.DataFrame:
        """Rows of the generator; with `categories`, conditioned on the rarest of them."""
        conditions, layout = self._conditions, self._encoder.layout
        device = next(self._generator.parameters()).device
        # Drawn on the CPU, so that a GPU gives the same rows up to rounding.
        source = torch.Generator().manual_seed(derive_seed(seed, "noise"))
        condition = torch.zeros(rows, sum(layout.blocks))
        if categories:
            numbers = [int(conditions.starts[block]) + code for block, code in categories.items()]
            condition[:, min(numbers, key=lambda number: conditions.counts[number])] = 1
        elif layout.blocks:
            asked = conditions.draw(rows, False, generator(seed, "conditions"))
            condition[torch.arange(rows), torch.from_numpy(asked)] = 1
        noise = torch.randn(rows, self.options.noise, generator=source)
        with torch.inference_mode():
            logits = self._generator(noise.to(device), condition.to(device)).cpu()
        places, blocks = layout.split(logits)
        codes = [
            (block + gumbel(block.shape, source)).argmax(dim=1).numpy() for block in blocks
        ] or [np.empty((rows, 0), np.int64)]
        return self._encoder.decode(places.tanh().numpy(), np.column_stack(codes))

    @contextmanager
    def _seeded(self, purpose: str) -> Iterator[None]:
        """PyTorch's own random numbers by the model's seed, and as they were afterwards."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive_seed(self.seed, self.name, purpose))
            yield

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
            versions=[self.name, torch.__version__],
        )


@contextmanager
def _reproducible() -> Iterator[None]:
    """Let PyTorch use one thread: with more, convolutions add up in another order.

    The last digits that differ then would grow: a GAN's training is chaotic.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(deterministic=True, benchmark=False):
            yield
    finally:
        torch.set_num_threads(before)
