"""Where each result of a run comes from, as its manifest tells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from redwood.errors import InputError
from redwood.inputs import read_json

_JOB = "#jobs/"
_INPUT = "#project/"
_PACKAGE = "https://pypi.org/project/"


@dataclass(frozen=True)
class File:
    """A file or a folder that a job read or wrote.

    Attributes:
        name: its path, relative to the folder of the dataset, or to the project for its inputs.
        digest: its SHA-256, empty of a folder.
        job: the place in the report of the job that made it, empty if none of the run did.
    """

    name: str
    digest: str = ""
    job: str = ""


@dataclass(frozen=True)
class Job:
    """What made some results.

    Attributes:
        place: its anchor in the report.
        rule: its rule.
        command: its line.
        seed: the seed in that line, empty if it has none.
        code: digests of the code that it ran, and of its environment's pins.
        inputs, outputs: what it read and wrote.
        seconds: how long it took, empty if nothing says.
    """

    place: str
    rule: str
    command: str
    seed: str
    code: str
    inputs: list[File] = field(default_factory=list)
    outputs: list[File] = field(default_factory=list)
    seconds: str = ""

    @property
    def title(self) -> str:
        return self.outputs[0].name.rstrip("/") if self.outputs else self.rule


@dataclass(frozen=True)
class Provenance:
    """The jobs of a run, by their rules, and what they ran on.

    Attributes:
        rules: rule → its jobs.
        source: of the workflow, in words.
        machine: property of the machine → its value.
        software: package → its version.
    """

    rules: Mapping[str, list[Job]]
    source: str
    machine: Mapping[str, str]
    software: Mapping[str, str]

    @property
    def jobs(self) -> list[Job]:
        return [job for jobs in self.rules.values() for job in jobs]

    def made(self, name: str) -> Job | None:
        """The job that wrote a result, by its path in the folder of the dataset."""
        return self._makers.get(name)

    @property
    def _makers(self) -> dict[str, Job]:
        return {file.name.rstrip("/"): job for job in self.jobs for file in job.outputs}


def read_provenance(path: Path) -> Provenance:
    """What the manifest says.

    Raises:
        InputError: it is missing, damaged or no manifest of a run.
    """
    content = read_json(path, "manifest of the run")
    try:
        entities = {entity["@id"]: entity for entity in content["@graph"]}
        actions = [
            entity
            for name, entity in entities.items()
            if name.startswith(_JOB) and entity["@type"] == "CreateAction"
        ]
        makers = {
            ref["@id"]: _place(one["@id"]) for one in actions for ref in _refs(one.get("result"))
        }
        rules: dict[str, list[Job]] = {}
        for action in actions:
            rules.setdefault(action["name"], []).append(_job(action, entities, makers))
        workflow = next(
            entity for entity in entities.values() if "ComputationalWorkflow" in entity["@type"]
        )
        machine = {
            entity["name"].removesuffix(" where this was written"): entity["value"]
            for name, entity in entities.items()
            if name.startswith("#machine/")
        }
        # An environment of conda has no Snakemake to tell the version of.
        software = {
            entity["name"]: entity.get("softwareVersion", "")
            for name, entity in entities.items()
            if name.startswith(_PACKAGE)
        }
    except (KeyError, TypeError, StopIteration) as error:
        raise InputError(f"{path}: not the manifest of a run: {error!r}") from None
    return Provenance(rules, _source(workflow), machine, software)


def _place(name: str) -> str:
    """A job's anchor: its name without what an address must escape."""
    return "job-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", unquote(name.removeprefix(_JOB))).strip("-")


def _job(action: Mapping[str, Any], entities: Mapping[str, Any], makers: Mapping[str, str]) -> Job:
    command = action.get("description", "")
    seed = re.search(r"--seed (\S+)", command)
    tool = entities.get(action.get("instrument", {}).get("@id"), {})
    usage = (entities.get(ref["@id"], {}) for ref in _refs(action.get("resourceUsage")))
    seconds = next((one["value"] for one in usage if one.get("name") == "wall time"), "")

    def file(ref: Mapping[str, str]) -> File:
        name = ref["@id"]
        digest = entities.get(name, {}).get("sha256", "")
        return File(unquote(name.removeprefix(_INPUT)), digest, makers.get(name, ""))

    return Job(
        place=_place(action["@id"]),
        rule=action["name"],
        command=command,
        seed=seed[1] if seed else "",
        code=tool.get("softwareVersion", "").removeprefix("digests of code and pins: "),
        inputs=[file(ref) for ref in _refs(action.get("object"))],
        outputs=[file(ref) for ref in _refs(action.get("result"))],
        seconds=seconds,
    )


def _refs(value: Any) -> list[Mapping[str, str]]:
    """What the crate writes without brackets if it is one."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _source(workflow: Mapping[str, Any]) -> str:
    version = f"version {workflow['version']}. " if "version" in workflow else ""
    return f"{workflow.get('name', '')}, {version}{workflow.get('description', '')}".strip()
