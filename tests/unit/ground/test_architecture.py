"""The shape of the library: stages side by side on one ground, plug-ins that know no other."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[3] / "workflow" / "redwood"
STAGES = ("records", "surrogates", "evaluation", "simulation", "paper")
# What stands on the stages: no stage and no ground knows it.
ABOVE = ("runs",)
PLUGINS = (
    "surrogates/models", "evaluation/measures", "simulation/policies/brokerage",
    "simulation/policies/placement", "simulation/policies/queueing",
)  # fmt: skip


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_imports_another(stage):
    others = tuple(f"redwood.{other}" for other in (*STAGES, *ABOVE) if other != stage)
    for path in (LIBRARY / stage).rglob("*.py"):
        assert not {name for name in imported(path) if name.startswith(others)}, path


@pytest.mark.parametrize("folder", PLUGINS)
def test_no_plug_in_imports_another(folder):
    package = f"redwood.{folder.replace('/', '.')}"
    for path in (LIBRARY / folder).glob("*.py"):
        assert not {name for name in imported(path) if name.startswith(package)}, path


def test_the_ground_stands_on_no_stage():
    stages = tuple(f"redwood.{stage}" for stage in (*STAGES, *ABOVE))
    for path in LIBRARY.glob("*.py"):
        if path.name != "command_line.py":
            assert not {name for name in imported(path) if name.startswith(stages)}, path


def test_the_command_line_starts_without_the_heavy_libraries():
    code = (
        "import sys; from redwood import command_line; command_line._register_stages(); "
        "heavy = {'torch', 'pandas', 'sklearn', 'matplotlib', 'simgrid', 'catboost', 'imblearn'}; "
        "print(*sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=LIBRARY.parent, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == ""
