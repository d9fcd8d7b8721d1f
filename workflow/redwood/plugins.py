"""Models, measures and policies are modules or folders that register themselves by being there."""

import ast
import importlib
import importlib.util
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

from redwood.errors import InputError


def names(package: str) -> tuple[str, ...]:
    """The names of the plug-ins in `package` (`redwood.surrogates.models`, say), sorted.

    A module or folder whose name begins with an underscore is not a plug-in.
    """
    found = importlib.import_module(package)
    modules = (module.name for module in pkgutil.iter_modules(found.__path__))
    return tuple(sorted(name for name in modules if not name.startswith("_")))


def load(package: str, name: str) -> ModuleType:
    """What the plug-in `name` of `package` says of itself.

    That is its module or, of a plug-in that is a folder, the module `options` in it: light to
    import, while the rest of the folder may need heavy libraries.

    Raises:
        InputError: there is no such plug-in; the message lists those there are.
    """
    _require(package, name)
    plugin = importlib.import_module(f"{package}.{name}")
    is_folder = hasattr(plugin, "__path__")
    return importlib.import_module(f"{plugin.__name__}.options") if is_folder else plugin


def constant(package: str, name: str, constant: str, default: Any) -> Any:
    """A constant of the plug-in `name` of `package`, read from its source without importing it.

    So the workflow learns what a plug-in says of itself without the libraries that it computes
    with. `default` if its module, see `load`, does not set the constant.

    Raises:
        InputError: there is no such plug-in; the message lists those there are.
    """
    _require(package, name)
    spec = importlib.util.find_spec(f"{package}.{name}")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin)
    if spec.submodule_search_locations is not None:
        source = source.with_name("options.py")
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == constant:
            return ast.literal_eval(node.value)
    return default


def _require(package: str, name: str) -> None:
    if name not in names(package):
        kind = package.rpartition(".")[2]
        raise InputError(
            f"{kind}: there is no {name!r}; there are {', '.join(names(package)) or 'none'}"
        )
