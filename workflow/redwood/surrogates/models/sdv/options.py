"""What the SDV model is and what it can be told."""

from typing import Any, Literal

from pydantic import Field, model_validator

from redwood.validation import Section

ROLE: Literal["model", "control"] = "model"
# SDV's networks are small, and on a CPU the same seed gives the same bytes on every machine.
USES_GPU = False
HAS_DENSITY = False

# As in SDV.
_EPOCHS = 300


class Options(Section):
    """Options of SDV's synthesizers; whatever is not said here is as in SDV."""

    synthesizer: Literal["GaussianCopula", "CTGAN", "TVAE", "CopulaGAN"] = Field(
        "GaussianCopula", description="which of SDV's synthesizers of single tables"
    )
    epochs: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="passes over the training rows, 300 as in SDV; GaussianCopula has none",
    )
    arguments: dict[str, Any] = Field(
        {}, description="further keyword arguments of SDV's synthesizer, such as batch_size"
    )

    @model_validator(mode="before")
    @classmethod
    def _epochs_of_networks(cls, values: Any) -> Any:
        """SDV's number of epochs for synthesizers that train by epochs, none for the other."""
        if not isinstance(values, dict):
            return values
        networks = values.get("synthesizer", "GaussianCopula") != "GaussianCopula"
        if not networks and values.get("epochs") is not None:
            raise ValueError("GaussianCopula is not trained by epochs: leave them out")
        if networks and values.get("epochs") is None:
            return values | {"epochs": _EPOCHS}
        return values
