"""What the control `leak` is, and its options."""

from typing import Literal

from pydantic import Field

from redwood.validation import Section

ROLE: Literal["model", "control"] = "control"
USES_GPU = False
HAS_DENSITY = False


class Options(Section):
    """How much leaks."""

    share: float = Field(0.01, gt=0, le=1, description="share of the sample's rows that are copies")
