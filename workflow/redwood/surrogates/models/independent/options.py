"""What the control `independent` is, and its options."""

from typing import Literal

from redwood.validation import Section

ROLE: Literal["model", "control"] = "control"
USES_GPU = False
HAS_DENSITY = False


class Options(Section):
    """Independent marginals have no options."""
