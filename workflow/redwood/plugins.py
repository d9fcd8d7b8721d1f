"""Models, measures and policies are modules or folders that register themselves by being there."""

import importlib
import pkgutil
from types import ModuleType

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
    if name not in names(package):
        kind = package.rpartition(".")[2]
        raise InputError(
            f"{kind}: there is no {name!r}; there are {', '.join(names(package)) or 'none'}"
        )
    plugin = importlib.import_module(f"{package}.{name}")
    return importlib.import_module(f"{plugin.__name__}.options") if _is_folder(plugin) else plugin


def _is_folder(plugin: ModuleType) -> bool:
    return hasattr(plugin, "__path__")
