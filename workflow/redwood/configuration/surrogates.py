"""The sections of the configuration about surrogates: training, evaluation and release."""

import re
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


class Evaluation(Section):
    """The measures of faithfulness and closeness."""

    measures: tuple[str, ...] = (
        "wd",
        "jsd",
        "diff_corr",
        "dcr",
        "diff_mlef",
        "diff_mlef_class",
        "wd_paper",
        "jsd_paper",
        "joint",
        "conditional",
        "coverage",
        "density",
        "c2st",
        "c2st_sequence",
        "impossible",
        "dcr_share",
        "nndr",
        "near_copies",
        "attack_distance",
        "attack_density",
        "attack_likelihood",
        "fano",
        "spectrum",
        "autocorrelation",
        "interarrival",
        "recurrence",
    )
    target: str = Field("workload", description="the column that diff-MLEF predicts")
    target_class: str = Field(
        "jobstatus",
        description="the categorical column that diff-MLEF of classes predicts; "
        "tables without it are spared that",
    )
    conditionals: tuple[tuple[str, ...], ...] = Field(
        (("computingsite", "jobstatus"), ("datatype", "size", "workload")),
        description="columns whose distributions are compared: each the last of a list, "
        "given those before it; lists with a column that the table lacks are left out",
    )
    groups: int = Field(
        20, ge=5, le=500, description="groups of consecutive rows of the jackknife intervals"
    )

    @field_validator("measures")
    @classmethod
    def _known_measures(cls, measures: tuple[str, ...]) -> tuple[str, ...]:
        return known_plugins("redwood.evaluation.measures", measures)

    @field_validator("conditionals")
    @classmethod
    def _columns_given_others(
        cls, conditionals: tuple[tuple[str, ...], ...]
    ) -> tuple[tuple[str, ...], ...]:
        for columns in conditionals:
            if len(columns) < 2 or len(set(columns)) < len(columns):
                raise ValueError(
                    f"{list(columns)} is none, expected two or more distinct columns, "
                    "the last one given the others"
                )
            if conditionals.count(columns) > 1:
                raise ValueError(f"{list(columns)} is listed twice")
        return conditionals


class Release(Section):
    """Which samples the release gate decides on, and what it plants."""

    models: tuple[str, ...] | None = Field(
        None,
        description="models whose samples may be published; if null, of sequoia and ctabganplus "
        "those that are trained",
    )
    levels: tuple[str, ...] = Field(
        ("record", "task", "user"),
        min_length=1,
        description="what must stay unknown: record, or columns whose equal values make a unit",
    )
    units: int = Field(400, ge=2, description="canaries of each level, half of them planted")
    most_rows: int = Field(10, ge=1, description="rows of a canary at most")

    @field_validator("models", "levels")
    @classmethod
    def _listed_once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if names.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice")
            if not re.fullmatch(r"\w+", name):
                raise ValueError(f"{name!r} is no name")
        return names
