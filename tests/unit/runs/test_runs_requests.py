"""What rules ask for: memory and time by rows and attempt, within limits, and where to run."""

import pytest
from made_up_costs import costs, finished_run

from redwood.configuration import validate
from redwood.runs.cluster import Cluster, Nodes
from redwood.runs.costs import Cost, Job
from redwood.runs.requests import CUDA_MB, Expected, Requests

# An hour and 4 GB at a million rows.
COST = Cost("evaluate", "", 0.0, 0.0, 0.0036, 0.0, 0.004, 1_000_000, 1)


def expected(nodes=Nodes(), rows=1_000_000, gpu=False):
    return Expected(Job("evaluate", "", rows, 1, gpu), COST, nodes, gpu)


@pytest.mark.parametrize(
    ("one", "minutes", "megabytes"),
    [
        # Three times the time, half as much memory again, and more at each attempt.
        (expected(), [180, 360, 540], [6000, 12_000, 18_000]),
        # Short and small jobs ask for what starting needs.
        (expected(rows=10), [10, 20, 30], [600, 1200, 1800]),
        # Nothing is asked for beyond the limits.
        (expected(Nodes(hours=4.5, memory_gb=10.5)), [180, 270, 270], [6000, 10_500, 10_500]),
        # Fast nodes are asked for less time, GPUs for more memory.
        (expected(Nodes(speed=10), gpu=True), [18, 36, 54], [10_500, 21_000, 31_500]),
    ],
)
def test_what_is_asked_for_follows_from_what_is_expected(one, minutes, megabytes):
    assert [one.minutes(attempt) for attempt in (1, 2, 3)] == minutes
    assert [one.megabytes(attempt) for attempt in (1, 2, 3)] == megabytes
    assert one.memory_gb == pytest.approx(4 * one.job.rows / 1e6 + CUDA_MB / 1000 * one.gpu)


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


def place(needs, model):
    """Where a job goes, and with which GPU: all that is asked for but memory and time."""
    asked = asked_for(needs, {"model": model})
    return {name: asked[name] for name in asked.keys() - {"mem_mb", "runtime"}}


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
    assert place(needs("evaluate"), "tvae") == where
    assert place(needs("surrogates_train"), "smote") == where | {"gpu": 0}
    for rule in ("surrogates_train", "surrogates_sample", "release_train"):
        assert place(needs(rule), "tvae") == {
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


def test_simulations_cost_what_their_network_does(tmp_path):
    wildcards = {"workload": "recorded", "policy": "random"}
    for network in ("simgrid", "fluid"):
        simulation = {"policies": ["random"], "network": network}
        found = requests(tmp_path, simulation=simulation).expected("simulate", wildcards)
        assert found.job.fluid == (network == "fluid")


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


# Rule and wildcards of some jobs that would run.
JOBS = [
    *(("surrogates_train", {"model": model}) for model in ("smote", "tvae")),
    *(("evaluate", {"model": model}) for model in ("smote", "tvae")),
    ("table1", {}),
]


def test_what_exceeds_the_limits_is_said_and_nothing_else(tmp_path):
    dear = {
        "evaluate": Cost("evaluate", "", 3 * 3600, 0, 0, 70_000, 0, 1, 1),
        "surrogates_train": Cost("surrogates_train", "", 60, 0, 0, 62_000, 0, 1, 1),
    }
    cluster = Cluster.model_validate(
        {"name": "ours", "cpu": {"hours": 2, "memory_gb": 64}, "gpu": {"memory_gb": 64}}
    )
    said = requests(tmp_path, cluster, dear).beyond_limits(JOBS)
    assert said == [
        "surrogates_train tvae is expected to need 65.0 GB of memory, and gpu.memory_gb of ours is "
        "64: it will be killed",
        "evaluate is expected to need 70.0 GB of memory, and cpu.memory_gb of ours is 64: it will "
        "be killed",
        "evaluate is expected to take 3.0 h, and cpu.hours of ours is 2: it will only end if it "
        "goes on from a checkpoint when it is sent again",
    ]
    assert requests(tmp_path).beyond_limits(JOBS) == []


@pytest.mark.parametrize("memory_gb", [69, 71])
def test_the_margin_does_not_count_against_the_limit(tmp_path, memory_gb):
    dear = {"evaluate": Cost("evaluate", "", 60, 0, 0, 70_000, 0, 1, 1)}
    cluster = Cluster.model_validate({"cpu": {"memory_gb": memory_gb}})
    assert len(requests(tmp_path, cluster, dear).beyond_limits(JOBS)) == (memory_gb < 70)
