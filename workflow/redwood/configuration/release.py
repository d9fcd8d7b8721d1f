"""The section of the configuration about release."""

import re
from typing import Annotated

from pydantic import Field, field_validator, model_validator

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
    units: int = Field(
        1800, ge=8, description="canaries of each level, one in eight of them planted"
    )
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 5, 20, 50, 200),
        min_length=1,
        description="rows of the canaries that are units, ascending; larger ones are planted as "
        "far as a tenth of the training rows allows",
    )
    up_to_rows: int | None = Field(
        None,
        ge=1,
        description="judge units of up to so many rows only, one of `sizes`, and say so in the "
        "first line of the note; null: of any size",
    )

    shadow_models: dict[str, Annotated[int, Field(ge=1, le=50)]] = Field(
        {},
        description="model → how many shadow models are trained for its decision, each with "
        "canaries of its own, which are judged together: more of them tell more surely what is "
        "found; 1 of models that are not named",
    )

    @model_validator(mode="after")
    def _tries_what_it_judges(self) -> "Release":
        if self.up_to_rows is not None and self.up_to_rows not in self.sizes:
            raise ValueError(
                f"up_to_rows is {self.up_to_rows}, expected one of sizes: "
                f"{', '.join(map(str, self.sizes))}"
            )
        return self

    @field_validator("models", "levels")
    @classmethod
    def _listed_once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in (listed := names or ()):
            if listed.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice")
            if not re.fullmatch(r"\w+", name):
                raise ValueError(f"{name!r} is not a valid name, expected letters, digits and _")
        return names

    @field_validator("sizes")
    @classmethod
    def _ascending(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if sorted(set(sizes)) != list(sizes):
            raise ValueError(f"{list(sizes)} is not ascending")
        return sizes
