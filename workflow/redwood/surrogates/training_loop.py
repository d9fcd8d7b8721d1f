"""The loop that models of PyTorch are trained by: epochs, early stopping, checkpoints, progress.

Models draw the random numbers of an epoch from a seed of that epoch. So a training that goes on
from a checkpoint ends with the same weights, bit by bit, as one that was never interrupted.
"""

import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.optim import swa_utils

from redwood.errors import InputError
from redwood.outputs import writing
from redwood.progress import ProgressReport
from redwood.surrogates.options import Device

# The networks of tabular models are too small to gain from more.
_MOST_THREADS = 8

# The part of a training in which the step size rises, and its least share at the end.
_RISE = 0.02
_LEAST_RATE = 0.02


@dataclass(frozen=True)
class Checkpoint:
    """A file with the state of a training, of use only to the training that wrote it.

    Attributes:
        path: the file.
        fingerprint: digest of all that determines the training, by `fingerprint`.
    """

    path: Path
    fingerprint: str

    def write(self, tensors: Mapping[str, torch.Tensor]) -> None:
        kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        with writing(self.path, lasting=False) as partial:
            save_file(
                kept,
                partial,
                metadata={"fingerprint": self.fingerprint, "sha256": _tensor_digest(kept)},
            )

    def read(self) -> dict[str, torch.Tensor] | None:
        """The tensors last written by this training; `None` if there are none, or another's.

        A damaged file is none either, and the log says so: a training that starts over costs time,
        one that refuses to start waits for somebody to look.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("fingerprint") != self.fingerprint:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            reason = str(error)
        else:
            if _tensor_digest(tensors) == metadata.get("sha256"):
                return tensors
            reason = "its tensors are not those that were written"
        print(
            f"{self.path}: damaged checkpoint ({reason}): training starts over",
            file=sys.stderr,
            flush=True,
        )
        return None


@dataclass(frozen=True)
class Schedule:
    """How long to train.

    Attributes:
        epochs: the most epochs.
        patience: stop after this many epochs without a better validation loss.
        checkpoint_epochs: epochs between checkpoints.
    """

    epochs: int
    patience: int
    checkpoint_epochs: int


def fingerprint(*frames: pd.DataFrame, **settings: Any) -> str:
    """A digest of training rows and JSON-ready settings that determine a training."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for frame in frames:
        digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _tensor_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def train_epochs(
    name: str,
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    train_epoch: Callable[[int], float],
    validate: Callable[[], float],
    schedule: Schedule,
    checkpoint: Checkpoint | None,
) -> pd.DataFrame:
    """Train `module` in place; it ends with the weights of the best validation loss.

    Args:
        name: the model's name, for the progress.
        module: all that is trained.
        optimizer: the optimiser of its parameters.
        train_epoch: trains one epoch, given its number from 0, and returns its mean loss.
        validate: the validation loss of the module as it is.
        schedule: when to stop.
        checkpoint: where to keep the state; `None` for nowhere.

    Returns:
        One row an epoch: `epoch` (from 1), `train`, `validation`.

    Raises:
        InputError: the loss is no longer a number.
    """
    losses: list[tuple[float, float]] = []
    best = _copy(module)
    tensors = checkpoint.read() if checkpoint is not None else None
    if tensors is not None:
        losses = [tuple(pair) for pair in tensors["losses"].tolist()]
        best = _part(tensors, "best")
        module.load_state_dict(_part(tensors, "module"))
        _load_optimizer(optimizer, _part(tensors, "optimizer"))
    with ProgressReport(f"training {name}", schedule.epochs, "epochs") as report:
        report.resume(len(losses))
        while len(losses) < schedule.epochs and not _is_over(losses, schedule.patience):
            epoch = len(losses)
            losses.append((train_epoch(epoch), validate()))
            train, validation = losses[-1]
            if not all(map(_is_number, losses[-1])):
                raise InputError(
                    f"{name}: the loss of epoch {epoch + 1} is {train} in training and "
                    f"{validation} in validation: lower the learning rate"
                )
            if _best(losses) == epoch:
                best = _copy(module)
            report.advance(loss=train, validation=validation)
            if checkpoint is not None and len(losses) % schedule.checkpoint_epochs == 0:
                checkpoint.write(
                    {
                        "losses": torch.tensor(losses, dtype=torch.float64),
                        **_prefixed("best", best),
                        **_prefixed("module", module.state_dict()),
                        **_prefixed("optimizer", _optimizer_tensors(optimizer)),
                    }
                )
    module.load_state_dict(best)
    return pd.DataFrame(
        {
            "epoch": range(1, len(losses) + 1),
            "train": [train for train, _ in losses],
            "validation": [validation for _, validation in losses],
        }
    )


def train_steps(
    name: str,
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    step: Callable[[int], None],
    steps: int,
    every: int,
    checkpoint: Checkpoint | None,
) -> None:
    """Train `module` in place for so many steps, whatever the loss, at which nothing looks.

    Args:
        step: trains the step of a number from 0, by random numbers of its own.
        every: steps between checkpoints.
        name, module, optimizer, checkpoint: see `train_epochs`.
    """
    done = 0
    tensors = checkpoint.read() if checkpoint is not None else None
    if tensors is not None:
        done = int(tensors["steps"])
        module.load_state_dict(_part(tensors, "module"))
        _load_optimizer(optimizer, _part(tensors, "optimizer"))
    with ProgressReport(f"training {name}", steps, "steps") as report:
        report.resume(done)
        for number in range(done, steps):
            step(number)
            report.advance()
            if checkpoint is not None and ((number + 1) % every == 0 or number + 1 == steps):
                checkpoint.write(
                    {
                        "steps": torch.tensor(number + 1),
                        **_prefixed("module", module.state_dict()),
                        **_prefixed("optimizer", _optimizer_tensors(optimizer)),
                    }
                )


def moving_average(module: torch.nn.Module, decay: float) -> swa_utils.AveragedModel:
    """The exponential moving average of a module's weights, to be updated after every step."""
    return swa_utils.AveragedModel(module, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(decay))


def step_size(progress: float) -> float:
    """The step size at `progress` (0 … 1) of the training, as a share of the largest.

    It rises at first and falls along a cosine (I. Loshchilov and F. Hutter, SGDR, ICLR 2017,
    equation 5): what large steps find roughly, small ones settle.
    """
    rise = min(1.0, (progress + _RISE / 10) / _RISE)
    fall = (1 + math.cos(math.pi * max(0.0, progress - _RISE) / (1 - _RISE))) / 2
    return rise * (_LEAST_RATE + (1 - _LEAST_RATE) * fall)


def choose_device(device: Device) -> torch.device:
    """The device to compute on; `auto` is a CUDA GPU where there is one, else the CPU.

    Which it is, and what the batch system has given, goes to the log. On a GPU, products of float32
    matrices may use TensorFloat-32, whose ten bits of mantissa are those of float16.

    Raises:
        InputError: `cuda` is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise InputError("device is 'cuda', but there is no CUDA GPU: set it to 'auto' or 'cpu'")
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    offered = "" if given is None else f" (CUDA_VISIBLE_DEVICES={given})"
    if not available or device == "cpu":
        why = "as asked for" if device == "cpu" else "no CUDA GPU can be used"
        print(f"computing on the CPU: {why}{offered}", file=sys.stderr, flush=True)
        return torch.device("cpu")
    torch.set_float32_matmul_precision("high")
    name = torch.cuda.get_device_name()
    print(f"computing on a GPU: {name}{offered}", file=sys.stderr, flush=True)
    return torch.device("cuda")


def mixed_precision(device: torch.device) -> torch.autocast:
    """On a GPU networks compute in bfloat16, which has the range of float32; elsewhere as they are.

    What sums, logarithms and losses are taken of is to be turned back to float32 (`.float()`).
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


@contextmanager
def sensible_threads() -> Iterator[None]:
    """Let PyTorch use the cores that this process may use, or `OMP_NUM_THREADS`; at most 8."""
    before = torch.get_num_threads()
    allowed = os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0))
    torch.set_num_threads(max(1, min(int(allowed), _MOST_THREADS)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def without_subnormals() -> Iterator[None]:
    """Count numbers below 1e-38 as 0 on the CPU.

    Weights that matter to nothing decay to such by Adam's L2 penalty, at the usual rates in some
    thousand steps, and processors take many times as long with them: TVAE thrice in all. Not for
    what tables hold, whose numbers may be as small.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def explained_memory_errors(name: str) -> Iterator[None]:
    """Turn an overflow of the GPU's memory into an InputError that says what to change."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise InputError(
            f"{name}: the GPU's memory does not suffice: lower batch_size, or set device to cpu"
        ) from None


def _best(losses: list[tuple[float, float]]) -> int:
    """The first epoch, from 0, of the least validation loss."""
    return min(range(len(losses)), key=lambda epoch: losses[epoch][1])


def _is_over(losses: list[tuple[float, float]], patience: int) -> bool:
    return bool(losses) and len(losses) - 1 - _best(losses) >= patience


def _is_number(loss: float) -> bool:
    return abs(loss) < float("inf")


def _copy(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _prefixed(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    start = f"{prefix}/"
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{parameter}/{name}": tensor
        for parameter, state in optimizer.state_dict()["state"].items()
        for name, tensor in state.items()
    }


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        parameter, name = key.split("/")
        state.setdefault(int(parameter), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
