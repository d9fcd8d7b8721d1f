"""Finding policies: shipped ones by their names, a user's own by their files or as objects."""

import inspect
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from redwood import plugins
from redwood.configuration import IN_PYTHON, POLICIES, PolicyChoice, asks_policies, own_policy
from redwood.errors import InputError
from redwood.simulation.asking import Policies, told
from redwood.simulation.contract import Brokerage, Grid, Job, Placement, QueueOrder, Site
from redwood.simulation.environment import Environment
from redwood.simulation.scenario import Scenario
from redwood.simulation.site_state import SiteState
from redwood.simulation.watching import IMPORT, MAKING, Question

_BASES: dict[str, type] = {"brokerage": Brokerage, "placement": Placement, "queue": QueueOrder}


class _Function(Brokerage):
    """A brokerage that is just a function `choose(job, grid)`."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def choose(self, job: Job, grid: Grid) -> Site | None:
        return self._function(job, grid)


def choose_policies(
    choice: PolicyChoice,
    question: Question | None = None,
    objects: Mapping[str, Any] = MappingProxyType({}),
) -> Policies:
    """New policies.

    Args:
        choice: their names.
        question: where it is said which one is being imported or made, and later asked.
        objects: kind → a Python object that counts instead of the name.

    Raises:
        InputError: there is no such policy, its file holds none of the kind or cannot be imported,
            or an object is none.
    """
    question = question or Question(choice.chosen)
    # Before code of theirs runs, which may go to another folder.
    paths = {kind: Path(own_policy(name)).absolute() for kind, name in choice.chosen.items()}
    made: dict[str, Any] = {}
    for number, (kind, name) in enumerate(choice.chosen.items(), 1):
        question.ask(number, IMPORT)
        try:
            found = objects[kind] if kind in objects else _find(kind, name, paths[kind])
            question.ask(number, MAKING)
            made[kind] = _made(kind, found)
        except InputError as error:
            raise InputError(f"{question}{error}") from error
        except BaseException as error:
            raise InputError(f"{question}it raised {told(error)}") from error
    question.answered()
    return Policies(**made, question=question)


def load_shipped(choice: PolicyChoice, environment: Environment) -> None:
    """Load what a shipped brokerage computes with, by asking it once for a site of an idle grid.

    Seeds are forked from this process: what is compiled would else be loaded by each of them.

    Args:
        choice: the policies' names; one's own is not asked.
        environment: its sites.
    """
    name = choice.brokerage
    if name.startswith(IN_PYTHON) or own_policy(name):
        return
    states = [SiteState.of(index, site) for index, site in enumerate(environment.sites)]
    job = Job(0, 0.0, states[0].name, 0.0, 1, 0, 0, 1, 0, 0, 0)
    policy = plugins.load(POLICIES["brokerage"], name).Policy()
    # What it fails for it fails for again when it is asked for a job, and is told with its name.
    with suppress(Exception):
        policy.choose(job, Grid(states, [[0]], [0.0]))


def with_objects(scenario: Scenario, objects: Mapping[str, Any]) -> Scenario:
    """The scenario with the names of Python objects in place of those of its policies.

    Raises:
        InputError: an object is no policy of its kind, or the scenario's engine asks none.
    """
    if objects and not asks_policies(scenario.engine):
        raise InputError(
            f"engine {scenario.engine!r} asks no policies, expected no {' and no '.join(objects)}"
        )
    for kind, value in objects.items():
        try:
            _require_policy(kind, value)
        except InputError as error:
            raise InputError(f"{kind} {value!r}: {error}") from None
    names = {kind: f"{IN_PYTHON}{_name_of(value)}" for kind, value in objects.items()}
    policies = scenario.policies.model_copy(update=names)
    return scenario.model_copy(update={"policies": policies})


def _name_of(value: Any) -> str:
    name = getattr(value, "__name__", type(value).__name__)
    return str(name).strip("<>")


def _made(kind: str, value: Any) -> Any:
    """A policy made of a class or a function, or one that is ready."""
    if isinstance(value, _BASES[kind]):
        return value
    return value() if inspect.isclass(value) else _Function(value)


def _require_policy(kind: str, value: Any) -> None:
    """Raise an `InputError` unless `value` is a policy of its kind or a class of such."""
    base = _BASES[kind]
    is_policy = isinstance(value, base) or (inspect.isclass(value) and issubclass(value, base))
    is_function = kind == "brokerage" and inspect.isroutine(value)
    if not (is_policy or is_function):
        also = " or a function choose(job, grid)" if kind == "brokerage" else ""
        raise InputError(f"expected a class derived from {base.__name__}{also} for {kind}")


def _find(kind: str, name: str, file: Path) -> Any:
    """What a policy is made of: a shipped one's class, or the class or function in a file."""
    path = own_policy(name)
    if not path:
        return plugins.load(POLICIES[kind], name).Policy
    module, base, wanted = _load(file), _BASES[kind], name[len(path) + 1 :]
    if wanted:
        if not hasattr(module, wanted):
            raise InputError(f"there is no {wanted!r} in it")
        found = getattr(module, wanted)
    else:
        classes = [
            value
            for value in vars(module).values()
            if inspect.isclass(value) and issubclass(value, base) and value is not base
        ]
        if len(classes) > 1:
            names = ", ".join(value.__name__ for value in classes)
            raise InputError(f"it has several policies, say which: {path}:NAME of {names}")
        found = classes[0] if classes else getattr(module, "choose", None)
    _require_policy(kind, found)
    return found


def _load(file: Path) -> ModuleType:
    """The module in a file. It finds others beside it, unless they are called as installed ones."""
    name = f"policy_{file.stem}"
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = str(file)
    sys.path.append(str(file.parent))
    SourceFileLoader(name, str(file)).exec_module(module)
    return module
