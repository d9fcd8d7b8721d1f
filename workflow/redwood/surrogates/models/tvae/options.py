"""What the model `tvae` is, and its options."""

from typing import Literal

from pydantic import Field

from redwood.surrogates.options import (
    BatchSize,
    CheckpointEpochs,
    Components,
    Device,
    Epochs,
    MixtureRows,
    NeuralOptions,
    Patience,
    Width,
)

ROLE: Literal["model", "control"] = "model"
USES_GPU = True
HAS_DENSITY = False


class Options(NeuralOptions):
    """Options of TVAE; the defaults are ctgan's where it has them."""

    epochs: Epochs = 300
    patience: Patience = 50
    batch_size: BatchSize = 500
    learning_rate: float = Field(1e-3, gt=0, le=1, description="step size of Adam")
    weight_decay: float = Field(1e-5, ge=0, le=1, description="L2 penalty of the weights")
    loss_factor: float = Field(
        2.0, gt=0, le=1000, description="weight of the reconstruction against the prior"
    )
    embedding: int = Field(128, ge=1, le=4096, description="dimensions of the latent space")
    hidden: tuple[Width, ...] = Field(
        (128, 128),
        min_length=1,
        description="widths of the encoder's layers; the decoder mirrors it",
    )
    components: Components = 10
    mixture_rows: MixtureRows = 50_000
    categories: Literal["drawn", "likeliest"] = Field(
        "drawn",
        description="how the decoder's probabilities become a category: drawn from them, as in the "
        "paper's section 4.5, or the likeliest, as in ctgan, which loses rare ones",
    )
    checkpoint_epochs: CheckpointEpochs = 10
    device: Device = "auto"
