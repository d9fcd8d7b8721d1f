"""Which rules an edit makes stale: what it must, and nothing else."""

import pytest

pytestmark = pytest.mark.workflow

AFTER_EVALUATION = {
    *("evaluate", "release_decide", "table1"),
    *("figure_correlations", "figure_dcr", "figure_attacks"),
}
OF_TWINS = {"release_train", "release_sample", "release_audit"}
AFTER_SIMULATION = {
    *("simulate", "simulation_outcomes", "table1", "table2"),
    *("figure_grid", "figure_site_load", "figure_transfer_map"),
}
AFTER_SAMPLE = AFTER_EVALUATION | AFTER_SIMULATION | {"figure_distributions", "figure_arrivals"}


def test_a_finished_run_has_nothing_to_do_and_left_its_report(project):
    assert project.stale_rules() == set()
    report = (project.folder / "results/report.html").read_text()
    assert "Table I" in report


def test_comments_and_touching_make_nothing_stale(project):
    project.edit("workflow/redwood/evaluation/measures/wd.py", "\ndef ", "\n\n# A remark.\ndef ")
    (project.folder / "workflow/redwood/tables.py").touch()
    assert project.stale_rules() == set()


def test_a_measure_makes_only_evaluation_and_what_follows_stale(project):
    with open(project.folder / "workflow/redwood/evaluation/measures/wd.py", "a") as module:
        module.write("\nEDITED = True\n")
    assert project.stale_rules() == AFTER_EVALUATION


def test_a_policy_makes_only_its_simulations_and_what_follows_stale(project):
    path = "workflow/redwood/simulation/policies/brokerage/least_loaded.py"
    with open(project.folder / path, "a") as module:
        module.write("\nEDITED = True\n")
    assert project.stale_rules() == AFTER_SIMULATION
    plan = project.snakemake("--dry-run").stdout
    assert "output: results/mini/simulation/runs/recorded/least_loaded+cache" in plan
    assert "output: results/mini/simulation/runs/recorded/as_recorded" not in plan


def test_a_placement_makes_only_the_simulations_that_have_it_stale(project):
    path = "workflow/redwood/simulation/policies/placement/cache.py"
    with open(project.folder / path, "a") as module:
        module.write("\nEDITED = True\n")
    plan = project.snakemake("--dry-run").stdout
    assert "runs/recorded/least_loaded+cache" in plan
    assert "output: results/mini/simulation/runs/recorded/as_recorded" not in plan


def test_a_fact_about_sites_makes_only_the_simulation_and_what_follows_stale(project):
    project.edit("resources/network.csv", "T3,10,10,", "T3,11,10,")
    assert project.stale_rules() == AFTER_SIMULATION | {"simulation_platform"}


def test_a_model_makes_only_its_own_training_and_what_follows_stale(project):
    with open(project.folder / "workflow/redwood/surrogates/models/smote.py", "a") as module:
        module.write("\nEDITED = True\n")
    assert project.stale_rules() == AFTER_SAMPLE | OF_TWINS | {
        "surrogates_train",
        "surrogates_sample",
    }
    assert "surrogates train tvae" not in project.snakemake("--dry-run", "--printshellcmds").stdout


def test_canaries_make_only_the_release_gate_and_table_one_stale(project):
    with open(project.folder / "workflow/redwood/evaluation/canaries.py", "a") as module:
        module.write("\nEDITED = True\n")
    assert project.stale_rules() == OF_TWINS | {"release_plant", "release_decide", "table1"}


def test_a_configured_value_makes_stale_the_rule_that_reads_it_and_reverting_it_heals(project):
    project.edit("mini.yaml", "load_factor: 1", "load_factor: 2")
    assert project.stale_rules() == AFTER_SIMULATION | {"simulation_platform"}
    project.edit("mini.yaml", "load_factor: 2", "load_factor: 1")
    assert project.stale_rules() == set()


def test_what_an_interrupted_run_left_missing_is_made_again_and_what_follows(project):
    folder = project.folder / "results/mini/evaluation/smote"
    folder.rename(folder.with_name(".away"))
    try:
        assert project.stale_rules() == AFTER_EVALUATION
    finally:
        folder.with_name(".away").rename(folder)
    assert project.stale_rules() == set()


def test_a_value_written_out_as_its_default_makes_nothing_stale(project):
    project.edit("mini.yaml", "load_factor: 1", "load_factor: 1, utilisation: 0.85")
    assert project.stale_rules() == set()


def test_the_default_run_is_at_most_150_jobs(project):
    answer = project.snakemake("--dry-run", "--forceall", "--configfile", "config/config.yaml")
    total = next(line for line in answer.stdout.splitlines() if line.startswith("total"))
    assert int(total.split()[1]) <= 150


def test_a_wrong_configuration_stops_before_any_job_with_one_clear_line(project):
    project.edit("mini.yaml", "load_factor: 1", "laod_factor: 1")
    answer = project.snakemake("--cores", "1")
    assert answer.returncode == 1
    assert "simulation.laod_factor: unknown key (value 1); allowed:" in answer.stdout
    assert "Traceback" not in answer.stdout
