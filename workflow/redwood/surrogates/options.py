"""What the options of several models have in common; nothing heavy is imported here."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from redwood.validation import Section

Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    Field(description="auto: a CUDA GPU if there is one, else the CPU"),
]
Epochs = Annotated[int, Field(ge=1, le=1_000_000, description="most passes over the training rows")]
Patience = Annotated[
    int, Field(ge=1, description="stop after this many epochs without a better validation loss")
]
CheckpointEpochs = Annotated[int, Field(ge=1, description="epochs between checkpoints")]
BatchSize = Annotated[int, Field(ge=1, le=1_000_000, description="rows per step")]
Width = Annotated[int, Field(ge=1, le=8192)]
Components = Annotated[
    int, Field(ge=1, le=100, description="components of a numeric column's mixture")
]
MixtureRows = Annotated[
    int, Field(ge=2, description="rows that the mixtures are fitted on, at most")
]


class NeuralOptions(Section):
    """Options that every model of networks has; each lists them with its own defaults."""

    if TYPE_CHECKING:
        epochs: int
        patience: int
        checkpoint_epochs: int
        device: Device

    @property
    def has_losses(self) -> bool:
        """Whether training leaves losses by epoch (`losses.csv`)."""
        return True
