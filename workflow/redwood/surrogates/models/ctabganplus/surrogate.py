"""CTAB-GAN+, a conditional generative adversarial network of table rows.

Zhao, Kunar, Birke, Chen, "CTAB-GAN+: Enhancing Tabular Data Synthesis", 2022 (arXiv 2204.00401),
and CTAB-GAN (arXiv 2102.08369), written from the papers. REDWOOD's are the validation loss, without
which a GAN does not know when to stop, the averaged generator that rows are drawn from (Yazıcı et
al., "The Unusual Effectiveness of Averaging in GAN Training", arXiv 1806.04498), and defaults that
give usable rows in a few minutes on one core: one step of the critic for each of the generator, and
smaller weights of the gradient penalty, the information and the downstream loss.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from redwood.errors import InputError
from redwood.progress import ProgressReport
from redwood.seeds import derive_seed, generator
from redwood.surrogates.accounting import epsilon_spent, noise_needed
from redwood.surrogates.models.ctabganplus.conditions import Conditions
from redwood.surrogates.models.ctabganplus.fidelity import Fidelity
from redwood.surrogates.models.ctabganplus.networks import Generator, gumbel
from redwood.surrogates.models.ctabganplus.options import Options
from redwood.surrogates.models.ctabganplus.rows import RowEncoder
from redwood.surrogates.models.ctabganplus.training import Training, critic_steps_per_epoch
from redwood.surrogates.neural import CHUNK, NeuralSurrogate
from redwood.surrogates.training_loop import choose_device, explained_memory_errors

# Rows that are generated for each validation.
_VALIDATION_ROWS = 4096

# With conditions, give up after this many generated rows for each one asked for.
_MOST_DRAWS = 100


class Surrogate(NeuralSurrogate):
    """CTAB-GAN+ on the features of a table."""

    about = (
        "CTAB-GAN+: a conditional Wasserstein GAN of rows as images, with mixed-type columns, "
        "information and downstream losses (arXiv 2204.00401), written from the paper."
    )
    privacy = (
        "The folder has no training rows, but the smallest and largest value of each numeric "
        "column, its frequent values, and every category with the number of its rows. No guarantee "
        "such as differential privacy is given."
    )
    options: Options
    network: Generator

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
        self.refuse_constant(layout.width > 0)
        places, codes = self._encoder.encode(train, generator(self.seed, self.name, "rows"))
        self._conditions = Conditions.fit(codes, layout.blocks)
        target = None
        if options.epsilon is None and options.downstream_weight:
            target = self._target()
        noise = self._noise(len(train))
        fidelity = Fidelity(self._encoder.table, validation)
        state = self.checkpoint_in(checkpoint, train, validation, device)
        with self.computing():
            with self.seeded("weights"):
                training = Training(
                    options, self._encoder, self._conditions, places, codes, target, noise, device
                )

            def train_epoch(epoch: int) -> float:
                conditions = generator(self.seed, self.name, "conditions", epoch)
                return training.train_epoch(epoch, self.noise(device, "epoch", epoch), conditions)

            def validate() -> float:
                self.network = training.average
                rows = self._generate(_VALIDATION_ROWS, derive_seed(self.seed, "validation"), {})
                return fidelity.distance(rows)

            summary = self.train(
                training.networks, training.optimizer, train_epoch, validate, state
            )
        self.network = training.average.cpu()
        modes = zip(self._encoder.table.varying_numeric, self._encoder.numbers, strict=True)
        summary |= {
            "target": target,
            "point_masses": {e.column: len(m.points) for e, m in modes if m.points},
            "parameters": sum(p.numel() for p in training.networks.parameters()),
            "device": device.type,
        }
        if noise is not None:
            steps = summary["epochs"] * training.critic_steps_per_epoch
            summary["privacy"] = self._privacy_spent(training.share, noise, steps)
        return summary

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        categories = self._checked_condition(given or {})
        kept: list[pd.DataFrame] = []
        have = tried = 0
        with self.sampling(), ProgressReport(self.name, n, "rows") as report:
            for chunk in range(_MOST_DRAWS * (1 + n // CHUNK)):
                rows = min(CHUNK, n - have) if not categories else CHUNK
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
        if have < n:
            asked = " and ".join(f"{column}={value}" for column, value in (given or {}).items())
            raise InputError(
                f"{self.name}: cannot sample given {asked}: "
                f"only {have} of {tried} generated rows meet it, expected {n}"
            )
        return pd.concat(kept, ignore_index=True)

    def to_json(self) -> dict[str, Any]:
        return {"rows": self._encoder.to_json(), "counts": self._conditions.counts}

    def restore(self, content: Mapping[str, Any], folder: Path) -> Generator:
        self._encoder = RowEncoder.from_json(content["rows"], self.description)
        layout, options = self._encoder.layout, self.options
        self._conditions = Conditions(layout.blocks, tuple(content["counts"]))
        with self.seeded("weights"):
            return Generator(options.noise, sum(layout.blocks), layout.width, options.channels)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Let PyTorch use one thread: with more, convolutions add up in another order.

        The last digits that differ then would grow: a GAN's training is chaotic.
        """
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with (
                explained_memory_errors(self.name),
                torch.backends.cudnn.flags(deterministic=True, benchmark=False),
            ):
                yield
        finally:
            torch.set_num_threads(before)

    def _target(self) -> str:
        """The column of the downstream loss."""
        table = self._encoder.table
        varying = {e.column for e in table.varying_numeric}
        varying |= {e.column for e in table.varying_categorical}
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

    def _privacy_spent(self, share: float, noise: float, steps: int) -> dict[str, Any]:
        """What private training guarantees, for the summary; the card says it in words."""
        delta = self.options.delta
        spent = epsilon_spent(share, noise, steps, delta)
        self.privacy = (
            f"The weights are ({spent:.3g}, {delta:g})-differentially private for one training row "
            "added or removed, by noise on the critic's gradients (DP-SGD, arXiv 1908.10530), for "
            "all who do not know the training seed, which model.json and train.json state. Not "
            "covered are the number of rows and what the folder holds besides weights: the "
            "smallest and largest value of each numeric column, its mixture and frequent values, "
            "and every category with the number of its rows; nor the validation rows, which choose "
            "the epoch. No information or downstream loss was used, as both look at training rows."
        )
        return {
            "epsilon": float(f"{spent:.6g}"),
            "delta": delta,
            "noise_multiplier": float(f"{noise:.6g}"),
            "sampling_rate": share,
            "steps": steps,
        }

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
        device = next(self.network.parameters()).device
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
            logits = self.network(noise.to(device), condition.to(device)).cpu()
        places, blocks = layout.split(logits)
        codes = [
            (block + gumbel(block.shape, source)).argmax(dim=1).numpy() for block in blocks
        ] or [np.empty((rows, 0), np.int64)]
        return self._encoder.decode(places.tanh().numpy(), np.column_stack(codes))
