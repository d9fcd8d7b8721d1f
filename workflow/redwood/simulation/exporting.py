"""Writing a scenario in the format of another simulator."""

from pathlib import Path
from typing import Any

from redwood import plugins
from redwood.outputs import write_json, writing_folder
from redwood.simulation.asking import Policies
from redwood.simulation.case import Case
from redwood.simulation.contract import Placement, QueueOrder
from redwood.simulation.policies.brokerage.round_robin import Policy as RoundRobin
from redwood.simulation.running import Given, case_of
from redwood.simulation.scenario import Scenario

FORMATS = "redwood.simulation.exports"
# Beside the files of a format: what they say, and what not.
ABOUT = "export.json"


def export_scenario(name: str, scenario: Scenario, folder: str | Path) -> dict[str, Any]:
    """Write a scenario's first seed in the format `name`, and return what is told of it.

    Into `folder` go the files of the format, and `export.json` with the number of jobs and sites,
    what of the scenario is left out, and where the format's description was found.

    Args:
        name: a module of `redwood.simulation.exports`.
        scenario: the scenario.
        folder: where the files go; those of an earlier export are replaced.

    Raises:
        InputError: there is no such format; or a file of the scenario, or a value in it, cannot be
            used.
    """
    form = plugins.load(FORMATS, name)
    case = case_to_write(scenario)
    about = {
        "format": form.TITLE,
        **scenario.labels,
        "seed": scenario.seed,
        "jobs": len(case.run.workload),
        "sites": len(case.run.environment.sites),
        "left_out": form.left_out(scenario, case.run.environment),
        "sources": list(form.SOURCES),
    }
    with writing_folder(folder) as written:
        form.write(case, written)
        write_json(written / ABOUT, about)
    return about


def case_to_write(scenario: Scenario) -> Case:
    """The first seed of a scenario, which nobody runs: its policies are asked nothing."""
    given = Given.of(scenario)

    def policies() -> Policies:
        return Policies(RoundRobin(), Placement(), QueueOrder())

    return case_of(scenario, given, given.jobs, scenario.seed, policies, given.users)
