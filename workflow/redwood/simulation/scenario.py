"""A scenario: everything that decides what a simulation does, in one file.

In YAML or JSON, written by hand or by the workflow. The smallest:

    environment: {sites: [{name: A, cores: 100}, {name: B, cores: 50}]}
    workload: {jobs: jobs.csv}

`workload` and `policies` may be lists: then one file stands for a scenario of each workload under
each policy, see `load_scenarios`.

Relative paths count from the scenario's own folder, those of a scenario that is no file from the
folder in which the simulation is started. So results can move together with what they were made of.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from redwood.configuration import (
    ENGINES,
    NAME,
    OURS,
    PolicyChoice,
    Settings,
    asks_policies,
    own_policy,
    policies_in,
)
from redwood.errors import InputError
from redwood.outputs import file_digest, write_text
from redwood.simulation.environment import Environment, read_yaml
from redwood.tables import table_digest
from redwood.validation import Section, known_plugins, read_section

RECORDED = "recorded"
# Keys of the workload that are paths.
_FILES = ("jobs", "table", "catalogue")
# Keys that may be lists, in a scenario that stands for several.
_LISTED = ("workload", "policies")
Role = Literal["recorded", "model", "control", "floor"]


class WorkloadPart(Section):
    """The jobs."""

    name: str = Field(RECORDED, description="what outcomes call it: `recorded` or a surrogate")
    role: Role | None = Field(
        None,
        description="recorded jobs, those of a model or of a control, or real jobs whose outcomes "
        "are a floor; if null, `recorded` for that name and `model` for others",
    )
    jobs: str = Field(description="the job table (parquet or CSV)")
    table: str | None = Field(
        None, description="its description (JSON); by the names of its columns if null"
    )
    catalogue: str | None = Field(
        None, description="CSV with dataset, sites and bytes, for job tables with datasets"
    )


class Scenario(Settings):
    """Environment, workload, policies and seeds of a simulation, and its settings."""

    environment: str | Environment = Field(description="a file, or the environment itself")
    workload: WorkloadPart
    policies: PolicyChoice = PolicyChoice()
    engine: str = Field(OURS, description="which simulator runs it")
    seed: int = Field(1, ge=0, lt=2**32, description="the first seed")
    repetitions: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="runs with seeds from `seed` on"
    )
    digests: dict[str, str] = Field(
        {}, description="path → SHA-256 of what the scenario reads; checked where given"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_parts(cls, content: Any) -> Any:
        """Read scenarios of earlier versions, whose settings stood in parts."""
        return _flat(content) if isinstance(content, Mapping) else content

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, engine: str) -> str:
        return known_plugins(ENGINES, (engine,))[0]

    @model_validator(mode="after")
    def _policies_of_engine(self) -> "Scenario":
        self.__dict__["policies"] = policies_in(self.engine, [self.policies])[0]
        return self

    @property
    def seeds(self) -> range:
        """The seeds of the runs."""
        return range(self.seed, self.seed + self.repetitions)

    @property
    def labels(self) -> dict[str, str]:
        """What tells the results from those of other scenarios: workload, role and policy."""
        workload = self.workload
        role = workload.role or role_of(workload.name)
        return {"workload": workload.name, "role": role, "policy": self.policies.label}

    @property
    def paths(self) -> dict[str, str]:
        """Key → path of all that it reads, policy files included."""
        files = {"environment": self.environment if isinstance(self.environment, str) else None}
        files |= {f"workload.{key}": getattr(self.workload, key) for key in _FILES}
        files |= {
            f"policies.{kind}": own_policy(name) for kind, name in self.policies.chosen.items()
        }
        return {key: path for key, path in files.items() if path}

    def with_paths(self, change: Callable[[str], str]) -> "Scenario":
        """The same with every path changed."""
        files = {key: getattr(self.workload, key) for key in _FILES}
        changed: dict[str, Any] = {
            "workload": self.workload.model_copy(
                update={key: change(path) for key, path in files.items() if path is not None}
            ),
            "policies": self.policies.model_copy(
                update={
                    kind: change(path) + name.removeprefix(path)
                    for kind, name in self.policies.chosen.items()
                    if (path := own_policy(name))
                }
            ),
            "digests": {change(path): digest for path, digest in self.digests.items()},
        }
        if isinstance(self.environment, str):
            changed["environment"] = change(self.environment)
        return self.model_copy(update=changed)

    def read_environment(self) -> Environment:
        """The environment, its sites sorted by name."""
        if isinstance(self.environment, str):
            return Environment.load(self.environment)
        return self.environment.in_order()

    def save(self, path: str | Path) -> None:
        """Write it with its defaults and the digests of the files it reads, as JSON.

        Relative paths are written as they are seen from its folder.
        """
        seen = self.with_paths(lambda file: _seen_from(Path(path).parent, file))
        content = seen.model_dump(mode="json", exclude={"digests"})
        digests = {file: _digest(self.paths[key], key) for key, file in seen.paths.items()}
        content["digests"] = dict(sorted(digests.items()))
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any]) -> "Scenario":
        """Read a scenario from a file, from a text that begins with `{`, or from keys and values.

        Its paths become such as hold where this process runs.

        Raises:
            InputError: the file is missing or no scenario, or a file that it reads is missing or
                not what it was when the scenario was saved.
        """
        name, content, folder = _read_source(source)
        if lists := [key for key in _LISTED if isinstance(content.get(key), list)]:
            raise InputError(
                f"{name}: {lists[0]} is a list, which makes several scenarios, expected one; "
                "`redwood simulate` and redwood.simulate_all run them all"
            )
        return cls._of(name, content, folder)

    @classmethod
    def _of(cls, name: str, content: dict[str, Any], folder: Path | None) -> "Scenario":
        """The scenario of keys and values that stand in a folder, see `load`."""
        environment = content.get("environment", "")
        if isinstance(environment, dict):
            # By itself, so that errors do not say besides that it might have been a path.
            there = read_section(Environment, environment, f"{name}: environment")
            content = {**content, "environment": there}
        elif not isinstance(environment, str):
            raise InputError(
                f"{name}: environment is {environment!r}, expected the path of a file, or keys and "
                "values such as `sites`"
            )
        given = read_section(cls, content, name)
        scenario = given.with_paths(lambda path: str((folder or Path()) / path))
        for key, path in scenario.paths.items():
            if not Path(path).exists():
                raise InputError(
                    f"{name}: {key}: {path}: no such file{_where(given.paths[key], folder)}"
                )
            found = _digest(path, key)
            wanted = scenario.digests.get(path, found)
            if found != wanted:
                raise InputError(
                    f"{name}: {key}: {path} has changed since: its sha256 is {found[:12]}…, "
                    f"expected {wanted[:12]}…"
                )
        return scenario


def load_scenarios(
    source: str | Path | Mapping[str, Any], engine: str | None = None
) -> dict[str, Scenario]:
    """The scenarios of a source whose `policies` or `workload` may be a list.

    Args:
        source: as for `Scenario.load`.
        engine: instead of the one that the source names.

    Returns:
        Where each is to be run, `WORKLOAD/POLICY` below the folder for all, and the scenario; for
        one without lists that is the folder itself, ``""``.

    Raises:
        InputError: as `Scenario.load`; a list is empty, or two of its entries have the same name,
            or one that cannot be a folder's.
    """
    name, content, folder = _read_source(source)
    if engine is not None:
        content["engine"] = engine
    listed = [key for key in _LISTED if isinstance(content.get(key), list)]
    if not listed:
        return {"": Scenario._of(name, content, folder)}
    entries: dict[str, list[Any]] = {}
    for key in _LISTED:
        value = content.get(key, {})
        entries[key] = value if key in listed else [value]
        if not entries[key]:
            raise InputError(f"{name}: {key} is [], expected at least one")
    found: dict[str, Scenario] = {}
    for (at, workload), (number, policy) in product(
        *(list(enumerate(entries[key], 1)) for key in _LISTED)
    ):
        places = {"workload": at, "policies": number}
        told = f"{name}, " + ", ".join(f"{key} {places[key]}" for key in listed)
        scenario = Scenario._of(told, {**content, "workload": workload, "policies": policy}, folder)
        labels = scenario.labels
        for key, label in (("workload", labels["workload"]), ("policies", labels["policy"])):
            if not re.fullmatch(NAME, label):
                raise InputError(f"{told}: {key}: {label!r} cannot name a folder, expected {NAME}")
        place = f"{labels['workload']}/{labels['policy']}"
        if number > 1 and not asks_policies(scenario.engine):
            continue
        if place in found:
            raise InputError(
                f"{told}: workload {labels['workload']!r} with policy {labels['policy']!r} is "
                "listed twice: give each a `name` of its own"
            )
        found[place] = scenario
    return found


def _read_source(
    source: str | Path | Mapping[str, Any],
) -> tuple[str, dict[str, Any], Path | None]:
    """What messages call a source of scenarios, its content, and its folder if it is a file."""
    text = str(source).lstrip()
    if isinstance(source, Mapping):
        return "scenario", dict(source), None
    if text.startswith("{"):
        return "scenario", _parse(text), None
    return str(source), read_yaml(source, "scenario"), Path(source).parent


def _digest(path: str, key: str) -> str:
    """Of a file, or of the parts of a job table that is a folder."""
    return table_digest(path) if key == "workload.jobs" else file_digest(path)


def _seen_from(folder: Path, path: str) -> str:
    """A relative path as seen from a folder, an absolute one as it is."""
    if os.path.isabs(path):
        return path
    seen = os.path.relpath(path, folder)
    # Behind a link `..` leads elsewhere.
    return seen if (folder / seen).exists() else os.path.abspath(path)


def _where(path: str, folder: Path | None) -> str:
    """Where a path was looked for, as the end of a message."""
    if os.path.isabs(path):
        return ""
    if folder is None:
        return f"; relative paths count from where it is started, {Path.cwd()}"
    return f"; relative paths count from the scenario's own folder, {folder.absolute()}"


def _parse(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"scenario: not JSON: {error}: {text!r}") from None


def role_of(name: str) -> Role:
    """The role of a workload that says none."""
    return "recorded" if name == RECORDED else "model"


# Parts of scenarios of earlier versions whose keys now stand in the scenario itself; `catalogue`
# stands in `workload`.
_PARTS = ("data", "rules", "monitoring")


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """A scenario of an earlier version as one of today; one of today as it is.

    Raises:
        ValueError: a setting is given twice.
    """
    flat = dict(content)
    for part in (*_PARTS, "workload", "policies"):
        values = flat.get(part)
        if not isinstance(values, Mapping):
            continue
        moved = {k: v for k, v in values.items() if part in _PARTS or k in Settings.model_fields}
        flat[part] = {k: v for k, v in values.items() if k not in moved}
        if part in _PARTS:
            del flat[part]
        for key, value in moved.items():
            if key == "catalogue" and isinstance(flat.get("workload"), Mapping):
                flat["workload"] = {**flat["workload"], key: value}
            elif key in flat:
                raise ValueError(f"{key} is given twice, in the scenario and in its {part}")
            else:
                flat[key] = value
    return flat
