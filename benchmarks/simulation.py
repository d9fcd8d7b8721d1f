"""Jobs per second of the simulation, against its bare engine and against an actor per job.

The scenario: 100 sites, 3,300 jobs running at once, inputs of 10 GB on average from one replica,
outputs of a tenth of it to a Tier-1, brokerage by two choices in Python, tables of jobs, sites
(every 10 minutes) and flows. The bare engine is the same network with the same transfers and a heap
of job ends, nothing else. The actor per job is the textbook way to write the same transfers and
runs with SimGrid's Python bindings; both date every end alike.

Times are CPU seconds, all of one process and, but for the actors, one thread: machines that are
shared take wall-clock time away, and from either side. The ratio is the median of five pairs.

    python benchmarks/simulation.py [--quick]
"""

import argparse
import gc
import heapq
import json
import multiprocessing
import os
import platform as machine
import resource
import shutil
import statistics
import sys
import time
from math import inf
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.configuration import Settings
from redwood.simulation.accounts import Attempts, Run, flow_table, job_table, site_table
from redwood.simulation.asking import Policies
from redwood.simulation.contract import Placement, QueueOrder
from redwood.simulation.engine import Engine
from redwood.simulation.environment import Environment, Site
from redwood.simulation.network import Network, Transfer
from redwood.simulation.policies.brokerage.power_of_two import Policy
from redwood.simulation.workload import Workload

SITES, TIER1, CORES, POWER = 100, 10, 160, 10.0
LATENCY_S, BANDWIDTH = 0.015, 1.25e9
MONITORING_S = 600.0
_PAIRS = 5
PEERS = ("cg-sim", "dc-sim")


def scenario(
    jobs: int, load: float = 1.0, size: float = 1.0
) -> tuple[Environment, Workload, list[tuple[int]]]:
    """So many jobs; `load` × as many at once and cores; `size` × the bytes."""
    random = np.random.default_rng(1)
    sites = tuple(
        Site(
            name=f"S{index:02d}", cores=round(CORES * load), core_power=POWER,
            bandwidth=BANDWIDTH, latency=LATENCY_S, tier=1 if index < TIER1 else 2,
        )
        for index in range(SITES)
    )  # fmt: skip
    seconds = random.lognormal(np.log(7200) - 0.5, 1.0, jobs)
    submit = np.cumsum(random.exponential(7200 / 3300 / load, jobs))
    read = (random.lognormal(np.log(1e10) - 0.5, 1.0, jobs) * size).astype(np.int64) + 10
    kinds = tuple(f"kind {number}" for number in range(50))
    ones, zeros = np.ones(jobs, np.int32), np.zeros(jobs, np.int32)
    workload = Workload(
        row=np.arange(jobs), submit=submit - submit[0], site=zeros, site_names=("S00",),
        work=seconds * POWER, cores=ones, input_bytes=read, output_bytes=read // 10, files=ones,
        dataset=np.arange(jobs, dtype=np.int32),
        kind=random.integers(50, size=jobs, dtype=np.int32), kinds=kinds, owner=zeros,
        state=np.zeros(jobs, np.int8), dataset_bytes=read.astype(float),
    )  # fmt: skip
    replicas = [(int(site),) for site in random.integers(SITES, size=jobs)]
    return Environment(sites=sites), workload, replicas


def ours(jobs: int, load: float = 1.0, size: float = 1.0) -> tuple[float, float, dict]:
    """CPU seconds taken, peak memory in GB, and what became of each job."""
    environment, workload, replicas = scenario(jobs, load, size)
    begin = time.process_time()
    policies = Policies(Policy(), Placement(), QueueOrder())
    engine = Engine(environment, workload, replicas, policies, 1, Settings(outputs="tier1"))
    run = Run({}, environment, workload, MONITORING_S, engine.run())
    attempts = Attempts(run.log.attempts())
    table = job_table(run, attempts)
    site_table(run, attempts, float(table["end"].max()))
    flow_table(run, attempts)
    seconds = time.process_time() - begin
    if (table["state"] != "finished").any():
        raise SystemExit("a job did not finish")
    chosen = {
        "source": np.array([next(iter(sites)) for sites in replicas]),
        "site": attempts.index("site")[np.argsort(attempts.row)],
        "sink": attempts.index("sink")[np.argsort(attempts.row)],
        "end": table["end"].to_numpy(),
    }
    return seconds, _peak_gb(), chosen


def bare(jobs: int, chosen: dict) -> tuple[float, np.ndarray]:
    """CPU seconds taken, and the end of every job, of the same transfers and runs alone."""
    environment, workload, _ = scenario(jobs)
    source, site, sink = (chosen[name].tolist() for name in ("source", "site", "sink"))
    submit, seconds = workload.submit.tolist(), (workload.work / POWER).tolist()
    read, written = workload.input_bytes.tolist(), workload.output_bytes.tolist()
    begin = time.process_time()
    gc.disable()
    network = Network(environment)
    pending, events, ends = network.pending, [], [0.0] * jobs
    done = next_job = 0

    def arrived(date: float, transfer: Transfer) -> None:
        heapq.heappush(events, (date + seconds[transfer.tag], transfer.tag))

    def stored(date: float, transfer: Transfer) -> None:
        nonlocal done
        ends[transfer.tag] = date
        done += 1

    while done < jobs:
        date = events[0][0] if events else inf
        submits = next_job < jobs and submit[next_job] < date
        date = submit[next_job] if submits else date
        if pending and pending[0][0] <= date:
            until = network.horizon(date)
            ended = network.advance(until)
            for transfer in ended:
                transfer.then(transfer.ended, transfer)
            if ended or until < date:
                continue
        if submits:
            job, next_job = next_job, next_job + 1
            transfer = Transfer(source[job], site[job], read[job], seconds[job], arrived, job)
            if not network.read(date, transfer):
                arrived(date, transfer)
        else:
            _, job = heapq.heappop(events)
            to = sink[job] if sink[job] >= 0 else site[job]
            transfer = Transfer(site[job], to, written[job], inf, stored, job)
            if not network.write(date, transfer):
                stored(date, transfer)
    network.close()
    return time.process_time() - begin, np.array(ends)


def actor_per_job(jobs: int, chosen: dict) -> tuple[float, np.ndarray]:
    """CPU seconds taken, and the end of every job, with an actor for each."""
    from simgrid import Comm, LinkInRoute, this_actor
    from simgrid import Engine as SimGrid

    environment, workload, _ = scenario(jobs)
    begin = time.process_time()
    flags = ["--log=root.thresh:warning", "--cfg=network/model:CM02"]
    flags += ["--cfg=network/crosstraffic:0", "--cfg=network/TCP-gamma:0"]
    engine = SimGrid(["reference", *flags])
    zone = engine.netzone_root.add_netzone_star("grid")
    hosts = []
    for site in environment.sites:
        host = zone.add_host(site.name, 1.0)
        access = zone.add_split_duplex_link(f"{site.name}-access", site.bandwidth)
        access.set_latency(0.0)
        access.seal()
        uplink = LinkInRoute(access, LinkInRoute.Direction.UP)
        zone.add_route(host, None, [uplink], True)
        host.seal()
        hosts.append(host)
    zone.seal()
    ends = np.empty(jobs)

    def live(row: int, submit: float, seconds: float, read: int, written: int) -> None:
        source, site, sink = (int(chosen[name][row]) for name in ("source", "site", "sink"))
        this_actor.sleep_until(submit)
        if source != site:
            Comm.sendto(hosts[source], hosts[site], read)
            this_actor.sleep_for(2 * LATENCY_S)
        this_actor.sleep_for(seconds)
        if sink >= 0:
            Comm.sendto(hosts[site], hosts[sink], written)
            this_actor.sleep_for(2 * LATENCY_S)
        ends[row] = engine.clock

    columns = zip(
        range(jobs), workload.submit.tolist(), (workload.work / POWER).tolist(),
        workload.input_bytes.tolist(), workload.output_bytes.tolist(), strict=True,
    )  # fmt: skip
    for row, *job in columns:
        hosts[int(chosen["site"][row])].add_actor(f"job-{row}", live, row, *job)
    engine.run()
    return time.process_time() - begin, ends


def in_own_process(function, *arguments):
    """SimGrid's engine is a singleton: every simulation gets a process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _agree(name: str, ends: np.ndarray, chosen: dict) -> float:
    worst = float(np.abs(ends - chosen["end"]).max())
    if worst > 1.0:
        sys.exit(f"the simulation and {name} disagree: an end differs by {worst:g} s")
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the jobs, none of 2e6")
    quick = parser.parse_args().quick
    jobs, few = (10_000, 1_000) if quick else (100_000, 10_000)
    runs, bares = [], []
    for _ in range(_PAIRS):
        runs.append(in_own_process(ours, jobs))
        bares.append(in_own_process(bare, jobs, runs[-1][2]))
    seconds, bare_seconds = (statistics.median(run[0] for run in r) for r in (runs, bares))
    ratio = statistics.median(b[0] / a[0] for a, b in zip(runs, bares, strict=True))
    small = in_own_process(ours, few)
    actors = in_own_process(actor_per_job, few, small[2])
    line = {
        "name": "simulation",
        "value": round(jobs / seconds),
        "unit": "jobs per CPU second",
        "reference": {
            "name": "the bare engine: same transfers, no policy, no monitoring, no outcomes",
            "value": round(jobs / bare_seconds),
        },
        "ratio": round(ratio, 2),
        "ratio_is": "our jobs per CPU second over the reference's, median of pairs",
        "jobs": jobs,
        "largest_difference_of_an_end_s": _agree("the bare engine", bares[0][1], runs[0][2]),
        "actor_per_job": {
            "jobs": few,
            "jobs_per_cpu_s": round(few / actors[0]),
            "ours_jobs_per_cpu_s": round(few / small[0]),
            "times_as_fast": round(actors[0] / small[0], 1),
            "largest_difference_of_an_end_s": _agree("an actor per job", actors[1], small[2]),
        },
    }
    for name, load, size in (("ten_times_the_load", 10, 1), ("ten_times_the_bytes", 1, 10)):
        taken, _, _ = in_own_process(ours, jobs, load, size)
        line[name] = {"jobs_per_cpu_s": round(jobs / taken)}
    if not quick:
        taken, peak, _ = in_own_process(ours, 2_000_000)
        line["two_million_jobs"] = {
            "jobs_per_cpu_s": round(2_000_000 / taken),
            "cpu_seconds": round(taken, 1),
            "over_the_rate_of_1e5": round(2_000_000 / taken / (jobs / seconds), 2),
            "peak_gb": round(peak, 2),
        }
    there = [peer for peer in PEERS if shutil.which(peer)]
    if there:
        line["not_run"] = f"{', '.join(there)}: benchmarks/engine_speed.py runs what can be run"
    line["machine"] = (
        f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}"
    )
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
