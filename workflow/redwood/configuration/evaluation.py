"""The section of the configuration about evaluation."""

from pydantic import Field, field_validator

from redwood import plugins
from redwood.validation import Section, known_plugins

_MEASURES = "redwood.evaluation.measures"


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
        "burst_pace",
        "burst_size",
        "burst_steps",
        "burst_levels",
        "burst_variety",
        "switching",
        "runs",
        "repeats",
        "activity",
    )
    target: str = Field("workload", description="the column that diff-MLEF predicts")
    target_class: str = Field(
        "jobstatus",
        description="the categorical column that diff-MLEF of classes predicts; "
        "tables without it do without that measure",
    )
    conditionals: tuple[tuple[str, ...], ...] = Field(
        (("computingsite", "jobstatus"), ("datatype", "size", "workload")),
        description="lists of columns: the distributions of the last are compared, given "
        "those before it; lists with a column that the table lacks are left out",
    )
    groups: int = Field(
        20, ge=5, le=500, description="groups of consecutive rows of the jackknife intervals"
    )

    other_draws: int = Field(
        3,
        ge=0,
        le=20,
        description="draws of real rows of other units (tasks, users, weeks) for the second floor, "
        "of each kind of unit; 0 for none",
    )

    @field_validator("measures")
    @classmethod
    def _known_measures(cls, measures: tuple[str, ...]) -> tuple[str, ...]:
        return known_plugins(_MEASURES, measures)

    @field_validator("conditionals")
    @classmethod
    def _columns_given_others(
        cls, conditionals: tuple[tuple[str, ...], ...]
    ) -> tuple[tuple[str, ...], ...]:
        for columns in conditionals:
            if len(columns) < 2 or len(set(columns)) < len(columns):
                raise ValueError(
                    f"{list(columns)} is no such list, expected two or more distinct columns, "
                    "the last one given the others"
                )
            if conditionals.count(columns) > 1:
                raise ValueError(f"{list(columns)} is listed twice")
        return conditionals

    def says(self, constant: str) -> bool:
        """Whether a measure that is asked for sets a constant such as `NEEDS_DENSITIES`."""
        return any(plugins.constant(_MEASURES, name, constant, None) for name in self.measures)
