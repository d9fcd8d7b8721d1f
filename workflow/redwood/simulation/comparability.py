"""Which runs can be compared: same grid, same seeds, same jobs, same settings, other policies.

Under the same seed the same job has the same luck under every policy, and outcomes have values
without the same groups of jobs: so policies are compared in pairs, if nothing but they differ.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redwood.configuration import Settings
from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.names import listed
from redwood.outputs import is_abandoned
from redwood.simulation.scenario import Scenario
from redwood.simulation.study import STUDY

# Keys of a scenario that decide nothing of what happens in it.
_WITHOUT_EFFECT = {"events", "event_database", "interval_s", "checkpoint_s", "patience_s"}
# What all runs must share, of whatever workload.
_GRID = ("environment", "engine", "seed", "repetitions")


def find_runs(paths: Sequence[str | Path]) -> list[Path]:
    """The folders of runs among paths and below them, each once.

    Those below a path are sorted; those of a study are in the order of its scenario.

    Raises:
        InputError: a folder does not exist or holds no run, or a run in it has not ended.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.is_dir():
            raise InputError(f"{path}: no such folder, expected one that `redwood simulate` wrote")
        runs = [
            file.parent
            for file in sorted(path.rglob("scenario.json"))
            if not any(part.startswith(".") for part in file.relative_to(path).parts)
        ]
        under_way = [
            part
            for part in sorted(path.rglob(".*.partial"))
            if part.is_dir() and not (is_abandoned(part) and _was_made_again(part, runs))
        ]
        beside = path.with_name(f".{path.name}.partial")
        if under_way or (not runs and beside.is_dir()):
            raise InputError(
                f"{(under_way or [beside])[0]}: a simulation that is under way or was killed: let "
                "it end, start it again, or name the runs that have ended"
            )
        if not runs:
            raise InputError(
                f"{path}: holds no run: no scenario.json there or below; expected what `redwood "
                "simulate` wrote"
            )
        if (path / STUDY).exists():
            order = [path / place for place in read_json(path / STUDY, "list of runs")["code"]]
            runs.sort(key=lambda run: order.index(run) if run in order else len(order))
        found |= dict.fromkeys(runs)
    return list(found)


def _was_made_again(partial: Path, runs: Sequence[Path]) -> bool:
    """Whether the run that left a partial folder when it was killed has been made since."""
    beside = (run.name for run in runs if run.parent == partial.parent)
    return any(partial.name.startswith(f".{name}.") for name in beside)


def policy_of(run: Path) -> str:
    """The name of the policy of a run."""
    return str(read_json(run / "summary.json", "summary of a simulation")["policy"])


def require_comparable(runs: Sequence[Path]) -> None:
    """Make sure that runs differ in their policies only, or besides in their workloads.

    Raises:
        InputError: there is one run only, two are of the same workload and policy, one is of
            another version, or a key of their scenarios differs that must not.
    """
    if len(runs) < 2:
        raise InputError(f"{listed(list(map(str, runs)))}: one run only, expected two or more")
    scenarios = {run: _read(run) for run in runs}
    first = next(iter(scenarios))
    seen: dict[tuple[str, str], Path] = {}
    of_workload: dict[str, Path] = {}
    for run, scenario in scenarios.items():
        for key in _GRID:
            _require_same(scenarios, run, first, key)
        summary = read_json(run / "summary.json", "summary of a simulation")
        try:
            workload, policy = summary["workload"], summary["policy"]
        except KeyError as error:
            raise InputError(
                f"{run / 'summary.json'}: not the summary of a simulation: no {error}"
            ) from None
        if (workload, policy) in seen:
            raise InputError(
                f"{run}: policy {policy!r} on workload {workload!r} is what "
                f"{seen[workload, policy]} holds, too: give one a `name`, or name one of both"
            )
        seen[workload, policy] = run
        like = of_workload.setdefault(workload, run)
        for key in scenario:
            _require_same(scenarios, run, like, key, f" of workload {workload!r}")


def _read(run: Path) -> dict[str, Any]:
    """What decides what happens in a run but the policies: key → value, files by their digests."""
    file = run / "scenario.json"
    content = read_json(file, "scenario of a run")
    known = set(Scenario.model_fields)
    if content.keys() != known:
        other = sorted(content.keys() ^ known)[0]
        words = f"lacks {other!r}" if other in known else f"has {other!r}, which is unknown"
        raise InputError(f"{file}: of another version of REDWOOD: it {words}; simulate again")
    digests: Mapping[str, str] = content["digests"]
    decisive = {
        key: content[key] for key in (*_GRID, *sorted(set(Settings.model_fields) - _WITHOUT_EFFECT))
    }
    decisive["environment"] = digests.get(str(content["environment"]), content["environment"])
    for key, value in content["workload"].items():
        if key not in ("name", "role"):
            decisive[f"workload.{key}"] = digests.get(value, value) if value else value
    return decisive


def _require_same(
    scenarios: Mapping[Path, Mapping[str, Any]], run: Path, like: Path, key: str, which: str = ""
) -> None:
    mine, theirs = scenarios[run].get(key), scenarios[like].get(key)
    if mine != theirs:
        raise InputError(
            f"{run}: cannot be compared with {like}: {key}{which} is {_short(mine)}, there "
            f"{_short(theirs)}"
        )


def _short(value: Any) -> str:
    """A value for a message; of a digest or a whole environment its beginning."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 24 else f"{text[:20]}…"
