"""What the model `tabddpm` is, and its options."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from redwood.surrogates.options import (
    BatchSize,
    CheckpointEpochs,
    Device,
    Epochs,
    NeuralOptions,
    Patience,
    Width,
)

ROLE: Literal["model", "control"] = "model"
USES_GPU = True
HAS_DENSITY = False


class Options(NeuralOptions):
    """Options of TabDDPM."""

    epochs: Epochs = 40
    patience: Patience = 20
    batch_size: BatchSize = 256
    learning_rate: float = Field(
        3e-3, gt=0, le=1, description="step size of AdamW, which falls to 0 along a line"
    )
    weight_decay: float = Field(1e-4, ge=0, le=1, description="decoupled decay of the weights")
    average_decay: float = Field(
        0.999, ge=0, lt=1, description="share that the average of the weights keeps at each step"
    )
    steps: int = Field(100, ge=2, le=10_000, description="T, the steps of the diffusion")
    prediction: Literal["noise", "velocity"] = Field(
        "velocity",
        description="what the network predicts of numbers: their noise, as in the paper, or a mix "
        "of noise and number, from which the number can be told at every time",
    )
    sampling_steps: int = Field(
        25, ge=1, le=10_000, description="steps that a sample takes, at most T"
    )
    sampler: Literal["posterior", "multistep"] = Field(
        "multistep",
        description="how numbers step: by draws from the posterior, as in the paper, or without "
        "fresh noise by a rule of second order, which needs fewer steps",
    )
    embedding: int = Field(
        128, ge=2, le=8192, multiple_of=2, description="size of the vectors of a row and of a time"
    )
    hidden: tuple[Width, ...] = Field(
        (512, 512), min_length=1, description="widths of the network's layers"
    )
    quantiles: int = Field(
        1000, ge=2, le=100_000, description="knots of a numeric column's distribution, at most"
    )
    checkpoint_epochs: CheckpointEpochs = 5
    device: Device = "auto"

    @field_validator("sampling_steps")
    @classmethod
    def _at_most_all_steps(cls, sampling_steps: int, info: ValidationInfo) -> int:
        if sampling_steps > info.data.get("steps", sampling_steps):
            raise ValueError(f"expected at most steps, which is {info.data['steps']}")
        return sampling_steps
