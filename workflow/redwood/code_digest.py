"""A digest of the code that a rule runs, so that an edit makes stale what it must and no more.

Snakemake tracks a rule's parameters but not the Python modules behind its shell line. A rule that
passes `code_digest("redwood.evaluation.…")` as a parameter is rerun when, and only when, the
meaning of that module or of one that it imports inside this package has changed.
"""

import ast
import atexit
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from redwood.outputs import file_digest

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
# How the names of pages, style sheets and the paper's sources end, as they are spelled.
_BESIDE = (".html'", ".css'", ".typ'", ".bib'")
_ROOT = Path(__file__).resolve().parent.parent
# Keeps what was read of source files, by the digest of their bytes: parsing them is a third of what
# Snakemake needs to begin, which each job of a batch system does anew.
_KEPT = Path(__file__).parent / "__pycache__" / "code_digest.json"


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


class _Source(NamedTuple):
    """What counts of a source file.

    Attributes:
        meaning: a digest of its syntax tree.
        imports: of each import the number of its dots, the module after `from`, and the names.
        beside: the pages and style sheets that it names in strings.
    """

    meaning: str
    imports: list[tuple[int, str, list[str]]]
    beside: list[str]


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """A digest of what a module means, and which of our modules it imports."""
    source = _source(_file(module).read_bytes())
    imported = {
        name for one in source.imports for name in _imported(module, *one) if _is_ours(name)
    }
    files = [_file(module).with_name(name) for name in source.beside]
    beside = [file_digest(file) for file in files if file.is_file()]
    return " ".join([source.meaning, *beside]), tuple(sorted(imported))


def _source(content: bytes) -> _Source:
    key = hashlib.sha256(content).hexdigest()
    kept = _kept()
    if key not in kept:
        meaning: list[str] = []
        imports: list[tuple[int, str, list[str]]] = []
        _spell(ast.parse(content), meaning, imports)
        strings = {text.split("'")[-2] for text in meaning if text.endswith(_BESIDE)}
        # Others are paths of results.
        strings = {text for text in strings if "/" not in text}
        spelled = hashlib.sha256("\n".join(meaning).encode()).hexdigest()
        kept[key] = _Source(spelled, imports, sorted(strings))
    return kept[key]


@cache
def _kept() -> dict[str, _Source]:
    """What is kept of source files by the digest of their bytes; what comes is kept at exit."""
    # Another version of this module may spell otherwise.
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    kept = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads(_KEPT.read_text(encoding="utf-8"))
        if content["version"] == version:
            kept = {key: _Source(*source) for key, source in content["sources"].items()}
    atexit.register(_keep, version, kept, len(kept))
    return kept


def _keep(version: str, kept: dict[str, _Source], before: int) -> None:
    if len(kept) > before:
        partial = _KEPT.with_suffix(f".{os.getpid()}")
        # Where nothing can be written, nothing is kept.
        with suppress(OSError):
            _KEPT.parent.mkdir(exist_ok=True)
            partial.write_text(json.dumps({"version": version, "sources": kept}), encoding="utf-8")
            partial.replace(_KEPT)


def _spell(node: ast.AST, meaning: list[str], imports: list[tuple[int, str, list[str]]]) -> None:
    """Spell out a syntax tree without its docstrings, and collect its imports on the way.

    Unlike `ast.dump`, it is the same in all versions of Python, which add fields that are empty
    where nothing new is used; and three times as fast, which counts where each of a thousand jobs
    reads the Snakefile.
    """
    if isinstance(node, ast.Import | ast.ImportFrom):
        level, base = (0, "") if isinstance(node, ast.Import) else (node.level, node.module or "")
        imports.append((level, base, [alias.name for alias in node.names]))
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


def _imported(module: str, level: int, base: str, names: list[str]) -> Iterator[str]:
    """What an import in a module may name: modules, and things in them."""
    if level:
        parents = module.split(".")
        if _file(module).name != "__init__.py":
            parents = parents[:-1]
        base = ".".join([*parents[: len(parents) - level + 1], *([base] if base else [])])
    yield from [base, *(f"{base}.{name}" for name in names)] if base else names


def _is_ours(name: str) -> bool:
    if not name.startswith(f"{_PACKAGE}.") or name in _WITHOUT_EFFECT:
        return False
    try:
        _file(name)
    except ModuleNotFoundError:
        return False
    return True
