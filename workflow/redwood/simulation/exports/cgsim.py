"""CGSim's input: sites and connections as JSON, jobs as CSV.

CGSim itself is read by plug-ins in C++ that its users compile: they make the jobs, place them, and
write what happens. What is written here is what the team's own plug-in for studies of data
management reads. It takes a job to cost

    GFLOPS of its site × CPU time × cores   operations, on cores of `speed` operations/s each.

Both are written as 10⁶ × core power × efficiency, so that a job runs at its recorded site as long
as in REDWOOD; CGSim knows no sites on which the same job takes another time.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from redwood.errors import InputError
from redwood.outputs import write_json, writing
from redwood.simulation.case import Case
from redwood.simulation.environment import Environment
from redwood.simulation.event_database import disk_of, file_of, operations_per_s
from redwood.simulation.routes import find_routes, latencies, narrowest
from redwood.simulation.scenario import Scenario
from redwood.simulation.workload import CLOSED

TITLE = "CGSim"
SOURCES = (
    "sites and connections: documentation/docs/computing_grid.md of "
    "https://github.com/REDWOOD24/CGSim, and config/ of "
    "https://github.com/REDWOOD24/Data-Management-Study (Apache-2.0)",
    "columns of the jobs and how their cost is reckoned: plugin/src/workload_manager.cpp of "
    "Data-Management-Study; the first seven are what jobs are, the last three say which files "
    "they read and write",
    "`storage` of a site and `ram` of its CPUs, which CGSim of 2026 asks for besides: "
    "dispatch_plugins/rubin-plugin/README.md of https://github.com/kennywlo/CGSim",
    "a guess: CGSim passes over keys of the other of its versions, so both are written; tried with "
    "no CGSim, whose code has no licence and was not read",
)
SITES, CONNECTIONS, JOBS, CONFIGURATION = (
    "sites.json", "connections.json", "jobs.csv", "config.json",
)  # fmt: skip
COLUMNS = (
    "pandaid", "creationtime", "cpuconsumptiontime", "computingsite", "corecount",
    "inputfilebytes", "outputfilebytes", "ninputdatafiles", "noutputdatafiles", "files_info",
)  # fmt: skip
# What is no limit, bytes/s and bytes; memory of a core, GB, which REDWOOD knows nothing of.
_UNLIMITED, _ROOM, _RAM = 1e15, 10**18, 2


def left_out(scenario: Scenario, environment: Environment) -> list[str]:
    """What CGSim's files have no words for."""
    sites = environment.sites
    said = [
        "policies: they are plug-ins of CGSim, in C++; config.json names none",
        "a job's run time at other sites than the recorded one",
        "links that several pairs of sites share: each pair has its own, as fast as the narrowest "
        "link on its path",
        "a job reads its whole dataset",
        "parts of a second of a job's creation",
        f"memory: {_RAM} GB a core",
    ]
    for there, words in (
        (scenario.failures != "none", "failures and new attempts"),
        (bool(environment.outages) or any(site.outages for site in sites), "outages"),
        (any(site.background for site in sites), "local jobs (background)"),
        (any(site.queue_limit for site in sites), "queue_limit"),
        (scenario.outputs != "site", "outputs: they stay where the job ran"),
        (scenario.users == "closed", "users who wait: jobs come as recorded"),
        (any(not site.cores for site in sites), "sites without cores: they have one core"),
    ):
        if there:
            said.append(words)
    return said


def write(case: Case, folder: Path) -> None:
    """Write `sites.json`, `connections.json`, `jobs.csv` and `config.json`.

    Raises:
        InputError: the name of a site has a colon, which CGSim takes for the end of it.
    """
    environment = case.run.environment
    for site in environment.sites:
        if ":" in site.name:
            raise InputError(
                f"site {site.name!r}: its name has a colon, with which CGSim joins the names of "
                "two sites; rename it"
            )
    write_json(folder / SITES, _sites(case))
    write_json(folder / CONNECTIONS, _connections(environment, case.scenario.tcp_gamma))
    _write_jobs(case, folder / JOBS)
    write_json(
        folder / CONFIGURATION,
        {
            "Grid_Name": case.scenario.workload.name,
            "Sites_Information": SITES,
            "Sites_Connection_Information": CONNECTIONS,
            "Limited_Sites": [],
            # No number of jobs is less than none: the plug-in then reads them from a file.
            "Custom_Parameters": {
                "Num_of_Jobs": "-1",
                "jobs_file": JOBS,
                "output_file": "events.db",
            },
        },
    )


def _sites(case: Case) -> dict[str, Any]:
    files: list[list[list[Any]]] = [[] for _ in case.run.environment.sites]
    for dataset, holders in enumerate(case.replicas):
        if size := int(case.run.workload.dataset_bytes[dataset]):
            for index in sorted(holders):
                files[index].append([file_of(dataset), size])
    return {
        site.name: {
            "storage": f"{(room := int(site.storage_bytes or _ROOM))}B",
            "SITE_PROPERTIES": {
                "GFLOPS": str(operations_per_s(site)),
                "storage_capacity_bytes": str(room),
                "file_count": str(len(files[index])),
            },
            "CPUInfo": [
                {
                    # One host for all cores: CGSim does not end if free cores are spread over many.
                    "units": 1,
                    "speed": float(operations_per_s(site)),
                    "cores": max(site.cores, 1),
                    "ram": (ram := f"{_RAM * max(site.cores, 1)}GB"),
                    "BW_CPU": f"{_UNLIMITED:.0f}Bps",
                    "LAT_CPU": "1ns",
                    "properties": [{"ram": ram}],
                    "disks": [
                        {
                            "name": disk_of(site),
                            "read_bw": f"{site.read_bandwidth or _UNLIMITED:.0f}Bps",
                            "write_bw": f"{site.write_bandwidth or _UNLIMITED:.0f}Bps",
                        }
                    ],
                }
            ],
            "files": files[index],
        }
        for index, site in enumerate(case.run.environment.sites)
    }


def _connections(environment: Environment, tcp_gamma: float) -> dict[str, dict[str, str]]:
    routes = find_routes(environment)
    bandwidth = narrowest(environment, routes, tcp_gamma, reads=False, writes=False)
    latency, names = latencies(routes), [site.name for site in environment.sites]
    return {
        f"{names[i]}:{names[j]}": {
            "bandwidth": f"{min(bandwidth[i][j], _UNLIMITED):.0f}Bps",
            "latency": f"{latency[i][j]:.9g}s",
        }
        for i in range(len(names))
        for j in range(i + 1, len(names))
    }


def _write_jobs(case: Case, path: Path) -> None:
    workload = case.run.workload
    run_times = _run_times(case)
    with writing(path) as partial, open(partial, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for at in np.flatnonzero(workload.state != CLOSED).tolist():
            dataset = int(workload.dataset[at])
            reads, writes = dataset >= 0, int(workload.output_bytes[at]) > 0
            whole = {file_of(dataset): int(workload.dataset_bytes[dataset])} if reads else {}
            writer.writerow(
                (
                    int(workload.row[at]),
                    int(workload.submit[at]),
                    f"{run_times[at]:.6f}",
                    workload.site_names[workload.site[at]],
                    int(workload.cores[at]),
                    int(workload.input_bytes[at]),
                    int(workload.output_bytes[at]),
                    int(reads),
                    int(writes),
                    json.dumps(whole) if reads else "",
                )
            )


def _run_times(case: Case) -> np.ndarray:
    """(n,) how long each job runs at its recorded site, s; at a mean one if that is not known."""
    sites, workload = case.run.environment.sites, case.run.workload
    constants = np.array(
        [(s.core_power * s.efficiency, s.overhead_s, s.core_scaling) for s in sites]
    )
    index = {site.name: number for number, site in enumerate(sites)}
    weights = np.array([site.cores for site in sites], float)
    mean = np.average(constants, axis=0, weights=weights)
    of_name = np.array(
        [constants[index[name]] if name in index else mean for name in workload.site_names]
    )
    speed, overhead, scaling = of_name[workload.site].T
    return overhead + workload.work / (speed * workload.cores**scaling)
