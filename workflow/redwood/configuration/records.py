"""The sections of the configuration about records: where they come from and what is kept."""

from datetime import UTC, date, datetime
from typing import Literal

from pydantic import Field, field_validator, model_validator

from redwood.facts import PANDA_CORE_POWER
from redwood.validation import Section

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
# Columns of words that may hold a name of a person, column → the key that lets any word out.
ANY_WORD = {
    "computingsite": "any_site_name",
    "datatype": "any_data_type",
    "workinggroup": "any_working_group",
}
SPOKEN = tuple(ANY_WORD)
OPTIONAL_FEATURES = ("workinggroup", "user", "requestedtime", "cores", "walltime", "memory")


class Generate(Section):
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


class Retrieve(Section):
    """A public trace to get when none of `files` exists."""

    url: str = Field(pattern=r"^https?://", description="address of the file")
    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="expected digest; without one, the file's is written beside it, for pinning",
    )


class BigPanda(Section):
    """Job records to request from a BigPanDA monitor, window by window."""

    url: str = Field(
        "https://bigpanda.cern.ch", pattern=r"^https?://", description="address of the monitor"
    )
    sites: tuple[str, ...] = Field(
        min_length=1, description="values of COMPUTINGSITE; one request for each in each window"
    )
    start: datetime = Field(description="start of the first window, UTC")
    end: datetime = Field(description="end of the last window, UTC")
    window_hours: int = Field(12, ge=1, le=12, description="length of a window")
    limit: int = Field(20_000, ge=1, le=20_000, description="most rows that one answer may have")
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


class Source(Section):
    """Where the raw records come from.

    Generated (`generate`), requested from a monitor (`bigpanda`), or read (`files`, else
    `retrieve`).
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


class Cleaning(Section):
    """What is kept of the raw records, and how it is read."""

    columns: dict[str, str] = Field(
        {}, description="raw column name → PanDA's name, for dumps that use other names"
    )
    features: tuple[Literal[PAPER_FEATURES + OPTIONAL_FEATURES], ...] = Field(  # type: ignore[valid-type]
        PAPER_FEATURES, min_length=2, description="the columns that surrogates learn, in order"
    )
    analysis_of_daod: bool = Field(
        True, description="keep only the paper's selection, user analysis of DAOD datasets"
    )
    keep_robots: bool = Field(False, description="keep test jobs (gangarobot, hc_test)")
    fold_sites: bool = Field(
        True, description="fold the queues of a site into one name, by the table of sites"
    )
    least_owners: int = Field(
        5,
        ge=2,
        description="how many owners must share a site, data type or working group that is on no "
        "list for it to come out, over all dumps; any other may be a person's name and is masked",
    )
    words: dict[Literal[SPOKEN], tuple[str, ...]] = Field(  # type: ignore[valid-type]
        {}, description="column → further words that come out as they are, whoever has them"
    )
    any_site_name: bool = Field(
        False,
        description="let out the sites that are on no list, however few owners have them; only "
        "those that hold the name of an owner are masked",
    )
    any_data_type: bool = Field(False, description="the same for data types")
    any_working_group: bool = Field(False, description="the same for working groups")
    pseudonymous: bool = Field(
        False,
        description="the dump's users are pseudonyms already and no cell names a person: no word "
        "is masked, and hashes follow from the seed, so that runs repeat byte for byte; else they "
        "are keyed by REDWOOD_HASH_KEY or at random",
    )
    utc_offset_hours: float = Field(
        0.0, ge=-14, le=14, description="offset of the dump's clock from UTC, for local-time dumps"
    )
    day_first: bool | None = Field(
        None,
        description="whether 3/4/2025 is the third of April; if nobody says so the month is first, "
        "and the account counts the dates that may be either",
    )
    default_core_power: float = Field(
        PANDA_CORE_POWER,
        gt=0,
        allow_inf_nan=False,
        description="HS23 per core of a site that the resource table does not know",
    )

    @field_validator("features")
    @classmethod
    def _distinct(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(features)) < len(features):
            raise ValueError("a feature is listed twice")
        return features


class Split(Section):
    """How the jobs are divided into training, validation and test rows."""

    method: Literal["random", "time", "task", "user"] = "random"
    train: float = Field(0.6, gt=0, lt=1)
    validation: float = Field(0.2, gt=0, lt=1)
    rows: int | None = Field(
        None, ge=10, description="divide only this many jobs, drawn at random; all if null"
    )

    @model_validator(mode="after")
    def _leaves_a_test(self) -> "Split":
        if self.train + self.validation >= 0.999:
            raise ValueError("train + validation must leave a share for the test rows")
        return self


class Records(Section):
    """From raw dumps to the split job table."""

    source: Source = Source(generate=Generate())
    cleaning: Cleaning = Cleaning()
    split: Split = Split()
