"""What the model `ctabganplus` is, and its options."""

from typing import Literal

from pydantic import Field

from redwood.surrogates.options import (
    BatchSize,
    CheckpointEpochs,
    Components,
    Device,
    MixtureRows,
    NeuralOptions,
    Patience,
)

ROLE: Literal["model", "control"] = "model"
USES_GPU = True
RELEASED = True
HAS_DENSITY = False


class Options(NeuralOptions):
    """Options of CTAB-GAN+."""

    epochs: int = Field(
        30,
        ge=1,
        le=100_000,
        description="most epochs; in each the critic sees as many rows as there are",
    )
    patience: Patience = 20
    batch_size: BatchSize = 200
    learning_rate: float = Field(1e-3, gt=0, le=1, description="step size of Adam")
    critic_steps: int = Field(
        1,
        ge=1,
        le=100,
        description="steps of the critic for each of the generator; 5 in arXiv 1704.00028",
    )
    gradient_penalty: float = Field(
        1.0,
        ge=0,
        le=1000,
        description="weight of the critic's gradient penalty; 10 in arXiv 1704.00028, with which "
        "short trainings do not get far",
    )
    noise: int = Field(100, ge=1, le=4096, description="dimensions of the generator's noise")
    channels: int = Field(
        16, ge=1, le=512, description="channels of the largest images; doubled at each half"
    )
    averaging: float = Field(
        0.995,
        ge=0,
        lt=1,
        description="decay of the average of the generator's weights that rows are drawn from; 0 "
        "for the last weights, as in the paper",
    )
    condition_weight: float = Field(
        1.0, ge=0, le=1000, description="weight of the generator loss: rows meet their condition"
    )
    information_weight: float = Field(
        0.1,
        ge=0,
        le=1000,
        description="weight of the information loss, 1 in the paper; not used with epsilon",
    )
    downstream_weight: float = Field(
        0.2,
        ge=0,
        le=1000,
        description="weight of the downstream loss, 1 in the paper; not used with epsilon",
    )
    target: str | None = Field(
        None, description="column of the downstream loss; null for the last that varies"
    )
    predictor_width: int = Field(
        128, ge=1, le=8192, description="width of the layers that predict the target"
    )
    components: Components = 10
    mixture_rows: MixtureRows = 10_000
    point_share: float = Field(
        0.02,
        gt=0,
        le=1,
        description="share of the rows from which on a number is a mode of its own (mixed type)",
    )
    most_categories: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="columns of more categories are one number each (general transform)",
    )
    epsilon: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="differential privacy of the critic's training: the most ε; null for none",
    )
    delta: float = Field(
        1e-5, gt=0, lt=1, description="δ of epsilon; well below one over the training rows"
    )
    clip: float = Field(
        1.0, gt=0, le=1e6, description="with epsilon, norm that a row's gradient is clipped to"
    )
    checkpoint_epochs: CheckpointEpochs = 10
    device: Device = "auto"
