"""Running a scenario, and writing what came of it."""

from pathlib import Path
from typing import Any

from redwood import plugins
from redwood.outputs import write_json
from redwood.simulation.accounts import JOBS, SITES, Run, job_table, site_table, summarise
from redwood.simulation.engine import Engine
from redwood.simulation.placement import place_replicas
from redwood.simulation.platform import Platform
from redwood.simulation.scenario import Scenario
from redwood.simulation.workload import build_workload, read_jobs
from redwood.tables import TableDescription, write_table

_POLICIES = "redwood.simulation.policies"


def run_scenario(scenario: Scenario) -> Run:
    """Simulate. A process can do this once, see `network.Network`.

    Raises:
        InputError: a file, a value in it, or the policy cannot be used.
    """
    policy: Any = plugins.load(_POLICIES, scenario.policy).Policy()
    platform = Platform.load(scenario.platform.path)
    description = TableDescription.load(scenario.table.path)
    jobs = read_jobs(scenario.jobs.path, description)
    workload = build_workload(jobs, description, scenario.load_factor, scenario.seed)
    replicas = place_replicas(platform, workload.datasets, scenario.seed)
    engine = Engine(
        platform, workload, replicas, policy, scenario.policy, scenario.seed, scenario.tcp_gamma
    )
    return Run(scenario, platform, workload, engine.run())


def write_run(run: Run, folder: str | Path) -> None:
    """Write `scenario.json`, `jobs.parquet`, `sites.parquet` and, last, `summary.json`.

    Equal scenarios give equal bytes.
    """
    folder = Path(folder)
    jobs = job_table(run)
    sites = site_table(run, jobs)
    summary = summarise(run, jobs)
    (folder / "summary.json").unlink(missing_ok=True)
    run.scenario.save(folder / "scenario.json")
    write_table(jobs, folder / "jobs.parquet", JOBS)
    write_table(sites, folder / "sites.parquet", SITES)
    write_json(folder / "summary.json", summary)
