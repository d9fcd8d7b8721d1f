"""What every rule must have, and what the environments must pin."""

import re
from pathlib import Path

import pytest
import yaml

from redwood import setup_simgrid
from redwood.runs.cost_scales import COST_SCALES

ROOT = Path(__file__).resolve().parents[2]
# The name of a rule as it is written, which in a loop is f"…" below `name:`, and its lines.
RULES = {
    f'"{match["name"]}"' if match["name"] else match["body"].split()[1]: match["body"]
    for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
    for match in re.finditer(
        r"^ *rule(?: (?P<name>\w+))?:\n(?P<body>(?:(?: {4,}.*)?\n)+)",
        path.read_text(),
        re.MULTILINE,
    )
}
CONDA_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "python-duckdb": "duckdb",
    "typst-py": "typst",
}


def locked() -> dict[str, str]:
    lines = []
    for name in ("requirements.lock", "requirements-sdv.lock"):
        lines += (ROOT / name).read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name.lower(): version for name, version in pins}


def test_the_rules_are_found():
    assert {
        '"records_clean_file"',
        '"records_gather"',
        '"surrogates_train"',
        '"evaluate"',
        '"simulate"',
        '"table1"',
        'f"figure_{figure}"',
    } <= set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_one_line_of_the_command_with_log_conda_and_resources(name):
    body = RULES[name]
    for directive in ("output", "params", "log", "benchmark", "conda", "threads", "resources"):
        assert re.search(rf"^ +{directive}:", body, re.MULTILINE), f"{name} has no {directive}:"
    assert f"**needs({name})," in body, f"{name} does not ask for memory and time"
    [environment] = re.findall(r'"\.\./\.\./envs/(\w+)\.yaml"', body)
    assert f'environment=environment("{environment}"),' in body, f"{name} does not track its pins"
    assert re.search(r"code=(lambda wildcards: )?code\(", body), f"{name} does not track its code"
    assert not re.search(r"^ +(run|script|notebook|wrapper):", body, re.MULTILINE)
    # A name in it would have the value that it has when the job runs: in a loop, the last one's.
    shell = body.split("shell:")[1].strip().splitlines()
    assert all(re.fullmatch(r' *".*"', line) for line in shell), shell
    command = "".join(re.findall(r'^ +"(.*)"$', body.split("shell:")[1], re.MULTILINE))
    assert command.startswith("python -m redwood ")
    assert command.endswith((" 2> {log}", " 2> {log:q}"))


@pytest.mark.parametrize("name", RULES)
def test_an_input_of_many_files_is_named_by_a_parameter_for_the_sake_of_its_order(name):
    """Snakemake compares which inputs there are; some commands sort them."""
    body = RULES[name]
    sorts = ('"simulation_outcomes"', '"simulation_engines"')
    if "{input.folders}" in body and name not in sorts:
        assert re.search(r"\*\*folders\(\[\"[^\",]+\"\]\)", body), (
            f"{name} loses the order of folders"
        )


def test_training_asks_for_a_gpu():
    gpu = {name for name, rule in COST_SCALES.items() if rule.gpu}
    assert {"surrogates_train", "release_train"} <= gpu


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_pin_of_an_environment_equals_the_lock(path):
    pins = locked()
    for dependency in yaml.safe_load(path.read_text())["dependencies"]:
        name, _, version = dependency.partition("=")
        if not version or name == "python":
            continue
        if CONDA_NAMES.get(name, name) in pins:
            assert pins[CONDA_NAMES.get(name, name)] == version, dependency
        else:
            assert f"{name}=={version}" in setup_simgrid.TOOLS, f"{dependency} is in no lock file"


def test_the_tools_that_build_simgrid_are_pinned_below_the_versions_that_cannot():
    pins = dict(pin.split("==") for pin in setup_simgrid.TOOLS)
    assert int(pins["cmake"].split(".")[0]) < 4
    assert tuple(map(int, pins["pybind11"].split("."))) < (3, 0, 2)
    assert int(pins["setuptools"].split(".")[0]) < 81
