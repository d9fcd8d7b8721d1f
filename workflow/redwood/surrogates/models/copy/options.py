"""What copied rows is and what it can be told."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

ROLE: Literal["model", "control"] = "control"
USES_GPU = False
HAS_DENSITY = False
FLOOR = True


class Options(BaseModel):
    """A copy has no options."""

    model_config = ConfigDict(extra="forbid", frozen=True)
