"""WRENCH (https://wrench-project.org), a framework of simulators on SimGrid: what it is here.

A site is a bare-metal compute service and a storage service. A job is a chain of compound jobs, one
each to read, to compute and to write: REST tells when jobs end but not when actions do, so that
only so each phase is seen as it ends, and the brokerage sees at each submission what WRENCH has
reported until then. `driving.py` has the life of a job, `platform.py` the grid.
"""

from redwood.programs import Program
from redwood.simulation.case import Case
from redwood.simulation.environment import Environment
from redwood.simulation.log import Log
from redwood.simulation.scenario import Scenario

TITLE = "WRENCH"
LICENCE = "LGPL-3.0"
WHERE = (
    "get WRENCH 2.8 with its wrench-daemon from https://github.com/wrench-project/wrench, which "
    "needs SimGrid 4.1 and its file system module"
)
EXECUTABLE = "wrench-daemon"
ASKS_POLICIES = True
VERSIONS = ("2.8", "2.9")
# Options that it needs, by which its help tells that it is new enough.
OPTIONS = ("--port", "--simulation-port", "--num-commports", "--sleep-us")


def version(program: Program) -> str | None:
    """`None`: the daemon has no option that says it, and its REST interface does not tell."""


def left_out(scenario: Scenario, environment: Environment) -> list[str]:
    """What of a scenario WRENCH's REST interface cannot express, or this adapter does not."""
    sites = environment.sites
    placement, queue = scenario.policies.placement, scenario.policies.queue
    found = {
        "outages are left out: REST has no way to switch a host or a link off": (
            bool(environment.outages) or any(site.outages for site in sites)
        ),
        "local jobs (background) are left out": any(
            site.background is not None and site.background.load > 0 for site in sites
        ),
        "failures of transfers are left out: REST cannot end one": any(
            site.transfer_failure_rate for site in sites
        ),
        f"placement {placement!r} is left out: replicas stay where they are": placement != "none",
        f"queue {queue!r} is left out: jobs start in the order in which their input has come": (
            queue != "fifo"
        ),
        "users: closed is left out: jobs are submitted as recorded": scenario.users == "closed",
        "events: there are none": scenario.events,
        "storage_bytes are left out: storage is never short of room": any(
            site.storage_bytes is not None for site in sites
        ),
        "a job passes those before it in its site's queue that need more cores than are free": any(
            site.cores > 1 for site in sites
        ),
        "transfers_per_link and transfers_per_site are left out": bool(
            scenario.transfers_per_link or scenario.transfers_per_site
        ),
    }
    return [f"{TITLE}: {what}" for what, left in found.items() if left]


def simulate(case: Case) -> Log:
    """Run one seed.

    Raises:
        InputError: the daemon is of another version, or has failed; with the end of its log.
    """
    from redwood.simulation.engines.wrench.daemon import serving
    from redwood.simulation.engines.wrench.driving import Driver
    from redwood.simulation.engines.wrench.platform import platform_xml

    with serving(case, platform_xml(case.run.environment, case.scenario.tcp_gamma)) as daemon:
        return Driver(case, daemon).run()
