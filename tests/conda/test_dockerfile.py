"""The Dockerfile of all environments: read, and followed with the local channel."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conda.channel import pins
from tests.project import Project

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).parent / "stand_ins"
FIRST_RESULT = "results/mini/records/raw/generated/_SYNTHETIC.json"
pytestmark = pytest.mark.workflow


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each instruction and its argument; comments and empty lines are left out."""
    joined = re.sub(r"\\\n", " ", dockerfile)
    for line in joined.splitlines():
        if line and not line.startswith("#"):
            instruction, _, argument = line.partition(" ")
            yield instruction, argument


@pytest.fixture(scope="module")
def dockerfile(base_active) -> str:
    answer = subprocess.run(
        [sys.executable, ROOT / "workflow/setup/dockerfile.py"],
        env=os.environ | base_active,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def image(dockerfile, base_active, tmp_path_factory) -> Path:
    """The folder that holds what the Dockerfile puts into its image."""
    folder = tmp_path_factory.mktemp("image")
    for instruction, argument in instructions(dockerfile):
        if instruction == "COPY":
            source, target = argument.split()
            shutil.copy(ROOT / source, f"{folder}{target}")
        elif instruction == "RUN":
            command = argument.replace("/conda-envs/", f"{folder}/conda-envs/")
            subprocess.run(command, shell=True, check=True, env=os.environ | base_active)
    return folder


def test_every_environment_is_described_copied_and_made(dockerfile):
    environments = sorted((ROOT / "envs").glob("*.yaml"))
    described = dict(re.findall(r"^#   source: envs/(.+)\n#   prefix: (.+)$", dockerfile, re.M))
    assert sorted(described) == [path.name for path in environments]
    assert len(set(described.values())) == len(environments)
    done = list(instructions(dockerfile))
    made = " ".join(argument for instruction, argument in done if instruction == "RUN")
    for path in environments:
        prefix = described[path.name]
        for line in path.read_text().splitlines():
            assert f"#   {line}\n" in dockerfile
        assert ("COPY", f"envs/{path.name} {prefix}/environment.yaml") in done
        assert f"conda env create --prefix {prefix} --file {prefix}/environment.yaml &&" in made


def test_it_starts_from_one_version_and_holds_nothing_else(dockerfile):
    (first, base), *rest = instructions(dockerfile)
    assert first == "FROM"
    assert re.fullmatch(r"condaforge/miniforge3:\d+\.\d+\.\d+-\d+", base)
    assert {instruction for instruction, _ in rest} == {"ARG", "LABEL", "COPY", "RUN"}


def test_every_environment_of_the_image_has_its_packages_and_simgrid(image):
    made = {}
    for environment in (image / "conda-envs").iterdir():
        source = (environment / "environment.yaml").read_text()
        made[source] = environment
    for path in (ROOT / "envs").glob("*.yaml"):
        installed = {record.name for record in (made[path.read_text()] / "conda-meta").iterdir()}
        for name, version in pins(path).items():
            assert any(record.startswith(f"{name}-{version}") for record in installed), name
    simulation = made[(ROOT / "envs/simulation.yaml").read_text()]
    subprocess.run([simulation / "bin/python", "-c", "import simgrid"], check=True)


def test_rules_run_in_the_environments_of_the_image(image, base_active, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "apptainer").symlink_to(STAND_INS / "apptainer.sh")
    project = Project.copied(tmp_path / "here")
    variables = base_active | {
        "PATH": f"{programs}:{base_active['PATH']}",
        "REDWOOD_IMAGE": str(image),
    }
    options = ("--sdm", "conda", "apptainer", "--cores", "2", FIRST_RESULT)
    answer = project.snakemake(*options, environment=variables)
    assert answer.returncode == 0, answer.stdout[-5000:]
    (records,) = [
        path.parent
        for path in (image / "conda-envs").glob("*/environment.yaml")
        if path.read_text() == (ROOT / "envs/records.yaml").read_text()
    ]
    assert '["-m", "redwood", "generator", "make",' in (records / "commands.jsonl").read_text()


def test_another_base_than_expected_is_refused(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "workflow/setup")
    from dockerfile import completed

    with pytest.raises(ValueError, match=r"expected 'FROM condaforge/miniforge3:latest"):
        completed("FROM debian:12\n", ROOT)
