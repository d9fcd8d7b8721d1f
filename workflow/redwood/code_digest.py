"""A digest of the code that a rule runs, so that an edit makes stale what it must and no more.

Snakemake tracks a rule's parameters but not the Python modules behind its shell line. A rule that
passes `code_digest("redwood.evaluation.…")` as a parameter is rerun when, and only when, the
meaning of that module or of one that it imports inside this package has changed.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = "redwood"
# What cannot change a rule's results: configured values reach rules as parameters of their own, and
# the rest is for people. So is the package's own `__init__`: the version and the Python API.
_WITHOUT_EFFECT = (
    "redwood.configuration",
    "redwood.errors",
    "redwood.extras",
    "redwood.progress",
    "redwood.validation",
)
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
    """A digest of what a module means, and which of our modules it imports."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    meaning: list[str] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    _spell(tree, meaning, imports)
    imported = {name for node in imports for name in _imported(module, node) if _is_ours(name)}
    meaning.extend(_templates(module, meaning))
    return hashlib.sha256("\n".join(meaning).encode()).hexdigest(), tuple(sorted(imported))


def _templates(module: str, meaning: list[str]) -> list[str]:
    """The pages and style sheets beside a module that it names in a string."""
    names = {text.split("'")[-2] for text in meaning if text.endswith((".html'", ".css'"))}
    files = [_file(module).with_name(name) for name in sorted(names)]
    return [file.read_text(encoding="utf-8") for file in files if file.is_file()]


def _spell(node: ast.AST, meaning: list[str], imports: list[ast.Import | ast.ImportFrom]) -> None:
    """Spell out a syntax tree without its docstrings, and collect its imports on the way.

    Unlike `ast.dump`, it is the same in all versions of Python, which add fields that are empty
    where nothing new is used; and three times as fast, which counts where each of a thousand jobs
    reads the Snakefile.
    """
    if isinstance(node, ast.Import | ast.ImportFrom):
        imports.append(node)
    documented = isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None
    meaning.append(node.__class__.__name__)
    for name in node._fields:
        value = getattr(node, name, None)
        # Whether a name is read or written (`ctx`) follows from where it stands.
        if value is None or name == "ctx":
            continue
        if documented and name == "body":
            value = value[1:]
        if isinstance(value, ast.AST):
            meaning.append(name)
            _spell(value, meaning, imports)
        elif not isinstance(value, list):
            meaning.append(f"{name} {value!r}")
        elif value:
            meaning.append(f"{name} [")
            for item in value:
                if isinstance(item, ast.AST):
                    _spell(item, meaning, imports)
                else:
                    meaning.append(repr(item))
            meaning.append("]")
    meaning.append(".")


def _imported(module: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """What an import may name: modules, and things in them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        base = _base(module, node)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


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
    if not name.startswith(f"{_PACKAGE}.") or name in _WITHOUT_EFFECT:
        return False
    try:
        _file(name)
    except ModuleNotFoundError:
        return False
    return True
