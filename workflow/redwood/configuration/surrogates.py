"""The section of the configuration about surrogates."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from redwood import plugins
from redwood.errors import InputError
from redwood.validation import Section, known_plugins, problems

_MODELS = "redwood.surrogates.models"


class Variant(Section):
    """A model under a name of its own, with options of its own."""

    model: str = Field(description="the model: a folder of surrogates/models")
    options: dict[str, Any] = Field({}, description="its options")


class Surrogates(Section):
    """The generative models of the job table."""

    variants: dict[str, Variant] = Field(
        {},
        description="name → a model with other options, so that it can stand in a table twice; "
        "`models` lists which of them are trained",
    )
    models: tuple[str, ...] = Field(
        ("smote", "tvae"), min_length=1, description="folders of surrogates/models, and variants"
    )
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

    @field_validator("variants")
    @classmethod
    def _new_names(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        for name in variants:
            # The last is the workload that no model made.
            if name in (*plugins.names(_MODELS), "recorded"):
                raise ValueError(f"{name!r} is taken, expected a name that no model has")
            if not re.fullmatch("[a-z][a-z0-9_]*", name):
                raise ValueError(
                    f"{name!r} is not a valid name: expected lower-case letters, digits and _, "
                    "a letter first"
                )
        return variants

    @field_validator("models")
    @classmethod
    def _known_models(cls, models: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        return known_plugins(_MODELS, models, tuple(info.data.get("variants", ())))

    @model_validator(mode="after")
    def _valid_options(self) -> "Surrogates":
        given = [(model, options, f"options.{model}") for model, options in self.options.items()]
        given += [
            (variant.model, variant.options, f"variants.{name}.options")
            for name, variant in self.variants.items()
        ]
        for model, options, key in given:
            try:
                plugin = plugins.load(_MODELS, model)
                plugin.Options.model_validate(options)
            except InputError as error:
                raise ValueError(f"{key}: {error}") from None
            except ValidationError as error:
                raise ValueError("; ".join(problems(error, plugin.Options, key))) from None
        return self

    def require_known(self, names: Iterable[str], key: str) -> None:
        """Raise a ValueError if there are no such models or variants."""
        known = (*plugins.names(_MODELS), *self.variants)
        for name in names:
            if name not in known:
                raise ValueError(f"{key} has {name!r}, expected some of {', '.join(known)}")

    def plugin_of(self, name: str) -> str:
        """The folder of surrogates/models behind one of `models`."""
        return self.variants[name].model if name in self.variants else name

    def is_released(self, name: str) -> bool:
        """Whether the release gate decides on one of `models` if it is not told on which."""
        return bool(getattr(plugins.load(_MODELS, self.plugin_of(name)), "RELEASED", False))

    def options_of(self, name: str) -> Any:
        """The options of one of `models`, defaults filled in."""
        variant = self.variants.get(name)
        given = self.options.get(name, {}) if variant is None else variant.options
        return plugins.load(_MODELS, self.plugin_of(name)).Options(**given)
