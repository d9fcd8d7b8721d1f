"""Small grids and workloads for tests, and running them."""

import numpy as np
import pandas as pd

from redwood import plugins
from redwood.configuration import POLICIES, Settings
from redwood.simulation.accounts import Attempts, Run, flow_table, job_table, summarise
from redwood.simulation.asking import Policies
from redwood.simulation.contract import Placement, QueueOrder
from redwood.simulation.engine import Engine
from redwood.simulation.environment import Environment, Site
from redwood.simulation.watching import Question
from redwood.simulation.workload import RECORDED_STATES, Workload
from redwood.tables import Column

POWER = 10.0
_PACKAGE = "redwood.simulation.policies"
FEATURES = (
    Column("creationtime", "timestamp"),
    Column("computingsite", "categorical"),
    Column("workload", "numeric", "HS23·s", "log"),
)


def recorded_jobs(rows, site="ANALY_BNL_VP"):
    """One job every ten seconds, each of 3,300 HS23·s."""
    seconds = pd.to_timedelta(np.arange(rows) * 10, "s")
    return pd.DataFrame(
        {
            "creationtime": pd.to_datetime("2024-01-01", utc=True) + seconds,
            "computingsite": site,
            "workload": 3300.0,
        }
    )


def environment(*cores, links=(), outages=(), kinds=None, each=None, **common):
    """Sites S0, S1, … of so many cores; `each` has keys for single sites, `common` for all."""
    own = each or {}
    sites = [
        Site(
            name=f"S{index}", cores=number, **{"core_power": POWER, **common, **own.get(index, {})}
        )
        for index, number in enumerate(cores)
    ]
    return Environment(sites=sites, links=links, outages=outages, kind_failure_rates=kinds or {})


def workload(jobs, kinds=("",)):
    """From dicts with submit, seconds (on one core of the usual power) and, if not the default,
    site, cores, size, output, dataset, kind, owner, state."""
    order = sorted(range(len(jobs)), key=lambda row: jobs[row]["submit"])
    jobs = [{**_DEFAULTS, **jobs[row]} for row in order]

    def column(name, kind=np.int64):
        return np.array([job[name] for job in jobs], kind)

    datasets = column("dataset")
    sizes = np.zeros(datasets.max(initial=-1) + 1)
    for job in jobs:
        if job["dataset"] >= 0:
            sizes[job["dataset"]] = max(sizes[job["dataset"]], job["size"])
    cores = column("cores")
    return Workload(
        row=np.array(order),
        submit=column("submit", np.float64),
        site=column("site"),
        site_names=tuple(f"S{index}" for index in range(10)),
        work=column("seconds", np.float64) * POWER * cores,
        cores=cores,
        input_bytes=column("size"),
        output_bytes=column("output"),
        files=np.ones(len(jobs), np.int64),
        dataset=datasets,
        kind=column("kind"),
        kinds=tuple(kinds),
        owner=column("owner"),
        state=np.array([RECORDED_STATES.index(job["state"]) for job in jobs], np.int8),
        dataset_bytes=sizes,
    )


_DEFAULTS = {
    "site": 0, "cores": 1, "size": 0, "output": 0, "dataset": -1, "kind": 0, "owner": 0,
    "state": "finished",
}  # fmt: skip


def policies(brokerage="as_recorded", placement=None, queue=None):
    """By their names, or as they are."""
    if isinstance(brokerage, str):
        brokerage = plugins.load(f"{_PACKAGE}.brokerage", brokerage).Policy()
    if isinstance(placement, str):
        placement = plugins.load(f"{_PACKAGE}.placement", placement).Policy()
    if isinstance(queue, str):
        queue = plugins.load(f"{_PACKAGE}.queueing", queue).Policy()
    return Policies(
        brokerage,
        placement or Placement(),
        queue or QueueOrder(),
        Question(dict.fromkeys(POLICIES, "mine")),
    )


def simulate(
    grid, jobs, brokerage="as_recorded", placement=None, queue=None, replicas=(), seed=1,
    events=False, kinds=("",), interval_s=600.0, **settings,
):  # fmt: skip
    """Run the jobs; the run, its jobs, attempts and summary."""
    load = workload(jobs, kinds)
    chosen = Settings(**settings, events=events)
    engine = Engine(
        grid,
        load,
        [set(sites) for sites in replicas[: len(load.dataset_bytes)]],
        policies(brokerage, placement, queue),
        seed,
        chosen,
    )
    labels = {"workload": "w", "policy": "p", "seed": seed}
    run = Run(labels, grid, load, interval_s, engine.run(), watts_per_core=chosen.watts_per_core)
    attempts = Attempts(run.log.attempts())
    table = job_table(run, attempts)
    return Done(run, table, attempts, flow_table(run, attempts), summarise(run, table, attempts))


class Done:
    """What came of a simulation."""

    def __init__(self, run, jobs, attempts, flows, summary):
        self.run, self.jobs, self.attempts = run, jobs, attempts
        self.flows, self.summary = flows, summary

    def outcome(self, name):
        return self.summary["outcomes"][name]["value"]


def job(submit, seconds, **more):
    return {"submit": submit, "seconds": seconds, **more}
