"""Jobs per second on a grid that is full: the network without SimGrid against SimGrid.

The scenario: 83 sites of 90 cores, whose links and storage differ by factors of up to 100, as on
the default platform; every .6 s a job, which reads 7 GB on average from one of two replicas and
writes a tenth of it to a Tier-1; `least_loaded`. Slow links are full, and transfers wait for each
other by the thousand. Engine, policy and jobs are the same with both networks. Times are CPU
seconds, without imports and compilation, each simulation in a process of its own. The first jobs
come to an empty grid.

    python benchmarks/full_grid.py [--quick]
"""

import argparse
import json
import multiprocessing
import os
import platform as machine
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.configuration import Settings
from redwood.simulation.asking import Policies
from redwood.simulation.contract import Placement, QueueOrder
from redwood.simulation.engine import Engine
from redwood.simulation.environment import Environment, Site
from redwood.simulation.log import ATTEMPT_COLUMNS
from redwood.simulation.policies.brokerage.least_loaded import Policy
from redwood.simulation.workload import Workload

SITES, TIER1, CORES, POWER = 83, 10, 90, 10.0
EVERY_S, MEAN_S, MEAN_BYTES = 0.6, 3600.0, 7e9


def scenario(jobs: int) -> tuple[Environment, Workload, list[tuple[int, ...]]]:
    """So many jobs, of any number the first ones."""
    random = np.random.default_rng(1)
    wide, disk = 10 ** random.uniform(7.8, 9.8, SITES), 10 ** random.uniform(7.8, 9.8, SITES)
    sites = tuple(
        Site(
            name=f"S{index:02d}", cores=CORES, core_power=POWER, bandwidth=float(wide[index]),
            latency=0.015, read_bandwidth=float(disk[index]), write_bandwidth=float(disk[index]),
            tier=1 if index < TIER1 else 2,
        )
        for index in range(SITES)
    )  # fmt: skip
    gaps, seconds, read = (
        np.random.default_rng(seed).exponential(mean, jobs)
        for seed, mean in ((2, EVERY_S), (3, MEAN_S), (4, MEAN_BYTES))
    )
    submit, read = np.cumsum(gaps), read.astype(np.int64) + 10
    kind = np.random.default_rng(5).integers(50, size=jobs, dtype=np.int32)
    ones, zeros = np.ones(jobs, np.int32), np.zeros(jobs, np.int32)
    workload = Workload(
        row=np.arange(jobs), submit=submit - submit[0], site=zeros, site_names=("S00",),
        work=seconds * POWER, cores=ones, input_bytes=read, output_bytes=read // 10, files=ones,
        dataset=np.arange(jobs, dtype=np.int32), kind=kind,
        kinds=tuple(f"kind {number}" for number in range(50)), owner=zeros,
        state=np.zeros(jobs, np.int8), dataset_bytes=read.astype(float),
    )  # fmt: skip
    replicas = np.random.default_rng(6).integers(SITES, size=(jobs, 2)).tolist()
    return Environment(sites=sites), workload, [tuple(sorted(set(pair))) for pair in replicas]


def simulate(network: str, jobs: int) -> tuple[float, float, np.ndarray]:
    """CPU seconds taken, peak memory in GB, and the end of every job."""
    if network == "fluid":
        # Compile before the clock runs.
        run(network, 10)
    begin = time.process_time()
    ends = run(network, jobs)
    seconds = time.process_time() - begin
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, ends


def run(network: str, jobs: int) -> np.ndarray:
    """The end of every job."""
    environment, workload, replicas = scenario(jobs)
    policies = Policies(Policy(), Placement(), QueueOrder())
    settings = Settings(network=network, outputs="tier1")
    log = Engine(environment, workload, replicas, policies, 1, settings).run()
    ends = np.empty(jobs)
    row, end = (log.attempts()[:, ATTEMPT_COLUMNS.index(name)] for name in ("row", "end"))
    ends[row.astype(int)] = end
    return ends


def measured(network: str, jobs: int) -> tuple[float, float, np.ndarray]:
    """`simulate` in a process of its own, which SimGrid needs."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(simulate, (network, jobs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the jobs")
    shared, few, many = 10_000, 10_000, 400_000
    if parser.parse_args().quick:
        shared, few, many = 2_000, 5_000, 40_000
    seconds, _, ends = measured("fluid", shared)
    simgrid_seconds, _, simgrid_ends = measured("simgrid", shared)
    few_seconds, _, _ = measured("fluid", few)
    many_seconds, peak, _ = measured("fluid", many)
    line = {
        "name": "full grid",
        "value": round(many / many_seconds),
        "unit": f"jobs per CPU second, {many} jobs",
        "reference": {
            "name": f"the same engine with SimGrid 4.1, {shared} jobs",
            "value": round(shared / simgrid_seconds),
            "ours": round(shared / seconds),
        },
        "ratio": round(simgrid_seconds / seconds, 1),
        "ratio_is": "how many times as fast as the reference on the same jobs",
        "largest_difference_of_an_end_s": float(np.abs(ends - simgrid_ends).max()),
        f"jobs_per_cpu_s_of_{few}": round(few / few_seconds),
        "rate_of_the_many_over_that_of_the_few": round(many / many_seconds * few_seconds / few, 2),
        "peak_gb": round(peak, 2),
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
