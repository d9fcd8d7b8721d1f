"""What the control `copy` is, and its options."""

from typing import Literal

from redwood.validation import Section

ROLE: Literal["model", "control"] = "control"
USES_GPU = False
HAS_DENSITY = False
FLOOR = True


class Options(Section):
    """A copy has no options."""
