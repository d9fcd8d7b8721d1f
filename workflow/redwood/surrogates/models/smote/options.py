"""What the model `smote` is, and its options."""

from typing import Literal

from pydantic import Field

from redwood.validation import Section

ROLE: Literal["model", "control"] = "model"
USES_GPU = False
HAS_DENSITY = False


class Options(Section):
    """Options of SMOTE."""

    engine: Literal["own", "imbalanced-learn"] = Field(
        "own",
        description="who draws: REDWOOD, exact at any size, or imbalanced-learn, the reference, "
        "which compares every row with every other",
    )
    neighbours: int = Field(5, ge=1, le=1000, description="neighbours k of a row")
    label: str | None = Field(
        "auto",
        description="categorical feature within whose values rows are interpolated; auto: the one "
        "with the fewest values of those with ≤ 1 % of the rows in classes of ≤ k rows, or none; "
        "null: none",
    )
    scaling: Literal["standard", "min-max"] = Field(
        "standard",
        description="what distances take of numbers: units of their standard deviations, or of "
        "their range in training",
    )
    max_rows: int | None = Field(
        None,
        ge=2,
        description="training rows to interpolate between, drawn at random if there are more; "
        "null: all",
    )
