"""Jobs per second of the simulation engine, against an actor per job on the same SimGrid.

The reference is the textbook way to write the same simulation with SimGrid's Python bindings: every
job is an actor that sleeps until it is submitted, receives its input, takes a core of its site and
sleeps for its run time. Both run the same jobs on the same platform and must agree on every end.

    python benchmarks/simulation_speed.py [--quick]
"""

import argparse
import json
import multiprocessing
import os
import platform as machine
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.simulation.contract import Job
from redwood.simulation.engine import Engine
from redwood.simulation.platform import Platform, PlatformSite
from redwood.simulation.policies.as_recorded import Policy
from redwood.simulation.workload import Workload

SITES, CORES, POWER = 100, 160, 10.0
LATENCY_S, BANDWIDTH = 0.015, 1.25e9


def scenario(jobs: int) -> tuple[Platform, Workload, list[tuple[int, ...]]]:
    """100 sites of 160 cores, 3,300 jobs at once, inputs of 10 GB on average with one replica."""
    random = np.random.default_rng(1)
    sites = Platform(
        tuple(
            PlatformSite(f"S{index:02d}", 2, CORES, POWER, BANDWIDTH, LATENCY_S, BANDWIDTH)
            for index in range(SITES)
        ),
        {},
    )
    seconds = random.lognormal(np.log(7200) - 0.5, 1.0, jobs)
    submit = np.cumsum(random.exponential(7200 / 3300, jobs))
    size = random.lognormal(np.log(1e10) - 0.5, 1.0, jobs).astype(np.int64) + 1
    where = random.integers(SITES, size=jobs)
    rows = zip(submit.tolist(), seconds.tolist(), size.tolist(), where.tolist(), strict=True)
    listed = [
        Job(row, date, f"S{site:02d}", run_time * POWER, 1, nbytes, row)
        for row, (date, run_time, nbytes, site) in enumerate(rows)
    ]
    replicas = [(int(site),) for site in random.integers(SITES, size=jobs)]
    return sites, Workload(listed, np.full(jobs, "finished", dtype=object), jobs), replicas


def ours(jobs: int) -> tuple[float, np.ndarray]:
    """Seconds taken, and the end of every job."""
    sites, workload, replicas = scenario(jobs)
    begin = time.perf_counter()
    records = Engine(sites, workload, replicas, Policy(), "as_recorded", 1).run()
    return time.perf_counter() - begin, records.end


def actor_per_job(jobs: int) -> tuple[float, np.ndarray]:
    """Seconds taken, and the end of every job."""
    from simgrid import Comm, LinkInRoute, Semaphore, this_actor
    from simgrid import Engine as SimGrid

    sites, workload, replicas = scenario(jobs)
    begin = time.perf_counter()
    flags = ["--log=root.thresh:warning", "--cfg=network/model:CM02"]
    flags += ["--cfg=network/crosstraffic:0", "--cfg=network/TCP-gamma:0"]
    engine = SimGrid(["reference", *flags])
    zone = engine.netzone_root.add_netzone_star("grid")
    hosts, cores = {}, {}
    for site in sites.sites:
        host = zone.add_host(site.name, 1.0)
        storage = zone.add_link(f"{site.name}-storage", site.storage_bandwidth)
        storage.set_latency(0.0)
        storage.seal()
        access = zone.add_split_duplex_link(f"{site.name}-access", site.bandwidth)
        access.set_latency(site.latency)
        access.seal()
        uplink = LinkInRoute(access, LinkInRoute.Direction.UP)
        zone.add_route(host, None, [LinkInRoute(storage), uplink], True)
        host.seal()
        hosts[site.name], cores[site.name] = host, Semaphore(site.cores)
    zone.seal()
    ends = np.empty(jobs)

    def live(job: Job) -> None:
        this_actor.sleep_until(job.submit)
        source = sites.sites[replicas[job.dataset][0]].name
        if source != job.site:
            Comm.sendto(hosts[source], hosts[job.site], job.input_bytes)
        with cores[job.site]:
            this_actor.sleep_for(job.work / POWER)
            ends[job.row] = engine.clock

    for job in workload.jobs:
        hosts[job.site].add_actor(f"job-{job.row}", live, job)
    engine.run()
    return time.perf_counter() - begin, ends


def in_own_process(function, jobs: int) -> tuple[float, np.ndarray]:
    """SimGrid's engine is a singleton: every simulation gets a process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, (jobs,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2,000 jobs instead of 10,000")
    jobs = 2_000 if parser.parse_args().quick else 10_000
    runs = [in_own_process(ours, jobs) for _ in range(3)]
    seconds = min(run[0] for run in runs)
    reference_seconds, reference_ends = in_own_process(actor_per_job, jobs)
    worst = float(np.abs(runs[0][1] - reference_ends).max())
    if worst > 1e-3:
        sys.exit(f"the two simulations disagree: an end differs by {worst:g} s")
    line = {
        "name": "simulation_speed",
        "value": round(jobs / seconds),
        "unit": "jobs/s",
        "reference": {
            "name": "an actor per job, SimGrid's Python bindings, same scenario",
            "value": round(jobs / reference_seconds),
        },
        "ratio": round(reference_seconds / seconds, 1),
        "ratio_is": "how many times as many jobs per second as the reference",
        "jobs": jobs,
        "sites": SITES,
        "largest_difference_of_an_end_s": worst,
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
