"""What a few copied rows is and what it can be told."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ROLE: Literal["model", "control"] = "control"
USES_GPU = False
HAS_DENSITY = False


class Options(BaseModel):
    """How much leaks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.01, gt=0, le=1, description="share of the sample's rows that are copies")
