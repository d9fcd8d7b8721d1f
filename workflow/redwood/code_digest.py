"""A digest of the code that a rule runs, so that an edit makes stale what it must and no more.

Snakemake tracks a rule's parameters but not the Python modules behind its shell line. A rule that
passes `code_digest("redwood.evaluation.…")` as a parameter is rerun when, and only when, the
meaning of that module or of one that it imports inside this package has changed.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = "redwood"
# What cannot change a rule's results: configured values reach rules as parameters of their own, and
# progress and errors are for people.
_WITHOUT_EFFECT = (
    "redwood.configuration", "redwood.validation", "redwood.progress", "redwood.errors",
)  # fmt: skip
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_ROOT = Path(__file__).resolve().parent.parent


def code_digest(*modules: str) -> str:
    """A digest over the syntax trees of `modules` and of all they import inside the package.

    Comments, docstrings and layout do not count, nor does `_WITHOUT_EFFECT`. A package name stands
    for all modules in it.

    Raises:
        ModuleNotFoundError: a name is no module of the package.
    """
    pending, seen = list(modules), set()
    while pending:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        pending.extend(_read(module)[1])
        if module in modules and _file(module).name == "__init__.py":
            pending.extend(
                f"{module}.{path.stem}" for path in _file(module).parent.glob("[!_]*.py")
            )
    digest = hashlib.sha256()
    for module in sorted(seen):
        digest.update(f"{module}\n{_read(module)[0]}\n".encode())
    return digest.hexdigest()[:16]


def _file(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    raise ModuleNotFoundError(f"{module}: no such module in {_ROOT}")


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """What a module means, comments and docstrings apart, and which of our modules it imports."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            imported.add(base)
            imported.update(f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree), tuple(sorted(name for name in imported if _is_ours(name)))


def _base(module: str, node: ast.ImportFrom) -> str:
    """The package that a `from … import` in a module names, in full."""
    if not node.level:
        return node.module or ""
    parents = module.split(".")
    if _file(module).name != "__init__.py":
        parents = parents[:-1]
    parents = parents[: len(parents) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _is_ours(name: str) -> bool:
    if name != _PACKAGE and not name.startswith(f"{_PACKAGE}."):
        return False
    if name in _WITHOUT_EFFECT:
        return False
    try:
        _file(name)
    except ModuleNotFoundError:
        return False
    return True
