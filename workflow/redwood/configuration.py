"""The typed configuration: what may stand in `config/*.yaml`, its defaults and its checks.

`workflow/schemas/config.schema.json` is generated from these classes.
"""

import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from redwood import plugins
from redwood.errors import InputError

PAPER_FEATURES = (
    "creationtime",
    "computingsite",
    "project",
    "prodstep",
    "datatype",
    "nfiles",
    "size",
    "jobstatus",
    "workload",
)
# A faithful model and one that smooths tasks away: what the release gate decides on if not told.
_TO_RELEASE = ("sequoia", "ctabganplus")
OPTIONAL_FEATURES = ("workinggroup", "user", "requestedtime", "cores", "walltime")

SectionType = TypeVar("SectionType", bound=BaseModel)
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Generate(_Section):
    """The raw dumps that are made when there are none: synthetic, and labelled so."""

    start: date = Field(date(2024, 1, 1), description="first day")
    days: int = Field(150, ge=1, le=3650, description="length of the recorded window in days")
    sites: int = Field(83, ge=2, le=83, description="number of computing sites")
    jobs: int = Field(
        60_000,
        ge=200,
        le=100_000_000,
        description="user-analysis jobs; other activities come on top",
    )


class Retrieve(_Section):
    """A public trace to get when none of `files` exists."""

    url: str = Field(pattern=r"^https?://", description="address of the file")
    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="expected digest; without one it is written beside the file, for pinning",
    )


class BigPanda(_Section):
    """Job records to ask of a BigPanDA monitor, window by window."""

    url: str = Field(
        "https://bigpanda.cern.ch", pattern=r"^https?://", description="address of the monitor"
    )
    sites: tuple[str, ...] = Field(
        min_length=1, description="values of COMPUTINGSITE, one request each and window"
    )
    start: datetime = Field(description="begin of the first window, UTC")
    end: datetime = Field(description="end of the last window, UTC")
    window_hours: int = Field(12, ge=1, le=12, description="length of a window")
    limit: int = Field(20_000, ge=1, le=20_000, description="most rows that the monitor answers")
    pause_s: float = Field(10.0, ge=1, description="pause between requests in s")

    @field_validator("start", "end")
    @classmethod
    def _in_utc(cls, time: datetime) -> datetime:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "BigPanda":
        if self.end <= self.start:
            raise ValueError("`end` must be later than `start`")
        return self


class Source(_Section):
    """Where the raw records come from.

    Made (`generate`), asked of a monitor (`bigpanda`), or read (`files`, else `retrieve`).
    """

    generate: Generate | None = None
    bigpanda: BigPanda | None = None
    files: tuple[str, ...] = Field((), description="files, folders or globs")
    retrieve: Retrieve | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "Source":
        read = bool(self.files) or self.retrieve is not None
        if (self.generate is not None) + (self.bigpanda is not None) + read != 1:
            raise ValueError("give one of `generate`, `bigpanda`, and `files` and/or `retrieve`")
        return self


class Cleaning(_Section):
    """What is kept of the raw records, and how it is read."""

    columns: dict[str, str] = Field(
        {}, description="raw column name → PanDA's name, for dumps that call it otherwise"
    )
    features: tuple[Literal[PAPER_FEATURES + OPTIONAL_FEATURES], ...] = Field(
        PAPER_FEATURES, min_length=2, description="the columns that surrogates learn, in order"
    )
    analysis_of_daod: bool = Field(
        True, description="keep only the paper's selection, user analysis of DAOD datasets"
    )
    keep_robots: bool = Field(False, description="keep test jobs (gangarobot, hc_test)")
    fold_sites: bool = Field(
        True, description="fold the queues of a site into one name, by the table of sites"
    )
    any_site_name: bool = Field(
        False,
        description="keep the names of sites that the table of sites neither has nor resembles; "
        "else they are masked, since such a cell may be anybody's name that slipped",
    )
    pseudonymous: bool = Field(
        False,
        description="the dump's users are pseudonyms already: their hashes may follow from the "
        "seed, so that runs repeat byte for byte; else they are keyed by REDWOOD_HASH_KEY or at "
        "random",
    )
    utc_offset_hours: float = Field(
        0.0, ge=-14, le=14, description="offset of the dump's clock from UTC, for local-time dumps"
    )
    default_core_power: float = Field(
        10.0, gt=0, description="HS23 per core of a site that the resource table does not know"
    )

    @field_validator("features")
    @classmethod
    def _distinct(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(features)) < len(features):
            raise ValueError("a feature is listed twice")
        return features


class Split(_Section):
    """How the jobs are divided into training, validation and test rows."""

    method: Literal["random", "time", "task"] = "random"
    train: float = Field(0.6, gt=0, lt=1)
    validation: float = Field(0.2, gt=0, lt=1)
    rows: int | None = Field(
        None, ge=10, description="divide only so many jobs, drawn at random; all if null"
    )

    @model_validator(mode="after")
    def _leaves_a_test(self) -> "Split":
        if self.train + self.validation >= 0.999:
            raise ValueError("train + validation must leave a share for the test rows")
        return self


class Records(_Section):
    """From raw dumps to the split job table."""

    source: Source = Source(generate=Generate())
    cleaning: Cleaning = Cleaning()
    split: Split = Split()


class Surrogates(_Section):
    """The generative models of the job table."""

    models: tuple[str, ...] = Field(("smote", "tvae"), min_length=1)
    options: dict[str, dict[str, Any]] = Field({}, description="model → its options")
    rows: int | None = Field(
        None, ge=10, description="rows to sample; as many as test rows if null"
    )

    @field_validator("models")
    @classmethod
    def _known_models(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        return _known("redwood.surrogates.models", models)

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
                    "; ".join(_problems(error, plugin.Options, f"options.{model}"))
                ) from None
        return self


class Evaluation(_Section):
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
        return _known("redwood.evaluation.measures", measures)

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


class Release(_Section):
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


class Simulation(_Section):
    """The grid on which recorded and synthetic jobs are run."""

    policies: tuple[str, ...] = Field(
        ("as_recorded", "least_loaded", "data_locality"), min_length=1
    )
    seeds: int = Field(3, ge=1, le=100, description="repetitions, each with a seed of its own")
    load_factor: float = Field(
        1.0, gt=0, description="arrivals are this many times as fast as in the job table"
    )
    utilisation: float = Field(
        0.7, gt=0, lt=1, description="busy share of the cores at which the sites are sized"
    )
    interval_s: float = Field(3600.0, gt=0, description="step of the recorded time series in s")
    tcp_gamma: float = Field(
        0.0, ge=0, description="TCP window in bytes that caps a single transfer; 0 lifts the cap"
    )

    @field_validator("policies")
    @classmethod
    def _known_policies(cls, policies: tuple[str, ...]) -> tuple[str, ...]:
        return _known("redwood.simulation.policies", policies)


class Paper(_Section):
    """Tables and figures."""

    dpi: int = Field(150, ge=50, le=600, description="resolution of the PNG figures")


class Configuration(_Section):
    """A whole run."""

    dataset: Name = Field("embedded", description="name of the results folder")
    seed: int = Field(2410, ge=0, lt=2**32)
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

    @property
    def released_models(self) -> tuple[str, ...]:
        """The models whose samples the release gate decides on."""
        if self.release.models is not None:
            return self.release.models
        return tuple(model for model in _TO_RELEASE if model in self.surrogates.models)

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


def read_section(
    section: type[SectionType], content: dict[str, Any] | str, name: str
) -> SectionType:
    """One section of the configuration, from values or from the JSON text of a command line.

    Args:
        section: its class.
        content: its keys and values, or those as JSON.
        name: what error messages call it.

    Raises:
        InputError: a key or a value is wrong; one line names each, its value and what is allowed.
    """
    try:
        values = json.loads(content) if isinstance(content, str) else content
        return section.model_validate(values)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}: not JSON: {error}: {content!r}") from None
    except ValidationError as error:
        raise InputError(f"{name}: {'; '.join(_problems(error, section))}") from None


def schema() -> str:
    """The JSON schema of the configuration: the text of `workflow/schemas/config.schema.json`."""
    return json.dumps(Configuration.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _known(package: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
    available = plugins.names(package)
    for name in chosen:
        if name not in available:
            raise ValueError(f"{name!r} is unknown; there are {', '.join(available)}")
        if chosen.count(name) > 1:
            raise ValueError(f"{name!r} is listed twice")
    return chosen


def _problems(error: ValidationError, section: type[BaseModel], prefix: str = "") -> list[str]:
    problems = []
    for problem in error.errors(include_url=False):
        key = ".".join([*([prefix] if prefix else []), *(str(part) for part in problem["loc"])])
        if problem["type"] == "extra_forbidden":
            allowed = ", ".join(_siblings(section, problem["loc"]))
            problems.append(f"{key}: unknown key (value {problem['input']!r}); allowed: {allowed}")
        elif isinstance(problem["input"], dict):
            problems.append(f"{key}: {problem['msg']}".removeprefix(": "))
        else:
            problems.append(f"{key} is {problem['input']!r}: {problem['msg']}")
    return problems


def _siblings(section: Any, location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed where the unknown key at `location` in `section` stands."""
    for part in location[:-1]:
        annotation = section.model_fields[part].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        section = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(section.model_fields)
