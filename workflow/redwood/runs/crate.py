"""A run as an RO-Crate 1.1 by the profile Provenance Run Crate.

https://www.researchobject.org/workflow-run-crate/profiles/provenance_run_crate says what stands in
it: the workflow, its steps (the rules) and tools (the commands), an action for each job, and the
files that jobs have read and written.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rocrate.model.contextentity import ContextEntity
from rocrate.model.dataset import Dataset
from rocrate.model.entity import Entity
from rocrate.model.file import File
from rocrate.rocrate import ROCrate

from redwood.inputs import files_of
from redwood.runs.checking import ELSEWHERE, INPUT
from redwood.runs.provenance import Job, Provenance
from redwood.runs.short_names import ShortNames, within_project
from redwood.runs.source_code import SourceState

_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
_RUN_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
_UNITS = {"s": "https://qudt.org/vocab/unit/SEC", "MB": "https://qudt.org/vocab/unit/MegaBYTE"}
_TERMS = (
    "The software is under the licence that its own entry names. Records, models and samples "
    "belong to those whose records they are or were made from; what is cleared for publication "
    "lies in release/decisions/*/published."
)


@dataclass(frozen=True)
class Run:
    """All that a manifest tells.

    Attributes:
        results: the folder of the dataset.
        configuration: the configuration as used, a file in `results`.
        workflow: the Snakefile.
        provenance: jobs, inputs and what is unexplained.
        digest: of a file.
        intact: names of results that are as they were written, by a digest kept since.
        names: of the inputs.
        source: the commit.
        citation: who made the software, and under which licence.
        packages: version of each package.
        machine: value of each property of the machine.
    """

    results: Path
    configuration: Path
    workflow: Path
    provenance: Provenance
    digest: Callable[[Path], str]
    intact: Collection[str]
    names: ShortNames
    source: SourceState
    citation: Mapping[str, Any]
    packages: Mapping[str, str]
    machine: Mapping[str, str]


def crate_of(run: Run) -> ROCrate:
    """The crate that describes `run`; every file that it names is read once for its digest.

    Raises:
        InputError: a file cannot be read.
    """
    entities = _Entities(run)
    workflow = _workflow(entities, run)
    inputs = [entities.file(path) for path in run.provenance.inputs]
    for path in run.provenance.unexplained:
        entities.file(path)["description"] = "Snakemake has no record of how it was made."
    actions = [_action(entities, workflow, job) for job in run.provenance.jobs]
    configuration = entities.file(str(run.configuration))
    configuration["name"] = "configuration as used, defaults filled in"
    whole = entities.add(
        "#run",
        type="CreateAction",
        name=f"run of the workflow on {run.results.name}",
        instrument=workflow,
        object=[configuration, *inputs],
        result=_unique(one for action in actions for one in action.get("result", [])),
        **_times(run.provenance.jobs),
    )
    engine = entities.add(
        "#run/snakemake",
        type="OrganizeAction",
        name="run of Snakemake",
        instrument=_software(entities, "snakemake", run.packages.get("snakemake")),
        object=[_control(entities, action) for action in actions],
        result=whole,
        **_times(run.provenance.jobs),
    )
    root = entities.crate.root_dataset
    root["name"] = f"REDWOOD: results of {run.results.name}"
    root["description"] = "Tables, figures and all they were made from, by one run of the workflow."
    root["datePublished"] = _time(max((job.record.end for job in run.provenance.jobs), default=0))
    root["license"] = entities.add(
        "#terms", type="CreativeWork", name="terms of use", description=_TERMS
    )
    root["conformsTo"] = [
        entities.add(address, type="CreativeWork", name=name, version=address.rpartition("/")[2])
        for address, name in _PROFILES.items()
    ]
    entities.crate.metadata.append_to("conformsTo", root["conformsTo"][-1])
    root["mainEntity"] = workflow
    root["mentions"] = [whole, engine, *actions]
    root["additionalProperty"] = [
        entities.property(f"#machine/{quote(name)}", f"{name} where this was written", value)
        for name, value in run.machine.items()
    ]
    return entities.crate


class _Entities:
    """The entities of a crate, each made when it is first asked for."""

    def __init__(self, run: Run) -> None:
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_contexts.append(_RUN_TERMS)
        self._run, self._results = run, run.results
        self.names = run.names
        self._files: dict[str, Entity] = {}
        self._added: dict[str, Entity] = {}
        self._links: set[tuple[str, str, str]] = set()

    def add(self, identifier: str, **properties: Any) -> Entity:
        """A contextual entity; `type` stands for `@type`, and `None` for no value."""
        if identifier not in self._added:
            given = {"@type" if key == "type" else key: properties[key] for key in properties}
            given = {key: value for key, value in given.items() if value is not None}
            entity = ContextEntity(self.crate, identifier, properties=given)
            self._added[identifier] = self.crate.add(entity)
        return self._added[identifier]

    def link(self, owner: Entity, key: str, entity: Entity) -> None:
        """Let a list of `owner` name an entity, once."""
        if (owner.id, key, entity.id) not in self._links:
            self._links.add((owner.id, key, entity.id))
            owner.append_to(key, entity)

    def property(self, identifier: str, name: str, value: str, unit: str = "") -> Entity:
        """A named value."""
        code = _UNITS[unit] if unit else None
        return self.add(identifier, type="PropertyValue", name=name, value=value, unitCode=code)

    def file(self, path: str) -> Entity:
        """A file or folder with its digests: of the results by its path, another by a name."""
        if path not in self._files:
            there = Path(path)
            if there.is_relative_to(self._results):
                self._files[path] = self._result(there)
            else:
                self._files[path] = self._input(there, self.names[path])
        return self._files[path]

    def _result(self, path: Path) -> Entity:
        identifier = path.relative_to(self._results).as_posix()
        if path.is_dir():
            parts = [self.file(str(file)) for file in files_of(path)]
            folder = self.crate.add(Dataset(self.crate, dest_path=f"{identifier}/"))
            folder["hasPart"] = parts
            return folder
        if not _is_told(path):
            return self.add(f"#{quote(identifier)}", type="File", name=path.name)
        content = self._content(path)
        if identifier not in self._run.intact:
            content["description"] = "No digest was kept of when it was written."
        return self.crate.add(File(self.crate, dest_path=identifier, properties=content))

    def _input(self, path: Path, name: str) -> Entity:
        prefix = INPUT if within_project(str(path)) else ELSEWHERE
        identifier = f"{prefix}{quote(name)}"
        if path.is_dir():
            parts = [
                self._input(file, f"{name}/{file.relative_to(path).as_posix()}")
                for file in files_of(path)
            ]
            return self.add(f"{identifier}/", type="Dataset", name=name, hasPart=parts)
        content = self._content(path) if _is_told(path) else {}
        return self.add(identifier, type="File", name=name, **content)

    def _content(self, path: Path) -> dict[str, str]:
        return {"contentSize": str(path.stat().st_size), "sha256": self._run.digest(path)}


def _is_told(path: Path) -> bool:
    """Whether a file has a digest: not one that was removed after use, nor a hidden one."""
    return path.exists() and not path.name.startswith(".")


def _workflow(entities: _Entities, run: Run) -> Entity:
    """The workflow by the identifier that Software Heritage gives to its file's content."""
    content = run.workflow.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    source, cited = run.source, run.citation
    licence = cited["license"]
    found: dict[str, Any] = {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": cited["title"],
        "version": str(cited["version"]),
        "sha256": hashlib.sha256(content).hexdigest(),
        "contentSize": str(len(content)),
        "description": f"The commit is not known: {source.unknown_because}.",
        "license": entities.add(
            f"https://spdx.org/licenses/{licence}", type="CreativeWork", name=licence
        ),
        "creator": [_creator(entities, author) for author in cited["authors"]],
        "programmingLanguage": entities.add(
            _SNAKEMAKE,
            type="ComputerLanguage",
            name="Snakemake",
            url="https://snakemake.readthedocs.io",
            version=run.packages.get("snakemake"),
        ),
        "softwareRequirements": [
            _software(entities, name, version) for name, version in run.packages.items()
        ],
    }
    if source.commit is not None:
        found["description"] = f"Commit {source.commit}, nothing uncommitted."
        found["isBasedOn"] = entities.add(
            f"swh:1:rev:{source.commit}",
            type="SoftwareSourceCode",
            name=cited["title"],
            version=source.commit,
        )
    if source.changes is not None:
        found["description"] = f"Commit {source.commit}, with changes that are not committed."
        found["additionalProperty"] = entities.property(
            "#uncommitted", "SHA-256 of changes that were not committed", source.changes
        )
    identifier = f"swh:1:cnt:{blob};path=/{run.workflow.name}"
    return entities.crate.add(File(entities.crate, identifier, properties=found))


def _creator(entities: _Entities, author: Mapping[str, str]) -> Entity:
    """An organisation has a name, a person a given and a family name."""
    kind, name = "Organization", author.get("name")
    if name is None:
        kind, name = "Person", f"{author['given-names']} {author['family-names']}"
    return entities.add(f"#creators/{quote(name)}", type=kind, name=name)


def _software(entities: _Entities, name: str, version: str | None) -> Entity:
    return entities.add(
        f"https://pypi.org/project/{name}/{version or ''}",
        type="SoftwareApplication",
        name=name,
        softwareVersion=version,
    )


def _action(entities: _Entities, workflow: Entity, job: Job) -> Entity:
    """What a job did, and the step and the tool of the workflow that it was."""
    environment = _environment(entities, job)
    tool = entities.add(
        f"#tools/{job.record.rule}/{'-'.join(job.digests)}",
        type="SoftwareApplication",
        name=f"command of {job.record.rule}",
        softwareVersion=f"digests of code and pins: {', '.join(job.digests)}",
        softwareRequirements=environment,
    )
    step = entities.add(f"#steps/{job.record.rule}", type="HowToStep", name=job.record.rule)
    for key, owner, entity in (
        ("hasPart", workflow, tool),
        ("step", workflow, step),
        ("workExample", step, tool),
    ):
        entities.link(owner, key, entity)
    results = [entities.file(path) for path in job.outputs]
    identifier = f"#jobs/{results[0].id.lstrip('#')}"
    usage = {
        ("wall time", "s"): job.seconds,
        ("peak resident memory", "MB"): job.megabytes,
    }
    return entities.add(
        identifier,
        type="CreateAction",
        name=job.record.rule,
        description=entities.names.in_text(job.command),
        instrument=tool,
        object=[entities.file(path) for path in job.record.inputs],
        result=results,
        resourceUsage=[
            entities.property(f"{identifier}/{quote(name)}", name, f"{value:g}", unit)
            for (name, unit), value in usage.items()
            if value is not None
        ],
        **_times([job]),
    )


def _environment(entities: _Entities, job: Job) -> Entity | None:
    """The versions that a job was pinned to, as conda takes them; the lock files have the same."""
    if not job.record.pins:
        return None
    digest = hashlib.sha256(job.record.pins.encode()).hexdigest()[:16]
    maker = "conda" if job.record.by_conda else "lock file"
    return entities.add(
        f"#environments/{quote(maker)}/{digest}",
        type="SoftwareSourceCode",
        name=f"pinned versions, installed by {maker}",
        encodingFormat="application/yaml",
        text=job.record.pins,
    )


def _control(entities: _Entities, action: Entity) -> Entity:
    """That Snakemake had a job done."""
    rule = action["name"]
    return entities.add(
        action.id.replace("#jobs/", "#orders/", 1),
        type="ControlAction",
        name=f"Snakemake runs {rule}",
        instrument=entities.crate.get(f"#steps/{rule}"),
        object=action,
    )


def _times(jobs: Iterable[Job]) -> dict[str, str]:
    """From when to when jobs ran; nothing if there are none."""
    jobs = list(jobs)
    if not jobs:
        return {}
    return {
        "startTime": _time(min(job.record.start for job in jobs)),
        "endTime": _time(max(job.record.end for job in jobs)),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _unique(entities: Iterable[Entity]) -> list[Entity]:
    return list({entity.id: entity for entity in entities}.values())
