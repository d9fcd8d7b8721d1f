"""The typed configuration: what may stand in `config/*.yaml`, its defaults and its checks.

`workflow/schemas/config.schema.json` is generated from these classes.
"""

import json
from typing import Annotated, Any

from pydantic import Field, model_validator

from redwood.configuration.evaluation import Evaluation
from redwood.configuration.records import (
    ANY_WORD,
    OPTIONAL_FEATURES,
    PAPER_FEATURES,
    SPOKEN,
    BigPanda,
    Cleaning,
    Generate,
    Records,
    Source,
    Split,
)
from redwood.configuration.release import Release
from redwood.configuration.simulation import (
    ENGINES,
    IN_PYTHON,
    NAME,
    OURS,
    POLICIES,
    PolicyChoice,
    Settings,
    Simulation,
    asks_policies,
    own_policy,
    policies_in,
)
from redwood.configuration.surrogates import Surrogates
from redwood.validation import Section, read_section

__all__ = [
    "ANY_WORD", "ENGINES", "IN_PYTHON", "NAME", "OPTIONAL_FEATURES", "OURS", "PAPER_FEATURES",
    "POLICIES", "SPOKEN", "BigPanda", "Cleaning", "Configuration", "Evaluation", "Generate",
    "Paper", "PolicyChoice", "Records", "Release", "Seeds", "Settings", "Simulation", "Source",
    "Split", "Surrogates", "asks_policies", "own_policy", "policies_in", "schema", "validate",
]  # fmt: skip

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Paper(Section):
    """Tables and figures."""

    dpi: int = Field(150, ge=50, le=600, description="resolution of the PNG figures")


class Seeds(Section):
    """Seeds of stages, in place of `seed`; a change of one reruns only what depends on it."""

    records: Seed | None = Field(
        None, description="of generated dumps, made-up names and the split"
    )
    surrogates: Seed | None = Field(None, description="of training and sampling")
    evaluation: Seed | None = Field(None, description="of measures")
    release: Seed | None = Field(None, description="of canaries and their attacker")


class Configuration(Section):
    """A whole run."""

    dataset: Name = Field("embedded", description="name of the results folder")
    seed: Seed = Field(2410, description="of all stages without a seed of their own in `seeds`")
    seeds: Seeds = Seeds()
    records: Records = Records()
    surrogates: Surrogates = Surrogates()
    evaluation: Evaluation = Evaluation()
    release: Release = Release()
    simulation: Simulation = Simulation()
    paper: Paper = Paper()

    @model_validator(mode="after")
    def _target_is_a_feature(self) -> "Configuration":
        features = self.records.cleaning.features
        if self.evaluation.target not in features:
            raise ValueError(
                f"evaluation.target is {self.evaluation.target!r}, "
                f"expected one of records.cleaning.features: {', '.join(features)}"
            )
        return self

    def seed_of(self, stage: str) -> int:
        """The seed of a stage that `seeds` has: its own, or that of the whole run."""
        own = getattr(self.seeds, stage)
        return self.seed if own is None else own

    @property
    def released_models(self) -> tuple[str, ...]:
        """The models whose samples the release gate decides on."""
        if self.release.models is not None:
            return self.release.models
        return tuple(filter(self.surrogates.is_released, self.surrogates.models))

    def shadow_models(self, model: str) -> list[int]:
        """The numbers of a model's shadow models, from 1."""
        return list(range(1, self.release.shadow_models.get(model, 1) + 1))

    @model_validator(mode="after")
    def _models_with_shadows_are_known(self) -> "Configuration":
        """Known, not trained: the configurations that stand on another's have fewer models."""
        self.surrogates.require_known(self.release.shadow_models, "release.shadow_models")
        return self

    @model_validator(mode="after")
    def _released_models_are_trained(self) -> "Configuration":
        for model in self.release.models or ():
            if model not in self.surrogates.models:
                raise ValueError(
                    f"release.models has {model!r}, expected some of surrogates.models: "
                    f"{', '.join(self.surrogates.models)}"
                )
        return self


def validate(content: dict[str, Any], name: str = "configuration") -> Configuration:
    """The configuration that `content` describes, defaults filled in.

    Raises:
        InputError: a key or a value is wrong; one line names each, its value and what is allowed.
    """
    return read_section(Configuration, content, name)


def schema() -> str:
    """The JSON schema of the configuration: the text of `workflow/schemas/config.schema.json`."""
    return json.dumps(Configuration.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
