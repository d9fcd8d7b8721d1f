"""The section of the configuration about release."""

import re

from pydantic import Field, field_validator

from redwood.validation import Section


class Release(Section):
    """Which samples the release gate decides on, and what it plants."""

    models: tuple[str, ...] | None = Field(
        None,
        description="models whose samples the gate decides on; if null, the trained models that "
        "say so themselves (RELEASED in their options.py)",
    )
    levels: tuple[str, ...] = Field(
        ("record", "task", "user"),
        min_length=1,
        description="what must stay unknown: record, or columns whose equal values make a unit",
    )
    units: int = Field(400, ge=2, description="canaries of each level, half of them planted")
    most_rows: int = Field(10, ge=1, description="most rows of a canary")

    @field_validator("models", "levels")
    @classmethod
    def _listed_once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in (listed := names or ()):
            if listed.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice")
            if not re.fullmatch(r"\w+", name):
                raise ValueError(f"{name!r} is not a valid name, expected letters, digits and _")
        return names
