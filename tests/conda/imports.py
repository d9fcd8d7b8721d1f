"""Which packages the command of a rule imports, read from the source and not by running it."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import typer

from redwood import command_line

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "workflow"
STAGE = re.compile(
    r"redwood\.(records|card|generator|surrogates|evaluation|release|simulation|paper)\b"
)


def rules_by_environment() -> dict[str, dict[str, tuple[str, ...]]]:
    """Environment file → rule → the words of its command, `("records", "card")`, say."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    texts = {path.name: path.read_text() for path in sorted((LIBRARY / "rules").glob("*.smk"))}
    for file, text in texts.items():
        # A rule that is made in a loop has no name there.
        for rule in re.split(r"^ *rule ?(?=\w*:$)", text, flags=re.MULTILINE)[1:]:
            name = rule.partition(":")[0]
            environment = re.search(r'conda:\s+"../../envs/(.+)"', rule)
            command = re.search(r'"python -m redwood ([^"{]+)', rule)
            assert environment, f"{name} in {file} has no conda environment"
            assert command, f"{name} in {file} is no line of the redwood command"
            words = tuple(command[1].partition(" --")[0].split())
            rules = found.setdefault(environment[1], {})
            if name:
                rules[name] = words
            else:
                for figure in re.findall(r'^    "(\w+)": \(', text, re.MULTILINE):
                    rules[f"figure_{figure}"] = (*words, figure.replace("_", "-"))
    for text in texts.values():
        for base, name in re.findall(r"^use rule (\w+) as (\w+) with:$", text, re.MULTILINE):
            for rules in found.values():
                if base in rules:
                    rules[name] = rules[base]
    return found


@cache
def packages_of_command(words: tuple[str, ...]) -> dict[str, set[str]]:
    """Package from outside → our modules that import it, when the command runs.

    Every command starts the command line, which imports all stages' verbs; the verb itself imports
    the rest, at its start or when it comes to it.
    """
    started = {
        "redwood.__main__",
        *_imports_of_function("redwood.command_line", "_register_stages"),
    }
    verb = _imports_of_function(*_function_of(words))
    if words[:2] == ("paper", "figure"):
        # A figure's module is loaded by its name.
        verb.add(f"redwood.paper.{words[2].replace('-', '_')}")
    packages: dict[str, set[str]] = {}
    for modules, late in ((started, False), (verb, True)):
        for module in _closure(modules, late):
            for name in _imported(module, late):
                package = name.partition(".")[0]
                if package not in sys.stdlib_module_names and package != "redwood":
                    packages.setdefault(package, set()).add(module)
    return packages


def _function_of(words: Iterable[str]) -> tuple[str, str]:
    """Module and function of `redwood WORDS`, as the command line itself finds them."""
    if not command_line.app.registered_groups:
        command_line._register_stages()
    command = typer.main.get_command(command_line.app)
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    return command.callback.__module__, command.callback.__name__


def _closure(modules: Iterable[str], late: bool) -> set[str]:
    """Our modules that importing `modules` imports; with `late`, in their functions too."""
    pending, seen = [name for name in modules if _file(name)], set()
    while pending:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        named = {*_imported(module, late), module.rpartition(".")[0]}
        if late and STAGE.match(module):
            named |= _plug_ins(module)
        pending.extend(name for name in named if _file(name))
    return seen


@cache
def _file(module: str) -> Path | None:
    """The source of one of our modules; None if it is no module of ours."""
    if module.partition(".")[0] != "redwood":
        return None
    path = LIBRARY.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text())


@cache
def _plug_ins(module: str) -> set[str]:
    """The modules of the packages that `module` names in a string, which it loads by name.

    A plug-in is a module, or a folder with modules.
    """
    names = {
        node.value
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    packages = [name for name in names if STAGE.match(name) and _file(name)]
    return {
        ".".join([package, *path.relative_to(folder).with_suffix("").parts])
        for package in packages
        for folder in [_file(package).parent]
        for path in (*folder.glob("[!_]*.py"), *folder.glob("[!_]*/[!_]*.py"))
    }


@cache
def _imported(module: str, late: bool) -> frozenset[str]:
    """The names that a module imports: when it is imported itself, or with `late` ever."""
    return frozenset(_names(_tree(module).body, late))


def _imports_of_function(module: str, function: str) -> set[str]:
    """The names that a function imports, and those of its module that it calls."""
    functions = {
        node.name: node for node in _tree(module).body if isinstance(node, ast.FunctionDef)
    }
    pending, seen, found = [function], set(), set()
    while pending:
        name = pending.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        found |= set(_names(functions[name].body, late=True))
        called = (node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name))
        pending.extend(called)
    return found


def _names(body: list[ast.stmt], late: bool) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif late or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _names(list(ast.iter_child_nodes(node)), late)
