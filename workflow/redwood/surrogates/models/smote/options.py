"""What SMOTE is and what it can be told."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ROLE: Literal["model", "control"] = "model"
USES_GPU = False
HAS_DENSITY = False


class Options(BaseModel):
    """Options of SMOTE."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    neighbours: int = Field(5, ge=1, le=1000, description="neighbours k of a row")
    label: str | None = Field(
        "auto",
        description="categorical feature within whose values rows are interpolated; auto: the one "
        "with the fewest values of those with ≤ 1 % of the rows in classes of ≤ k rows, or none; "
        "null: none",
    )
    max_rows: int | None = Field(
        None,
        ge=2,
        description="training rows to interpolate between, drawn at random if there are more; "
        "null: all",
    )
