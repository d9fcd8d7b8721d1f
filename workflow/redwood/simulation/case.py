"""What an engine is given: one seed of a scenario, with all that it reads and all who decide."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from redwood.programs import Program
from redwood.simulation.accounts import Run
from redwood.simulation.asking import Policies
from redwood.simulation.log import Log
from redwood.simulation.scenario import Scenario
from redwood.simulation.users import ClosedUsers

# Of the engine's program: in `Case.folder`, and beside the tables of the run once it has ended.
LOG = "engine.log"


@dataclass(frozen=True)
class Case:
    """One seed of a scenario.

    An engine's `simulate(case)` returns a `Log` in which each job of `run.workload` has attempts in
    order of their ends, or a final state (`Log.attempt`, `Log.final`), and each transfer between
    sites that no attempt accounts for is a `Log.transfer`: all tables and outcomes are made of
    these, whichever engine ran.

    Attributes:
        scenario: its settings.
        run: labels, environment and workload; its log is empty.
        replicas: for each dataset the indices of the sites that hold it when the simulation begins.
        policies: who decides: `policies.site(job, grid)` asks the brokerage, with a `contract.Grid`
            that is the state at that moment.
        seed: of whatever is drawn.
        users: who waits for what; `None` if jobs are submitted as recorded.
        checkpoint: called now and then with the log, the date and the number of jobs that ended.
        folder: for what the engine's program says (`LOG`), reads and writes; there if it is one.
        program: the engine's, `None` if it needs none.
        measured: for what is no result, as it differs from run to run: `memory_bytes`, `seconds`,
            and of a program `program_s`, how long it ran.
    """

    scenario: Scenario
    run: Run
    replicas: list[set[int]]
    policies: Policies
    seed: int
    users: ClosedUsers | None = None
    checkpoint: Callable[[Log, float, int], None] | None = None
    folder: Path | None = None
    program: Program | None = None
    measured: dict[str, float] = field(default_factory=dict)
