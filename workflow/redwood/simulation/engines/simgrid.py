"""REDWOOD's own engine: the life of a job as PanDA has it, transfers in SimGrid or without it."""

from redwood.programs import Program
from redwood.simulation.case import Case
from redwood.simulation.engine import Engine
from redwood.simulation.environment import Environment
from redwood.simulation.log import Log
from redwood.simulation.scenario import Scenario

TITLE = "REDWOOD"
LICENCE = "Apache-2.0; SimGrid: LGPL-2.1"
WHERE = "a part of REDWOOD"
EXECUTABLE = None
ASKS_POLICIES = True
VERSIONS = ("",)


def version(program: Program) -> None:
    """It has no program, and so no version of one."""


def left_out(scenario: Scenario, environment: Environment) -> list[str]:
    """Nothing: scenarios are written for it."""
    return []


def simulate(case: Case) -> Log:
    """Run one seed; a process can do this once, see `network.Network`."""
    return engine_of(case).run()


def engine_of(case: Case) -> Engine:
    """The engine that is to run, for whoever answers its questions himself."""
    run = case.run
    return Engine(
        run.environment,
        run.workload,
        case.replicas,
        case.policies,
        case.seed,
        case.scenario,
        case.checkpoint,
        case.users,
    )
