"""The jobs of a run: how many of each rule, what they have to do, and which wait for which."""

from pathlib import Path

import pytest
import yaml
from cluster_results import SIZES

from redwood.cluster.configured import read_configuration
from redwood.cluster.jobs import Job, job, jobs_of, models_of, waits_for
from redwood.cluster.rules import RULES
from redwood.configuration import validate

ROOT = Path(__file__).resolve().parents[3]
GENERATED = {"source": {"generate": {"jobs": 1000}}}


def configured(**sections):
    content = {
        "records": GENERATED,
        "surrogates": {"models": ["smote", "tvae", "sequoia"], "options": {"tvae": {"epochs": 7}}},
        "release": {"models": ["tvae"]},
        "evaluation": {"measures": ["wd", "attack_likelihood"]},
        "simulation": {"policies": ["random", "least_loaded+cache"], "seeds": 3},
    }
    return validate({**content, **sections})


def counts(configuration) -> dict[str, int]:
    models = models_of(configuration)
    found = {rule: len(jobs_of(rule, configuration, SIZES, models)) for rule in RULES}
    return {rule: number for rule, number in found.items() if number}


def test_each_rule_runs_once_for_what_it_is_for():
    found = counts(configured())
    assert {rule: number for rule, number in found.items() if number > 1} == {
        "records_clean_file": SIZES.dumps,
        "surrogates_train": 3,
        "surrogates_sample": 3,
        "evaluate": 3,
        "simulate": (1 + 3) * 2,
    }
    once = ("generator_make", "surrogates_score", "release_train", "release_decide", "figure_dcr")
    assert all(found[rule] == 1 for rule in once)


@pytest.mark.parametrize(
    ("sections", "less", "more"),
    [
        ({"evaluation": {"measures": ["wd"]}}, {"surrogates_score", "figure_attacks"}, set()),
        (
            {"release": {"models": []}},
            {f"release_{verb}" for verb in ("plant", "train", "sample", "audit", "decide")},
            set(),
        ),
        (
            {"surrogates": {"models": ["smote"]}, "release": {"models": []}},
            {"figure_training", "surrogates_score"}
            | {f"release_{verb}" for verb in ("plant", "train", "sample", "audit", "decide")},
            set(),
        ),
        (
            {"records": {"source": {"files": ["dumps"]}}},
            {"generator_make", "generator_calibrate"},
            {"records_hash_key"},
        ),
        (
            {"records": {"source": {"files": ["dumps"]}, "cleaning": {"pseudonymous": True}}},
            {"generator_make", "generator_calibrate"},
            set(),
        ),
        (
            {
                "records": {
                    "source": {
                        "bigpanda": {"sites": ["A"], "start": "2024-01-01", "end": "2024-01-02"}
                    }
                }
            },
            {"generator_make", "generator_calibrate"},
            {"records_download", "records_hash_key"},
        ),
    ],
)
def test_rules_that_nothing_asks_for_do_not_run(monkeypatch, sections, less, more):
    monkeypatch.delenv("REDWOOD_HASH_KEY", raising=False)
    assert set(counts(configured(**sections))) == set(counts(configured())) - less | more


def test_a_key_in_the_environment_needs_no_rule(monkeypatch):
    configuration = configured(records={"source": {"files": ["dumps"]}})
    monkeypatch.setenv("REDWOOD_HASH_KEY", "secret")
    assert "records_hash_key" not in counts(configuration)


def test_a_trace_is_retrieved_only_if_no_file_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = {"files": ["dumps/*.csv"], "retrieve": {"url": "https://example.org/trace.gz"}}
    configuration = configured(records={"source": source})
    assert counts(configuration)["records_retrieve"] == 1
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps/jobs.csv").touch()
    assert "records_retrieve" not in counts(configuration)


def test_what_a_job_has_to_do():
    configuration = configured()
    models = models_of(configuration)

    def one(rule, **names) -> Job:
        return job(rule, configuration, SIZES, models, **names)

    assert one("surrogates_train", model="tvae") == Job(
        "surrogates_train", "tvae", "", SIZES.train, 7, gpu=True
    )
    assert one("surrogates_train", model="smote") == Job(
        "surrogates_train", "smote", "", SIZES.train, 1, gpu=False
    )
    assert one("evaluate", model="tvae").rows == SIZES.train + SIZES.sampled
    assert not one("evaluate", model="tvae").gpu
    assert one("records_split").rows == SIZES.rows
    simulated = one("simulate", model="tvae", policy="random")
    assert (simulated.rows, simulated.times, simulated.gpu) == (SIZES.sampled, 3, False)
    assert one("simulate", model="recorded", policy="random").rows == SIZES.test


def test_the_variant_is_what_has_a_cost_of_its_own():
    configuration = configured()
    jobs = {rule: jobs_of(rule, configuration, SIZES, models_of(configuration)) for rule in RULES}
    assert [one.variant for one in jobs["surrogates_train"]] == ["smote", "tvae", "sequoia"]
    assert {one.variant for one in jobs["simulate"]} == {"random", "least_loaded+cache"}
    assert {one.variant for one in jobs["evaluate"]} == {""}


def test_a_job_waits_for_its_own_models_jobs_and_for_those_of_no_model():
    def one(rule, model="", policy="") -> Job:
        return Job(rule, model, policy, 1, 1, gpu=False)

    sample = one("surrogates_sample", "tvae")
    assert waits_for(sample, one("surrogates_train", "tvae"))
    assert not waits_for(sample, one("surrogates_train", "smote"))
    assert waits_for(sample, one("records_split"))
    assert not waits_for(sample, one("generator_make"))
    assert waits_for(one("simulate", "tvae", "random"), sample)
    assert not waits_for(one("simulate", "recorded", "random"), sample)
    assert waits_for(one("figure_arrivals"), sample)


def test_every_rule_stands_after_those_it_waits_for():
    order = list(RULES)
    for rule, entry in RULES.items():
        assert all(order.index(earlier) < order.index(rule) for earlier in entry.after), rule


def test_configurations_are_put_together_as_snakemake_does(tmp_path):
    from snakemake.utils import update_config

    contents = [
        {"dataset": "below", "records": {"source": {"generate": {"jobs": 300}}}, "seed": 1},
        {"records": {"source": {"generate": None, "files": ["a", "b"]}}, "seed": 2},
        {"records": {"split": {"rows": 50}, "source": {"files": ["c"]}}},
    ]
    merged: dict = {}
    paths = []
    for number, content in enumerate(contents):
        update_config(merged, content)
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_text(yaml.safe_dump(content))
    configuration = read_configuration(paths)
    assert configuration == validate(merged)
    assert configuration.records.source.files == ("c",)


def test_the_papers_scale_is_that_of_the_paper():
    configuration = read_configuration([ROOT / "config/config.yaml", ROOT / "config/paper.yaml"])
    every = read_configuration([ROOT / "config/config.yaml", ROOT / "config/policies.yaml"])
    assert configuration.records.split.rows == 2_239_654
    assert configuration.simulation.seeds == 5
    assert configuration.simulation.policies == every.simulation.policies
    assert {"tvae", "ctabganplus", "smote", "tabddpm"} <= set(configuration.surrogates.models)
