"""What TVAE is and what it can be told."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from redwood.surrogates.options import Device

ROLE: Literal["model", "control"] = "model"
USES_GPU = True
HAS_DENSITY = False


class Options(BaseModel):
    """Options of TVAE; the defaults are ctgan's where it has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(300, ge=1, le=100_000, description="most passes over the training rows")
    patience: int = Field(
        50, ge=1, description="stop after so many epochs without a better validation loss"
    )
    batch_size: int = Field(500, ge=1, le=1_000_000, description="rows per step")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="step size of Adam")
    weight_decay: float = Field(1e-5, ge=0, le=1, description="L2 penalty of the weights")
    loss_factor: float = Field(
        2.0, gt=0, le=1000, description="weight of the reconstruction against the prior"
    )
    embedding: int = Field(128, ge=1, le=4096, description="dimensions of the latent space")
    hidden: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(
        (128, 128),
        min_length=1,
        description="widths of the encoder's layers; the decoder mirrors it",
    )
    components: int = Field(
        10, ge=1, le=100, description="components of a numeric column's mixture"
    )
    mixture_rows: int = Field(
        50_000, ge=2, description="rows that the mixtures are fitted on, at most"
    )
    categories: Literal["drawn", "likeliest"] = Field(
        "drawn",
        description="how the decoder's probabilities become a category: drawn from them, as in the "
        "paper's section 4.5, or the likeliest, as in ctgan, which loses rare ones",
    )
    checkpoint_epochs: int = Field(10, ge=1, description="epochs between checkpoints")
    device: Device = Field("auto", description="auto: a CUDA GPU if there is one, else the CPU")
