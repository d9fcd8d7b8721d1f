"""Finding policies: shipped ones by their names, a user's own by their files or as objects."""

import inspect
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from redwood import plugins
from redwood.configuration import IN_PYTHON, POLICIES, PolicyChoice, own_policy
from redwood.errors import InputError
from redwood.simulation.asking import Policies
from redwood.simulation.contract import Brokerage, Grid, Job, Placement, QueueOrder, Site
from redwood.simulation.scenario import Scenario

_BASES: dict[str, type] = {"brokerage": Brokerage, "placement": Placement, "queue": QueueOrder}


class _Function(Brokerage):
    """A brokerage that is just a function `choose(job, grid)`."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def choose(self, job: Job, grid: Grid) -> Site | None:
        return self._function(job, grid)


def choose_policies(
    choice: PolicyChoice, patience_s: float, objects: Mapping[str, Any] = MappingProxyType({})
) -> Policies:
    """New policies.

    Args:
        choice: their names.
        patience_s: wall-clock time that one answer may take, s.
        objects: kind → a Python object that counts instead of the name.

    Raises:
        InputError: there is no such policy, its file holds none of the kind, or an object is none.
    """
    names = choice.chosen
    made: dict[str, Any] = {
        kind: _as_policy(kind, objects[kind], names[kind])
        if kind in objects
        else _make(kind, names[kind])
        for kind in POLICIES
    }
    return Policies(**made, names=names, patience_s=patience_s)


def with_objects(scenario: Scenario, objects: Mapping[str, Any]) -> Scenario:
    """The scenario with the names of Python objects in place of those of its policies.

    Raises:
        InputError: an object is no policy of its kind.
    """
    for kind, value in objects.items():
        _require_policy(kind, value, f"{kind} {value!r}")
    names = {kind: f"{IN_PYTHON}{_name_of(value)}" for kind, value in objects.items()}
    policies = scenario.policies.model_copy(update=names)
    return scenario.model_copy(update={"policies": policies})


def _name_of(value: Any) -> str:
    name = getattr(value, "__name__", type(value).__name__)
    return str(name).strip("<>")


def _make(kind: str, name: str) -> Any:
    path = own_policy(name)
    if not path:
        return plugins.load(POLICIES[kind], name).Policy()
    found = _find(kind, _load(path), path, name[len(path) + 1 :] or None)
    return _as_policy(kind, found, name)


def _as_policy(kind: str, value: Any, name: str) -> Any:
    """A policy made of a class or a function, or one that is ready."""
    if isinstance(value, _BASES[kind]):
        return value
    try:
        return value() if inspect.isclass(value) else _Function(value)
    except Exception as error:
        what = f"making it raised {type(error).__name__}: {error}"
        raise InputError(f"policy {name!r}: {what}") from error


def _require_policy(kind: str, value: Any, where: str) -> None:
    """Raise an `InputError` unless `value` is a policy of its kind or a class of such."""
    base = _BASES[kind]
    is_policy = isinstance(value, base) or (inspect.isclass(value) and issubclass(value, base))
    is_function = kind == "brokerage" and inspect.isroutine(value)
    if not (is_policy or is_function):
        also = " or a function choose(job, grid)" if kind == "brokerage" else ""
        raise InputError(f"{where}: expected a class derived from {base.__name__}{also} for {kind}")


def _find(kind: str, module: ModuleType, path: str, wanted: str | None) -> Any:
    """The class or function that a file is meant for."""
    base = _BASES[kind]
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
    _require_policy(kind, found, path)
    return found


def _load(path: str) -> ModuleType:
    name = f"policy_{Path(path).stem}"
    loader = SourceFileLoader(name, path)
    module = ModuleType(name)
    module.__file__ = path
    try:
        loader.exec_module(module)
    except FileNotFoundError:
        raise InputError(f"{path}: no such policy file") from None
    except Exception as error:
        raise InputError(f"{path}: importing it raised {type(error).__name__}: {error}") from error
    return module
