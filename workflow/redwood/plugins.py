"""Models, measures and policies are modules that register themselves by being in a package."""

import importlib
import pkgutil
from types import ModuleType

from redwood.errors import InputError


def names(package: str) -> tuple[str, ...]:
    """The names of the plug-ins in `package` (`redwood.surrogates.models`, say), sorted.

    A module whose name begins with an underscore is not a plug-in.
    """
    found = importlib.import_module(package)
    modules = (module.name for module in pkgutil.iter_modules(found.__path__))
    return tuple(sorted(name for name in modules if not name.startswith("_")))


def load(package: str, name: str) -> ModuleType:
    """The plug-in `name` of `package`.

    Raises:
        InputError: there is no such plug-in; the message lists those there are.
    """
    if name not in names(package):
        kind = package.rpartition(".")[2]
        raise InputError(
            f"{kind}: there is no {name!r}; there are {', '.join(names(package)) or 'none'}"
        )
    return importlib.import_module(f"{package}.{name}")
