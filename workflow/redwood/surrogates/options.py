"""What options of several models have in common; nothing heavy is imported here."""

from typing import Literal

Device = Literal["auto", "cpu", "cuda"]
