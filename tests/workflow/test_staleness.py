"""Which jobs an edit makes stale: what it must, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from tests.project import Project

pytestmark = pytest.mark.workflow

# Of every set the last: the manifest of all results, and paper and report, which tell of it.
MANIFEST = {"manifest", "paper", "report_page"}
AFTER_EVALUATE = {
    *("release_decide", "table1", "figure_correlations", "figure_dcr", "figure_attacks"),
    *("figure_found_shares", "figure_tradeoff"),
    *MANIFEST,
}
EVALUATE = {"evaluate"} | AFTER_EVALUATE
TABLE1 = {"table1", "figure_tradeoff"} | MANIFEST
OTHER_FLOORS = {"evaluation_other_floors"} | TABLE1
EXACT_LAW = {"evaluation_exact_law"} | OTHER_FLOORS
REALISATIONS = {"evaluation_realisations"} | EXACT_LAW
FLOORS = {"evaluation_floors"} | EXACT_LAW | EVALUATE
FIGURES_OF_RUNS = {"figure_grid", "figure_site_load", "figure_transfer_map"}
FIGURES = FIGURES_OF_RUNS | {
    *("figure_distributions", "figure_arrivals", "figure_correlations", "figure_dcr"),
    *("figure_attacks", "figure_training", "figure_found_shares", "figure_ranks"),
    *("figure_tradeoff", "figure_pipeline"),
}
SIMULATE = (
    {"simulate", "simulation_outcomes", "simulation_page", "table2", "figure_ranks"}
    | FIGURES_OF_RUNS
    | TABLE1
)
PLATFORM = {"simulation_platform"} | SIMULATE
SAMPLE = (
    {"surrogates_sample", "figure_distributions", "figure_arrivals"}
    | EVALUATE - {"release_decide", "figure_found_shares"}
    | SIMULATE
)
TRAIN_TVAE = SAMPLE | {"surrogates_train", "figure_training"}
# A shadow model is trained of each model that is to be released: of smote.
DECIDE = {"release_decide", "figure_found_shares"} | TABLE1
AUDIT = {"release_audit"} | DECIDE
SAMPLE_SHADOW = {"release_sample"} | AUDIT
TRAIN_SHADOW = {"release_train"} | SAMPLE_SHADOW
PLANT = {"release_plant"} | TRAIN_SHADOW
TRAIN_SMOTE = SAMPLE | {"surrogates_train"} | TRAIN_SHADOW
TRAIN = TRAIN_SMOTE | TRAIN_TVAE
SPLIT = (
    {"records_split", "card", "figure_pipeline"} | FLOORS | REALISATIONS | TRAIN | PLANT | PLATFORM
)
CLEAN = {"records_clean_file", "records_gather"} | SPLIT
EVERYTHING = {"generator_make", "generator_calibrate"} | CLEAN

SMOTE, TVAE = {"smote"}, {"tvae"}
POLICIES = ("as_recorded", "least_loaded+cache")
WORKLOADS = ("recorded", "exact_law", "smote", "tvae")


@dataclass(frozen=True)
class Case:
    """An edit, the rules that it makes stale and, of some, the values of their wildcards."""

    name: str
    edit: Callable[[Project], None]
    rules: set[str]
    jobs: dict[str, set[str]] = field(default_factory=dict)


def replaced(path: str, old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit(path, old, new)


def configured(old: str, new: str) -> Callable[[Project], None]:
    return replaced("mini.yaml", old, new)


def added(text: str) -> Callable[[Project], None]:
    """A further section of the configuration."""
    return appended("mini.yaml", text)


def appended(path: str, text: str) -> Callable[[Project], None]:
    def edit(project: Project) -> None:
        with open(project.folder / path, "a") as file:
            file.write(text)

    return edit


def coded(path: str) -> Callable[[Project], None]:
    """A line of code that does nothing, in a module of the library."""
    return appended(f"workflow/redwood/{path}", "\nEDITED = True\n")


WD = "workflow/redwood/evaluation/measures/wd.py"
CODE = (
    Case("a comment in a measure", replaced(WD, "\ndef ", "\n\n# A remark.\ndef "), set()),
    Case("a docstring of a measure", replaced(WD, '"""WD: ', '"""Said anew: '), set()),
    Case("what only people see", coded("progress.py"), set()),
    Case("a measure", coded("evaluation/measures/wd.py"), FLOORS, {"evaluate": SMOTE | TVAE}),
    Case("a measure that is not asked for", coded("evaluation/measures/c2st.py"), set()),
    Case(
        "a model", coded("surrogates/models/tvae/surrogate.py"), TRAIN_TVAE,
        {"surrogates_train": TVAE, "surrogates_sample": TVAE, "evaluate": TVAE,
         "simulate": {f"tvae {policy}" for policy in POLICIES}},
    ),
    Case(
        "a model that is released", coded("surrogates/models/smote/surrogate.py"), TRAIN_SMOTE,
        {"surrogates_train": SMOTE, "evaluate": SMOTE, "release_train": SMOTE,
         "simulate": {f"smote {policy}" for policy in POLICIES}},
    ),
    Case("a model that is not asked for", coded("surrogates/models/sequoia/surrogate.py"), set()),
    Case(
        "a module of the models that train by epochs", coded("surrogates/training_loop.py"),
        TRAIN_TVAE, {"surrogates_train": TVAE},
    ),
    Case(
        "a module of all models", coded("surrogates/encoding.py"), TRAIN,
        {"surrogates_train": SMOTE | TVAE, "evaluate": SMOTE | TVAE},
    ),
    Case("the canaries", coded("release/canaries.py"), PLANT),
    Case(
        "a brokerage", coded("simulation/policies/brokerage/least_loaded.py"), SIMULATE,
        {"simulate": {f"{jobs} least_loaded+cache" for jobs in WORKLOADS}},
    ),
    Case("the engine of the simulation", coded("simulation/engine.py"), SIMULATE),
    Case("a figure", coded("paper/dcr.py"), {"figure_dcr"} | MANIFEST),
    Case("the report's page", replaced("workflow/redwood/paper/report/page.html", "<h2>", "<h2 >"),
         {"report_page"}),
    Case("the paper's text", replaced("workflow/redwood/paper/document/paper.typ", "= Privacy",
                                      "= Kept secret"), {"paper", "report_page"}),
    Case("a caption", replaced("workflow/report/dcr.rst", "Cumulative", "The"),
         {"paper", "report_page"}),
    Case("the split", coded("records/splitting.py"), SPLIT),
    Case("the Snakefile's comments", appended("Snakefile", "\n# A remark.\n"), set()),
)  # fmt: skip

FACTS = (
    Case("a link", replaced("resources/network.csv", "T3,10,10,", "T3,11,10,"), PLATFORM),
    Case("electricity", replaced("resources/carbon.csv", "\nFR,44.2,", "\nFR,44.3,"), PLATFORM),
    Case("a site, which is read from the dumps to the map", appended("resources/sites.csv", "\n"),
         EVERYTHING),
    Case("a target of generated dumps", appended("resources/generation_targets.csv", "\n"),
         {"generator_calibrate"} | MANIFEST),
    Case("a figure of the paper's", appended("resources/paper_table1.csv", "\n"),
         TABLE1),
    Case("what jobs are measured to take",
         replaced("resources/costs.csv", "\nevaluate,,", "\nevaluate,,1"), set()),
)  # fmt: skip

PINS = (
    Case("of records", replaced("envs/records.yaml", "zstandard=", "zstandard=0."), EVERYTHING),
    Case("of surrogates", replaced("envs/surrogates.yaml", "rdt=", "rdt=0."), TRAIN),
    Case("of evaluation", replaced("envs/evaluation.yaml", "catboost=", "catboost=0."),
         FLOORS | PLANT),
    Case("of SimGrid",
         replaced("envs/simulation.post-deploy.sh", "simgrid==4.1", "simgrid==4.2"), PLATFORM),
    Case("of tables and figures", replaced("envs/paper.yaml", "matplotlib-base=", "matplotlib=0."),
         {"table1", "table2", "simulation_page"} | FIGURES | MANIFEST),
    Case("none, a remark", appended("envs/records.yaml", "# A remark.\n"), set()),
)  # fmt: skip

RELEASE, EVALUATION = "release: {models: [smote]", "groups: 5"
CONFIGURATION = (
    Case("seed", added("seed: 7\n"), EVERYTHING),
    Case("seeds.records", added("seeds: {records: 7}\n"), EVERYTHING),
    Case("seeds.surrogates", added("seeds: {surrogates: 7}\n"), TRAIN),
    Case("seeds.evaluation", added("seeds: {evaluation: 7}\n"), FLOORS),
    Case("seeds.release", added("seeds: {release: 7}\n"), PLANT),
    Case("a seed that is the one of the run", added("seeds: {evaluation: 2410}\n"), MANIFEST),
    Case("records.source, two numbers exchanged",
         configured("days: 7, sites: 6", "days: 6, sites: 7"), EVERYTHING),
    Case("records.cleaning",
         configured("records: {", "records: {cleaning: {keep_robots: true}, "), CLEAN),
    Case("records.split, two numbers exchanged",
         configured("records: {", "records: {split: {train: 0.2, validation: 0.6}, "), SPLIT),
    Case("surrogates.options of one", configured("epochs: 1", "epochs: 2"), TRAIN_TVAE,
         {"surrogates_train": TVAE, "evaluate": TVAE}),
    Case("surrogates.options of a model that is not asked for",
         configured("tvae: {epochs: 1}", "tvae: {epochs: 1}, sequoia: {epochs: 3}"), MANIFEST),
    Case("surrogates.rows", configured("options:", "rows: 50, options:"),
         SAMPLE | SAMPLE_SHADOW | FLOORS,
         {"surrogates_sample": SMOTE | TVAE, "release_sample": SMOTE,
          "simulate": {f"{model} {policy}" for model in ("smote", "tvae") for policy in POLICIES}}),
    Case("surrogates.models, one more", configured("[smote, tvae]", "[smote, tvae, copy]"),
         SAMPLE | {"surrogates_train"},
         {"surrogates_train": {"copy"}, "surrogates_sample": {"copy"}, "evaluate": {"copy"},
          "simulate": {f"copy {policy}" for policy in POLICIES}}),
    Case("surrogates.models, in another order", configured("[smote, tvae]", "[tvae, smote]"),
         TABLE1 | FIGURES - {"figure_training", "figure_found_shares", "figure_ranks",
                             "figure_pipeline"}),
    Case("evaluation.measures, in another order", configured("[wd, jsd", "[jsd, wd"), FLOORS),
    Case("evaluation.measures", configured("[wd, jsd", "[wd, fano, jsd"), FLOORS),
    Case("evaluation.groups", configured(EVALUATION, "groups: 6"), FLOORS),
    Case("release.levels", configured(RELEASE, f"{RELEASE}, levels: [record]"), PLANT),
    Case("release, two numbers exchanged",
         configured(RELEASE, f"{RELEASE}, units: 200, sizes: [1, 5, 20, 50, 800]"), PLANT),
    Case("release.up_to_rows", configured(RELEASE, f"{RELEASE}, up_to_rows: 20"), AUDIT),
    Case("release.models, one more", configured(RELEASE, "release: {models: [smote, tvae]"),
         TRAIN_SHADOW, {"release_train": TVAE, "release_audit": TVAE, "release_decide": TVAE}),
    Case("release.shadow_models, one more",
         configured(RELEASE, f"{RELEASE}, shadow_models: {{smote: 2}}"), PLANT,
         {"release_train": {"shadows/2/ smote"}, "release_audit": SMOTE}),
    Case("simulation.load_factor", configured("load_factor: 1", "load_factor: 2"), PLATFORM),
    Case("simulation.utilisation", configured("seeds: 1", "seeds: 1, utilisation: 0.5"), PLATFORM),
    Case("simulation.seeds", configured("seeds: 1", "seeds: 2"), SIMULATE),
    Case("simulation.interval_s", configured("seeds: 1", "seeds: 1, interval_s: 60"), SIMULATE),
    Case("simulation.policies, one more",
         configured("[as_recorded,", "[random, as_recorded,"), SIMULATE,
         {"simulate": {f"{jobs} random" for jobs in WORKLOADS}}),
    Case("simulation.policies, in another order",
         configured("[as_recorded, least_loaded+cache]", "[least_loaded+cache, as_recorded]"),
         FIGURES_OF_RUNS | MANIFEST),
    Case("paper.dpi", added("paper: {dpi: 90}\n"), FIGURES | MANIFEST),
    Case("a value written out as its default", configured("seeds: 1", "seeds: 1, tcp_gamma: 0"),
         set()),
)  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{group}: {case.name}")
        for group, cases in (
            ("code", CODE), ("fact", FACTS), ("pin", PINS), ("configuration", CONFIGURATION),
        )
        for case in cases
    ],
)  # fmt: skip
def test_an_edit_makes_stale_what_it_must_and_nothing_else(project, case):
    case.edit(project)
    stale = project.stale_jobs()
    assert set(stale) == case.rules
    assert {rule: stale[rule] for rule in case.jobs} == case.jobs


def test_what_an_interrupted_run_left_missing_is_made_again_and_what_follows(project):
    folder = project.folder / "results/mini/evaluation/smote"
    folder.rename(folder.with_name(".away"))
    try:
        stale = project.stale_jobs()
    finally:
        folder.with_name(".away").rename(folder)
    assert set(stale) == EVALUATE
    assert stale["evaluate"] == SMOTE


def test_the_default_run_is_at_most_210_jobs(project):
    _, said = Project(project.folder, "config/config.yaml").dry_run("--forceall")
    total = next(line for line in said.splitlines() if line.startswith("total"))
    assert int(total.split()[1]) <= 210


def test_a_wrong_configuration_stops_before_any_job_with_one_clear_line(project):
    project.edit("mini.yaml", "load_factor: 1", "laod_factor: 1")
    answer = project.snakemake("--cores", "1")
    assert answer.returncode == 1
    assert "simulation.laod_factor: unknown key (value 1); allowed:" in answer.stdout
    assert "Traceback" not in answer.stdout
