"""The section of the configuration about surrogates."""

from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from redwood import plugins
from redwood.errors import InputError
from redwood.validation import Section, known_plugins, problems


class Surrogates(Section):
    """The generative models of the job table."""

    models: tuple[str, ...] = Field(("smote", "tvae"), min_length=1)
    options: dict[str, dict[str, Any]] = Field({}, description="model → its options")
    rows: int | None = Field(
        None, ge=10, description="rows to sample; as many as test rows if null"
    )
    seeds: int = Field(
        1,
        ge=1,
        le=100,
        description="trainings of each model, each with a seed of its own: Table I has their means "
        "and its intervals cover them; release and simulation take the first",
    )

    @field_validator("models")
    @classmethod
    def _known_models(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        return known_plugins("redwood.surrogates.models", models)

    @model_validator(mode="after")
    def _valid_options(self) -> "Surrogates":
        for model, options in self.options.items():
            try:
                plugin = plugins.load("redwood.surrogates.models", model)
                plugin.Options.model_validate(options)
            except InputError as error:
                raise ValueError(str(error)) from None
            except ValidationError as error:
                raise ValueError(
                    "; ".join(problems(error, plugin.Options, f"options.{model}"))
                ) from None
        return self
