"""What rules ask for: memory and time by rows and attempt, within limits, and where to run."""

import pytest
from cluster_results import costs, finished_run

from redwood.cluster.costs import Cost
from redwood.cluster.description import Cluster, Nodes
from redwood.cluster.jobs import Job
from redwood.cluster.requests import CUDA_MB, Requests, megabytes, minutes
from redwood.configuration import validate

# An hour and 4 GB at a million rows.
COST = Cost("evaluate", "", 0.0, 0.0, 0.0036, 0.0, 0.004, 1_000_000, 1)
MILLION = Job("evaluate", "", "", 1_000_000, 1, gpu=False)
SMALL = Job("evaluate", "", "", 10, 1, gpu=False)


def test_three_times_the_time_and_half_as_much_memory_again_and_more_at_each_attempt():
    nodes = Nodes()
    assert [minutes(COST, MILLION, nodes, attempt) for attempt in (1, 2, 3)] == [180, 360, 540]
    asked = [megabytes(COST, MILLION, nodes, False, attempt) for attempt in (1, 2, 3)]
    assert asked == [6000, 12_000, 18_000]


def test_short_and_small_jobs_ask_for_what_starting_needs():
    assert [minutes(COST, SMALL, Nodes(), attempt) for attempt in (1, 2)] == [10, 20]
    assert [megabytes(COST, SMALL, Nodes(), False, attempt) for attempt in (1, 2)] == [600, 1200]


def test_nothing_is_asked_for_beyond_the_limits():
    nodes = Nodes(hours=4.5, memory_gb=10.5)
    assert [minutes(COST, MILLION, nodes, attempt) for attempt in (1, 2)] == [180, 270]
    assert [megabytes(COST, MILLION, nodes, False, attempt) for attempt in (1, 2)] == [6000, 10_500]


def test_fast_nodes_are_asked_for_less_time_and_gpus_for_more_memory():
    assert minutes(COST, MILLION, Nodes(speed=10)) == 18
    assert megabytes(COST, MILLION, Nodes(), True) == 6000 + 1.5 * CUDA_MB


def requests(tmp_path, cluster=None, dear=None, **sections):
    content = {
        "records": {"source": {"generate": {"jobs": 1000}}},
        "surrogates": {"models": ["smote", "tvae"], "options": {"tvae": {"epochs": 10}}},
        "simulation": {"policies": ["random", "least_loaded"], "seeds": 2},
    }
    configuration = validate({**content, **sections})
    return Requests(configuration, cluster or Cluster(), costs(dear), tmp_path)


def asked_for(needs, wildcards=None, attempt=1):
    """The resources as Snakemake asks for them: what is `None` is not asked for."""
    found = {}
    for name, function in needs.items():
        given = {"attempt": attempt} if name in ("mem_mb", "runtime") else {}
        found[name] = function(wildcards or {}, **given)
    return {name: value for name, value in found.items() if value is not None}


def test_without_a_description_rules_ask_for_memory_time_and_trainings_for_a_gpu(tmp_path):
    needs = requests(tmp_path).needs
    assert asked_for(needs("evaluate"), {"model": "tvae"}) == {"mem_mb": 1500, "runtime": 10}
    training = needs("surrogates_train")
    assert asked_for(training, {"model": "tvae"}, 2) == {"mem_mb": 12_000, "runtime": 20, "gpu": 1}
    assert asked_for(training, {"model": "smote"}) == {"mem_mb": 1500, "runtime": 10, "gpu": 0}


def test_jobs_go_where_their_kind_goes(tmp_path):
    cluster = Cluster.model_validate(
        {
            "cpu": {"account": "physics", "partition": "long", "extra": "--nice=5"},
            "gpu": {"account": "physics_g", "qos": "fast", "constraint": "big", "model": "a100"},
        }
    )
    needs = requests(tmp_path, cluster).needs
    where = {"slurm_account": "physics", "slurm_partition": "long", "slurm_extra": "--nice=5"}
    asked = asked_for(needs("evaluate"), {"model": "tvae"})
    assert {name: asked[name] for name in asked.keys() - {"mem_mb", "runtime"}} == where
    asked = asked_for(needs("surrogates_train"), {"model": "smote"})
    assert {name: asked[name] for name in asked.keys() - {"mem_mb", "runtime"}} == where | {
        "gpu": 0
    }
    for rule in ("surrogates_train", "surrogates_sample", "release_train"):
        asked = asked_for(needs(rule), {"model": "tvae"})
        assert {name: asked[name] for name in asked.keys() - {"mem_mb", "runtime"}} == {
            "slurm_account": "physics_g",
            "qos": "fast",
            "constraint": "big",
            "gpu": 1,
            "gpu_model": "a100",
        }


def test_without_gpus_trainings_go_where_all_jobs_go_and_need_no_cuda(tmp_path):
    cluster = Cluster.model_validate({"cpu": {"partition": "long"}, "gpu": None})
    asked = asked_for(requests(tmp_path, cluster).needs("surrogates_train"), {"model": "tvae"})
    assert asked == {"mem_mb": 1500, "runtime": 10, "slurm_partition": "long"}


def test_what_nothing_describes_is_left_to_default_resources(tmp_path):
    cluster = Cluster.model_validate({"cpu": {"partition": "long"}})
    needs = requests(tmp_path, cluster).needs
    assert "slurm_account" not in needs("surrogates_train")
    assert "qos" not in needs("evaluate")


def test_requests_grow_with_rows_epochs_and_seeds(tmp_path):
    dear = {
        "evaluate": Cost("evaluate", "", 0, 1, 0, 0, 1, 1, 1),
        "surrogates_train": Cost("surrogates_train", "", 0, 0, 1, 0, 1, 1, 1),
        "simulate": Cost("simulate", "", 0, 0, 1, 0, 1, 1, 1),
    }
    needs = requests(tmp_path, Cluster(gpu=None), dear).needs
    # 600 training rows and 200 synthetic ones; ten epochs; two seeds.
    assert asked_for(needs("evaluate"), {"model": "tvae"}) == {"mem_mb": 1200, "runtime": 40}
    training = needs("surrogates_train")
    assert asked_for(training, {"model": "tvae"}) == {"mem_mb": 900, "runtime": 300}
    assert asked_for(training, {"model": "smote"}) == {"mem_mb": 900, "runtime": 30}
    simulation = needs("simulate")
    wildcards = {"workload": "tvae", "policy": "random"}
    assert asked_for(simulation, wildcards) == {"mem_mb": 600, "runtime": 20}


def test_jobs_that_are_counted_meanwhile_count(tmp_path):
    dear = {"evaluate": Cost("evaluate", "", 0, 1, 0, 0, 1, 1, 1)}
    needs = requests(tmp_path, dear=dear).needs
    assert asked_for(needs("evaluate"), {"model": "tvae"})["runtime"] == 40
    finished_run(tmp_path, 10_000)
    assert asked_for(needs("evaluate"), {"model": "tvae"})["runtime"] == 400


def test_before_a_download_a_million_rows_are_assumed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dear = {"records_split": Cost("records_split", "", 0, 0, 0.006, 0, 0, 1, 1)}
    source = {"retrieve": {"url": "https://example.org/trace.swf.gz"}}
    needs = requests(tmp_path, dear=dear, records={"source": source}).needs
    assert asked_for(needs("records_split"))["runtime"] == 300


def test_what_exceeds_the_limits_is_said_and_nothing_else(tmp_path):
    dear = {
        "evaluate": Cost("evaluate", "", 3 * 3600, 0, 0, 70_000, 0, 1, 1),
        "surrogates_train": Cost("surrogates_train", "", 60, 0, 0, 62_000, 0, 1, 1),
    }
    cluster = Cluster.model_validate(
        {"name": "ours", "cpu": {"hours": 2, "memory_gb": 64}, "gpu": {"memory_gb": 64}}
    )
    said = requests(tmp_path, cluster, dear, release={"models": []}).beyond_limits()
    assert said == [
        "surrogates_train tvae is expected to need 65.0 GB of memory, and gpu.memory_gb of ours is "
        "64: it will be killed",
        "evaluate is expected to need 70.0 GB of memory, and cpu.memory_gb of ours is 64: it will "
        "be killed",
        "evaluate is expected to take 3.0 h, and cpu.hours of ours is 2: only what goes on from a "
        "checkpoint when it is sent again will end",
    ]
    assert requests(tmp_path).beyond_limits() == []


@pytest.mark.parametrize("memory_gb", [69, 71])
def test_the_margin_does_not_count_against_the_limit(tmp_path, memory_gb):
    dear = {"evaluate": Cost("evaluate", "", 60, 0, 0, 70_000, 0, 1, 1)}
    cluster = Cluster.model_validate({"cpu": {"memory_gb": memory_gb}})
    assert len(requests(tmp_path, cluster, dear).beyond_limits()) == (memory_gb < 70)
