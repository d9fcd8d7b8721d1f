"""What the model `sequoia` is, and its options."""

from typing import Literal

from pydantic import Field

from redwood.surrogates.options import CheckpointEpochs, Device, Epochs, NeuralOptions, Patience

ROLE: Literal["model", "control"] = "model"
USES_GPU = True
RELEASED = True
HAS_DENSITY = True


class Options(NeuralOptions):
    """Options of Sequoia."""

    epochs: Epochs = 24
    patience: Patience = 15
    batch_size: int = Field(
        512, ge=1, le=1_000_000, description="rows per step, at most an eighth of the training rows"
    )
    learning_rate: float = Field(6e-3, gt=0, le=1, description="step size of AdamW")
    weight_decay: float = Field(
        36_000,
        ge=0,
        description="decay of the weights times the number of training rows: the fewer rows there "
        "are, the more must keep the weights from learning them by heart",
    )
    dropout: float = Field(0.2, ge=0, lt=1, description="share of units dropped in training")
    average: float = Field(
        0.99, ge=0, lt=1, description="decay of the moving average of the weights, which samples"
    )
    hidden: int = Field(128, ge=8, le=4096, description="width of the layers")
    bins: int = Field(
        128, ge=2, le=4096, description="bins of a number whose values are not repeated"
    )
    sweeps: int = Field(
        0,
        ge=0,
        le=100,
        description="how often the training rows are redrawn before the model's folder keeps them: "
        "0 keeps them as they are, which samples best; 1 makes a folder that can be shared",
    )
    stirs: int = Field(
        1,
        ge=0,
        le=1000,
        description="how often a sample's times are redrawn before its rows are: each time they "
        "move further away from those of training, and bursts blur a little",
    )
    protects: int = Field(
        0,
        ge=0,
        le=100_000,
        description="hide units (users, tasks; where no column names any, bursts) of up to so many "
        "rows: they are made anew, larger ones stay; 0 hides none",
    )
    max_rows: int = Field(
        4_000_000, ge=2, description="training rows, drawn at random if there are more"
    )
    checkpoint_epochs: CheckpointEpochs = 5
    device: Device = "auto"
