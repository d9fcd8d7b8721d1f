"""What the model `grove` is, and its options."""

from typing import Literal

from pydantic import Field

from redwood.surrogates.options import CheckpointEpochs, Device, Epochs, NeuralOptions, Patience
from redwood.validation import Section

ROLE: Literal["model", "control"] = "model"
USES_GPU = True
RELEASED = True
HAS_DENSITY = False


class Privacy(Section):
    """Differential privacy of the networks."""

    epsilon: float = Field(
        gt=0, le=1e6, description="the most ε of all networks together, whatever they learn"
    )
    delta: float = Field(
        1e-5, gt=0, lt=1, description="δ of epsilon; well below one over the number of units"
    )
    unit: str = Field(
        description="column that names what is protected whole, such as task or user: one of the "
        "table's `units`, the widest or the finest"
    )
    share: float = Field(
        0.1, gt=0, le=1, description="probability with which a step draws each unit"
    )
    steps: int = Field(100, ge=1, le=1_000_000, description="steps of each network")
    rows: int = Field(16, ge=1, description="rows of a unit, at most, that a step looks at")
    clip: float = Field(
        1.0, gt=0, le=1e6, description="norm that the gradient of a unit is clipped to"
    )
    learning_rate: float = Field(0.01, gt=0, le=1, description="step size of Adam")


class Options(NeuralOptions):
    """Options of Grove."""

    epochs: Epochs = 60
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
    privacy: Privacy | None = Field(
        None,
        description="differential privacy of the networks; then no rows judge when to stop, and "
        "epochs, patience, batch_size, learning_rate, weight_decay, dropout, most_rows and "
        "held_out are not used; null for none",
    )
    checkpoint_epochs: CheckpointEpochs = 10
    device: Device = "auto"

    @property
    def has_losses(self) -> bool:
        """As of all; private training looks at none."""
        return self.privacy is None
