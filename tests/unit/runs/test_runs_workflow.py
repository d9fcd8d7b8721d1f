"""The table of costs against the rules, and what Snakemake makes of the requests."""

import re
from collections.abc import Iterator

import pytest
from tests.project import ROOT, Project, planned_jobs

from redwood.runs.cost_scales import COST_SCALES

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return Project.copied(tmp_path_factory.mktemp("project"))


def described_jobs(dry_run: str) -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """Rule, wildcards, and resources with threads of each job that a dry run has printed."""
    for rule, body in re.findall(r"^ *(?:local)?rule (\w+):\n((?: +.*\n)+)", dry_run, re.MULTILINE):
        lines = dict(re.findall(r"^ *(\w+): (.*)$", body, re.MULTILINE))
        wildcards, resources = (
            dict(
                pair.split("=", 1) for pair in re.split(r", (?=\w+=)", lines.get(name, "")) if pair
            )
            for name in ("wildcards", "resources")
        )
        yield rule, wildcards, {**resources, "threads": lines.get("threads", "1")}


def test_every_rule_stands_in_the_table():
    written = {
        name
        for path in [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
        for name in re.findall(
            r"^ *(?:use rule \w+ as|rule) (\w+)(?: with)?:", path.read_text(), re.MULTILINE
        )
    }
    # One loop writes the rules of all figures.
    paper = (ROOT / "workflow/rules/paper.smk").read_text()
    written |= {f"figure_{name}" for name in re.findall(r'^    "(\w+)": \(', paper, re.MULTILINE)}
    assert written == {*COST_SCALES, "all"}


@pytest.fixture
def described(project):
    """Writes a description of the cluster, until the test ends."""
    yield (project.folder / "cluster.yaml").write_text
    (project.folder / "cluster.yaml").unlink()


def test_the_command_line_prevails_over_the_description_and_that_over_defaults(
    project, described, monkeypatch
):
    monkeypatch.setenv("REDWOOD_CPU_QOS", "variable")
    described("gpu: {partition: gpus, model: a100, qos: fast}\ncpu: {partition: described}\n")
    _, said = project.dry_run(
        "--forceall",
        *("--default-resources", "slurm_partition=default", "slurm_account=default"),
        *("--set-resources", "evaluate:slurm_partition=chosen", "evaluate:mem_mb=attempt*700"),
    )
    keys = ("slurm_partition", "slurm_account", "qos", "gpu", "gpu_model")
    asked = {
        (rule, wildcards.get("model")): [resources.get(key) for key in (*keys, "mem_mb")]
        for rule, wildcards, resources in described_jobs(said)
    }
    assert asked["records_split", None][:3] == ["described", "default", "variable"]
    chosen = ["chosen", "default", "variable", None, None, "700"]
    assert asked["evaluate", "tvae"] == chosen
    # What is `None` for a job is not asked for.
    assert asked["surrogates_train", "tvae"][:5] == ["gpus", "default", "fast", "1", "a100"]
    on_cpu = ["described", "default", "variable", "0", None]
    assert asked["surrogates_train", "smote"][:5] == on_cpu


def test_another_description_of_the_cluster_makes_nothing_stale(project, described):
    marker = "results/mini/records/raw/generated/_SYNTHETIC.json"
    made = project.snakemake("--cores", "1", marker)
    assert made.returncode == 0, made.stdout
    described("cpu: {partition: other, memory_gb: 3, speed: 0.001}\n")
    assert planned_jobs(project.dry_run(marker)[1]) == {}
    _, asked = project.dry_run("--force", marker)
    assert "slurm_partition=other" in asked
