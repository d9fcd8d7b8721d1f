"""`--sdm conda`: each rule in its own environment, solved and installed from a local channel."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conda.imports import rules_by_environment
from tests.conda.local_conda import install_commands
from tests.project import Project, planned_jobs

FIRST_RESULT = "results/mini/records/raw/generated/_SYNTHETIC.json"
# The site of the documentation is no part of a run.
OF_A_RUN = set(rules_by_environment()) - {"docs.yaml"}
pytestmark = pytest.mark.workflow


class CondaProject:
    """A copy of the project whose snakemake makes conda environments, in `prefix`."""

    def __init__(self, folder: Path, prefix: Path, variables: dict[str, str]) -> None:
        self.project = Project.copied(folder)
        self.prefix = prefix
        self.variables = variables

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run snakemake to its end; output and errors are one text, in `stdout`."""
        options = ("--sdm", "conda", "--conda-prefix", str(self.prefix), "--cores", "2")
        return self.project.snakemake(*options, *arguments, environment=self.variables)

    def environments(self) -> dict[str, Path]:
        """File in envs/ → the environment made of it."""
        copied = (self.project.folder / "envs").glob("*.yaml")
        sources = {path.read_text(): path.name for path in copied}
        return {
            sources[path.read_text()]: path.with_suffix("") for path in self.prefix.glob("*.yaml")
        }

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """File in envs/ and arguments, of each start of the Python of an environment."""
        for name, environment in self.environments().items():
            recorded = environment / "commands.jsonl"
            for line in recorded.read_text().splitlines() if recorded.exists() else ():
                yield name, json.loads(line)

    def verbs(self) -> Counter[tuple[str, str]]:
        """How often which verb of redwood (`records gather`) was started in which environment."""
        known = {
            " ".join(words) for rules in rules_by_environment().values() for words in rules.values()
        }
        started = Counter()
        for name, command in self.commands():
            if command[:2] == ["-m", "redwood"]:
                line = " ".join(command[2:])
                started[name, next(verb for verb in known if line.startswith(f"{verb} "))] += 1
        return started


@pytest.fixture(scope="module")
def created(tmp_path_factory, base_active):
    """A project whose environments are made, and what snakemake said; no rule has run."""
    folder = tmp_path_factory.mktemp("project")
    project = CondaProject(folder / "here", folder / "environments", base_active)
    answer = project.snakemake("--conda-create-envs-only")
    assert answer.returncode == 0, answer.stdout[-5000:]
    return project, answer.stdout


@pytest.fixture(scope="module")
def finished(created):
    """The same after a run of every rule, and what snakemake said."""
    project, _ = created
    # Every rule, with one model and one policy.
    project.project.edit("mini.yaml", "[smote, tvae]", "[tvae]")
    project.project.edit("mini.yaml", "release: {models: [smote]}", "release: {models: [tvae]}")
    project.project.edit("mini.yaml", "[as_recorded, least_loaded+cache]", "[as_recorded]")
    answer = project.snakemake()
    assert answer.returncode == 0, answer.stdout[-5000:]
    return project, answer.stdout


def results_of(project: CondaProject) -> set[str]:
    return {path.name for path in (project.project.folder / "results").glob("*/*")}


def test_environments_alone_are_made_and_no_rule_runs(created):
    project, said = created
    assert said.count("Creating conda environment") == len(project.environments())
    assert set(project.environments()) == OF_A_RUN
    assert not project.verbs()
    assert results_of(project) <= {".digests"}


def test_the_script_that_compiles_simgrid_works_on_its_environment_alone(created):
    project, said = created
    environment = project.environments()["simulation.yaml"]
    assert "Running post-deploy script" in said
    ran = [command for name, command in project.commands() if name == "simulation.yaml"]
    assert ["-m", "pip", "install"] in [command[:3] for command in ran]
    assert ran[-1] == ["-c", "import simgrid"]
    # Of the module in the environment, not of that of another Python on PATH.
    (told,) = (environment / "patchelf.txt").read_text().splitlines()
    assert told.startswith(f"--set-rpath $ORIGIN:$ORIGIN/../.. {environment}/lib/python3")


def test_every_job_runs_in_the_environment_of_its_rule(finished):
    project, said = finished
    expected = Counter()
    rules = {
        rule: (name, " ".join(words))
        for name, rules in rules_by_environment().items()
        for rule, words in rules.items()
    }
    for rule, jobs in planned_jobs(said).items():
        if rule != "all":
            expected[rules[rule]] += jobs
    assert {name for name, _ in expected} == OF_A_RUN
    assert project.verbs() == expected


def test_environments_are_made_once_and_nothing_reruns_with_them_or_without(finished):
    project, said = finished
    assert "Creating conda environment" not in said
    for again in (project.snakemake("--dry-run"), project.project.snakemake("--dry-run")):
        assert again.returncode == 0
        assert "Nothing to be done" in again.stdout
        assert "will be created" not in again.stdout


def test_a_pin_that_the_channel_does_not_have_stops_the_run_before_any_job(base_active, tmp_path):
    project = CondaProject(tmp_path / "here", tmp_path / "environments", base_active)
    project.project.edit("envs/records.yaml", "pyarrow=26.0.1", "pyarrow=26.0.99")
    answer = project.snakemake(FIRST_RESULT)
    assert answer.returncode == 1
    assert "Could not create conda environment from " in answer.stdout
    assert "envs/records.yaml" in answer.stdout
    assert "No candidates were found for pyarrow 26.0.99" in answer.stdout
    assert results_of(project) <= {".digests"}


def test_a_job_whose_environment_cannot_be_activated_fails(created, base_active, tmp_path):
    made, _ = created
    install_commands(tmp_path / "root")
    activate = tmp_path / "root/bin/activate"
    activate.unlink()
    variables = base_active | {"PATH": f"{activate.parent}:{base_active['PATH']}"}
    project = CondaProject(tmp_path / "here", made.prefix, variables)
    answer = project.snakemake(FIRST_RESULT)
    assert answer.returncode == 1
    assert f"{activate}: No such file or directory" in answer.stdout
    assert not (project.project.folder / FIRST_RESULT).exists()


def test_snakemake_itself_needs_no_more_than_the_documentation_says(
    base_active, snakemake_alone, tmp_path
):
    prefix, environment = tmp_path / "snakemake", os.environ | base_active
    making = ("conda", "env", "create", "--file", snakemake_alone, "--prefix", prefix)
    subprocess.run(making, check=True, env=environment)
    project = Project.copied(tmp_path / "here")
    command = [prefix / "bin/python", *project.command("--dry-run", "--sdm", "conda")[1:]]
    answer = subprocess.run(
        command, cwd=project.folder, env=environment, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "simulate" in planned_jobs(answer.stdout + answer.stderr)
