"""The shape of the library: stages side by side on one ground, plug-ins that know no other."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[3] / "workflow" / "redwood"
STAGES = (
    "records",
    "card",
    "generator",
    "surrogates",
    "evaluation",
    "release",
    "simulation",
    "paper",
)
GROUND = ("", "configuration", "pages", "readers")
# Above the stages: the library as users call it, verbs that go through several, and what runs need.
ABOVE = (
    "api.py", "command_line.py", "clean_command.py", "comparing_command.py", "realising_command.py",
)  # fmt: skip
ROOMS_ABOVE = ("runs", "explore", "documentation")
# Plug-ins that are modules, and plug-ins that are folders.
PLUGINS = (
    "evaluation/measures", "readers/systems", "simulation/engines", "simulation/exports",
    "simulation/policies/brokerage", "simulation/policies/placement",
    "simulation/policies/queueing",
)  # fmt: skip
MODELS = sorted(path.parent for path in LIBRARY.glob("surrogates/models/*/__init__.py"))


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
    others = tuple(f"redwood.{other}" for other in (*STAGES, *ROOMS_ABOVE) if other != stage)
    for path in (LIBRARY / stage).rglob("*.py"):
        assert not {name for name in imported(path) if name.startswith(others)}, path


@pytest.mark.parametrize("folder", PLUGINS)
def test_no_plug_in_imports_another(folder):
    package = f"redwood.{folder.replace('/', '.')}"
    for path in (LIBRARY / folder).glob("*.py"):
        assert not {name for name in imported(path) if name.startswith(package)}, path


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_a_model_is_a_folder_with_options_that_imports_no_other_model(folder):
    assert {"options.py", "surrogate.py"} <= {path.name for path in folder.glob("*.py")}
    package = "redwood.surrogates.models"
    for path in folder.rglob("*.py"):
        models = {name for name in imported(path) if name.startswith(package)}
        assert all(f"{name}.".startswith(f"{package}.{folder.name}.") for name in models), path
    for path in (LIBRARY / "surrogates").glob("*.py"):
        assert not {name for name in imported(path) if name.startswith(package)}, path


# Calls that open a file.
OPENING = re.compile(
    r".+\.(read_text|read_bytes|open)|open|load_file|(np|json)\.load|pd\.read_csv"
    r"|pq\.(ParquetFile|read_table)"
)
# Of stages, what reads without looking at the digest that was kept of the file, and why it may.
UNCHECKED = {
    "generator/calibration/calibrating.py": "facts of this project",
    "paper/captions.py": "captions of this project",
    "records/privacy.py": "a key, of which no digest is kept",
    "simulation/learning/agent.py": "the policy has the digest of its weights",
    "simulation/engines/dcsim.py": "what its program has written just now",
    "surrogates/models/sdv/surrogate.py": "the contract has checked the folder",
    "surrogates/neural.py": "the contract has checked the folder",
}


def reads(path: Path) -> bool:
    """Whether a module opens files by itself to read them."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return any(
        OPENING.fullmatch(called := ast.unparse(call.func))
        and not called.startswith("os.")
        and not any(isinstance(arg, ast.Constant) and arg.value in ("w", "wb") for arg in call.args)
        for call in calls
    )


def test_no_stage_reads_a_result_without_looking_whether_it_is_what_was_written():
    folders = [LIBRARY / stage for stage in STAGES]
    files = [LIBRARY / "tables.py", LIBRARY / "table_formats.py", LIBRARY / "synthetic.py"]
    unchecked = {
        path.relative_to(LIBRARY).as_posix()
        for path in [*files, *(path for folder in folders for path in folder.rglob("*.py"))]
        if reads(path) and "require_intact(" not in path.read_text()
    }
    assert unchecked == set(UNCHECKED)


def test_the_ground_stands_on_no_stage():
    rooms = tuple(f"redwood.{room}" for room in (*STAGES, *ROOMS_ABOVE))
    for path in (file for folder in GROUND for file in (LIBRARY / folder).glob("*.py")):
        if path.name not in ABOVE:
            assert not {name for name in imported(path) if name.startswith(rooms)}, path


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
