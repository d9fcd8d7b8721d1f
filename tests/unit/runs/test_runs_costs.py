"""The table of costs: written, read, and what is wrong with it."""

from dataclasses import replace

import pytest

from redwood.errors import InputError
from redwood.facts import fact_file
from redwood.runs.bundling import bundle
from redwood.runs.costs import Cost, Costs, Job, read_costs, write_costs

HEADER = (
    "rule,variant,base_s,s_per_row,s_per_pass,base_mb,mb_per_row,most_rows,measured,"
    "s_per_pass_row,s_per_pass_fluid"
)
SMOTE = Cost("surrogates_train", "smote", 1.5, 0.0, 2e-5, 120.0, 0.001, 1000, 2)
TVAE = Cost("surrogates_train", "tvae", 5.0, 1e-4, 3e-5, 300.0, 0.009, 1000, 2)


def job(rule: str, variant: str = "", rows: int = 100, times: int = 1) -> Job:
    return Job(rule, variant, rows, times, gpu=False)


def test_time_grows_with_rows_and_passes_memory_with_rows():
    assert TVAE.seconds(10_000, 20) == pytest.approx(5 + 1 + 6)
    assert TVAE.megabytes(10_000) == pytest.approx(390)


def test_simulations_grow_with_the_square_of_jobs():
    cost = Cost("simulate", "random", 2.0, 0, 3e-5, 0, 0, 1000, 2, s_per_pass_row=1e-8)
    assert cost.seconds(100_000, 5) == pytest.approx(2 + 15 + 500)
    assert cost.seconds(100_000, 5, fluid=True) == pytest.approx(2 + 15)
    measured = replace(cost, s_per_pass_fluid=2e-4)
    assert measured.seconds(100_000, 5, fluid=True) == pytest.approx(2 + 100)


def test_the_shipped_cost_of_a_fluid_network_is_what_was_measured():
    """docs/simulation.md: 445,690 jobs as recorded in 77 CPU seconds."""
    shipped = read_costs(fact_file("costs.csv"))
    as_recorded = replace(job("simulate", "as_recorded", 445_690), fluid=True)
    assert shipped.of(as_recorded).seconds(445_690, fluid=True) == pytest.approx(77, rel=1e-3)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "costs.csv"
    write_costs(path, [SMOTE, TVAE], "here and there\n1,000 rows")
    assert path.read_text().splitlines()[:3] == ["# here and there", "# 1,000 rows", HEADER]
    costs = read_costs(path)
    assert list(costs) == [SMOTE, TVAE]
    assert costs.machine == "here and there 1,000 rows"


def test_a_shadow_model_costs_what_its_model_costs():
    costs = Costs([SMOTE, TVAE], "", "costs")
    assert costs.of(job("release_train", "tvae")) == TVAE


def test_a_variant_that_was_never_measured_costs_what_the_dearest_for_that_job_does():
    dear_at_first = Cost("surrogates_train", "copy", 50.0, 0, 0, 0, 0, 1, 1)
    costs = Costs([SMOTE, TVAE, dear_at_first], "", "costs")
    assert costs.of(job("surrogates_train", "another", rows=100)) == dear_at_first
    assert costs.of(job("surrogates_train", "another", rows=1_000_000)) == TVAE


def test_a_rule_that_was_never_measured_is_named_with_the_file():
    with pytest.raises(InputError, match=r"costs\.csv: no line for the rule evaluate"):
        Costs([SMOTE], "", "costs.csv").of(job("evaluate", "smote"))


def test_what_waits_for_a_network_needs_no_measurement():
    assert Costs([], "", "costs").of(job("records_download")).seconds(10**6) == 6 * 3600


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("surrogates_train,tvae,5,0,1,300,0,10,0,0", "shorter than argument 1"),
        ("surrogates_train,tvae,5,0,1,300,0,10,2,3,0,0", "longer than argument 1"),
        ("surrogates_train,tvae,5,0,x,300,0,10,2,0,0", "s_per_pass is 'x': Input should be a val"),
        ("surrogates_train,tvae,5,0,-1,300,0,10,2,0,0", "s_per_pass is '-1': Input should be gre"),
        ("surrogates_train,tvae,5,0,nan,300,0,10,2,0,0", "s_per_pass is 'nan': Input should be a"),
        ("surrogates_train,tvae,inf,0,1,300,0,10,2,0,0", "base_s is 'inf': Input should be a fi"),
        (
            "surrogates_train,tvae,5,0,1,300,0,1.5,2,0,0",
            "most_rows is '1.5': Input should be a val",
        ),
        ("surrogate_train,tvae,5,0,1,300,0,10,2,0,0", "there is no rule 'surrogate_train'"),
        ("surrogates_train,smote,5,0,1,300,0,10,2,0,0", "there is one for this already"),
    ],
)
def test_a_wrong_line_is_named_by_its_number_and_what_it_says(tmp_path, line, said):
    path = tmp_path / "costs.csv"
    write_costs(path, [SMOTE], "here")
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError) as caught:
        read_costs(path)
    assert str(caught.value).startswith(f"{path}: line 4: {line!r}")
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "# here\n", "rule,variant,seconds\nevaluate,,1\n"])
def test_other_columns_and_a_missing_table_are_refused(tmp_path, text):
    path = tmp_path / "costs.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"costs\.csv: the columns are .*, expected {HEADER}"):
        read_costs(path)
    with pytest.raises(InputError, match=r"gone\.csv: No such file"):
        read_costs(tmp_path / "gone.csv")


def test_costs_and_bundles_are_written_in_the_format_of_their_ending(tmp_path):
    with pytest.raises(InputError, match=r"costs\.json: .* expected a name that ends with \.csv"):
        write_costs(tmp_path / "costs.json", [SMOTE], "here")
    with pytest.raises(InputError, match=r"bundle\.gz: .* expected a name that ends with \.zip"):
        bundle(tmp_path, tmp_path / "bundle.gz")
