"""The measures, each as its module says it."""

import inspect
from types import ModuleType

from redwood import plugins

# By name: what is only read imports nothing but what it begins with.
_MEASURES = "redwood.evaluation.measures"
_ASPECTS = {
    "fidelity": "Fidelity: are rows like real ones?",
    "utility": "Utility: are models that learned from them as good?",
    "time": "Time: do rows follow each other as real ones do?",
    "law": "Law: do those who send rows behave as real ones do?",
    "privacy": "Privacy: do rows give training rows away?",
}
_BETTER = {
    "lower": "less is better",
    "higher": "more is better",
    "near floor": "as near to the floor as can be is best",
}


def measures() -> str:
    """Every measure by aspect: its definition, its equation, where it is from. Markdown."""
    found = [(name, plugins.load(_MEASURES, name)) for name in plugins.names(_MEASURES)]
    parts = []
    for aspect, title in _ASPECTS.items():
        parts.append(f"## {title}\n")
        of_aspect = [(name, plugin) for name, plugin in found if aspect == plugin.ASPECT]
        parts += [_one(name, plugin) for name, plugin in of_aspect]
    return "\n".join(parts)


def _one(name: str, plugin: ModuleType) -> str:
    title = plugin.TITLE[:1].upper() + plugin.TITLE[1:]
    unit = "" if plugin.UNIT == "1" else f" In {plugin.UNIT}."
    _, _, more = (inspect.getdoc(plugin) or "").partition("\n\n")
    return (
        f"### {title}\n\n`{name}`: {_BETTER[plugin.DIRECTION]}.{unit}\n\n{plugin.DEFINITION}\n\n"
        f"```{{math}}\n{plugin.EQUATION}\n```\n\n{more}\n"
    )
