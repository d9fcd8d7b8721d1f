"""What the models that are networks of PyTorch share: seeds, devices, checkpoints, their folder."""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.seeds import derive_seed
from redwood.surrogates import contract
from redwood.surrogates.options import NeuralOptions
from redwood.surrogates.training_loop import (
    Checkpoint,
    Schedule,
    choose_device,
    explained_memory_errors,
    fingerprint,
    sensible_threads,
    train_epochs,
    without_subnormals,
)

_WEIGHTS_FILE = "weights.safetensors"

# Rows that networks see at once where nothing is learned: in sampling and validation.
CHUNK = 4096


class NeuralSurrogate(contract.Surrogate):
    """A surrogate whose rows come from a network.

    Attributes:
        network: the network that rows are drawn from, on the CPU; the folder keeps its weights.
    """

    # The file of the model folder that holds what `to_json` gives.
    encoding_file: ClassVar[str] = "encoding.json"

    licence = "REDWOOD's own code (Apache-2.0), which runs PyTorch (BSD-3-Clause)."
    options: NeuralOptions
    network: torch.nn.Module

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What the folder holds beside the weights, ready for JSON."""

    @abstractmethod
    def restore(self, content: Mapping[str, Any], folder: Path) -> torch.nn.Module:
        """Read what `to_json` gave; return the network, whose weights are loaded next."""

    def save(self, folder: Path) -> None:
        # save_file would deny reading to all but the owner.
        (folder / _WEIGHTS_FILE).write_bytes(save(self.network.state_dict()))
        write_json(folder / self.encoding_file, self.to_json())

    def load(self, folder: Path) -> None:
        try:
            content = json.loads((folder / self.encoding_file).read_text(encoding="utf-8"))
            self.network = self.restore(content, folder)
            self.network.load_state_dict(load_file(folder / _WEIGHTS_FILE))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{folder}: not a complete {self.name} model: {reason}") from None

    @contextmanager
    def seeded(self, *purpose: str | int, device: torch.device | None = None) -> Iterator[None]:
        """Seed PyTorch's own random numbers by the model's seed, and restore them afterwards."""
        seed = derive_seed(self.seed, self.name, *purpose)
        if device is None or device.type == "cpu":
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(seed)
                yield
        else:
            with torch.random.fork_rng(devices=[device]):
                torch.manual_seed(seed)
                yield

    def noise(self, device: torch.device, *purpose: str | int) -> torch.Generator:
        """Random numbers of the training, on `device`, by the model's seed."""
        seed = derive_seed(self.seed, self.name, *purpose)
        return torch.Generator(device).manual_seed(seed)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Compute in as many threads as the model gains from; explain an overflow of memory."""
        with sensible_threads(), explained_memory_errors(self.name):
            yield

    @contextmanager
    def sampling(self) -> Iterator[torch.device]:
        """Have the network on the device that it is to sample on, which is yielded."""
        device = choose_device(self.options.device)
        self.network.to(device)
        try:
            with self.computing(), torch.inference_mode():
                yield device
        finally:
            self.network.cpu()

    def refuse_constant(self, varies: bool) -> None:
        """Raise an InputError unless a feature of the table varies."""
        if not varies:
            raise InputError(
                f"{self.name}: every feature of table {self.description.name!r} is constant"
            )

    def seen(self, validation: pd.DataFrame, known: np.ndarray) -> pd.DataFrame:
        """The validation rows of which the network knows every category.

        Args:
            validation: all rows.
            known: (rows,) whether the training rows have all categories of a row.

        Raises:
            InputError: there is no such row.
        """
        if not known.any():
            raise InputError(
                f"{self.name}: every validation row has a category that no training row has; "
                "expected at least one row without"
            )
        return validation[known].reset_index(drop=True)

    def checkpoint_in(
        self,
        path: Path | None,
        train: pd.DataFrame,
        validation: pd.DataFrame,
        device: torch.device,
    ) -> Checkpoint | None:
        """The file that keeps the state of this training and of no other; `None` without a path."""
        if path is None:
            return None
        columns = [(column.name, column.kind, column.scale) for column in self.description.columns]
        digest = fingerprint(
            train,
            validation,
            options=self.options.model_dump(mode="json"),
            columns=columns,
            seed=self.seed,
            device=device.type,
            versions=[self.name, torch.__version__],
        )
        return Checkpoint(path, digest)

    def train(
        self,
        module: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        train_epoch: Callable[[int], float],
        validate: Callable[[], float],
        checkpoint: Checkpoint | None,
    ) -> dict[str, Any]:
        """Train `module`, which ends with its best weights; see `train_epochs`.

        Returns:
            What the summary of the fit says of it: epochs, the best one and its validation loss.
        """
        options = self.options
        schedule = Schedule(options.epochs, options.patience, options.checkpoint_epochs)
        with without_subnormals():
            self.losses = train_epochs(
                self.name, module, optimizer, train_epoch, validate, schedule, checkpoint
            )
        best = int(self.losses["validation"].idxmin())
        return {
            "epochs": len(self.losses),
            "best_epoch": best + 1,
            "validation_loss": float(f"{self.losses['validation'][best]:.6g}"),
        }
