"""The pages of the reference, made from docstrings, the parsers of commands, and schemas."""

import importlib
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from redwood import plugins
from redwood.configuration import Configuration
from redwood.documentation.contents import as_json, table

# By name: what is only read imports nothing but what it begins with.
_API = "redwood.api"
_COMMANDS = "redwood.command_line"
_CONTRACTS = {
    "A model": ("redwood.surrogates.contract", "extend.md#a-model"),
    "A measure": ("redwood.evaluation.contract", "extend.md#a-measure"),
    "A policy": ("redwood.simulation.contract", "extend.md#a-policy"),
}
_MODELS = "redwood.surrogates.models"
# Of a type of the schema, the words.
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "minItems": "entries: at least",
    "maxItems": "entries: at most",
}


def python() -> str:
    """What `redwood` holds and what plug-ins stand on, for Sphinx to fill in. Markdown."""
    api = importlib.import_module(_API)
    parts = []
    for name in api.__all__:
        thing = getattr(api, name)
        kind = "autoclass" if isinstance(thing, type) else "autofunction"
        if name == "InputError":
            kind = "autoexception"
        members = "\n   :members:" if kind == "autoclass" else ""
        parts.append(f"## {name}\n\n{_directive(kind, f'redwood.{name}', members)}")
    parts.append("## Contracts of plug-ins\n")
    for title, (module, guide) in _CONTRACTS.items():
        parts.append(
            f"### {title}\n\n[How to add one]({guide}).\n\n"
            f"{_directive('automodule', module, ' :members:'.replace(' ', chr(10) + '   ', 1))}"
        )
    return "\n".join(parts)


def _directive(kind: str, name: str, options: str) -> str:
    return f"```{{eval-rst}}\n.. {kind}:: {name}{options}\n```\n"


def command_line() -> str:
    """Every command with its arguments and options, from its parser. Markdown."""
    import typer

    command_line = importlib.import_module(_COMMANDS)
    if not command_line.app.registered_groups:
        command_line._register_stages()
    root = typer.main.get_command(command_line.app)
    parts = []
    for words, command in _commands(root, ("redwood",)):
        context = typer.Context(command, info_name=" ".join(words))
        rows = [(f"`{record[0]}`", record[1]) for record in _records(command, context)]
        text, *examples = (command.help or "").split("Example: ")
        parts.append(f"## `{' '.join(words)}`\n\n{text.strip()}\n")
        parts += [f"```console\n{_wrapped(example)}\n```\n" for example in examples]
        parts.append(table(("argument or option", "what it is"), rows))
    return "\n".join(parts)


def _wrapped(line: str) -> str:
    """A line of a shell on several, none longer than pages are wide."""
    found = textwrap.wrap(line, 78, subsequent_indent="    ", break_on_hyphens=False)
    return " \\\n".join(found)


def _records(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record and not parameter.hidden:
            yield record


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All that can be run below a group, in its order, but what is hidden."""
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, verb in command.commands.items():
        if not verb.hidden:
            yield from _commands(verb, (*words, name))


def configuration() -> str:
    """Every key of the configuration, and of each model's options, from their schemas. Markdown."""
    schema = Configuration.model_json_schema()
    parts = [
        *_sections("", schema, schema["$defs"]),
        "## Options of the models\n\nIn `surrogates.options` by model; `redwood surrogates train` "
        "takes those of its model in `--options`.\n",
    ]
    for name in plugins.names(_MODELS):
        options = plugins.load(_MODELS, name).Options.model_json_schema()
        rows = list(_rows(options, options.get("$defs", {})))
        parts.append(f"### Model `{name}`\n")
        parts.append(table(_COLUMNS, rows) if rows else "It has none.\n")
    return "\n".join(parts)


_COLUMNS = ("key", "may be", "default", "what it is")


def _sections(path: str, section: Mapping, known: Mapping[str, Mapping]) -> Iterator[str]:
    """A section of the schema and those within it, each with a table of its keys."""
    title = f"`{path}`" if path else "The top"
    yield f"## {title}\n\n{section.get('description', '')}\n"
    rows, inner = [], []
    for name, key in section["properties"].items():
        if (found := _referred(key, known)) and "properties" in found:
            inner.append((f"{path}.{name}".lstrip("."), found))
    rows = list(_rows(section, known))
    if rows:
        yield table(_COLUMNS, rows)
    for name, found in inner:
        yield from _sections(name, found, known)


def _rows(section: Mapping, known: Mapping[str, Mapping]) -> Iterator[tuple[object, ...]]:
    for name, key in section.get("properties", {}).items():
        found = _referred(key, known)
        if found and "properties" in found and "anyOf" not in key:
            continue
        default = as_json(key["default"]) if "default" in key else "none: it must be given"
        yield f"`{name}`", _words(key, known), default, key.get("description", "")


def _referred(key: Mapping, known: Mapping[str, Mapping]) -> Mapping | None:
    """The section that a key holds; None if it is a value."""
    for one in (key, *key.get("anyOf", ())):
        if "$ref" in one:
            return known[one["$ref"].rpartition("/")[2]]
    return None


def _words(key: Mapping, known: Mapping[str, Mapping]) -> str:
    """What a value may be, in words."""
    if "anyOf" in key:
        return " or ".join(_words(one, known) for one in key["anyOf"])
    if "$ref" in key:
        found = known[key["$ref"].rpartition("/")[2]]
        return "the keys below" if "properties" in found else _words(found, known)
    if "const" in key:
        return as_json(key["const"])
    if "enum" in key:
        return "one of " + ", ".join(map(as_json, key["enum"]))
    words = _TYPES.get(key.get("type", ""), "anything")
    if "items" in key and (of := _words(key["items"], known)) != "anything":
        words += f" of {of}"
    bounds = [f"{word} {key[bound]}" for bound, word in _BOUNDS.items() if bound in key]
    if "pattern" in key:
        bounds.append(f"as `{key['pattern']}`")
    return ", ".join([words, *bounds])
