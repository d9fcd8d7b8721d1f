"""Each environment holds what its rules' commands import, no more and no less."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.conda.channel import pins
from tests.conda.imports import packages_of_command, rules_by_environment

from redwood import setup_simgrid

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "envs"
RULES = rules_by_environment()
# What conda-forge calls a package that is imported under another name.
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "imblearn": "imbalanced-learn",
    "matplotlib": "matplotlib-base",
    "sklearn": "scikit-learn",
    "torch": "pytorch",
    "typst": "typst-py",
    "yaml": "pyyaml",
}
# Imported by none of our modules: what SDV trains with, whose versions decide what it learns; and
# what the script beside simulation.yaml compiles SimGrid with.
WITHOUT_IMPORT = {
    "surrogates.yaml": {"copulas", "ctgan", "rdt"},
    "simulation.yaml": {
        *("cmake", "cxx-compiler", "libboost-headers", "ninja", "patchelf", "pip", "pybind11"),
        "setuptools",
    },
    # What the measures, the API and its contracts import, which the site's pages are made from by
    # their names; and what Sphinx loads by its.
    "docs.yaml": {"docutils", "furo", "myst-parser", "pandas", "pyarrow", "scipy"},
}
# Any version does: they leave no trace in what they build.
WITHOUT_PIN = {"cxx-compiler", "ninja", "patchelf", "pip"}
COMPILED = {"simulation.yaml": {"simgrid"}}


def imported(environment: str) -> dict[str, set[str]]:
    """Conda package → the modules that import it, over all rules of an environment."""
    packages: dict[str, set[str]] = {}
    for words in RULES[environment].values():
        for name, modules in packages_of_command(words).items():
            packages.setdefault(CONDA_NAMES.get(name, name), set()).update(modules)
    return packages


def test_every_environment_has_a_rule_and_the_other_way_round():
    assert set(RULES) == {path.name for path in ENVIRONMENTS.glob("*.yaml")}


@pytest.mark.parametrize(
    ("environment", "rule"), [(name, rule) for name in RULES for rule in RULES[name]]
)
def test_what_the_command_of_a_rule_imports_is_in_its_environment(environment, rule):
    provided = pins(ENVIRONMENTS / environment).keys() | COMPILED.get(environment, set())
    for name, modules in packages_of_command(RULES[environment][rule]).items():
        assert CONDA_NAMES.get(name, name) in provided, f"{sorted(modules)} import {name}"


@pytest.mark.parametrize("environment", RULES)
def test_nothing_is_in_an_environment_that_none_of_its_rules_imports(environment):
    needed = {"python", *imported(environment), *WITHOUT_IMPORT.get(environment, ())}
    assert pins(ENVIRONMENTS / environment).keys() - needed == set()


@pytest.mark.parametrize("environment", RULES)
def test_every_package_is_pinned_and_comes_from_conda_forge_alone(environment):
    unpinned = {name for name, version in pins(ENVIRONMENTS / environment).items() if not version}
    assert unpinned <= WITHOUT_PIN
    assert yaml.safe_load((ENVIRONMENTS / environment).read_text())["channels"] == ["conda-forge"]


def test_the_walk_finds_late_imports_and_plug_ins_and_leaves_other_verbs_out():
    training = packages_of_command(("surrogates", "train"))
    assert "redwood.surrogates.models.tvae.networks" in training["torch"]
    assert "typer" in packages_of_command(("records", "hash-key"))
    assert "duckdb" not in packages_of_command(("records", "hash-key"))
    assert "duckdb" in packages_of_command(("records", "clean-file"))


def test_the_script_compiles_the_simgrid_of_the_set_up():
    script = ENVIRONMENTS / "simulation.post-deploy.sh"
    subprocess.run(["bash", "-n", script], check=True)
    (requirement,) = re.findall(r"^simgrid==.*$", script.read_text(), re.MULTILINE)
    wanted = f"simgrid=={setup_simgrid.VERSION} --hash=sha256:{setup_simgrid.SHA256}"
    assert requirement == wanted
