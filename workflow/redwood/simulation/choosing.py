"""Finding policies: shipped ones by their names, one's own by their files."""

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from redwood import plugins
from redwood.configuration import own_policy
from redwood.errors import InputError
from redwood.simulation.asking import Policies
from redwood.simulation.contract import Brokerage, Grid, Job, Placement, QueueOrder, Site
from redwood.simulation.scenario import PolicyPart

_PACKAGES = {
    "brokerage": ("redwood.simulation.policies.brokerage", Brokerage),
    "placement": ("redwood.simulation.policies.placement", Placement),
    "queue": ("redwood.simulation.policies.queueing", QueueOrder),
}


class _Function(Brokerage):
    """A brokerage that is just a function `choose(job, grid)`."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def choose(self, job: Job, grid: Grid) -> Site | None:
        return self._function(job, grid)


def choose_policies(part: PolicyPart) -> Policies:
    """New policies, as a scenario names them.

    Raises:
        InputError: there is no such policy, or its file holds none of the kind.
    """
    made = [_make(kind, getattr(part, kind)) for kind in _PACKAGES]
    names = tuple(getattr(part, kind) for kind in _PACKAGES)
    return Policies(*made, names=names, patience_s=part.patience_s)


def _make(kind: str, name: str) -> Any:
    package, base = _PACKAGES[kind]
    path = own_policy(name)
    if not path:
        return plugins.load(package, name).Policy()
    wanted = name[len(path) + 1 :] or None
    found = _find(kind, base, _load(path), path, wanted)
    try:
        return found() if inspect.isclass(found) else _Function(found)
    except Exception as error:
        what = f"making it raised {type(error).__name__}: {error}"
        raise InputError(f"policy {name!r}: {what}") from error


def _find(kind: str, base: type, module: ModuleType, path: str, wanted: str | None) -> Any:
    """The class or function that a file is meant for."""
    if wanted is not None:
        if not hasattr(module, wanted):
            raise InputError(f"{path}: there is no {wanted!r} in it")
        found = getattr(module, wanted)
    else:
        classes = [
            value
            for value in vars(module).values()
            if inspect.isclass(value) and issubclass(value, base) and value is not base
        ]
        if len(classes) > 1:
            names = ", ".join(value.__name__ for value in classes)
            raise InputError(f"{path}: it has several policies, say which: {path}:NAME of {names}")
        found = classes[0] if classes else getattr(module, "choose", None)
    is_policy = inspect.isclass(found) and issubclass(found, base)
    is_function = kind == "brokerage" and inspect.isroutine(found)
    if not (is_policy or is_function):
        also = " or a function choose(job, grid)" if kind == "brokerage" else ""
        raise InputError(f"{path}: expected a class derived from {base.__name__}{also} for {kind}")
    return found


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"policy_{Path(path).stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError:
        raise InputError(f"{path}: no such policy file") from None
    except Exception as error:
        raise InputError(f"{path}: importing it raised {type(error).__name__}: {error}") from error
    return module
