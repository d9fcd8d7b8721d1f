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


def test_what_is_none_for_a_job_is_not_asked_for(project):
    (project.folder / "cluster.yaml").write_text(
        "gpu: {partition: gpus, model: a100, qos: fast}\ncpu: {account: physics}\n"
    )
    try:
        answer = project.snakemake("--dry-run", "--forceall")
    finally:
        (project.folder / "cluster.yaml").unlink()
    asked = {
        wildcards["model"]: resources
        for rule, wildcards, resources in described_jobs(answer.stdout)
        if rule == "surrogates_train"
    }
    where = ("slurm_account", "slurm_partition", "qos", "gpu", "gpu_model")
    on_gpu, on_cpu = ({key: asked[model].get(key) for key in where} for model in ("tvae", "smote"))
    assert on_gpu == {
        "slurm_account": None,
        "slurm_partition": "gpus",
        "qos": "fast",
        "gpu": "1",
        "gpu_model": "a100",
    }
    assert on_cpu == {
        "slurm_account": "physics",
        "slurm_partition": None,
        "qos": None,
        "gpu": "0",
        "gpu_model": None,
    }


def test_the_command_line_prevails_over_the_description_and_that_over_defaults(project):
    (project.folder / "cluster.yaml").write_text("cpu: {partition: described}\n")
    try:
        answer = project.snakemake(
            *("--dry-run", "--forceall"),
            *("--default-resources", "slurm_partition=default", "slurm_account=default"),
            *("--set-resources", "evaluate:slurm_partition=chosen", "evaluate:mem_mb=attempt*700"),
            environment={"REDWOOD_CPU_QOS": "variable"},
        )
    finally:
        (project.folder / "cluster.yaml").unlink()
    keys = ("slurm_partition", "slurm_account", "qos")
    asked = {
        rule: {key: resources.get(key) for key in keys} | {"mem_mb": resources.get("mem_mb")}
        for rule, _, resources in described_jobs(answer.stdout)
    }
    assert [asked["records_split"][key] for key in keys] == ["described", "default", "variable"]
    assert [asked["evaluate"][key] for key in (*keys, "mem_mb")] == [
        *("chosen", "default", "variable", "700"),
    ]


def test_another_description_of_the_cluster_makes_nothing_stale(project):
    marker = "results/mini/records/raw/generated/_SYNTHETIC.json"
    made = project.snakemake("--cores", "1", marker)
    assert made.returncode == 0, made.stdout
    (project.folder / "cluster.yaml").write_text(
        "cpu: {partition: other, memory_gb: 3, speed: 0.001}\n"
    )
    try:
        again = project.snakemake("--dry-run", marker)
        asked = project.snakemake("--dry-run", "--force", marker)
    finally:
        (project.folder / "cluster.yaml").unlink()
    assert planned_jobs(again.stdout) == {}
    assert "slurm_partition=other" in asked.stdout
