"""What independent marginals is and what it can be told."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

ROLE: Literal["model", "control"] = "control"
USES_GPU = False
HAS_DENSITY = False


class Options(BaseModel):
    """Independent marginals have no options."""

    model_config = ConfigDict(extra="forbid", frozen=True)
