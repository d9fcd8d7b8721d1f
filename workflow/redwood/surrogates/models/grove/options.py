"""What the model `grove` is, and its options."""

from typing import Literal

from pydantic import Field

from redwood.surrogates.options import CheckpointEpochs, Device, Epochs, NeuralOptions, Patience

ROLE: Literal["model", "control"] = "model"
USES_GPU = True
RELEASED = True
HAS_DENSITY = False


class Options(NeuralOptions):
    """Options of Grove."""

    epochs: Epochs = 120
    patience: Patience = 15
    batch_size: int = Field(
        512, ge=1, le=1_000_000, description="rows per step, at most an eighth of the training rows"
    )
    learning_rate: float = Field(6e-3, gt=0, le=1, description="step size of AdamW")
    weight_decay: float = Field(
        20_000,
        ge=0,
        description="decay of the weights times the number of rows or groups that an epoch sees",
    )
    dropout: float = Field(0.2, ge=0, lt=1, description="share of units dropped in training")
    average: float = Field(
        0.98, ge=0, lt=1, description="decay of the moving average of the weights, which samples"
    )
    hidden: int = Field(96, ge=8, le=4096, description="width of the layers")
    bins: int = Field(
        64, ge=2, le=4096, description="bins of a number whose values are not repeated"
    )
    least_owners: int = Field(
        5,
        ge=1,
        description="values that fewer owners (users, or else tasks) have are replaced by others",
    )
    most_rows: int = Field(
        64, ge=1, description="rows of a task, at most, that an epoch of the training looks at"
    )
    most_groups: int = Field(
        32, ge=1, description="tasks of a user, at most, that an epoch of the training looks at"
    )
    held_out: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="share of the owners that only judge when to stop: the validation rows, of the "
        "same owners as the training rows, would reward knowing these by heart",
    )
    checkpoint_epochs: CheckpointEpochs = 10
    device: Device = "auto"
