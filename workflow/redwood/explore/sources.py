"""What there is to explore: the results of a dataset, runs of one's own, or a scenario."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redwood import plugins
from redwood.configuration import POLICIES, PolicyChoice, Settings
from redwood.errors import InputError
from redwood.explore.knobs import Choices, Knobs
from redwood.inputs import read_json
from redwood.simulation.environment import Environment
from redwood.simulation.scenario import RECORDED, Scenario, WorkloadPart, role_of

# Its progress is seen; so often it is written, s of wall-clock time.
_CHECKPOINT_S = 1.0
_ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Known:
    """A seed of a scenario that was run before.

    Attributes:
        knobs: those that would make it.
        folder: with its tables.
    """

    knobs: Knobs
    folder: Path


@dataclass(frozen=True)
class Source:
    """What a page is about.

    Attributes:
        name: what the page calls it.
        choices: what the knobs may choose from.
        defaults: where the knobs begin.
        known: what was run before.
        remarks: what of the results is missing or cannot be shown, and how to make it.
    """

    name: str
    choices: Choices
    defaults: Knobs
    known: list[Known] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def find(self, knobs: Knobs) -> Known | None:
        """The run that the knobs would make, if it was made before."""
        return next((run for run in self.known if run.knobs == knobs), None)

    @classmethod
    def open(cls, path: Path) -> "Source":
        """Of a folder of results, a folder that `redwood simulate` wrote, or a scenario.

        Raises:
            InputError: it is none of them, or what simulations need is missing; the message says
                what, and how it is made.
        """
        if path.is_file() or path.suffix in _ENDINGS:
            return _of_scenario(path)
        if (path / "scenario.json").exists():
            return _of_runs(path, [path])
        if (path / "simulation").is_dir() or (path / "records").is_dir():
            return _of_results(path)
        if files := [*path.glob("*/scenario.json"), *path.glob("*/*/scenario.json")]:
            return _of_runs(path, sorted(file.parent for file in files))
        inside = sorted(found.parent.name for found in path.glob("*/simulation"))
        if inside:
            raise InputError(
                f"{path}: holds the results of {', '.join(inside)}: name one, as in "
                f"redwood explore {path / inside[0]}"
            )
        what = "holds no results" if path.is_dir() else "no such folder or scenario"
        raise InputError(
            f"{path}: {what}; expected a folder such as results/embedded, which ./run makes, one "
            "that `redwood simulate` wrote, or a scenario (YAML or JSON)"
        )


def default_results(results: Path = Path("results")) -> Path:
    """The results that were made last.

    Raises:
        InputError: there are none.
    """
    found = sorted(
        results.glob("*/simulation/platform.json"), key=lambda file: file.stat().st_mtime
    )
    if not found:
        raise InputError(
            f"{results}/*/simulation/platform.json: no results here; make them with ./run, or name "
            "a scenario: redwood explore scenario.yaml"
        )
    return found[-1].parent.parent


def _of_scenario(path: Path) -> Source:
    return Source(str(path), *_chosen_from([_absolute(Scenario.load(path))]))


def _of_runs(path: Path, folders: list[Path]) -> Source:
    """Runs of one's own: those that share grid and settings with the first one."""
    scenarios: dict[Path, Scenario] = {}
    remarks = []
    for folder in folders:
        try:
            scenarios[folder] = _absolute(Scenario.load(folder / "scenario.json"))
        except InputError as error:
            remarks.append(f"{folder}: not shown: {error}")
    if not scenarios:
        raise InputError("; ".join(remarks))
    first, *_ = scenarios
    alike = {folder: one for folder, one in scenarios.items()
             if _base(one) == _base(scenarios[first])}  # fmt: skip
    remarks += [
        f"{folder}: not shown: its grid or settings are not those of {first}"
        for folder in scenarios
        if folder not in alike
    ]
    known: list[Known] = []
    for folder, scenario in alike.items():
        try:
            known += _seeds(folder, _knobs_of(scenario), scenario.repetitions)
        except InputError as error:
            remarks.append(f"{folder}: half there ({error}), so it is not shown; simulate again")
    return Source(str(path), *_chosen_from(list(alike.values())), known, remarks)


def _of_results(path: Path) -> Source:
    platform, table = path / "simulation" / "platform.json", path / "records" / "table.json"
    if not platform.exists():
        raise InputError(
            f"{platform}: missing, so there is no grid; make it with ./run --until "
            "simulation_platform"
        )
    environment = Environment.load(platform)
    workloads, remarks = _workloads(path, table)
    if not workloads:
        raise InputError(
            f"{path}: has neither records/test.parquet nor surrogates/*/sample.parquet, so there "
            "are no jobs; make them with ./run --until simulation_platform"
        )
    folders = sorted(file.parent for file in path.glob("simulation/runs/*/*/scenario.json"))
    settings: dict[str, Any] = {}
    for folder in folders[:1]:
        content = read_json(folder / "scenario.json", "scenario")
        settings = {name: content[name] for name in Settings.model_fields if name in content}
    choices = _choices(
        {**settings, "environment": str(platform.absolute())}, environment, workloads, []
    )
    known, more = _known(folders)
    if not folders:
        more.append(
            f"{path / 'simulation' / 'runs'}: no simulation yet: press Run, or make all with ./run"
        )
    known = [run for run in known if run.knobs.workload in workloads]
    first = RECORDED if RECORDED in workloads else next(iter(workloads))
    defaults = Knobs(workload=first, load_factor=settings.get("load_factor", 1.0))
    if known and not any(run.knobs == defaults for run in known):
        same = [run for run in known if run.knobs.workload == first]
        defaults = (same or known)[0].knobs
    return Source(str(path), choices, defaults, known, [*remarks, *more])


def _workloads(path: Path, table: Path) -> tuple[dict[str, WorkloadPart], list[str]]:
    """The job tables that are there, recorded jobs first."""
    found: dict[str, WorkloadPart] = {}
    remarks = []
    files = {RECORDED: path / "records" / "test.parquet"} | {
        sample.parent.name: sample for sample in sorted(path.glob("surrogates/*/sample.parquet"))
    }
    for name, jobs in files.items():
        if jobs.exists() and table.exists():
            found[name] = WorkloadPart(
                name=name,
                role=_role(path, name),
                jobs=str(jobs.absolute()),
                table=str(table.absolute()),
            )
    if not files[RECORDED].exists():
        remarks.append(f"{files[RECORDED]}: missing, so recorded jobs cannot be run; make them "
                       "with ./run --until records_split")  # fmt: skip
    if not table.exists():
        remarks.append(f"{table}: missing, it describes the job tables; make it with ./run")
    return found, remarks


def _role(path: Path, workload: str) -> Any:
    """The role of a workload as its runs say it, so that a run repeats them."""
    for file in sorted(path.glob(f"simulation/runs/{workload}/*/scenario.json")):
        return read_json(file, "scenario").get("workload", {}).get("role")
    return role_of(workload)


def _absolute(scenario: Scenario) -> Scenario:
    return scenario.with_paths(lambda path: str(Path(path).absolute()))


def _base(scenario: Scenario) -> dict[str, Any]:
    """What no knob turns."""
    kept = {*Settings.model_fields, "environment"} - {"load_factor"}
    return scenario.model_dump(mode="json", include=kept, exclude_defaults=True)


def _knobs_of(scenario: Scenario) -> Knobs:
    return Knobs(
        workload=scenario.workload.name,
        load_factor=scenario.load_factor,
        seed=scenario.seed,
        **scenario.policies.chosen,
    )


def _chosen_from(scenarios: list[Scenario]) -> tuple[Choices, Knobs]:
    """What scenarios of the same grid and settings offer, and the knobs of the first one."""
    first = scenarios[0]
    workloads = {scenario.workload.name: scenario.workload for scenario in reversed(scenarios)}
    own = [scenario.policies.chosen for scenario in scenarios]
    choices = _choices(_base(first), first.read_environment(), workloads, own)
    return choices, _knobs_of(first)


def _choices(
    base: Mapping[str, Any],
    environment: Environment,
    workloads: Mapping[str, WorkloadPart],
    own: list[dict[str, str]],
) -> Choices:
    """All shipped policies, and those that scenarios name."""
    policies = {
        kind: tuple(dict.fromkeys((*plugins.names(package), *(names[kind] for names in own))))
        for kind, package in POLICIES.items()
    }
    return Choices({**base, "checkpoint_s": _CHECKPOINT_S}, environment, workloads, policies)


def _seeds(folder: Path, knobs: Knobs, repetitions: int) -> list[Known]:
    """A run with each of its seeds, of which the knobs have the first."""
    found = []
    for seed in range(knobs.seed, knobs.seed + repetitions):
        run = folder / f"seed-{seed}"
        for name in ("jobs", "sites", "flows"):
            if not (run / f"{name}.parquet").exists():
                raise InputError(f"{run / name}.parquet: missing")
        found.append(Known(knobs.model_copy(update={"seed": seed}), run))
    return found


def _known(folders: list[Path]) -> tuple[list[Known], list[str]]:
    """The runs that have been made, and what is to be said of those that cannot be shown."""
    known, remarks = [], []
    for folder in folders:
        try:
            content = read_json(folder / "scenario.json", "scenario")
            policies = PolicyChoice.model_validate(content["policies"]).chosen
            knobs = Knobs(workload=content["workload"]["name"], seed=content["seed"],
                          load_factor=content["load_factor"], **policies)  # fmt: skip
            known += _seeds(folder, knobs, content["repetitions"])
        except (InputError, KeyError, TypeError, ValueError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
            remarks.append(
                f"{folder}: half there or of another version ({what}), so it is not shown; make it "
                "again with ./run"
            )
    return known, remarks


def as_text(scenario: Scenario) -> str:
    """A scenario as `redwood simulate` takes it."""
    content = scenario.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
