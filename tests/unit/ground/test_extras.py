"""What comes only with an extra: named where it is missing, and listed as pyproject.toml does."""

import ast
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from redwood.errors import InputError
from redwood.extras import EXTRAS, explained, require

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "workflow" / "redwood"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("torch", r"torch is not installed; .* 'models': pip install '.\[models\]' in REDWOOD's"),
        ("simgrid", r"extra 'simulation': python -m redwood\.setup_simgrid"),
        ("gymnasium", r"extra 'learn': pip install '.\[learn\]' in REDWOOD's folder$"),
        ("sdv", r"extra 'sdv': pip install '.\[sdv\]' .*Business Source License"),
    ],
)
def test_a_missing_package_is_bad_input_that_names_the_extra(module, message, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=message):
        require(module)
    with pytest.raises(InputError, match=message), explained():
        __import__(f"{module}.anything")


def test_other_failed_imports_are_errors_of_ours():
    with pytest.raises(ModuleNotFoundError), explained():
        import redwood.no_such_module  # noqa: F401


def distributions(requirements: list[str]) -> set[str]:
    names = set()
    for line in requirements:
        name = line.partition("[")[0]
        for sign in "<>=~! ":
            name = name.partition(sign)[0]
        names.add(name.lower())
    return names


def test_every_package_that_the_library_imports_is_a_dependency_or_comes_with_its_extra():
    provided = metadata.packages_distributions()
    extras = {
        name: distributions(lines) for name, lines in PROJECT["optional-dependencies"].items()
    }
    core = distributions(PROJECT["dependencies"])
    imported: dict[str, set[str]] = {}
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                imported.setdefault(name.partition(".")[0], set()).add(str(path))
    for module in imported.keys() - sys.stdlib_module_names - {"redwood"}:
        brought_by = {name for name, modules in EXTRAS.items() if module in modules}
        distribution = {name.lower() for name in provided.get(module, [module])}
        if brought_by:
            assert all(distribution & extras[name] for name in brought_by), module
        else:
            assert distribution & core, f"{module}, imported by {sorted(imported[module])}"
