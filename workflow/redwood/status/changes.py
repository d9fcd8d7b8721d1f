"""What differs between the command line that made a result and the one that would make it now."""

import json
import shlex
from typing import Any


def changed_options(before: str, now: str) -> list[str]:
    """One phrase for each option that differs: `epochs was 200, is 300`.

    Options are `--name value` and the keys of values in JSON, nested ones joined by dots. Other
    words, such as files, are no options.
    """
    old, new = _options(before), _options(now)
    phrases = []
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            phrases.append(f"{name} was {old[name]}, is not given any more")
        elif name not in old:
            phrases.append(f"{name} was not given, is {new[name]}")
        elif old[name] != new[name]:
            phrases.append(f"{name} was {old[name]}, is {new[name]}")
    return phrases


def _options(command: str) -> dict[str, str]:
    """Option → its values as a reader sees them."""
    found: dict[str, list[str]] = {}
    option = ""
    for word in shlex.split(command):
        content = _object(word)
        if content is not None:
            for name, value in _flat(content).items():
                found.setdefault(name, []).append(_shown(value))
        elif word.startswith("--"):
            option = word.removeprefix("--")
            found.setdefault(option, [])
            continue
        elif option:
            found[option].append(word)
        option = ""
    return {name: " ".join(values) or "on" for name, values in found.items()}


def _object(word: str) -> dict[str, Any] | None:
    if not word.startswith("{"):
        return None
    try:
        return json.loads(word)
    except ValueError:
        return None


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict) and value:
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
