"""Several scenarios at once: each workload under each policy, one folder a run.

A study goes on where it was: a run whose scenario, files and code are what they were is kept, and
every other is made, or made again.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redwood.code_digest import code_digest
from redwood.configuration import ENGINES
from redwood.errors import InputError
from redwood.inputs import read_json, require_intact
from redwood.outputs import write_json
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario

# In the folder of a study: by which code each run was made.
STUDY = "study.json"


def run_study(
    scenarios: Mapping[str, Scenario],
    folder: str | Path,
    told: Callable[[Path, dict[str, Any] | None], None] = lambda run, summary: None,
    program: str | None = None,
) -> list[Path]:
    """Run all scenarios into a folder, but those whose runs are there.

    Args:
        scenarios: of `load_scenarios`, by the place of each below the folder.
        folder: of the study.
        told: called after each run with its folder and its summary, `None` if it was there.
        program: as for `running.run_scenario`.

    Returns:
        The folders of the runs.

    Raises:
        InputError: as `running.run_scenario`, or the folder is that of a single run.
    """
    folder = Path(folder)
    if (folder / "scenario.json").exists():
        raise InputError(
            f"{folder}: holds a single run, and several are to be written below it: name another "
            "folder"
        )
    made_by: dict[str, str] = {}
    if (folder / STUDY).exists():
        made_by = read_json(folder / STUDY, "list of runs").get("code", {})
    for place, scenario in scenarios.items():
        engine = f"{ENGINES}.{scenario.engine}"
        code = code_digest("redwood.simulation.running", engine, *scenario.policies.modules)
        if made_by.get(place) == code and _is_there(scenario, folder / place):
            told(folder / place, None)
            continue
        summary = run_scenario(scenario, folder / place, program=program)
        made_by[place] = code
        ordered = [*filter(made_by.__contains__, scenarios), *made_by]
        write_json(folder / STUDY, {"code": {one: made_by[one] for one in dict.fromkeys(ordered)}})
        told(folder / place, summary)
    return [folder / place for place in scenarios]


def _is_there(scenario: Scenario, run: Path) -> bool:
    """Whether a folder holds the whole run of a scenario, made of the same files."""
    kept = run / "scenario.json"
    try:
        require_intact(run)
        before = json.loads(kept.read_text(encoding="utf-8"))
    except (InputError, OSError, json.JSONDecodeError):
        return False
    # Beside the kept one, since paths are written as they are seen from there.
    with TemporaryDirectory(dir=run.parent, prefix=".scenario-") as scratch:
        scenario.save(Path(scratch) / "scenario.json")
        now = json.loads((Path(scratch) / "scenario.json").read_text(encoding="utf-8"))
    return bool(now == before)
